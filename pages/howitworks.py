"""How it works: the mathematics with the functions that do it, and the library in Python."""

import streamlit as st

from pages.ui.documents import demoted, sections, source

st.space(1)  # a control at the very top touches the menu
chosen = st.segmented_control(
    "Document", ("Formulas", "Python"), default="Formulas", key="how_document", required=True,
    label_visibility="collapsed",
)  # fmt: skip
text, _ = st.columns([4, 1])
with text:
    for section in sections("how-it-works.md" if chosen == "Formulas" else "quickstart.md"):
        st.markdown(demoted(section.text, 2))  # large enough beside a menu
        if section.functions:
            with st.expander("Code: " + ", ".join(f"`{name.split('.')[-1]}`" for name, _ in section.functions)):
                for name, file in section.functions:
                    st.caption(f"`{name}` in {file}")
                    st.code(source(name), language="python", height=280)
