"""Lessons: every claim holds on its case, and every figure in a text is computed."""

from __future__ import annotations

import re

import numpy as np
from streamlit.testing.v1 import AppTest

from pages.session.state import STATE_KEY, UserState
from pages.teaching.bars import OWN_LABEL
from pages.teaching.challenge import SUBMITTED
from pages.teaching.lesson import FORMATTER, ChoiceQuestion, Lesson, SliderQuestion, fill
from pages.teaching.lessons import LESSONS
from pages.teaching.progress import STEPS
from perfcore.aif.edits import CurveEdit, edit_curve
from perfcore.map_info import MAPS
from perfcore.metric_info import LIVE
from perfcore.teaching.challenge import true_voxels
from tests import ROOT
from tests.support.lesson_case import results_of
from tests.support.user_session import APP_TIMEOUT_S, live_of, new_user, user_of


def test_every_claim_of_a_lesson_holds(lesson: Lesson) -> None:
    results = results_of(lesson)
    assert len(lesson.claims) >= 4
    assert [claim.sentence for claim in lesson.claims if not claim.holds(results)] == []


def test_no_name_of_a_lesson_is_hidden_by_an_attribute(lesson: Lesson) -> None:
    assert not set(dir(results_of(lesson))) & {*lesson.experiments, *lesson.numbers}


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
        # Every wrong answer is answered by its own sentence.
        assert question.too_low and question.too_high and question.too_low != question.too_high
        assert question.mistake(true - question.tolerance - question.step, results) == question.too_low
        assert question.mistake(true + question.tolerance + question.step, results) == question.too_high
        low, high = question.accepted(results)
        assert question.is_right(low, results) and question.is_right(high, results)
        outside = [one for one in (low - question.step, high + question.step) if 0 <= one <= question.high]
        assert not any(question.is_right(one, results) for one in outside)
    else:
        assert isinstance(question, ChoiceQuestion)
        rights = [question.is_right(i, results) for i in range(len(question.options))]
        assert rights.count(True) == 1
        assert len(rights) >= 3
        assert len(question.mistakes) == len(question.options)
        wrong = [question.mistake(i, results) for i, right in enumerate(rights) if not right]
        assert all(wrong) and len(set(wrong)) == len(wrong)
        assert question.mistakes[rights.index(True)] == ""


def test_quantities_and_charts_are_computed(lesson: Lesson) -> None:
    results = results_of(lesson)
    for quantity in lesson.quantities:
        values = [quantity.read(results[name]) for name in quantity.experiments]
        assert np.isfinite(values).all()
        assert len(values) >= 2
        if quantity.takes_attempt:
            assert np.isfinite(quantity.read(results.volume_result(lesson.picture.before)))
    assert any(quantity.takes_attempt for quantity in lesson.quantities)
    assert set(lesson.charted) <= set(lesson.experiments)


def test_a_lesson_watches_a_metric_of_the_lab_on_maps_of_the_lab(lesson: Lesson) -> None:
    assert lesson.view.watch in LIVE
    assert set(lesson.view.maps) <= set(MAPS)
    assert len(set(lesson.view.maps)) == 2
    assert lesson.picture.map in lesson.view.maps


def test_the_solution_changes_the_curve_or_the_settings(lesson: Lesson) -> None:
    results = results_of(lesson)
    start = results.live_case.sources[lesson.start].value
    solved = results[lesson.solution].curve
    assert solved.shape == start.shape
    assert not np.array_equal(solved, start) or results.settings_of(lesson.solution) != lesson.own_settings


def test_a_figure_below_zero_has_a_minus_sign() -> None:
    assert fill("{shift:.1f} s, {part:+.0%}", {"shift": -2.04, "part": -0.5}) == "−2.0\u00a0s, −50\u00a0%"


def test_a_share_is_asked_and_charted_in_one_unit() -> None:
    for name in ("vein", "width"):
        lesson = LESSONS[name]
        results, quantity = results_of(lesson), lesson.quantities[0]
        assert lesson.question.unit == "%" and "%" in quantity.label
        charted = [quantity.read(results[one]) for one in quantity.experiments]
        assert lesson.question.answer(results) in charted


def test_a_claim_can_fail() -> None:
    """The predicates look at the results: other results make them false."""
    amplitude = LESSONS["amplitude"]
    results = dict(results_of(amplitude).items())
    false = type("R", (), {**results, "factor": 1.0, "volume": 1.0})
    assert [claim.holds(false) for claim in amplitude.claims][:2] == [False, False]


# On the page


def run(user: UserState | None = None) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=APP_TIMEOUT_S)
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
        assert app.button(key="record").disabled  # the place where a slider begins is no prediction
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
    assert app.success[0].value.startswith("Right.")
    assert sum('class="bars"' in one.proto.body for one in app.get("html")) == len(lesson.quantities)
    press(app, "step_why")
    assert fill(lesson.why, results).strip() in words(app)
    assert len(app.get("plotly_chart")) >= 2
    press(app, "step_read")
    for claim in lesson.claims:
        assert claim.sentence[1:] in words(app)
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
    assert {m.label: m.value for m in app.metric} == {"You predicted": "0.5\u00a0×", "Computed": "2.00\u00a0×"}
    assert not app.success
    lesson = LESSONS["amplitude"]
    assert fill(lesson.question.too_low, results_of(lesson)) in app.warning[0].value
    assert app.warning[0].value.endswith(" Accepted: 1.9 to 2.1\u00a0×.")
    press(app, "step_predict")
    assert not app.slider or all(s.key != "answer_amplitude" for s in app.slider)  # it cannot be mended afterwards
    press(app, "to_list")
    assert "**0** predicted right" in words(app)


