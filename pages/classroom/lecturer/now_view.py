"""What runs in the room: how many have joined and answered, and what the lecturer does next.

In lecture mode it is one row of controls: the projector's screen below it has the numbers.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.classroom.lecturer.change import comparable_rounds
from pages.classroom.lecturer.invitation import room_address
from pages.classroom.room import Room
from pages.classroom.round import Round
from pages.session.state import user_state
from pages.ui.escape import escape
from pages.ui.lecture import is_lecturing
from pages.ui.link_code import OUT_OF_REACH, is_local

EVERY_S: Final = 1.0
COMPARE_KEY: Final = "class_compare"
HELP: Final = {
    "reveal": "Participants see the class's answers too, and the right one",
    "again": "A second round of the same task, after the explanation; both are compared",
}
REMEDY: Final = "leave lecture mode to type this computer's address in the network"
PHASES: Final = {"open": "takes answers", "paused": "paused", "closed": "closed"}


@st.fragment(run_every=EVERY_S)
def now_view() -> None:
    """Draw the state of the room and the next actions, again every second."""
    state = user_state().classroom
    room = state.room
    if room is None or state.problem:
        st.rerun()
    one = room.current
    if is_lecturing():
        with _row():
            if one is None:
                _before_the_first_task(room)
            else:
                _actions(room, one)
                _switches(room, one)
        return
    _numbers(room, one)
    if one is None:
        st.markdown("Let people join, then open the first task below.")
        return
    with _row():
        _actions(room, one)
    with _row():
        _switches(room, one)


def _row() -> DeltaGenerator:
    return st.container(horizontal=True, vertical_alignment="center")


def _before_the_first_task(room: Room) -> None:
    """Draw what is left to do; the address is set outside lecture mode."""
    if is_local(room_address(room, st.context.url)):
        st.caption("⚠ " + OUT_OF_REACH.format(remedy=REMEDY))
    else:
        st.markdown("Let people join, then open the first task.")


def _numbers(room: Room, one: Round | None) -> None:
    people = room.participants
    n_here = sum(person.is_connected for person in people)
    title, joined, answered = st.columns([2.4, 1, 1.3], vertical_alignment="center")
    with title:
        if one is None:
            st.markdown("**No task yet**")
        else:
            again = " · again" if one.repeats else ""
            shown = " · revealed" if room.is_revealed else ""
            st.markdown(f"**{one.number}. {escape(one.task.title)}**{again}  \n:gray[{PHASES[one.phase]}{shown}]")
    joined.metric("Joined", len(people), help=f"{n_here} connected now")
    answered.metric("Answered", "–" if one is None else f"{len(one.answers)} of {len(people)}")


def _actions(room: Room, one: Round) -> None:
    """Draw the buttons; the usual next action is the primary one."""
    act = user_state().classroom.act
    is_open = one.phase == "open"
    usual = "again" if room.is_revealed else "open" if not is_open and not one.answers else "reveal"
    reveal = ("Hide answers", "visibility_off") if room.is_revealed else ("Reveal", "visibility")
    buttons = [
        ("reveal", *reveal, partial(act, room.set_revealed, not room.is_revealed)),
        ("again", "Again", "replay", partial(act, room.repeat, one.number)),
        ("pause", "Pause", "pause", partial(act, room.set_phase, "paused"))
        if is_open
        else ("open", "Open again", "play_arrow", partial(act, room.set_phase, "open")),
        ("close", "Close", "lock", partial(act, room.set_phase, "closed")),
    ]
    for name, label, icon, call in buttons:
        if name != "close" or one.phase != "closed":
            st.button(
                label, key=f"class_{name}", type="primary" if name == usual else "secondary", on_click=call,
                icon=f":material/{icon}:", help=HELP.get(name),
            )  # fmt: skip


def _switches(room: Room, one: Round) -> None:
    act = user_state().classroom.act
    st.session_state["class_freeze"] = room.is_frozen
    st.session_state["class_names"] = room.are_names_hidden
    st.toggle(
        "Freeze", key="class_freeze", help="The projector keeps its answers while others come in",
        on_change=lambda: act(room.set_frozen, bool(st.session_state["class_freeze"])),
    )  # fmt: skip
    st.toggle(
        "Hide names", key="class_names",
        on_change=lambda: act(room.set_names_hidden, bool(st.session_state["class_names"])),
    )  # fmt: skip
    if earlier := comparable_rounds(room, one):
        _compare(room, earlier)


def _compare(room: Room, earlier: list[Round]) -> None:
    names = {one.number: f"Compare with round {one.number}" for one in earlier}
    st.session_state[COMPARE_KEY] = room.compare if room.compare in names else None
    st.selectbox(
        "Compare with", [None, *names], key=COMPARE_KEY, width=230, label_visibility="collapsed",
        format_func=lambda number: names.get(number, "Compare with nothing"),
        on_change=lambda: user_state().classroom.act(room.set_compare, st.session_state[COMPARE_KEY]),
    )  # fmt: skip
