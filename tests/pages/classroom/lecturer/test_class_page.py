"""The page Class: a room is opened, led, shown again after a reload and ended."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from pages.classroom.answers import read_answer
from pages.classroom.codes import display_code
from pages.classroom.lecturer.task_builder import TISSUE
from pages.classroom.registry import ROOMS
from pages.classroom.room import Room
from pages.classroom.tasks import Task
from tests.pages.classroom.lecturer.conftest import class_curves
from tests.pages.test_pages import run
from tests.support.user_session import user_of


def press(app: AppTest, key: str) -> None:
    app.button(key=key).click().run()
    assert not app.exception
    assert not app.error


@pytest.fixture
def app() -> Iterator[AppTest]:
    one = run("pages/class_page.py")
    press(one, "class_open")
    yield one
    user_of(one).classroom.end()


def room_of(app: AppTest) -> Room:
    room = user_of(app).classroom.room
    assert room is not None
    return room


def answer_all(room: Room, values: list[dict[str, object]]) -> None:
    assert room.current is not None
    for person, value in zip(room.participants, values, strict=True):
        room.answer(person, room.current.number, read_answer(room.current.task, 1, value))


def words(app: AppTest) -> str:
    return "\n".join([m.value for m in app.markdown] + [m.value for m in app.caption])


def test_an_open_room_shows_code_and_link_and_gives_the_token_in_fragments_alone(app: AppTest) -> None:
    room = room_of(app)
    assert room is ROOMS.find(room.code)
    shown = "".join(html.proto.body for html in app.get("html"))
    assert display_code(room.code) in shown
    assert "data:image/svg+xml" in shown
    assert room.host_token not in shown
    (link,) = [one.proto.url for one in app.get("link_button")]
    assert link == f"http://localhost:8501/projector#host={room.host_token}&room={room.code}"
    (frame,) = app.get("iframe")
    assert frame.proto.src == link


def test_a_task_is_opened_answered_revealed_repeated_and_closed(app: AppTest) -> None:
    room = room_of(app)
    app.segmented_control(key="class_kind").set_value("curve").run()
    assert app.selectbox(key="class_start_curve").value == TISSUE
    press(app, "class_start")
    one = room.current
    assert one is not None
    assert (one.task.kind, one.phase) == ("curve", "open")
    of = one.task.case
    assert of is not None
    # A drag is visible: the start has the height of the case's own AIF, and the shape of the tissue.
    assert of.start.peak == pytest.approx(next(iter(of.case.sources.values())).peak)
    for _ in range(4):
        room.join()
    answer_all(room, [{"curve": curve.tolist()} for curve in class_curves(4)])
    app.run()
    assert app.metric[1].value == "4 of 4"
    assert "4" in words(app)
    press(app, "class_reveal")
    assert room.is_revealed
    press(app, "class_pause")
    assert one.phase == "paused"
    press(app, "class_again")
    assert room.current is not one
    assert room.current.repeats == room.compare == one.number
    assert one.phase == "closed"
    assert not room.is_revealed
    app.toggle(key="class_freeze").set_value(True).run()
    app.toggle(key="class_names").set_value(True).run()
    assert room.is_frozen
    assert room.are_names_hidden
    app.selectbox(key="class_compare").set_value(None).run()
    assert room.compare is None
    press(app, "class_close")
    assert room.current.phase == "closed"


def test_five_questions_asked_again_are_a_second_round_of_the_first(app: AppTest) -> None:
    room = room_of(app)
    app.segmented_control(key="class_kind").set_value("quiz").run()
    press(app, "class_start")
    for _ in range(3):
        room.join()
    answer_all(room, [{"values": [1, 0, 0, 0, 0]}, {"values": [1, 3, 0, 2, 1]}, {"values": [0, 0, 1, 0, 0]}])
    app.segmented_control(key="class_kind").set_value("paint").run()
    press(app, "class_start")
    app.segmented_control(key="class_kind").set_value("quiz").run()
    press(app, "class_start")
    assert room.current is not None
    assert room.current.repeats == 1
    answer_all(room, [{"values": [1, 3, 0, 2, 1]}] * 3)
    app.run()
    assert "67 % right (2) | 100 % right (3)" in words(app)


def lesson_task_of(app: AppTest, lesson: str) -> Task:
    """Put a lesson's question to the room; returns the task."""
    app.segmented_control(key="class_kind").set_value("predict").run()
    app.selectbox(key="class_lesson").set_value(lesson).run()
    press(app, "class_start")
    one = room_of(app).current
    assert one is not None
    return one.task


def test_a_lessons_question_is_put_to_the_room_with_its_computed_answer(app: AppTest) -> None:
    task = lesson_task_of(app, "amplitude")
    assert task.lesson == "amplitude"
    (item,) = task.items
    assert item.right == pytest.approx(2.0, abs=1e-3)
    assert "**" not in task.text


def test_a_lessons_question_is_one_line_whose_units_stay_with_their_numbers(app: AppTest) -> None:
    text = lesson_task_of(app, "lambda").text
    assert "MTT of about 4\u00a0s, threatened tissue 8\u00a0s" in text
    assert "\n" not in text


def test_a_participant_is_chosen_by_number_hidden_and_removed(app: AppTest) -> None:
    room = room_of(app)
    first, second = room.join("Ada"), room.join("=Bob")
    app.run()
    app.selectbox(key="class_person").set_value(second.number).run()
    room.leave(first)  # another row than before; the choice stays the same person
    press(app, "class_hide")
    assert second.is_name_hidden
    press(app, "class_remove")
    assert room.participants == []


def test_a_wrong_address_is_refused_and_a_right_one_is_in_the_link(app: AppTest) -> None:
    room = room_of(app)
    app.text_input(key="class_address").set_value("not an address").run()
    assert any("not valid" in error.value for error in app.error)
    app.text_input(key="class_address").set_value("192.168.1.20:8501/").run()
    assert not app.error
    assert room.public_address == "http://192.168.1.20:8501"
    assert "192.168.1.20:8501/join" in "".join(html.proto.body for html in app.get("html"))


def test_the_token_brings_a_room_back_in_another_session_and_ending_it_forgets_it(app: AppTest) -> None:
    room = room_of(app)
    again = run("pages/class_page.py")
    state = user_of(again).classroom
    assert state.room is None
    assert not state.recall("guess")
    assert state.recall(room.host_token)
    again.run()
    assert room_of(again) is room
    participant = room.join()
    assert not user_of(run("pages/class_page.py")).classroom.recall(participant.token)
    press(again, "class_end")
    assert room.is_ended
    app.run()
    assert not app.exception
    assert app.button(key="class_open")


def test_too_many_rooms_are_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.classroom.registry.MAX_ROOMS", 0)
    one = run("pages/class_page.py")
    one.button(key="class_open").click().run()
    assert [error.value for error in one.error] == [
        "This server holds 0 classes at once; end one, or try again later."
    ]
