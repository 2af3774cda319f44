"""View of the page *Class*: a room is opened, led and ended."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pages.classroom.lecturer.invitation_view import invitation, projector_frame
from pages.classroom.lecturer.now_view import now_view
from pages.classroom.lecturer.people_view import people_view
from pages.classroom.lecturer.results_view import results_view
from pages.classroom.lecturer.task_form import task_form
from pages.classroom.room import MAX_PARTICIPANTS, Room
from pages.session.state import user_state
from pages.ui.lecture import is_lecturing

_STYLE = """<style>
/* Parts of the page run again every second or two; nothing of that is to be seen. */
[data-testid="stStatusWidget"] { visibility: hidden; }
[data-stale="true"] { opacity: 1 !important; }
.st-key-class_room [data-testid="stVerticalBlock"] { gap: 0.5rem; }
.st-key-class_room [data-testid="stMetricValue"] { font-size: 1.9rem; line-height: 1.15; }
.st-key-class_room [data-testid="stMetric"] { padding: 0; }
.st-key-class_room iframe { border: 1px solid color-mix(in srgb, currentColor 22%, transparent);
  border-radius: 8px; }
.st-key-class_kind button { padding-inline: 0.6rem; font-size: 0.85rem; }
.st-key-class_room td:not(:first-child) { white-space: nowrap; }
.class-code { font: 700 2.3rem/1.15 ui-monospace, monospace; letter-spacing: 0.06em; white-space: nowrap; }
.class-address { font-size: 0.95rem; overflow-wrap: anywhere; }
.class-join { display: flex; gap: 0.9rem; align-items: center; }
/* The projector's screen takes what the row of controls leaves; on a phone the page scrolls. */
.st-key-class_room:has(.st-key-class_lead) iframe { height: calc(100vh - 6.9rem); min-height: 20rem; }
.st-key-class_lead [data-testid="stVerticalBlock"] { gap: 0.4rem 0.6rem; }
.class-join img { width: 7.4rem; height: 7.4rem; flex: none; border-radius: 6px; }
</style>"""


def show() -> None:
    """Draw the page."""
    st.html(_STYLE)
    state = user_state().classroom
    room = state.room
    if state.problem:
        st.error(state.problem)
        state.problem = ""
    if room is None:
        _closed()
    else:
        with st.container(key="class_room"):
            if is_lecturing():
                _lead(room)
            else:
                _open(room)


def _closed() -> None:
    state = user_state().classroom
    words, _ = st.columns([2, 1])
    with words:
        st.subheader("A class answers on its own phones", anchor=False)
        st.markdown(
            "Open a room, show its code or QR code, and put tasks to all participants: *click the artery*, *draw "
            "the AIF*, *predict*, *five questions*, *paint the core*. The answers come together on the projector, "
            "where you reveal them: the spread of the curves and of the core that follows from them, beside the "
            "selectors, the networks and, where it is known, the truth."
        )
        st.markdown(
            f"- Up to {MAX_PARTICIPANTS} people join with a browser, without an account, under a pseudonym.\n"
            "- Answers are in the server's memory alone, and gone when you end the class or after two hours "
            "without use. Take table and summary along before.\n"
            "- A case that you have uploaded is shown to the room only after you agree."
        )
        if state.is_over or state.opened is not None:
            st.info("The class has ended; nothing of it is kept.", icon=":material/check:")
        st.button(
            "Open a room", key="class_open", type="primary", icon=":material/groups:",
            on_click=partial(state.act, state.open),
        )  # fmt: skip


def _lead(room: Room) -> None:
    """Draw the room in lecture mode, on one screen: a row of controls over what the hall sees."""
    with st.container(key="class_lead", horizontal=True, vertical_alignment="center"):
        now_view()
        # Another key after each task: the new popover is closed.
        with st.popover(
            "Next task", key=f"class_next_{len(room.rounds)}", icon=":material/play_arrow:",
            type="primary" if room.current is None else "secondary",
        ):  # fmt: skip
            task_form(room)
    projector_frame(room)


def _open(room: Room) -> None:
    left, right = st.columns([1, 1.65], gap="small")
    with left, st.container(border=True):
        invitation(room)
    with right:
        with st.container(border=True):
            now_view()
        with st.container(border=True):
            task_form(room)
    screen, results, people = st.tabs(["Projector", "Results", "Participants"])
    with screen:
        projector_frame(room)
    with results:
        results_view()
    with people:
        people_view()