def solved(app: AppTest) -> Lesson:
    """Record a prediction in the selected lesson, and have its task carried out."""
    lesson = LESSONS[user_of(app).lesson.selected]
    if isinstance(lesson.question, SliderQuestion):
        app.slider(key=f"answer_{lesson.id}").set_value(lesson.question.high).run()
    else:
        app.radio(key=f"answer_{lesson.id}").set_value(0).run()
    press(app, "record")
    press(app, "solve")
    return lesson


def test_the_task_is_carried_out_and_taken_back(lesson: Lesson) -> None:
    app = run()
    press(app, f"open_{lesson.id}")
    solved(app)
    results, now, linked = results_of(lesson), live_of(app).workspace, user_of(app).linked
    assert now.settings == results.settings_of(lesson.solution)
    assert linked.view.case == now.case.name
    np.testing.assert_array_equal(linked.view.curve, results[lesson.solution].curve)
    if linked.morph:  # by these handles the browser can go on from there
        made = edit_curve(now.start.value, now.case.prepared.dt_s, CurveEdit(**linked.morph))
        np.testing.assert_array_equal(made, linked.view.curve)
    press(app, "take_back")
    assert live_of(app).workspace.settings == lesson.own_settings
    assert user_of(app).linked.view.curve is None


def own_bars(app: AppTest) -> list[list[float]]:
    """Return the numbers at the bars of the user's own attempt, by chart."""
    charts = [one.proto.body for one in app.get("html") if 'class="bars"' in one.proto.body]
    row = re.compile(rf">{OWN_LABEL}</th>.*?>([−\d.]+)</span>")
    return [[float(number.replace("−", "-")) for number in row.findall(chart)] for chart in charts]


def test_an_own_attempt_is_computed_and_charted() -> None:
    app = run()
    press(app, "open_tail")
    app.radio(key="answer_tail").set_value(0).run()
    press(app, "record")
    press(app, "step_see")
    assert own_bars(app) == [[], [], []]  # nothing was touched
    press(app, "step_try")
    now = live_of(app).workspace
    curve = edit_curve(now.start.value, now.case.prepared.dt_s, CurveEdit(amplitude=1.3, tail=0.4))
    live_of(app).keep_curve(now.curve_key, curve)
    press(app, "step_see")
    flow = now.case.volume_flow(curve, now.settings)
    area = float(curve.sum()) * now.case.prepared.dt_s
    cbv = now.case.voxel_values(area, flow, now.settings).cbv.numpy()[now.case.reference.numpy()].mean()
    numbers = now.case.numbers(flow, now.settings)
    expected = [[cbv], [numbers["reference_cbf"]], [numbers["core_ml"]]]
    np.testing.assert_allclose(own_bars(app), expected, rtol=5e-3)  # three digits are shown


def test_do_it_for_me_leaves_the_own_attempt_as_it_was() -> None:
    app = run()
    press(app, "open_tail")
    lesson = LESSONS["tail"]
    app.radio(key="answer_tail").set_value(0).run()
    press(app, "record")
    now = live_of(app).workspace
    curve = edit_curve(now.start.value, now.case.prepared.dt_s, CurveEdit(amplitude=1.3, tail=0.4))
    live_of(app).keep_curve(now.curve_key, curve)
    app.slider(key="set_lambda_rel").set_value(0.1).run()
    mine = live_of(app).workspace.settings
    press(app, "step_see")
    expected = own_bars(app)
    press(app, "step_try")
    press(app, "solve")
    assert live_of(app).workspace.settings != mine
    solution = results_of(lesson)[lesson.solution].curve  # as the browser answers when it has applied it
    live_of(app).keep_curve(now.curve_key, solution.astype(np.float32).astype(np.float64))
    press(app, "step_see")
    assert own_bars(app) == expected
    live_of(app).keep_curve(now.curve_key, 1.1 * solution)  # edited further: an attempt of one's own
    press(app, "step_try")
    press(app, "step_see")
    assert own_bars(app) != expected
    assert all(own_bars(app))
    press(app, "step_try")
    press(app, "take_back")
    assert live_of(app).workspace.settings == mine
    np.testing.assert_array_equal(user_of(app).linked.view.curve, curve)


def test_the_solution_alone_is_no_attempt() -> None:
    app = run()
    press(app, "open_tail")
    solved(app)
    lesson, now = LESSONS["tail"], live_of(app).workspace
    live_of(app).keep_curve(now.curve_key, results_of(lesson)[lesson.solution].curve)
    press(app, "step_see")
    assert own_bars(app) == [[], [], []]


def test_an_attempt_with_other_settings_alone_is_charted() -> None:
    app = run()
    press(app, "open_lambda")
    app.slider(key="answer_lambda").set_value(0.5).run()
    press(app, "record")
    app.slider(key="set_lambda_rel").set_value(0.1).run()
    press(app, "step_see")
    now = live_of(app).workspace
    assert now.settings.lam == 0.1
    expected = now.case.numbers(now.case.volume_flow(now.start.value, now.settings), now.settings)["core_ml"]
    np.testing.assert_allclose(own_bars(app)[-1], [expected], rtol=5e-3)


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
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=APP_TIMEOUT_S)
    app.query_params["lesson"] = "vein"
    app.run()
    app.switch_page("pages/lessons.py")
    app.query_params["lesson"] = "vein"
    app.run()
    assert not app.exception
    assert "A vein in place of an artery" in app.subheader[0].value


def test_an_unknown_lesson_in_a_link_is_the_list() -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=APP_TIMEOUT_S)
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
    assert now.case.flags(now.start, now.settings), "the mean tissue curve has flags"
    assert not app.main.warning and not [c for c in app.main.caption if c.value.startswith("⚠")], "not shown"
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
    assert "100 × the mean of four parts" in app.metric[0].proto.help, "the formula"
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
