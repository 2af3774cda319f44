"""Model: what the networks are, how they learnt, how well they do, and one at work on the current case."""

import streamlit as st

from pages.comparison.evaluation_results import read_results
from pages.library.cohort_cases import key_of
from pages.network import panels
from pages.session import state
from perfcore.aif.network.weights import MODELS, network_names, read_manifest
from perfcore.aif.sources import source_label
from perfcore.errors import PerfcoreError

try:
    manifest = read_manifest()
except PerfcoreError as error:
    st.error(str(error))
    manifest = {"best": None, "networks": {}}

names = network_names() if manifest["networks"] else ()
if not names:
    st.info(panels.NO_WEIGHTS)
    panels.show_architecture()
else:
    st.space(1)  # a control at the very top touches the menu
    name = st.segmented_control(
        "Network", names, default=names[0], format_func=source_label, key="model_network", required=True,
        label_visibility="collapsed",
    )  # fmt: skip
    now = state.live_session().state
    work, figures, learning, layers, card = st.tabs(
        ["On this case", "Figures", "Learning", "Architecture", "Model card"]
    )
    with work:
        if now is not None and now.case.name == state.current_entry().key:
            panels.show_at_work(now, name)
        else:
            st.info("This case cannot be opened; choose another in the sidebar.")
    with figures:
        panels.show_figures(manifest)
        st.page_link("pages/compare.py", label="Case by case, with tests: Compare", icon=":material/view_column:")
    with learning:
        try:
            evaluation = read_results(MODELS / "evaluation", "", key_of)
        except PerfcoreError as error:
            st.warning(str(error))
            evaluation = None
        panels.show_learning(name, evaluation)
    with layers:
        panels.show_architecture()
    with card:
        panels.show_card()
