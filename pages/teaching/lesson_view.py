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
from pages.teaching import kept_progress, lesson_session
from pages.teaching.address import CHALLENGE
from pages.teaching.bars import bars, short
from pages.teaching.before_after import show_pictures
from pages.teaching.lesson import Lesson, Quantity, SliderQuestion, fill
from pages.teaching.lesson_results import LessonResults
from pages.teaching.lessons import LESSONS
from pages.teaching.number_text import slider_format, with_unit
from pages.teaching.progress import FIRST_STEP, STEPS, Attempt
from pages.ui.lecture import is_lecturing
from perfcore.errors import PerfcoreError
from perfcore.teaching import CurveResult

MAX_IN_A_ROW: Final = 3
"""Quantities."""
LONG_LABEL: Final = 22
"""Letters of an experiment's label that leave little width for bars where three quantities share a row."""


def show(lesson: Lesson) -> None:
    """Draw the current step of a lesson."""
    state = user_state().lesson
    attempt = state.progress.attempts.get(lesson.id)
    step = lesson_session.current_step()
    if not is_lecturing():  # else the bar has title and steps
        _head(lesson, step, locked=not state.is_open(lesson.id))
    try:
        results = _results(lesson)
        if attempt is not None and step != FIRST_STEP:  # None: a lecture has gone on without a prediction
            attempt.seen.add(step)
            if step == "see":
                with st.spinner("Computing …"):
                    attempt.right = lesson.question.is_right(attempt.answer, results)
        kept_progress.keep()
        # Rules for large screens hang on the key; lecture mode has its own sizes.
        with st.container(key=f"{'lecture' if is_lecturing() else 'lesson'}_{step}"):
            if step == FIRST_STEP:
                _predict(lesson, results, attempt)
            else:
                _DRAWN[step](lesson, results, attempt)
    except PerfcoreError as error:
        st.error(f"This lesson cannot be computed here: {error}")


def _results(lesson: Lesson) -> LessonResults:
    entry = case_selection.entries()[lesson.case]
    with st.spinner("Preparing the lesson's case …"):
        return LessonResults(lesson, open_case(entry, lesson.own_settings))


def _head(lesson: Lesson, step: str, *, locked: bool) -> None:
    with st.container(key="lesson_head"):
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
        return with_unit(f"{answer:g}", question.unit)
    return question.options[int(answer)]


def _predict(lesson: Lesson, results: LessonResults, attempt: Attempt | None) -> None:
    words, picture = st.columns([1.75, 1], gap="medium")
    with words:
        st.markdown(fill(lesson.intro, results))
        with st.container(border=True):
            st.markdown(f"**{fill(lesson.question.text, results)}**")
            if attempt is not None:
                st.markdown(
                    f"{_who(attempt, 'Your prediction', 'The class')}: **{_answer_text(lesson, attempt.answer)}**"
                )
                _next("try", "Try it")
            else:
                _ask(lesson)
        lesson_room.offer(lesson)
    with picture:
        show_pictures(lesson, results, "pictures_before", reveals=False)


def _ask(lesson: Lesson) -> None:
    """Draw the input of a prediction; a slider that was not moved holds none."""
    question, key = lesson.question, widget_keys.prediction(lesson.id)
    given: float | None
    if isinstance(question, SliderQuestion):
        moved = user_state().lesson.moved
        given = st.slider(
            f"Your prediction{f', {question.unit}' if question.unit else ''}: move the slider",
            float(question.low), float(question.high), float(question.low), float(question.step), key=key,
            format=slider_format(question.step, question.unit), on_change=moved.add, args=(lesson.id,),
        )  # fmt: skip
        given = given if lesson.id in moved else None
    else:
        options = question.options
        given = st.radio(
            "Your prediction", range(len(options)), index=None, key=key, format_func=lambda i: options[i]
        )
    st.button(
        "Record my prediction", key="record", type="primary", on_click=partial(_record, lesson),
        disabled=given is None,
    )  # fmt: skip


