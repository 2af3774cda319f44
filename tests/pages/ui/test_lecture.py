from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import segno
from streamlit.testing.v1 import AppTest

from pages.classroom.join_link import join_link
from pages.classroom.room import Room
from pages.session.state import UserState
from pages.teaching import lesson_session
from pages.teaching.lessons import LESSONS
from pages.teaching.progress import STEPS, Attempt
from pages.ui import lecture
from tests import ROOT
from tests.support.user_session import APP_TIMEOUT_S, user_of


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch) -> UserState:
    """The state of a user without a browser."""
    one = UserState()
    for module in (lecture, lesson_session):
        monkeypatch.setattr(module, "user_state", lambda: one)
    monkeypatch.setattr(lesson_session, "live_session", lambda: SimpleNamespace(workspace=None))
    return one


def press(monkeypatch: pytest.MonkeyPatch, **sent: Any) -> None:
    """Let the bar have sent values."""
    monkeypatch.setattr(lecture, "st", SimpleNamespace(session_state={"app_bar": sent}))


def styles(app: AppTest) -> str:
    return "".join(one.proto.body for one in app.get("html"))


def test_lecture_mode_hides_the_sidebar_but_where_a_task_needs_it() -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=APP_TIMEOUT_S).run()
    state = user_of(app)

    def hidden() -> tuple[bool, bool]:
        sheet = styles(app)
        assert not app.exception
        return "font-size: clamp" in sheet, 'section[data-testid="stSidebar"], [' in sheet

    assert hidden() == (False, False)
    state.lecture.is_on = True
    app.run()
    assert hidden() == (True, True)
    app.switch_page("pages/lessons.py").run()
    app.button(key="open_delay").click().run()
    assert hidden() == (True, True)
    state.lesson.step = "try"  # the remote goes on without a prediction
    app.run()
    assert hidden() == (True, False)
    state.lesson.step = "see"
    app.run()
    assert hidden() == (True, True)
    assert not state.lesson.progress.attempts
    assert not any("Right." in one.value for one in [*app.success, *app.warning])
    state.lecture.is_on = False
    app.run()
    assert not app.button(key="step_why").disabled, "a lecture has shown what follows the prediction"
    app.button(key="to_list").click().run()
    app.button(key="open_vein").click().run()
    assert app.button(key="step_why").disabled, "outside a lecture the prediction comes first"


def test_turns_lead_from_the_list_through_every_step_to_the_challenge_and_back(
    user: UserState, monkeypatch: pytest.MonkeyPatch
) -> None:
    user.lecture.is_on = True
    path = [(None, ""), *((name, step) for name in LESSONS for step in STEPS), ("challenge", "")]
    for by, way in ((1, path), (-1, path[::-1])):
        press(monkeypatch, turn=by)
        found = []
        for _ in way:
            found.append((user.lesson.selected, user.lesson.step))
            lesson_session.turn()
        assert found == way
        assert (user.lesson.selected, user.lesson.step) == way[-1], "the ends stay"


def test_a_turn_outside_lecture_mode_stays_within_what_is_open(
    user: UserState, monkeypatch: pytest.MonkeyPatch
) -> None:
    user.lesson.selected = "vein"
    user.lesson.step = "why"
    assert lesson_session.current_step() == "predict"
    user.lesson.progress.attempts["vein"] = Attempt(0)
    assert lesson_session.current_step() == "why"
    for sent in (None, 0, 2, "1", [1]):
        press(monkeypatch, turn=sent)
        lesson_session.turn()
    assert (user.lesson.selected, user.lesson.step) == ("vein", "why")


@pytest.mark.parametrize(
    ("sent", "is_on", "scale"), [(1.3, True, 1.3), (9, True, 2.4), (0, False, 1.0), ("x", False, 1.0)]
)
def test_the_switch_takes_the_size_of_type(
    user: UserState, monkeypatch: pytest.MonkeyPatch, sent: object, is_on: bool, scale: float
) -> None:
    press(monkeypatch, lecture=sent)
    lecture._switch()
    assert (user.lecture.is_on, user.lecture.scale) == (is_on, scale)


@pytest.mark.parametrize(
    "link",
    ["javascript:alert(1)", "", "lab.example.org", "https://a.org/\n", "https://a.org/?x=" + "a" * 2000, None],
)
def test_another_text_than_a_link_has_no_code(
    user: UserState, monkeypatch: pytest.MonkeyPatch, link: object
) -> None:
    press(monkeypatch, link=link)
    lecture._read_link()
    assert user.lecture.link == ""


def test_the_code_is_of_the_link_and_says_where_a_phone_cannot_open_it(user: UserState) -> None:
    local = "http://localhost:8501/lessons?lesson=vein"
    message = lecture._code(local)
    assert message is not None
    assert message["link"] == message["of"] == local
    assert "Phones cannot reach this address" in message["problem"]
    matrix = segno.make_qr(local, error="m", boost_error=False).matrix
    assert message["rows"] == ["".join(str(int(one)) for one in row) for row in matrix]
    assert lecture._code("https://lab.example.org/aif/?case=a")["problem"] == ""  # type: ignore[index]


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("http://localhost:8501/lessons?lesson=vein", "http://192.168.1.20:8501/aif/lessons?lesson=vein"),
        ("http://localhost:8501/", "http://192.168.1.20:8501/aif/"),
    ],
)
def test_the_address_typed_for_a_class_stands_in_the_code(user: UserState, page: str, expected: str) -> None:
    room = Room("ABC234")
    room.public_address = "http://192.168.1.20:8501/aif"
    user.classroom.opened = room
    message = lecture._code(page)
    assert message is not None
    assert (message["of"], message["link"], message["problem"]) == (page, expected, "")


@pytest.mark.parametrize("public", ["", "http://192.168.1.20:8501/aif"])
def test_the_code_on_the_page_of_a_class_joins_its_room(user: UserState, public: str) -> None:
    room = Room("ABC234")
    room.public_address = public
    user.classroom.opened = room
    message = lecture._code("https://lab.example.org/aif/class")
    assert message is not None
    assert message["link"] == join_link(room, "https://lab.example.org/aif")
    assert message["link"].startswith(f"{public or 'https://lab.example.org/aif'}/join?room=ABC234#")
