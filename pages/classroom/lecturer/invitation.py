"""Addresses of a class: what participants type or scan, and the projector's window."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlsplit

import segno

from pages.classroom.join_link import MAX_ADDRESS_CHARS
from pages.classroom.room import Room
from pages.classroom.web_pages import PROJECTOR_PATH
from perfcore.errors import InputDataError

PAGE_PATH: Final = "class"
"""URL path of the page *Class*."""


def base_address(page_url: str | None) -> str:
    """Return the address of the dashboard, without a slash at its end, from the address of the page *Class*."""
    parts = urlsplit(page_url or "http://localhost:8501")
    path = parts.path.rstrip("/")
    if path.endswith(f"/{PAGE_PATH}"):
        path = path.removesuffix(f"/{PAGE_PATH}")
    return f"{parts.scheme}://{parts.netloc}{path}"


def room_address(room: Room, page_url: str | None) -> str:
    """Return the address for participants: the typed one, or that of the page *Class*."""
    return room.public_address or base_address(page_url)


def read_address(text: str) -> str:
    """Return a typed address without query and slash at its end; ``http`` is added where no scheme is given.

    Raises
    ------
    InputDataError
        It is no web address.
    """
    typed = text.strip().rstrip("/")
    try:
        parts = urlsplit(typed if "://" in typed else f"http://{typed}")
        known = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known or len(typed) > MAX_ADDRESS_CHARS or parts.username is not None or typed.split() != [typed]:
        raise InputDataError("The address is not valid; type it as in http://192.168.1.20:8501.")
    return base_address(f"{parts.scheme}://{parts.netloc}{parts.path}")


def projector_link(address: str, room: Room) -> str:
    """Return the link of the projector; the lecturer's token stays in the fragment, which no server receives."""
    return f"{address}{PROJECTOR_PATH}#host={quote(room.host_token)}&room={quote(room.code)}"


def qr_image(link: str) -> str:
    """Return the QR code of a link as an SVG in a data URL: black on white in both themes, as cameras expect."""
    code = segno.make_qr(link, error="m")
    return str(code.svg_data_uri(border=4, dark="#000", light="#fff", omitsize=True, encode_minimal=False))
