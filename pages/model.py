"""Model page: a network applied to the current case, metrics, learning curves, architecture, model card."""

import streamlit as st

from pages.network import panels
from pages.session import case_selection
from pages.session.state import live_session
from perfcore.aif.network.weights import network_names, read_manifest
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
    st.space(1)  # without it the control touches the menu
    name = st.segmented_control(
        "Network", names, default=names[0], format_func=source_label, key="model_network", required=True,
        label_visibility="collapsed",
    )  # fmt: skip
    now = live_session().workspace
    applied, metrics, learning, layers, card = st.tabs(
        ["On this case", "Metrics", "Learning", "Architecture", "Model card"]
    )
    with metrics:
        panels.show_metrics(manifest)
        st.page_link("pages/compare.py", label="Case by case, with tests: Compare", icon=":material/view_column:")
    with learning:
        panels.show_learning(name)
    with layers:
        panels.show_architecture()
    with card:
        panels.show_card()
    with applied:  # last, as it takes seconds at first
        if now is not None and now.case.name == case_selection.current_entry().key:
            panels.show_application(now, name)
        else:
            st.info("This case cannot be opened; choose another in the sidebar.")
