"""How participants come in: address, code and QR code; and the projector."""

from __future__ import annotations

from html import escape

import streamlit as st

from pages.classroom.codes import display_code
from pages.classroom.join_link import join_link
from pages.classroom.lecturer.invitation import base_address, projector_link, qr_image, read_address, room_address
from pages.classroom.lecturer.results_view import downloads
from pages.classroom.room import Room
from pages.classroom.web_pages import JOIN_PATH
from pages.session.state import user_state
from pages.ui.link_code import OUT_OF_REACH, is_local
from perfcore.errors import InputDataError

PROJECTOR_PX = 460
ADDRESS_KEY = "class_address"


def invitation(room: Room) -> None:
    """Draw address, code and QR code, and the button of the projector."""
    seen = base_address(st.context.url)
    address = room_address(room, st.context.url)
    link = join_link(room, address)
    shown = f"{address}{JOIN_PATH}".removeprefix("http://").removeprefix("https://")
    st.html(
        f'<div class="class-join"><img src="{qr_image(link)}" alt="QR code of the link to join"><div>'
        f'<div class="class-address">{escape(shown)}</div>'
        f'<div class="class-code" data-testid="class-code">{escape(display_code(room.code))}</div></div></div>'
    )
    st.link_button(
        "Open the projector", projector_link(seen, room), icon=":material/present_to_all:", width="stretch"
    )
    if is_local(address):
        st.caption("⚠ " + OUT_OF_REACH.format(remedy="type this computer's address in the network"))
        _address_field(room, seen)
    with st.container(horizontal=True):
        with st.popover("Link", icon=":material/link:"):
            st.code(link, language=None, wrap_lines=True)
            if not is_local(address):
                _address_field(room, seen)
        end_of_class(room)


def end_of_class(room: Room) -> None:
    """Draw the end of the class, which offers the results first."""
    with st.popover("End the class", icon=":material/stop_circle:"):
        st.markdown("All answers are deleted. Take along what you need:")
        downloads(room, "end")
        st.button(
            "End the class and delete its answers", key="class_end", type="primary",
            on_click=user_state().classroom.end,
        )  # fmt: skip


def projector_frame(room: Room) -> None:
    """Draw the projector's page, smaller; the names stay readable on a laptop."""
    st.iframe(
        projector_link(base_address(st.context.url), room), height=PROJECTOR_PX, alt="The projector's screen"
    )


def _address_field(room: Room, seen: str) -> None:
    st.session_state.setdefault(ADDRESS_KEY, room.public_address)

    def read() -> None:
        typed = str(st.session_state[ADDRESS_KEY]).strip()
        try:
            room.public_address = read_address(typed) if typed else ""
            st.session_state.pop("class_address_problem", None)
        except InputDataError as error:
            st.session_state["class_address_problem"] = str(error)

    st.text_input(
        "Address for participants", key=ADDRESS_KEY, placeholder=seen, on_change=read,
        help="What participants type before “/join”. Empty: the address of this page.",
    )  # fmt: skip
    if problem := st.session_state.get("class_address_problem"):
        st.error(problem)