def _who(attempt: Attempt, own: str, of_class: str) -> str:
    """Return whose prediction it is."""
    return f"{of_class} ({attempt.n_class})" if attempt.n_class else own


def _record(lesson: Lesson) -> None:
    state = user_state().lesson
    state.progress.attempts[lesson.id] = Attempt(st.session_state[widget_keys.prediction(lesson.id)])
    state.step = "try"


def _try(lesson: Lesson, results: LessonResults, attempt: Attempt | None) -> None:
    has_class = user_state().classroom.room is not None
    widths = [5, 1.25, *([1.25] if has_class else []), *([] if is_lecturing() else [0.75])]
    words, solve, *others = st.columns(widths, vertical_alignment="center")
    task = fill(lesson.task, results).strip()
    if attempt is not None:
        given = _answer_text(lesson, attempt.answer)
        task += f" :gray[{_who(attempt, 'You', 'The class')} predicted {given}.]"
    words.markdown(task)
    with solve:
        _solve(lesson, results)
    if has_class:
        with others[0]:
            lesson_room.offer_try(lesson)
    if not is_lecturing():
        with others[-1]:
            _next("see", STEPS["see"])
    if lesson_session.start_own_curve(lesson):
        show_live_component(
            "tune" if lesson.view.opens == "tuning" else "lab", focus=lesson_session.focus(results)
        )
    else:
        st.info("Another case is open.")
        st.button("Open the lesson's case", on_click=lesson_session.reopen, key="again")


def _solve(lesson: Lesson, results: LessonResults) -> None:
    """Draw the button that carries out the task, and afterwards the one that takes it back."""
    if user_state().lesson.is_solved:
        st.button(
            "Take it back", key="take_back", icon=":material/undo:", width="stretch",
            on_click=partial(lesson_session.take_back, lesson),
        )  # fmt: skip
    elif st.button("Do it for me", key="solve", icon=":material/auto_fix_high:", width="stretch"):
        lesson_session.solve(lesson, results)
        st.rerun()


def _see(lesson: Lesson, results: LessonResults, attempt: Attempt | None) -> None:
    question = lesson.question
    with st.spinner("Computing …"):
        outcome = fill(lesson.outcome, results)
        own, problem = _own(results)
    picture, rest = st.columns([1, 2.1], gap="medium")
    with picture:
        show_pictures(lesson, results, "pictures", reveals=True)
        st.caption(problem or "Computed now on this lesson's case.")
    with rest:
        _verdict(lesson, results, attempt)
        text, onward = st.columns([5, 0.9], vertical_alignment="center")
        text.markdown(outcome)
        with onward:
            _next("why", STEPS["why"])
        lesson_room.reveal(lesson)
        if (predictions := lesson_room.predictions(lesson)) is not None:
            from pages.teaching import charts  # noqa: PLC0415 - plotly is slow to import

            true = question.answer(results)
            charts.predictions(lesson, predictions, true, "class_predictions", large=is_lecturing())
        rows = _rows(lesson)
        with st.container(key="lesson_bars" if len(rows) == 1 else None):
            for row in rows:
                for quantity, column in zip(row, st.columns(len(row)), strict=True):
                    with column:
                        bars(lesson, quantity, results, own=own)


def _rows(lesson: Lesson) -> list[tuple[Quantity, ...]]:
    """Return the quantities in one row, or in two where they are many or their labels long."""
    found = lesson.quantities
    longest = max(len(lesson.experiments[name].label) for quantity in found for name in quantity.experiments)
    return [found[:2], found[2:]] if len(found) > MAX_IN_A_ROW or longest > LONG_LABEL else [found]


def _own(results: LessonResults) -> tuple[CurveResult | None, str]:
    """Return the results of the user's curve from the step *Try*, and why there are none, if they cannot be."""
    try:
        return lesson_session.own_result(results), ""
    except PerfcoreError as error:
        return None, f"Your attempt has no result: {error}"


