"""List of participants, and what the lecturer can do about one of them."""

from __future__ import annotations

from functools import partial
from typing import Final

import streamlit as st

from pages.classroom.participant import Participant
from pages.classroom.room import Room
from pages.session.state import user_state
from pages.ui.escape import escape

EVERY_S: Final = 2.0
PERSON_KEY: Final = "class_person"


@st.fragment(run_every=EVERY_S)
def people_view() -> None:
    """Draw the participants, again every two seconds; they are chosen by number, so that the list may change."""
    room = user_state().classroom.room
    if room is None:
        return
    people = {person.number: person for person in room.participants}
    if not people:
        st.caption("No participant has joined yet.")
        return
    if st.session_state.get(PERSON_KEY) not in people:
        st.session_state.pop(PERSON_KEY, None)
    chosen, hide, remove = st.columns([3, 1, 1], vertical_alignment="bottom")
    number = chosen.selectbox(
        "Participant", list(people), index=None, key=PERSON_KEY, placeholder="Choose one to hide or remove",
        format_func=lambda n: f"{n}. {people[n].name}" if n in people else str(n),
    )  # fmt: skip
    one = people.get(number) if number is not None else None
    act = user_state().classroom.act
    is_hidden = one is not None and one.is_name_hidden
    hide.button(
        "Show name" if is_hidden else "Hide name", key="class_hide", width="stretch", disabled=one is None,
        on_click=partial(act, _hide, room, one, not is_hidden), help="On the projector and in what is kept",
    )  # fmt: skip
    remove.button(
        "Remove", key="class_remove", width="stretch", disabled=one is None, icon=":material/person_remove:",
        on_click=partial(act, _remove, room, one), help="With all answers; joining again needs the code",
    )  # fmt: skip
    current = room.current
    answered = set(current.answers) if current is not None else set()
    st.markdown(" · ".join(_name(person, answered=person.number in answered) for person in people.values()))
    st.caption("✓ has answered the current task; grey: not connected.")


def _name(person: Participant, *, answered: bool) -> str:
    text = f"{person.number}\\. {escape(person.name)}"
    if person.is_name_hidden:
        text = f"~~{text}~~"
    if not person.is_connected:
        text = f":gray[{text}]"
    return f"{text} ✓" if answered else text


def _hide(room: Room, person: Participant | None, hidden: bool) -> None:
    if person is not None:
        room.hide_name(person.number, hidden=hidden)


def _remove(room: Room, person: Participant | None) -> None:
    if person is not None:
        room.leave(person)
