"""Session state of lessons: a lesson sets its case, settings and start AIF.

The case and settings before are restored when the user leaves the lesson.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from typing import Any, Final

import numpy as np

from pages.live.server.session import Workspace
from pages.session.share_link import SavedView
from pages.session.state import LessonState, OwnAttempt, ViewBeforeLesson, live_session, user_state
from pages.teaching import challenge
from pages.teaching.address import CHALLENGE, LESSON_PARAM, follow_address
from pages.teaching.lesson import Lesson
from pages.teaching.lesson_pictures import pair_of_maps
from pages.teaching.lesson_results import LessonResults, experiment_case
from pages.teaching.lessons import LESSONS
from pages.teaching.progress import FIRST_STEP, STEPS, LessonProgress
from pages.ui.lecture import Steps, pressed
from perfcore.errors import PerfcoreError
from perfcore.settings import PRESETS
from perfcore.teaching import CurveExperiment, CurveResult, measure_curve
from perfcore.types import DoubleArray

PAGE_PATH: Final = "lessons"
"""URL path of the lessons page."""


def opener(selected: str | None) -> Callable[[], None]:
    """Return a call-back that opens a lesson by its id, the challenge, or the list (None)."""
    return partial(_select, selected)


def _select(selected: str | None) -> None:
    lesson = user_state().lesson
    lesson.selected, lesson.step = selected, ""


def open_step(step: str) -> None:
    """Open a step of the selected lesson."""
    user_state().lesson.step = step


def current_step() -> str:
    """Return the step of the selected lesson that is shown: the first until a prediction is recorded.

    In lecture mode every step is open, so that a presenter's remote goes on without a prediction, and stays so.
    """
    user = user_state()
    lesson = user.lesson
    if user.lecture.is_on and lesson.selected in LESSONS and lesson.step not in ("", FIRST_STEP):
        lesson.shown.add(lesson.selected)
    return lesson.step or FIRST_STEP if user.lecture.is_on or lesson.is_open(lesson.selected) else FIRST_STEP


def keeps_sidebar() -> bool:
    """Return whether the step in view needs the sidebar, which lecture mode hides otherwise."""
    lesson = LESSONS.get(user_state().lesson.opened or "")
    return lesson is not None and lesson.uses_sidebar and current_step() == "try"


def steps() -> Steps | None:
    """Return the steps of the open lesson, the challenge or the list, for the bar of lecture mode; else None."""
    opened = user_state().lesson.opened
    if opened is None and user_state().lesson.is_here:
        return Steps("", {}, "", {})
    if opened == CHALLENGE:
        return Steps(challenge_title(), {}, "", {LESSON_PARAM: CHALLENGE})
    if opened not in LESSONS:
        return None
    number = list(LESSONS).index(opened) + 1
    return Steps(f"{number}. {LESSONS[opened].title}", STEPS, current_step(), {LESSON_PARAM: opened})


def challenge_title() -> str:
    """Return the title of the challenge, with the number of its patient once one is drawn."""
    drawn = user_state().lesson.challenge
    return "Challenge" if drawn is None else f"Challenge: patient {drawn.number}"


def turn() -> None:
    """Go to the next or the previous step, as the bar has sent, from a lesson's end on to the next lesson.

    In a lecture the task of an untouched step *Try* is carried out first: a remote has no other way to show it.
    """
    by, lesson = pressed("turn"), user_state().lesson
    tried = LESSONS.get(lesson.selected or "") if user_state().lecture.is_on and current_step() == "try" else None
    if by == 1 and tried is not None and _solve_untouched(tried):
        return
    stops = [(None, ""), *((name, step) for name in LESSONS for step in STEPS), (CHALLENGE, "")]
    here = (lesson.selected, current_step() if lesson.selected in LESSONS else "")
    if by in (-1, 1) and here in stops and 0 <= stops.index(here) + by < len(stops):
        lesson.selected, lesson.step = stops[stops.index(here) + by]


def go_to_step() -> None:
    """Open the step that the bar has sent; an empty one is the list of lessons."""
    step = pressed("step")
    if step in STEPS:
        open_step(step)
    elif step == "":
        _select(None)


def reopen() -> None:
    """Open the case and settings of the selected lesson again at the next run."""
    user_state().lesson.opened = None


def clear_progress() -> None:
    """Forget all predictions and scores."""
    lesson = user_state().lesson
    lesson.progress = LessonProgress()
    lesson.moved.clear()
    lesson.shown.clear()


def update(page_path: str) -> None:
    """Open or leave a lesson before the page is drawn, by the page's URL path and its query parameters."""
    lesson = user_state().lesson
    is_here = page_path == PAGE_PATH
    follow_address(user_state(), is_here=is_here)
    selected = lesson.selected if is_here else None
    if selected == lesson.opened:
        return
    _leave(lesson)
    lesson.opened, lesson.before_solution = selected, None
    if selected == CHALLENGE:
        _save_view(lesson)
        challenge.open_case()
    elif selected in LESSONS:
        _save_view(lesson)
        _open(LESSONS[selected])


def _open(lesson: Lesson) -> None:
    user, values = user_state(), lesson.own_settings
    user.case.key = lesson.case
    user.settings.apply(next((name for name, one in PRESETS.items() if one == values), "paper"), values)


def continue_in_lab() -> None:
    """Keep case, settings and curve of the lesson when it is left."""
    lesson = user_state().lesson
    lesson.before = lesson.opened = None


