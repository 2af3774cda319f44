"""One lesson on the screen: predict, try, see, why, read on."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.library.catalog import open_case
from pages.live.live_page import bench
from pages.session import state
from pages.teaching import charts, lesson_session
from pages.teaching.lesson import Lesson, Slider, fill
from pages.teaching.lesson_results import Results
from pages.teaching.lessons import LESSONS
from pages.teaching.presentation import presenting, style, switch
from pages.teaching.progress import STEPS, Attempt, progress
from perfcore.errors import PerfcoreError


def show(lesson: Lesson) -> None:
    """Draw the lesson at the step where the person is."""
    attempt = progress().attempts.get(lesson.id)
    step = st.session_state.get("step", STEPS[0]) if attempt else STEPS[0]
    style(sidebar=step == "Try" and lesson.uses_sidebar)
    _head(lesson, step, locked=attempt is None)
    try:
        results = _results(lesson)
        if attempt is None or step == "Predict":
            _predict(lesson, results, attempt)
        else:
            attempt.seen.add(step)
            _DRAWN[step](lesson, results, attempt)
    except PerfcoreError as error:
        st.error(f"This lesson cannot be computed here: {error}")


def _results(lesson: Lesson) -> Results:
    entry = state.entries()[lesson.case]
    with st.spinner("Preparing the lesson's case …"):
        return Results(lesson, open_case(entry, lesson.own_settings))


def _to(step: str) -> Callable[[], None]:
    def call() -> None:
        st.session_state["step"] = step

    return call


def _head(lesson: Lesson, step: str, *, locked: bool) -> None:
    back, title, present = st.columns([1.1, 5, 1.8], vertical_alignment="center")
    back.button("Lessons", icon=":material/arrow_back:", on_click=lesson_session.go(None), key="to_list")
    number = list(LESSONS).index(lesson.id) + 1
    title.subheader(f"{number}. {lesson.title}", anchor=False)
    with present:
        switch()
    for column, name in zip(st.columns(len(STEPS)), STEPS, strict=True):
        column.button(
            name, key=f"step_{name}", on_click=_to(name), width="stretch",
            type="primary" if name == step else "secondary", disabled=locked and name != STEPS[0],
        )  # fmt: skip


def _next(step: str, words: str) -> None:
    st.button(words, key="next", on_click=_to(step), type="primary", icon=":material/arrow_forward:")


def _said(lesson: Lesson, answer: float | str) -> str:
    if isinstance(answer, str):
        return answer
    assert isinstance(lesson.question, Slider)
    return f"{answer:g} {lesson.question.unit}".strip()


def _predict(lesson: Lesson, results: Results, attempt: Attempt | None) -> None:
    st.markdown(fill(lesson.intro, results))
    question = lesson.question
    with st.container(border=True):
        st.markdown(f"**{fill(question.text, results)}**")
        if attempt is not None:
            st.markdown(f"Your prediction: **{_said(lesson, attempt.answer)}**")
            _next("Try", "Try it")
            return
        given: float | str | None
        if isinstance(question, Slider):
            given = st.slider(
                f"Your prediction{f', {question.unit}' if question.unit else ''}",
                float(question.low), float(question.high), float(question.low), float(question.step),
                key=f"answer_{lesson.id}",
            )  # fmt: skip
        else:
            given = st.radio("Your prediction", question.options, index=None, key=f"answer_{lesson.id}")

        def record() -> None:
            answer = st.session_state[f"answer_{lesson.id}"]
            progress().attempts[lesson.id] = Attempt(answer)
            st.session_state["step"] = "Try"

        st.button("Record my prediction", key="record", type="primary", on_click=record, disabled=given is None)


def _try(lesson: Lesson, _results: Results, attempt: Attempt) -> None:
    words, onward = st.columns([5, 1.2], vertical_alignment="center")
    words.markdown(f"{fill(lesson.task, _results)}  \n:gray[You predicted {_said(lesson, attempt.answer)}.]")
    with onward:
        _next("See", "See")
    if lesson_session.begin(lesson):
        bench("lab")
    else:
        st.info("Another case is open.")
        st.button("Open the lesson's case", on_click=_again, key="again")


def _again() -> None:
    st.session_state["lesson_open"] = None


def _see(lesson: Lesson, results: Results, attempt: Attempt) -> None:
    question, large = lesson.question, presenting()
    with st.spinner("Computing …"):
        found = fill(lesson.found, results)
        attempt.right = question.right(attempt.answer, results)  # type: ignore[arg-type]
    if isinstance(question, Slider):
        true = f"{charts.short(question.answer(results))} {question.unit}".strip()
    else:
        true = question.options[question.answer(results)]
    numeric = isinstance(question, Slider)
    mine, computed, verdict = st.columns([1, 1, 3] if numeric else [1, 1, 1])
    for column, name, words in ((mine, "You predicted", _said(lesson, attempt.answer)), (computed, "It is", true)):
        if numeric:
            column.metric(name, words)
        else:  # a phrase, too long for large type
            column.markdown(f":gray[{name}]  \n**{words}**")
    with verdict:
        (st.success if attempt.right else st.warning)(
            "Right." if attempt.right else "Not so: look at what changed, and at what did not.",
            icon=":material/check:" if attempt.right else ":material/lightbulb:",
        )
    st.markdown(found)
    for i, (column, watch) in enumerate(zip(st.columns(len(lesson.watch)), lesson.watch, strict=True)):
        with column:
            charts.bars(lesson, watch, results, f"watch_{i}", large=large)
    onward, legend = st.columns([1, 4], vertical_alignment="center")
    with onward:
        _next("Why", "Why")
    with legend:
        st.caption("Computed now, by the library, on this lesson's case.")


def _why(lesson: Lesson, results: Results, _attempt: Attempt) -> None:
    words, pictures = st.columns([1.15, 1], gap="medium")
    large = presenting()
    with words:
        st.markdown(fill(lesson.why, results))
        _next("Read on", "Read on")
    with pictures:
        charts.legend(lesson, lesson.explain)
        charts.curves(lesson, results, lesson.explain, "curves", large=large)
        charts.residues(lesson, results, lesson.explain, "residues", large=large)
        charts.factors(lesson, results, lesson.explain, "factors", large=large)


def _read_on(lesson: Lesson, _results: Results, _attempt: Attempt) -> None:
    st.markdown("\n".join(f"- [{paper.title}]({paper.link})" for paper in lesson.reading))
    order = list(LESSONS)
    at = order.index(lesson.id)
    onward, lab, _ = st.columns([1.5, 1.3, 3])
    if at + 1 < len(order):
        after = LESSONS[order[at + 1]]
        onward.button(
            f"Next: {after.title}", key="next", type="primary", on_click=lesson_session.go(after.id),
            icon=":material/arrow_forward:",
        )  # fmt: skip
    else:
        onward.button(
            "The challenge", key="next", type="primary", on_click=lesson_session.go(lesson_session.CHALLENGE)
        )
    if lab.button(
        "Go on in the Lab", key="to_lab", on_click=lesson_session.keep_scene, icon=":material/show_chart:"
    ):
        st.switch_page("pages/lab.py")


_DRAWN = {"Try": _try, "See": _see, "Why": _why, "Read on": _read_on}
