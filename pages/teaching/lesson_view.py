"""View of a lesson with its steps: predict, try, see, why, read on."""

from __future__ import annotations

from functools import partial
from typing import Final

import streamlit as st

from pages.classroom.lecturer import lesson_room
from pages.library.catalog import open_case
from pages.live.live_page import show_live_component
from pages.session import case_selection, widget_keys
from pages.session.state import user_state
from pages.teaching import lesson_session
from pages.teaching.lesson import Lesson, SliderQuestion, fill
from pages.teaching.lesson_results import LessonResults
from pages.teaching.lessons import LESSONS
from pages.teaching.progress import FIRST_STEP, STEPS, Attempt
from pages.ui.lecture import is_lecturing
from perfcore.errors import PerfcoreError


def show(lesson: Lesson) -> None:
    """Draw the current step of a lesson."""
    state = user_state().lesson
    attempt = state.progress.attempts.get(lesson.id)
    step = lesson_session.current_step()
    if not is_lecturing():  # else the bar has title and steps
        _head(lesson, step, locked=attempt is None)
    try:
        results = _results(lesson)
        if step == FIRST_STEP:
            _predict(lesson, results, attempt)
        else:
            if attempt is not None:  # None: a lecture has gone on without a prediction
                attempt.seen.add(step)
            _DRAWN[step](lesson, results, attempt)
    except PerfcoreError as error:
        st.error(f"This lesson cannot be computed here: {error}")


def _results(lesson: Lesson) -> LessonResults:
    entry = case_selection.entries()[lesson.case]
    with st.spinner("Preparing the lesson's case …"):
        return LessonResults(lesson, open_case(entry, lesson.own_settings))


def _head(lesson: Lesson, step: str, *, locked: bool) -> None:
    back, title = st.columns([1.1, 6.8], vertical_alignment="center")
    back.button("Lessons", icon=":material/arrow_back:", on_click=lesson_session.opener(None), key="to_list")
    number = list(LESSONS).index(lesson.id) + 1
    title.subheader(f"{number}. {lesson.title}", anchor=False)
    for column, (name, label) in zip(st.columns(len(STEPS)), STEPS.items(), strict=True):
        column.button(
            label, key=f"step_{name}", on_click=partial(lesson_session.open_step, name), width="stretch",
            type="primary" if name == step else "secondary", disabled=locked and name != FIRST_STEP,
        )  # fmt: skip


def _next(step: str, label: str) -> None:
    if is_lecturing():
        return  # the bar leads on
    st.button(
        label, key="next", on_click=partial(lesson_session.open_step, step), type="primary",
        icon=":material/arrow_forward:",
    )  # fmt: skip


def _answer_text(lesson: Lesson, answer: float) -> str:
    question = lesson.question
    if isinstance(question, SliderQuestion):
        return f"{answer:g} {question.unit}".strip()
    return question.options[int(answer)]


def _predict(lesson: Lesson, results: LessonResults, attempt: Attempt | None) -> None:
    st.markdown(fill(lesson.intro, results))
    question, key = lesson.question, widget_keys.prediction(lesson.id)
    with st.container(border=True):
        st.markdown(f"**{fill(question.text, results)}**")
        if attempt is not None:
            st.markdown(
                f"{_who(attempt, 'Your prediction', 'The class')}: **{_answer_text(lesson, attempt.answer)}**"
            )
            _next("try", "Try it")
            lesson_room.offer(lesson)
            return
        given: float | None
        if isinstance(question, SliderQuestion):
            given = st.slider(
                f"Your prediction{f', {question.unit}' if question.unit else ''}",
                float(question.low), float(question.high), float(question.low), float(question.step), key=key,
            )  # fmt: skip
        else:
            options = question.options
            given = st.radio(
                "Your prediction", range(len(options)), index=None, key=key, format_func=lambda i: options[i]
            )
        st.button(
            "Record my prediction", key="record", type="primary", on_click=partial(_record, lesson),
            disabled=given is None,
        )  # fmt: skip
    lesson_room.offer(lesson)


def _who(attempt: Attempt, own: str, of_class: str) -> str:
    """Return whose prediction it is."""
    return f"{of_class} ({attempt.n_class})" if attempt.n_class else own


def _record(lesson: Lesson) -> None:
    state = user_state().lesson
    state.progress.attempts[lesson.id] = Attempt(st.session_state[widget_keys.prediction(lesson.id)])
    state.step = "try"


