"""Lessons: every claim holds on its case, and every figure in a text is computed."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from pages.library.catalog import demonstrations, open_case
from pages.session.state import STATE_KEY, UserState
from pages.teaching.challenge import SUBMITTED
from pages.teaching.lesson import FORMATTER, ChoiceQuestion, Lesson, SliderQuestion, fill
from pages.teaching.lesson_results import LessonResults
from pages.teaching.lessons import LESSONS
from pages.teaching.progress import STEPS
from perfcore.teaching.challenge import true_voxels
from tests import ROOT
from tests.support.user_session import live_of, new_user, user_of


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def results_of(lesson: Lesson) -> LessonResults:
    entry = {e.key: e for e in demonstrations()}[lesson.case]
    return LessonResults(lesson, open_case(entry, lesson.own_settings))


@pytest.fixture(params=LESSONS.values(), ids=LESSONS)
def lesson(request: pytest.FixtureRequest) -> Lesson:
    return request.param


def test_every_claim_of_a_lesson_holds(lesson: Lesson) -> None:
    results = results_of(lesson)
    assert len(lesson.claims) >= 4
    assert [claim.sentence for claim in lesson.claims if not claim.holds(results)] == []


def test_every_placeholder_is_filled(lesson: Lesson) -> None:
    results = results_of(lesson)
    for text in lesson.texts:
        filled = fill(text, results)
        assert "{" not in filled
        assert "nan" not in filled
        assert "None" not in filled
    used = {
        re.split(r"[.\[]", name)[0]
        for text in (lesson.outcome, lesson.why)
        for _, name, _, _ in FORMATTER.parse(text)
        if name
    }
    assert len(used) >= 2  # the outcome and its reason have computed figures


def test_the_answer_of_a_question_is_within_its_slider(lesson: Lesson) -> None:
    results, question = results_of(lesson), lesson.question
    if isinstance(question, SliderQuestion):
        true = question.answer(results)
        assert question.low <= true <= question.high
        assert question.is_right(round(true / question.step) * question.step, results)
        # A guess is wrong more often than right, and the slider does not open on the answer.
        assert 2 * question.tolerance < 0.3 * (question.high - question.low)
        assert not question.is_right(question.low, results)
    else:
        assert isinstance(question, ChoiceQuestion)
        rights = [question.is_right(i, results) for i in range(len(question.options))]
        assert rights.count(True) == 1
        assert len(rights) >= 3


def test_quantities_and_charts_are_computed(lesson: Lesson) -> None:
    results = results_of(lesson)
    for quantity in lesson.quantities:
        values = [quantity.read(results[name]) for name in quantity.experiments]
        assert np.isfinite(values).all()
        assert len(values) >= 2
    assert set(lesson.charted) <= set(lesson.experiments)


def test_a_claim_can_fail() -> None:
    """The predicates look at the results: other results make them false."""
    amplitude = LESSONS["amplitude"]
    results = dict(results_of(amplitude).items())
    false = type("R", (), {**results, "factor": 1.0, "volume": 1.0})
    assert [claim.holds(false) for claim in amplitude.claims][:2] == [False, False]


# On the page


def run(user: UserState | None = None) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    if user is not None:
        app.session_state[STATE_KEY] = user
    app.run()
    app.switch_page("pages/lessons.py").run()
    assert not app.exception
    return app


def press(app: AppTest, key: str) -> None:
    app.button(key=key).click().run()
    assert not app.exception
    assert not app.error


def words(app: AppTest) -> str:
    return "\n".join(m.value for m in app.markdown)


def component(app: AppTest) -> list[object]:
    return [one for one in app.get("bidi_component") if one.proto.component_name.endswith("aif_lab")]


def test_each_lesson_can_be_completed_on_the_page(lesson: Lesson) -> None:
    app = run()
    press(app, f"open_{lesson.id}")
    assert live_of(app).workspace.case.name == lesson.case
    assert live_of(app).workspace.settings == lesson.own_settings
    # The question comes first: nothing of the outcome is there, nor a way to it.
    assert all(app.button(key=f"step_{step}").disabled for step in list(STEPS)[1:])
    results = results_of(lesson)
    assert fill(lesson.outcome, results).strip() not in words(app)
    assert not component(app)
    question = lesson.question
    if isinstance(question, SliderQuestion):
        true = question.answer(results)
        given = min(max(round(true / question.step) * question.step, question.low), question.high)
        app.slider(key=f"answer_{lesson.id}").set_value(float(given)).run()
    else:
        app.radio(key=f"answer_{lesson.id}").set_value(question.answer(results)).run()
    press(app, "record")
    assert len(component(app)) == 1
    start = live_of(app).workspace.start
    assert lesson.title in start.label
    np.testing.assert_array_equal(start.value, live_of(app).workspace.case.sources["truth"].value)
    press(app, "step_see")
    assert fill(lesson.outcome, results).strip() in words(app)
    assert app.success[0].value == "Right."
    assert len(app.get("plotly_chart")) == len(lesson.quantities)
    press(app, "step_why")
    assert fill(lesson.why, results).strip() in words(app)
    assert len(app.get("plotly_chart")) >= 2
    press(app, "step_read")
    for paper in lesson.reading:
        assert f"]({paper.link})" in words(app)
    press(app, "to_list")
    assert f"**1** of {len(LESSONS)} done" in words(app)
    assert "**1** predicted right" in words(app)


def test_a_wrong_prediction_is_kept_and_shown() -> None:
    app = run()
    press(app, "open_amplitude")
    app.slider(key="answer_amplitude").set_value(0.5).run()
    press(app, "record")
    press(app, "step_see")
    assert {m.label: m.value for m in app.metric} == {"You predicted": "0.5 ×", "Computed": "2.00 ×"}
    assert not app.success
    press(app, "step_predict")
    assert not app.slider or all(s.key != "answer_amplitude" for s in app.slider)  # it cannot be mended afterwards
    press(app, "to_list")
    assert "**0** predicted right" in words(app)


def test_leaving_a_lesson_restores_case_settings_and_curve() -> None:
    app = run(new_user(case="demo-small-core"))
    app.slider(key="set_lambda_rel").set_value(0.2).run()
    before = live_of(app).workspace
    press(app, "open_delay")
    app.selectbox(key="set_deconvolution").set_value("causal").run()
    app.radio(key="answer_delay").set_value(0).run()
    press(app, "record")
    mine = live_of(app).workspace
    assert mine.case.name == "demo-m1-occlusion"
    assert mine.settings.deconvolution == "causal"
    app.switch_page("pages/lab.py").run()
    now = live_of(app).workspace
    assert (now.case.name, now.settings, now.start) == (before.case.name, before.settings, before.start)
    app.switch_page("pages/lessons.py").run()  # and the lesson goes on where it was
    assert live_of(app).workspace.case.name == "demo-m1-occlusion"
    assert len(component(app)) == 1


def test_a_link_opens_a_lesson() -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.query_params["lesson"] = "vein"
    app.run()
    app.switch_page("pages/lessons.py")
    app.query_params["lesson"] = "vein"
    app.run()
    assert not app.exception
    assert "A vein in place of an artery" in app.subheader[0].value


def test_an_unknown_lesson_in_a_link_is_the_list() -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.run()
    app.switch_page("pages/lessons.py")
    app.query_params["lesson"] = "../../etc/passwd"
    app.run()
    assert not app.exception
    assert app.subheader[0].value == "Lessons"


def test_the_challenge_hides_the_truth_until_the_submission() -> None:
    app = run()
    press(app, "open_challenge")
    app.number_input(key="challenge_number").set_value(7).run()
    press(app, "draw")
    now = live_of(app).workspace
    assert now.case.name == "challenge-7"
    assert now.start.source_id == "tissue"
    assert "truth" not in now.case.offered.methods
    assert now.case.lesion is None
    assert now.case.prepared.lesion is None
    hidden = user_of(app).lesson.challenge.case
    picked = true_voxels(hidden, now.case.prepared)[:4]
    live_of(app).keep_curve(now.curve_key, hidden.truth.value)
    live_of(app).keep_picked(now.curve_key, picked)
    press(app, "submit")
    metrics = {m.label: m.value for m in app.metric}
    assert metrics["Your score"] == metrics["True AIF"]
    assert any("100 × the mean of four parts" in c.value for c in app.main.caption), "the formula"
    now = live_of(app).workspace
    assert now.start.source_id == "truth", "the true artery is on the map"
    assert set(picked) <= set(now.start.voxels)
    assert now.case.hypoperfused is not None
    yours = user_of(app).aif.own_of("challenge-7")[SUBMITTED]
    assert (yours.label, yours.voxels) == ("Yours", picked)
    np.testing.assert_array_equal(now.case.sources["truth"].value, hidden.truth.value)
    assert now.case.prepared.lesion.sum() == hidden.core[now.case.prepared.mask].sum()
    scores = user_of(app).lesson.challenge.scores
    assert scores[SUBMITTED].points > scores["straka"].points
    assert scores["cnn-weighting"].artery > 0 and scores["vein"].artery == 0
    press(app, "to_list")
    assert f"best score **{scores[SUBMITTED].points:.0f}**" in words(app)
    assert all(not entry.key.startswith("challenge-") for entry in user_of(app).uploads.entries)
    press(app, "open_challenge")  # the score is still there
    assert {m.label: m.value for m in app.metric} == metrics


def test_a_chosen_network_alone_has_no_part_for_the_artery() -> None:
    app = run()
    press(app, "open_challenge")
    app.number_input(key="challenge_number").set_value(7).run()
    press(app, "draw")
    user_of(app).aif.methods["challenge-7"] = "cnn-weighting"
    app.run()
    assert live_of(app).workspace.start.source_id == "cnn-weighting"
    press(app, "submit")
    scores = user_of(app).lesson.challenge.scores
    mine, network = scores[SUBMITTED], scores["cnn-weighting"]
    assert (mine.artery, mine.core_dice) == (0, network.core_dice)
    assert mine.points < 75


def test_a_curve_that_cannot_be_scored_leaves_the_challenge_open() -> None:
    app = run()
    press(app, "open_challenge")
    app.number_input(key="challenge_number").set_value(7).run()
    press(app, "draw")
    now = live_of(app).workspace
    live_of(app).keep_curve(now.curve_key, np.zeros(now.case.prepared.n_time))
    app.button(key="submit").click().run()
    assert not app.exception
    assert app.error[0].value.startswith("This curve cannot be scored: ")
    assert user_of(app).lesson.challenge.scores is None
