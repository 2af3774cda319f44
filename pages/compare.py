"""Compare: methods side by side on one case, over a cohort, and on cases that somebody chooses."""

import streamlit as st

from pages.comparison.case_view import show_case
from pages.comparison.cohort_view import folder_key, nothing_here, show_cohort
from pages.comparison.evaluate_view import show_evaluate
from pages.comparison.evaluation_results import Results, read_results
from pages.library.cohort_cases import key_of
from pages.server import config
from pages.session import state
from pages.ui.escape import escape
from perfcore.aif.network.weights import MODELS
from perfcore.errors import PerfcoreError

VIEWS = ("This case", "Cohort", "Evaluate")


def _evaluations() -> list[Results]:
    """Return every evaluation that this person can see; what is wrong with one is said."""
    found = list(st.session_state.get("evaluations", ()))
    for folder, title, entry_of in (
        (config.evaluation_folder(), "From the server's folder", folder_key),
        (MODELS / "evaluation", "Ships with the networks", key_of),
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
        nothing_here()
        return
    chosen = evaluations[0]
    if len(evaluations) > 1:
        place = st.selectbox(
            "Evaluation", range(len(evaluations)), key="cohort_evaluation",
            format_func=lambda i: f"{evaluations[i].title}, {evaluations[i].summary['n_cases']} cases",
        )  # fmt: skip
        chosen = evaluations[place]
    show_cohort(chosen)


def _case() -> None:
    now, entry = state.live_session().state, state.current_entry()
    if now is None or now.case.name != entry.key:
        st.info("This case cannot be opened; choose another in the sidebar.")
        return
    st.markdown(f"**{escape(entry.title)}** · {escape(entry.note)}")
    show_case(now)


def _keep() -> None:
    st.session_state["compare_seen"] = st.session_state["compare_view"]


if st.session_state.pop("compare_open", False):
    st.switch_page("pages/lab.py")
st.session_state["compare_view"] = st.session_state.get("compare_seen", VIEWS[0])
st.space(1)  # a control at the very top touches the menu
view = st.segmented_control(
    "View", VIEWS, key="compare_view", on_change=_keep, label_visibility="collapsed", required=True
)
{"This case": _case, "Cohort": _cohort, "Evaluate": show_evaluate}[view]()