def start_own_curve(lesson: Lesson) -> bool:
    """Start the lesson's own AIF without edits, once.

    Returns
    -------
    bool
        Whether the lesson's case is open.
    """
    user, session = user_state(), live_session()
    now = session.workspace
    if now is None or now.case.name != lesson.case:
        return False
    source_id = f"lesson-{lesson.id}"
    own = user.aif.own_of(lesson.case)
    if source_id not in own:
        start = replace(now.case.sources[lesson.start], source_id=source_id, label=f"Start of “{lesson.title}”")
        own[source_id] = start
        user.aif.methods[lesson.case] = source_id
        user.lesson.own_curve = (lesson.case, source_id)
        workspace = session.configure(now.case, now.settings, start)
        session.keep_curve(workspace.curve_key, start.value)
    return True


def focus(results: LessonResults) -> dict[str, Any]:
    """Return how the Lab opens for the task of a lesson, as its configuration message has it.

    Raises
    ------
    PerfcoreError
        The lesson's pictures, whose slice the Lab opens on, cannot be computed.
    """
    lesson, view = results.lesson, results.lesson.view
    slice_index = pair_of_maps(results).slice_index
    return {
        "id": lesson.id,
        "maps": list(view.maps),
        "slice": slice_index,
        "watch": view.watch,
        "opens": view.opens,
    }


def own_result(results: LessonResults) -> CurveResult | None:
    """Return the results of the user's own curve and settings in the lesson's case; None while both are untouched.

    While the solution of *Do it for me* is in place, they are those that it has replaced.

    Raises
    ------
    PerfcoreError
        The curve has no bolus or explains no tissue.
    """
    lesson, now = results.lesson, live_session().workspace
    if now is None or now.case.name != lesson.case:
        return None
    own, before = _attempt(now), user_state().lesson.before_solution
    if before is not None:
        solution = _solution(results)
        arriving = replace(solution, curve=before.curve)  # the browser has not applied the curve yet
        if _is_same(now, own, solution) or _is_same(now, own, arriving):
            own = before
    if _is_untouched(lesson, now, own):
        return None
    return measure_curve(experiment_case(now.case), _curve_of(now, own), own.settings)


def _attempt(now: Workspace) -> OwnAttempt:
    return OwnAttempt(now.settings, live_session().edited_curve(now.curve_key))


def _solution(results: LessonResults) -> OwnAttempt:
    name = results.lesson.solution
    return OwnAttempt(results.settings_of(name), results[name].curve)


def _curve_of(now: Workspace, attempt: OwnAttempt) -> DoubleArray:
    return now.start.value if attempt.curve is None else attempt.curve


def _is_same(now: Workspace, one: OwnAttempt, other: OwnAttempt) -> bool:
    """Return whether two attempts have the same settings and curves; the browser has single precision."""
    first, second = (_curve_of(now, attempt).astype(np.float32) for attempt in (one, other))
    return one.settings == other.settings and np.array_equal(first, second)


def _is_untouched(lesson: Lesson, now: Workspace, attempt: OwnAttempt) -> bool:
    """Return whether curve and settings are those that the lesson opened with."""
    start = OwnAttempt(lesson.own_settings, now.case.sources[lesson.start].value)
    return _is_same(now, attempt, start)


def _solve_untouched(lesson: Lesson) -> bool:
    """Carry out the task of a lesson whose curve and settings are untouched; return whether that was done."""
    now = live_session().workspace
    if user_state().lesson.is_solved or now is None or now.case.name != lesson.case:
        return False
    if not _is_untouched(lesson, now, _attempt(now)):
        return False
    try:
        solve(lesson, LessonResults(lesson, now.case))
    except PerfcoreError:  # the step "See" says why
        return False
    return True


def solve(lesson: Lesson, results: LessonResults) -> None:
    """Carry out the task of a lesson in the Lab: its settings, and its curve, which undo reverts.

    Raises
    ------
    PerfcoreError
        The curve cannot be computed.
    """
    user, experiment = user_state(), lesson.experiments[lesson.solution]
    solution = _solution(results)
    handles: dict[str, float | None] = {}
    if isinstance(experiment, CurveExperiment) and experiment.curve == lesson.start:
        handles = asdict(experiment.edit)
    now = live_session().workspace
    before = OwnAttempt(user.settings.values, None)
    if now is not None and now.case.name == lesson.case:
        start = replace(before, curve=now.case.sources[lesson.start].value)
        before = replace(before, curve=live_session().edited_curve(now.curve_key))
        if _is_same(now, before, start):
            before = replace(before, curve=None)
    user.lesson.before_solution = before
    user.settings.values = solution.settings
    user.linked.show(SavedView(case=lesson.case, curve=solution.curve), handles)


def take_back(lesson: Lesson) -> None:
    """Go back to the curve and the settings before *Do it for me*."""
    user = user_state()
    before, user.lesson.before_solution = user.lesson.before_solution, None
    if before is None:
        return
    user.settings.values = before.settings
    # Without a curve the browser shows the start curve.
    user.linked.show(SavedView(case=lesson.case, curve=before.curve), {})


def _save_view(lesson: LessonState) -> None:
    user = user_state()
    lesson.before = ViewBeforeLesson(
        user.case.key, user.settings.preset, user.settings.values, dict(user.aif.methods)
    )


def _leave(lesson: LessonState) -> None:
    before, lesson.before = lesson.before, None
    challenge.remove_case()
    if before is None:
        return
    user = user_state()
    if lesson.own_curve is not None:
        case, method = lesson.own_curve
        user.aif.own_of(case).pop(method, None)
        lesson.own_curve = None
    user.case.key = before.case
    user.settings.apply(before.preset, before.settings)
    user.aif.methods = dict(before.methods)