def _try(lesson: Lesson, results: LessonResults, attempt: Attempt | None) -> None:
    words, onward = st.columns([5, 1.2], vertical_alignment="center")
    task = fill(lesson.task, results)
    if attempt is not None:
        given = _answer_text(lesson, attempt.answer)
        task += f"  \n:gray[{_who(attempt, 'You', 'The class')} predicted {given}.]"
    words.markdown(task)
    with onward:
        _next("see", STEPS["see"])
    lesson_room.offer_try(lesson)
    if lesson_session.start_own_curve(lesson):
        show_live_component("lab")
    else:
        st.info("Another case is open.")
        st.button("Open the lesson's case", on_click=lesson_session.reopen, key="again")


def _see(lesson: Lesson, results: LessonResults, attempt: Attempt | None) -> None:
    from pages.teaching import charts  # noqa: PLC0415 - plotly is slow to import

    question, large = lesson.question, is_lecturing()
    with st.spinner("Computing …"):
        outcome = fill(lesson.outcome, results)
        if attempt is not None:
            attempt.right = question.is_right(attempt.answer, results)
    is_numeric = isinstance(question, SliderQuestion)
    if isinstance(question, SliderQuestion):
        true = f"{charts.short(question.answer(results))} {question.unit}".strip()
    else:
        true = question.options[question.answer(results)]
    mine, computed, verdict = st.columns([1, 1, 3] if is_numeric else [1, 1, 1])
    facts = [("Computed", true)]
    if attempt is not None:
        facts.insert(0, (f"{_who(attempt, 'You', 'The class')} predicted", _answer_text(lesson, attempt.answer)))
    for column, (name, text) in zip((mine, computed), facts, strict=False):
        if is_numeric:
            column.metric(name, text)
        else:  # a phrase, too long for large type
            column.markdown(f":gray[{name}]  \n**{text}**")
    if attempt is not None:
        (verdict.success if attempt.right else verdict.warning)(
            "Right."
            if attempt.right
            else "Not right. Compare the quantities that changed with those that did not.",
            icon=":material/check:" if attempt.right else ":material/lightbulb:",
        )
    st.markdown(outcome)
    lesson_room.reveal(lesson)
    if (predictions := lesson_room.predictions(lesson)) is not None:
        charts.predictions(lesson, predictions, question.answer(results), "class_predictions", large=large)
    quantities = lesson.quantities
    for i, (column, quantity) in enumerate(zip(st.columns(len(quantities)), quantities, strict=True)):
        with column:
            charts.bars(lesson, quantity, results, f"quantity_{i}", large=large)
    onward, note = st.columns([1, 4], vertical_alignment="center")
    with onward:
        _next("why", STEPS["why"])
    with note:
        st.caption("Computed now, by the library, on this lesson's case.")


def _why(lesson: Lesson, results: LessonResults, _attempt: Attempt | None) -> None:
    from pages.teaching import charts  # noqa: PLC0415 - plotly is slow to import

    words, pictures = st.columns([1.15, 1], gap="medium")
    large = is_lecturing()
    with words:
        st.markdown(fill(lesson.why, results))
        _next("read", STEPS["read"])
    with pictures:
        charts.legend(lesson, lesson.charted)
        charts.curves(lesson, results, lesson.charted, "curves", large=large)
        charts.residues(lesson, results, lesson.charted, "residues", large=large)
        charts.factors(lesson, results, lesson.charted, "factors", large=large)


def _read_on(lesson: Lesson, _results: LessonResults, _attempt: Attempt | None) -> None:
    st.markdown("\n".join(f"- [{paper.title}]({paper.link})" for paper in lesson.reading))
    order = list(LESSONS)
    at = order.index(lesson.id)
    onward, lab, _ = st.columns([1.5, 1.3, 3])
    is_last = at + 1 == len(order)
    following = lesson_session.CHALLENGE if is_last else order[at + 1]
    onward.button(
        "The challenge" if is_last else f"Next: {LESSONS[following].title}", key="next", type="primary",
        on_click=lesson_session.opener(following), icon=":material/arrow_forward:",
    )  # fmt: skip
    if lab.button(
        "Continue in the Lab", key="to_lab", on_click=lesson_session.continue_in_lab, icon=":material/show_chart:"
    ):
        st.switch_page("pages/lab.py")


_DRAWN: Final = {"try": _try, "see": _see, "why": _why, "read": _read_on}
