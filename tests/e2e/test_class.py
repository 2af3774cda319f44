"""A class in real browsers: the lecturer leads, participants answer by browser and by protocol, and the table of
the class agrees with the library.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from pages.classroom.lecturer.quiz import QUIZ
from perfcore.settings import Settings
from perfcore.teaching.class_statistics import spread_of
from perfcore.types import DoubleArray
from tests.e2e.test_accessibility import GROUND, violations
from tests.pages.classroom.lecturer.conftest import class_curves
from tests.support.app_server import drawn, eventually, isolated_page
from tests.support.class_client import ClassClient, opened
from tests.support.class_server import task_case

pytestmark = pytest.mark.browser

N_CLIENTS = 20
N_PHONES = 3
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
RIGHT = [question.right for question in QUIZ]


class Lecturer:
    """The page Class in the lecturer's browser."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        page.goto(f"{address}/class")
        self.button("open").click()
        self.code = re.sub(r"\s", "", page.get_by_test_id("class-code").inner_text())

    def button(self, name: str) -> Locator:
        """A button by its key; with a help text Streamlit renders it twice."""
        return self.page.locator(f".st-key-class_{name} button").first

    def start(self, kind: str) -> None:
        """Choose a kind of task by its label, and open it."""
        choice = self.page.locator(".st-key-class_kind").get_by_role("radio", name=kind)
        choice.click()
        expect(choice).to_be_checked()
        drawn(self.page)
        self.button("start").click()

    def answered(self, text: str) -> None:
        """Wait until as many have answered."""
        metric = self.page.get_by_test_id("stMetric").filter(has_text="Answered")
        expect(metric.get_by_test_id("stMetricValue")).to_have_text(text)

    def table(self, path: Path) -> list[dict[str, str]]:
        """Download the table of answers."""
        self.page.get_by_role("tab", name="Results").click()
        with self.page.expect_download() as download:
            self.page.locator(".st-key-class_csv_results button").first.click()
        download.value.save_as(path)
        return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


class Client:
    """A participant by the protocol alone."""

    def __init__(self, client: ClassClient, code: str, name: str) -> None:
        self.client, self.sequence = client, 0
        client.send("join", code=code, name=name)
        client.read("joined")

    def task(self, kind: str, *, number: int) -> dict[str, Any]:
        """Wait for a round of a kind."""
        while True:
            task = self.client.state()["task"]
            if task is not None and task["round"] == number:
                assert task["kind"] == kind
                return dict(task)

    def answer(self, number: int, **value: Any) -> dict[str, Any]:
        """Answer, and wait until the server has kept it."""
        self.sequence += 1
        self.client.send("answer", round=number, seq=self.sequence, value=value)
        return self.client.read("answered")


@pytest.fixture
def lecturer(chromium: Browser, address: str) -> Iterator[Lecturer]:
    with isolated_page(chromium, accept_downloads=True) as page:
        yield Lecturer(page, address)


def join_on_phone(page: Page, address: str, code: str, name: str) -> None:
    page.goto(f"{address}/join?room={code}")
    page.get_by_role("textbox", name="Pseudonym").fill(name)
    page.get_by_role("button", name="Join", exact=True).click()


def answer_questions(page: Page, places: list[int]) -> None:
    """Choose an option of each question and send."""
    questions = page.locator("fieldset.question")
    expect(questions).to_have_count(len(places))
    for i, place in enumerate(places):
        questions.nth(i).locator("label.option").nth(place).click()
    send = page.get_by_role("button", name=re.compile("^Send"))
    if send.count():
        send.first.click()


@dataclass
class Class:
    """A lecturer with a projector, participants in browsers and participants by the protocol."""

    lecturer: Lecturer
    projector: Page
    phones: list[Page]
    clients: list[Client]

    @property
    def n(self) -> int:
        return len(self.phones) + len(self.clients)

    def expect_answers(self, n: int) -> None:
        self.lecturer.answered(f"{n} of {self.n}")


