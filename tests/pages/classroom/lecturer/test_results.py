"""What is kept of a class: the table, the summary page and the change between rounds, against perfcore."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from pages.classroom.answers import read_answer
from pages.classroom.lecturer.change import change_between, comparable_rounds, repeated_rounds
from pages.classroom.lecturer.class_snapshots import add_snapshots
from pages.classroom.lecturer.results_csv import COLUMNS, results_csv
from pages.classroom.lecturer.summary_page import summary_html
from pages.classroom.lecturer.task_builder import case_task, quiz_task
from pages.classroom.room import Room
from pages.session.snapshots import MAX_SNAPSHOTS, SnapshotStore
from pages.ui.escape import spreadsheet_text
from perfcore.errors import InputDataError
from perfcore.settings import Settings
from perfcore.teaching.class_statistics import PUBLISHED
from tests import ROOT
from tests.pages.classroom.lecturer.conftest import class_curves, drawn
from tests.support.class_server import task_case
from tests.support.html_page import check_page

MADE = datetime(2026, 11, 28, tzinfo=UTC)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@SUM(A1)", "'@SUM(A1)"), (" =1", "' =1"),
        ("\t=1", "'\t=1"), ("＝1", "'＝1"), ("Quiet Owl", "Quiet Owl"), ("a=1", "a=1"), ("", ""),
    ],
)  # fmt: skip
def test_text_that_a_spreadsheet_would_compute_gets_an_apostrophe(text: str, safe: str) -> None:
    assert spreadsheet_text(text) == safe


def test_the_table_has_a_row_for_each_answer_with_the_numbers_of_perfcore(room: Room) -> None:
    case, curves = task_case().case, class_curves(2)
    people = [room.join("=HYPERLINK(1)"), room.join("Quiet Owl")]
    drawn(room, people, curves)
    artery = room.open(case_task("artery", task_case()))
    voxel = [int(v) for v in case.offered.get("straka").voxels[0]]
    room.answer(people[1], artery.number, read_answer(artery.task, 3, {"voxels": [voxel]}))
    quiz = room.open(quiz_task(), repeats=None)
    room.answer(people[0], quiz.number, read_answer(quiz.task, 1, {"values": [1, 3, 0, 0, 0]}))
    rows = rows_of(results_csv(room, with_names=True))
    assert [(row["round"], row["task"], row["participant"]) for row in rows] == [
        ("1", "curve", "1"), ("1", "curve", "2"), ("2", "artery", "2"), ("3", "quiz", "1"),
    ]  # fmt: skip
    assert [row["name"] for row in rows] == ["'=HYPERLINK(1)", "Quiet Owl", "Quiet Owl", "'=HYPERLINK(1)"]
    for row, curve in zip(rows[:2], curves, strict=True):
        numbers = case.numbers(case.volume_flow(curve, Settings()), Settings())
        for name in ("core_ml", "hypoperfused_ml", "mismatch_ml", "dice"):
            # Answers are computed on the temporal basis; its error moves a few voxels over a threshold.
            assert float(row[name]) == pytest.approx(numbers[name], rel=2e-3, abs=10 * case.prepared.voxel_ml)
        np.testing.assert_allclose(json.loads(row["curve"]), curve, rtol=1e-5, atol=1e-6)
        assert float(row["dt_s"]) == case.prepared.dt_s
    assert json.loads(rows[2]["voxels"]) == [voxel]
    assert rows[2]["seq"] == "3"
    assert json.loads(rows[3]["right"]) == [True, True, True, False, False]
    # No cell is a formula in a spreadsheet.
    for row in csv.reader(io.StringIO(results_csv(room, with_names=True))):
        assert not any(cell[:1] in tuple("=+@\t\r") for cell in row)
        assert not any(cell.startswith("-") and not cell[1:].replace(".", "").isdigit() for cell in row)


def test_names_that_are_hidden_or_not_wanted_are_nowhere(room: Room) -> None:
    people = [room.join("Ada Visible"), room.join("Bob Hidden")]
    room.hide_name(people[1].number)
    drawn(room, people, class_curves(2))
    with_names = results_csv(room, with_names=True), summary_html(room, with_names=True, made=MADE)
    without = results_csv(room, with_names=False), summary_html(room, with_names=False, made=MADE)
    assert all("Ada Visible" in text and "Bob Hidden" not in text for text in with_names)
    assert not any("Ada Visible" in text or "Bob Hidden" in text for text in without)
    room.set_names_hidden(True)
    assert "Ada Visible" not in results_csv(room, with_names=True)
    assert "Ada Visible" not in summary_html(room, with_names=True, made=MADE)


def test_every_column_is_in_the_documentation() -> None:
    text = (ROOT / "docs" / "class.md").read_text(encoding="utf-8")
    assert [name for name, meaning in COLUMNS.items() if f"| `{name}` | {meaning} |" not in text] == []


def test_a_change_is_over_those_who_answered_both_rounds(room: Room) -> None:
    people = [room.join() for _ in range(4)]
    first = room.open(quiz_task())
    for person, values in zip(people[:3], ([1, 0, 0, 0, 0], [0, 3, 0, 0, 0], [1, 3, 0, 2, 1]), strict=True):
        room.answer(person, 1, read_answer(first.task, 1, {"values": values}))
    second = room.repeat(1)
    for person in people[1:]:
        room.answer(person, 2, read_answer(second.task, 1, {"values": [1, 3, 0, 2, 1]}))
    (pair,) = repeated_rounds(room)
    change = change_between(*pair)
    assert (change.before, change.after, change.n) == (1, 2, 2)
    assert [(item.n_before, item.n_after) for item in change.items] == [(1, 2), (2, 2), (2, 2), (1, 2), (1, 2)]
    assert comparable_rounds(room, second) == [first]
    assert comparable_rounds(room, first) == []


def test_spreads_before_and_after_are_those_of_the_same_people(room: Room) -> None:
    people, curves = [room.join() for _ in range(3)], class_curves(3)
    task = drawn(room, people, curves).task
    drawn(room, people[1:], [curves[0], curves[0]], task)
    first, second = room.rounds
    change = change_between(first, second)
    before, after = change.spreads["core_ml"]
    cores = [first.answers[person.number][0].numbers["core_ml"] for person in people[1:]]
    assert before.mean == pytest.approx(np.mean(np.array(cores, float)))
    assert after.sd == 0
    # The same case with curves can be compared; questions and curves cannot.
    quiz = room.open(quiz_task())
    assert comparable_rounds(room, quiz) == []


def test_the_summary_is_one_page_without_scripts_and_escapes_what_others_typed(room: Room) -> None:
    people = [room.join("<script>alert(1)"), room.join("Quiet Owl"), room.join()]
    task = drawn(room, people, class_curves(3)).task
    drawn(room, people, [class_curves(1)[0]] * 3, task, repeats=1)
    room.open(quiz_task())
    for person in people:
        room.answer(person, 3, read_answer(room.round(3).task, 1, {"values": [1, 3, 0, 2, 1]}))
    page = check_page(summary_html(room, with_names=True, made=MADE))
    text = " ".join(page.text)
    assert page.tags["svg"] == 2 * 2 + 5  # curves and cores of two rounds, and the questions
    assert "<script>alert(1)" in text
    assert "default-src 'none'" in summary_html(room, with_names=True, made=MADE)
    for one in PUBLISHED:
        assert f"{100 * one.cv:.0f} %" in text
        assert one.doi in text
    for label in ("True AIF", "Target mismatch", "Before and after", "round"):
        assert label in text
    assert "not for clinical use" in text


def test_curves_become_snapshots_by_name_or_median_and_extremes(room: Room) -> None:
    people = [room.join("Ada"), room.join("Bob"), room.join("Eve")]
    room.hide_name(people[1].number)
    curves = class_curves(3)
    one = drawn(room, people, curves)
    shelf = SnapshotStore()
    assert add_snapshots(room, one, shelf).startswith("All 3 curves of round 1")
    assert [kept.name for kept in shelf] == ["Ada, round 1", "No. 2, round 1", "Eve, round 1"]
    for kept, curve in zip(shelf, curves, strict=True):
        assert kept.view.curve is not None
        np.testing.assert_array_equal(kept.view.curve, curve.astype(np.float32))
        case = task_case().case
        numbers = case.numbers(case.volume_flow(kept.view.curve, Settings()), Settings())
        assert kept.numbers["core_ml"] == numbers["core_ml"]
    many = [room.join() for _ in range(MAX_SNAPSHOTS)]
    again = room.open(one.task)
    answer = one.answers[people[0].number][0]
    for i, person in enumerate(many):
        room.answer(person, again.number, replace(answer, numbers={"core_ml": float(10 + i)}))
    assert "smallest, the median and the largest" in add_snapshots(room, again, shelf)
    assert [kept.name.split(":")[0] for kept in shelf][3:] == [
        "Class, smallest core", "Class, median core", "Class, largest core",
    ]  # fmt: skip
    assert [many[i].name in kept.name for i, kept in zip((0, 9, 19), list(shelf)[3:], strict=True)] == [True] * 3
    while len(shelf) < MAX_SNAPSHOTS:
        kept = next(iter(shelf))
        shelf.add("", kept.title, kept.view, kept.numbers, kept.made)
    with pytest.raises(InputDataError, match="delete some"):
        add_snapshots(room, again, shelf)
