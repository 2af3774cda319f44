"""Lessons led in a class, and the class's curves in the Lab."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.classroom.answers import read_answer
from pages.classroom.lecturer.lesson_room import middle_answer
from pages.classroom.room import Room
from pages.teaching.lessons import LESSONS
from tests.pages.classroom.lecturer.conftest import class_curves, drawn
from tests.pages.test_pages import config, run
from tests.support.class_server import task_case
from tests.support.user_session import live_of, new_user, user_of


def press(app: AppTest, key: str) -> None:
    app.button(key=key).click().run()
    assert not app.exception
    assert not app.error


@pytest.fixture
def app() -> Iterator[AppTest]:
    user = new_user()
    user.classroom.open()
    user.lesson.selected = "amplitude"
    yield run("pages/lessons.py", user)
    user.classroom.end()


def room_of(app: AppTest) -> Room:
    room = user_of(app).classroom.room
    assert room is not None
    return room


def test_a_lesson_asks_the_class_goes_on_with_its_median_and_reveals(app: AppTest) -> None:
    room = room_of(app)
    people = [room.join() for _ in range(3)]
    press(app, "ask_class")
    one = room.current
    assert one is not None
    assert (one.task.kind, one.task.lesson) == ("predict", "amplitude")
    assert app.button(key="class_go_on").disabled
    for person, value in zip(people, (0.5, 2.0, 1.0), strict=True):
        room.answer(person, one.number, read_answer(one.task, 1, {"values": [value]}))
    app.run()
    assert any("**3 of 3** have answered" in m.value for m in app.markdown)
    press(app, "class_go_on")
    assert one.phase == "closed"
    assert not room.is_revealed
    attempt = user_of(app).lesson.progress.attempts["amplitude"]
    assert (attempt.answer, attempt.n_class) == (1.0, 3)
    press(app, "class_try")
    tried = room.current
    assert tried is not None
    assert (tried.task.kind, tried.task.lesson) == ("curve", "amplitude")
    assert tried.task.case is not None
    assert tried.task.case.start.voxels == ()
    press(app, "step_see")
    charts = [chart.proto.alt for chart in app.get("plotly_chart")] if app.get("plotly_chart") else []
    assert len(charts) == 1
    assert not room.is_revealed  # another round runs: it is not revealed by the lesson


def test_seeing_the_outcome_reveals_the_predictions_while_their_round_is_the_current_one(app: AppTest) -> None:
    room = room_of(app)
    person = room.join()
    press(app, "ask_class")
    room.answer(person, 1, read_answer(room.round(1).task, 1, {"values": [2.0]}))
    app.run()
    press(app, "class_go_on")
    press(app, "step_see")
    assert room.is_revealed


def test_the_class_predicts_by_its_median_or_its_most_frequent_option() -> None:
    assert middle_answer(LESSONS["amplitude"], [0.5, 1.0, 2.0, 2.0]) == 1.5
    assert middle_answer(LESSONS["delay"], [3, 1, 1, 0]) == 1
    assert middle_answer(LESSONS["delay"], [3, 3, 1, 1]) == 1


def test_without_a_room_a_lesson_has_no_class_button() -> None:
    user = new_user()
    user.lesson.selected = "amplitude"
    alone = run("pages/lessons.py", user)
    assert not [button for button in alone.button if button.key == "ask_class"]


def test_the_lab_offers_the_curves_that_the_class_gave_for_the_open_case() -> None:
    user = new_user()
    room = user.classroom.open()
    lab = run(user=user)
    assert config(lab)["classCurves"] == 0
    people, curves = [room.join() for _ in range(3)], class_curves(3)
    drawn(room, people[:2], curves[:2])
    lab.run()
    assert config(lab)["classCurves"] == 0  # two curves make no distribution
    drawn(room, people, curves)
    lab.run()
    assert config(lab)["classCurves"] == 3
    np.testing.assert_array_equal(live_of(lab).class_curves(task_case().case), np.stack(curves))
    lab.selectbox(key="picked_case").set_value("demo-distal-aif").run()
    assert config(lab)["classCurves"] == 0  # curves of another case
    user.classroom.end()
    lab.selectbox(key="picked_case").set_value("demo-m1-occlusion").run()
    assert config(lab)["classCurves"] == 0