@pytest.fixture
def group(chromium: Browser, address: str, lecturer: Lecturer) -> Iterator[Class]:
    link = lecturer.page.get_by_role("link", name="Open the projector").get_attribute("href")
    assert link is not None
    assert "?" not in link  # the token is in the fragment alone
    with ExitStack() as stack:
        projector = stack.enter_context(isolated_page(chromium))
        projector.goto(link)
        expect(projector.get_by_test_id("code")).to_have_text(re.compile(lecturer.code[:3]))
        phones = [stack.enter_context(isolated_page(chromium, **PHONE)) for _ in range(N_PHONES)]
        for i, phone in enumerate(phones):
            join_on_phone(phone, address, lecturer.code, f"Phone {i}")
        expect(projector.get_by_test_id("joined")).to_contain_text(str(N_PHONES))
        clients = [
            Client(stack.enter_context(opened(address)), lecturer.code, f"=Client {i}") for i in range(N_CLIENTS)
        ]
        expect(projector.get_by_test_id("joined")).to_contain_text(str(N_PHONES + N_CLIENTS))
        yield Class(lecturer, projector, phones, clients)


def test_a_class_clicks_draws_answers_again_and_is_exported(group: Class, tmp_path: Path) -> None:
    curves = class_curves(N_CLIENTS)
    ask_before(group)
    click_the_artery(group)
    draw_and_reveal(group, curves)
    draw_again_and_ask_after(group)
    check_table(group.lecturer.table(tmp_path / "class.csv"), curves, group.n)
    check_change(group.lecturer.page)
    take_into_the_lab(group.lecturer.page)


def ask_before(group: Class) -> None:
    """Five questions: the clients choose the first options, the people at the phones know."""
    group.lecturer.start("Five questions")
    for client in group.clients:
        assert "right" not in json.dumps(client.task("quiz", number=1))
        client.answer(1, values=[0] * 5)
    for phone in group.phones:
        answer_questions(phone, RIGHT)
    group.expect_answers(group.n)


def click_the_artery(group: Class) -> None:
    group.lecturer.start("Click the artery")
    voxels = task_case().case.offered.get("straka").voxels
    for i, client in enumerate(group.clients):
        client.task("artery", number=2)
        client.answer(2, voxels=[list(voxels[i % len(voxels)])])
    group.expect_answers(N_CLIENTS)


def draw_and_reveal(group: Class, curves: list[DoubleArray]) -> None:
    group.lecturer.start("Draw the AIF")
    for client, curve in zip(group.clients, curves, strict=True):
        client.task("curve", number=3)
        client.answer(3, curve=curve.tolist())
    draw_on(group.phones[0])
    group.expect_answers(N_CLIENTS + 1)
    group.lecturer.button("reveal").click()
    summary = None
    while summary is None:
        summary = group.clients[0].client.state()["summary"]
    assert summary["n"] == N_CLIENTS + 1
    expect(group.phones[1].get_by_test_id("reveal")).to_be_visible()
    expect(group.projector.get_by_test_id("curves")).to_be_visible()


def draw_again_and_ask_after(group: Class) -> None:
    """A second round of the curve, where all draw the true AIF, and the five questions again."""
    group.lecturer.button("again").click()
    truth = task_case().case.sources["truth"].value
    for client in group.clients:
        client.task("curve", number=4)
        client.answer(4, curve=truth.tolist())
    group.expect_answers(N_CLIENTS)
    group.lecturer.start("Five questions")
    for client in group.clients:
        client.task("quiz", number=5)
        client.answer(5, values=RIGHT)
    group.expect_answers(N_CLIENTS)


def check_change(page: Page) -> None:
    """The share of right answers before and after, of those who answered both times: the clients."""
    table = page.get_by_role("table").filter(has_text="Round 1 → 5, who answered both")
    for question in QUIZ:
        before = N_CLIENTS if question.right == 0 else 0
        row = table.get_by_role("row").filter(has_text=question.text)
        expect(row).to_contain_text(f"{100 * before // N_CLIENTS} % right ({before})")
        expect(row).to_contain_text(f"100 % right ({N_CLIENTS})")


