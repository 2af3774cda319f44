"""How it works page: the mathematics with the functions that implement it, and the library in Python."""

from typing import Final

import streamlit as st

from pages.ui.documents import demote_headings, read_sections, source_of

# Label of each document, by file name.
DOCUMENTS: Final = {
    "how-it-works.md": "Formulas",
    "quickstart.md": "Python",
}

st.space(1)  # without it the control touches the menu
chosen = st.segmented_control(
    "Document", list(DOCUMENTS), default=next(iter(DOCUMENTS)), key="how_document", required=True,
    format_func=lambda name: DOCUMENTS[name], label_visibility="collapsed",
)  # fmt: skip
text, _ = st.columns([4, 1])
with text:
    for section in read_sections(chosen):
        st.markdown(demote_headings(section.text, 2))  # h1 is too large beside the menu
        if section.functions:
            with st.expander("Code: " + ", ".join(f"`{name.split('.')[-1]}`" for name, _ in section.functions)):
                for name, file in section.functions:
                    st.caption(f"`{name}` in {file}")
                    st.code(source_of(name), language="python", height=280)
