"""Cases: the demonstrations, the server's folder, and a person's own upload."""

import streamlit as st

from pages.shared import state
from pages.shared.messages import escape
from pages.shared.upload import add_upload

PER_ROW = 3

st.header("Cases")
current = state.current_entry()
groups = {
    "Demonstrations": [e for e in state.entries().values() if e.key.startswith("demo-")],
    "The server's folder": [e for e in state.entries().values() if e.key.startswith("folder-")],
    "Your uploads": state.uploads(),
}
for title, entries in groups.items():
    if not entries:
        continue
    st.subheader(title)
    for row in range(0, len(entries), PER_ROW):
        for column, entry in zip(st.columns(PER_ROW), entries[row : row + PER_ROW], strict=False):
            with column.container(border=True, height="stretch"):
                st.markdown(f"**{escape(entry.title)}**")
                st.caption(escape(entry.note))
                here = entry.key == current.key
                label = "In the Lab now" if here else "Open in the Lab"
                if st.button(label, key=f"open_{entry.key}", disabled=here):
                    state.choose(entry)
                    st.switch_page("pages/lab.py")

st.subheader("Your own case")
st.caption(
    "A 4D CT perfusion series, with a brain mask and a lesion (NIfTI) if you have them. "
    "It stays in this session: nobody else sees it, it is in no link, and it is gone when the session ends."
)
with st.form("upload"):
    series = st.file_uploader("Series: one 4D NIfTI file, or a zip of DICOM files", type=["nii", "gz", "zip"])
    left, right = st.columns(2)
    mask = left.file_uploader("Brain mask (optional)", type=["nii", "gz"])
    lesion = right.file_uploader("Known lesion (optional)", type=["nii", "gz"])
    units = left.selectbox("Values are", ["hu", "concentration"],
                           format_func={"hu": "Hounsfield units", "concentration": "enhancement already"}.get)
    dt_s = right.number_input("Time step in seconds (0: as the file says)", 0.0, 60.0, 0.0, step=0.5)
    sent = st.form_submit_button("Open this case", type="primary")
if sent:
    if series is None:
        st.error("Choose a 4D series first.")
    else:
        added = add_upload(series.getvalue(), mask and mask.getvalue(), lesion and lesion.getvalue(), units, dt_s)
        if added is not None:
            state.choose(added)
            st.switch_page("pages/lab.py")