def take_into_the_lab(page: Page) -> None:
    """Snapshots of the last curves, and their distribution: all are the true AIF."""
    page.locator(".st-key-class_snapshots button").first.click()
    expect(page.get_by_text(f"All {N_CLIENTS} curves of round 4")).to_be_visible()
    page.get_by_role("link", name="Lab", exact=True).click()
    page.locator('[data-tab="uncertainty"]').click()
    page.locator('[data-control="uncertainty-way"]').select_option("class")
    page.get_by_role("button", name=f"{N_CLIENTS} curves").click()
    page.wait_for_selector(f'[data-testid="lab"][data-draws="{N_CLIENTS}"]')
    case = task_case().case
    truth = case.numbers(case.volume_flow(case.sources["truth"].value, Settings()), Settings())["core_ml"]
    out = page.locator('[data-out="uncertainty"]')
    expect(out).to_contain_text("curves of the class")
    (median,) = re.findall(r"core ([\d.]+) ml", out.inner_text())
    # The distribution is computed on the temporal basis, and shown with one digit.
    assert float(median) == pytest.approx(truth, abs=0.15)
    expect(page.locator('[data-snapshot]:not([data-snapshot="now"])')).to_have_count(N_CLIENTS)


def draw_on(phone: Page) -> None:
    """Lift a point of the start curve by the mouse of a small screen."""
    editor = phone.get_by_test_id("aif-editor")
    expect(editor.locator("[data-point]").first).to_be_attached()
    boxes: list[Any] = []

    def measure() -> None:
        boxes.append(editor.bounding_box())
        assert boxes[-1] is not None

    eventually(measure)
    box = boxes[-1]
    x, y = box["x"] + 0.45 * box["width"], box["y"] + 0.5 * box["height"]
    phone.mouse.move(x, y)
    phone.mouse.down()
    phone.mouse.move(x, y - 30, steps=4)
    phone.mouse.up()


def check_table(rows: list[dict[str, str]], curves: list[DoubleArray], n: int) -> None:
    """Compare the table of answers with the library, and its rows with what was answered."""
    case = task_case().case
    by_round = {number: [row for row in rows if row["round"] == str(number)] for number in range(1, 6)}
    assert [len(found) for found in by_round.values()] == [n, N_CLIENTS, N_CLIENTS + 1, N_CLIENTS, N_CLIENTS]
    assert {row["name"] for row in rows} == {""}  # pseudonyms are written only when they are asked for
    assert {row["repeats"] for row in by_round[4]} == {"3"}
    assert {row["repeats"] for row in by_round[5]} == {"1"}
    drawn_rows = sorted(by_round[3], key=lambda row: int(row["participant"]))[-N_CLIENTS:]
    found = []
    for row, curve in zip(drawn_rows, curves, strict=True):
        numbers = case.numbers(case.volume_flow(curve, Settings()), Settings())
        for name in ("core_ml", "hypoperfused_ml"):
            # Answers are computed on the temporal basis; its error moves a few voxels over a threshold.
            assert float(row[name]) == pytest.approx(numbers[name], rel=2e-3, abs=10 * case.prepared.voxel_ml)
        np.testing.assert_allclose(json.loads(row["curve"]), curve, rtol=1e-5, atol=1e-5)
        found.append(float(row["core_ml"]))
    assert spread_of(found).sd > 0
    assert spread_of([float(row["core_ml"]) for row in by_round[4]]).sd == 0
    voxels = case.offered.get("straka").voxels
    first = min(by_round[2], key=lambda row: int(row["participant"]))
    assert json.loads(first["voxels"]) == [list(voxels[0])]


def test_a_reload_finds_the_room_again_and_another_tab_does_not(
    chromium: Browser, address: str, lecturer: Lecturer
) -> None:
    # A component keeps the room's token once the page with the code is drawn.
    lecturer.page.wait_for_function("() => sessionStorage.getItem('class|host')")
    lecturer.page.reload()
    expect(lecturer.page.get_by_test_id("class-code")).to_have_text(re.compile(lecturer.code[:3]))
    with isolated_page(chromium) as other:
        other.goto(f"{address}/class")
        expect(other.locator(".st-key-class_open button")).to_be_visible()
    lecturer.page.get_by_role("button", name="End the class").click()
    lecturer.button("end").click()
    expect(lecturer.button("open")).to_be_visible()
    lecturer.page.wait_for_function("() => !sessionStorage.getItem('class|host')")
    lecturer.page.reload()
    expect(lecturer.button("open")).to_be_visible()


def test_the_page_has_no_serious_violation(lecturer: Lecturer) -> None:
    page = lecturer.page
    lecturer.start("Draw the AIF")
    expect(lecturer.button("reveal")).to_be_visible()
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.wait_for_function(
            "(colour) => getComputedStyle(document.querySelector('.stApp')).backgroundColor === colour",
            arg=GROUND[theme],
        )
        drawn(page)
        assert not violations(page), theme