def _verdict(lesson: Lesson, results: LessonResults, attempt: Attempt | None) -> None:
    """Draw the prediction, the computed answer, and what is wrong with the prediction."""
    question = lesson.question
    is_numeric = isinstance(question, SliderQuestion)
    if isinstance(question, SliderQuestion):
        true = with_unit(short(question.answer(results)), question.unit)
    else:
        true = question.options[question.answer(results)]
    mine, computed, verdict = st.columns([1, 1, 3] if is_numeric else [1, 1, 1.6], vertical_alignment="center")
    facts = [("Computed", true)]
    if attempt is not None:
        facts.insert(0, (f"{_who(attempt, 'You', 'The class')} predicted", _answer_text(lesson, attempt.answer)))
    for column, (name, text) in zip((mine, computed), facts, strict=False):
        if is_numeric:
            column.metric(name, text)
        else:  # a phrase, too long for large type
            column.markdown(f":gray[{name}]  \n**{text}**")
    with verdict:
        if attempt is None:  # a lecture has gone on without a prediction
            return
        accepted = ""
        if isinstance(question, SliderQuestion):
            low, high = question.accepted(results)
            accepted = f" Accepted: {low:g} to {_answer_text(lesson, high)}."
        if attempt.right:
            st.success(f"Right.{accepted}", icon=":material/check:")
        else:
            mistake = fill(question.mistake(attempt.answer, results), results)
            st.warning(f"Not right. {mistake}{accepted}", icon=":material/lightbulb:")


def _why(lesson: Lesson, results: LessonResults, _attempt: Attempt | None) -> None:
    from pages.teaching import charts  # noqa: PLC0415 - plotly is slow to import

    words, picture, graphs = st.columns([1.5, 0.85, 1.15], gap="medium")
    large = is_lecturing()
    with words:
        st.markdown(fill(lesson.why, results))
        _next("read", STEPS["read"])
    with picture:
        show_pictures(lesson, results, "pictures", reveals=True)
    with graphs:
        charts.legend(lesson, lesson.charted)
        charts.curves(lesson, results, lesson.charted, "curves", large=large)
        charts.residues(lesson, results, lesson.charted, "residues", large=large)
        charts.factors(lesson, results, lesson.charted, "factors", large=large)


def _read_on(lesson: Lesson, results: LessonResults, _attempt: Attempt | None) -> None:
    words, picture = st.columns([1.75, 1], gap="medium")
    with picture:
        show_pictures(lesson, results, "pictures", reveals=True)
    with words:
        st.markdown("**What this lesson has shown**")
        st.markdown("\n".join(f"- {sentence[0].upper()}{sentence[1:]}" for sentence in _shown(lesson)))
        st.markdown("**Papers**")
        st.markdown("\n".join(f"- [{paper.title}]({paper.link})" for paper in lesson.reading))
        _go_on(lesson)


def _shown(lesson: Lesson) -> list[str]:
    return [claim.sentence for claim in lesson.claims]


def _go_on(lesson: Lesson) -> None:
    order = list(LESSONS)
    at = order.index(lesson.id)
    is_last = at + 1 == len(order)
    following = CHALLENGE if is_last else order[at + 1]
    with st.container(horizontal=True):
        st.button(
            "The challenge" if is_last else f"Next: {LESSONS[following].title}", key="next", type="primary",
            on_click=lesson_session.opener(following), icon=":material/arrow_forward:",
        )  # fmt: skip
        if st.button(
            "Continue in the Lab", key="to_lab", on_click=lesson_session.continue_in_lab,
            icon=":material/show_chart:",
        ):  # fmt: skip
            st.switch_page("pages/lab.py")


_DRAWN: Final = {"try": _try, "see": _see, "why": _why, "read": _read_on}
