"""Compare page: AIF methods on one case, over a cohort, and in an evaluation of chosen cases."""

from typing import Final

import streamlit as st

from pages.comparison.case_view import show_case
from pages.comparison.cohort_view import folder_key, show_cohort, show_no_evaluation
from pages.comparison.evaluate_view import show_evaluate
from pages.comparison.evaluation_results import EvaluationResults, read_results
from pages.library.cohort_cases import key_of
from pages.server import config
from pages.session import case_selection, widget_keys
from pages.session.state import live_session, user_state
from pages.ui.escape import escape
from perfcore.aif.network.weights import MODELS
from perfcore.errors import PerfcoreError


def _evaluations() -> list[EvaluationResults]:
    """Return the evaluations that the current user can see; show a warning for one that cannot be read."""
    found = list(user_state().comparison.evaluations)
    for folder, title, entry_of in (
        (config.evaluation_folder(), "From the server's folder", folder_key),
        (MODELS / "evaluation", "Included with the networks", key_of),
    ):
        try:
            read = None if folder is None else read_results(folder, title, entry_of)
        except PerfcoreError as error:
            st.warning(f"{title}: {error}")
            continue
        if read is not None:
            found.append(read)
    return found


def _cohort() -> None:
    evaluations = _evaluations()
    if not evaluations:
        show_no_evaluation()
        return
    chosen = evaluations[0]
    if len(evaluations) > 1:
        index = st.selectbox(
            "Evaluation", range(len(evaluations)), key="cohort_evaluation",
            format_func=lambda i: f"{evaluations[i].title}, {evaluations[i].summary['n_cases']} cases",
        )  # fmt: skip
        chosen = evaluations[index]
    show_cohort(chosen)


def _case() -> None:
    now, entry = live_session().workspace, case_selection.current_entry()
    if now is None or now.case.name != entry.key:
        st.info("This case cannot be opened; choose another in the sidebar.")
        return
    st.markdown(f"**{escape(entry.title)}** · {escape(entry.note)}")
    show_case(now)


# Label and function of each view, by id.
VIEWS: Final = {
    "case": ("This case", _case),
    "cohort": ("Cohort", _cohort),
    "evaluate": ("Evaluate", show_evaluate),
}
comparison = user_state().comparison


def _read_view() -> None:
    user_state().comparison.view = st.session_state[widget_keys.COMPARE_VIEW]


if comparison.opens_lab:
    comparison.opens_lab = False
    st.switch_page("pages/lab.py")
st.session_state[widget_keys.COMPARE_VIEW] = comparison.view
st.space(1)  # without it the control touches the menu
view = st.segmented_control(
    "View", list(VIEWS), key=widget_keys.COMPARE_VIEW, on_change=_read_view, label_visibility="collapsed",
    format_func=lambda name: VIEWS[name][0], required=True,
)  # fmt: skip
VIEWS[view or comparison.view][1]()
