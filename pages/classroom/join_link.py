"""Link with which participants join a room, and its QR code."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from pages.classroom.room import Room
from pages.ui.link_code import qr_rows
from perfcore.errors import InputDataError

MAX_ADDRESS_CHARS: Final = 200


def join_link(room: Room, address: str) -> str:
    """Return the link that joins a room without typing its code.

    Parameters
    ----------
    room
        The room; its ``public_address`` comes before the address given.
    address
        Of the server as a browser sees it, with the path before ``/join`` where it has one.

    Raises
    ------
    InputDataError
        It is no address of a web server.
    """
    base = (room.public_address or address).rstrip("/")
    if not _is_web_address(base):
        raise InputDataError("The address of the class must begin with http:// or https://, and name a server.")
    return f"{base}/join?room={room.code}#k={room.key}"


def _is_web_address(text: str) -> bool:
    if len(text) > MAX_ADDRESS_CHARS:
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.query or parts.fragment)


def link_message(room: Room, address: Any) -> dict[str, Any]:
    """Return link and QR code of a room; see `join_link`."""
    link = join_link(room, address if isinstance(address, str) else "")
    rows = qr_rows(link)
    return {"type": "qr", "link": link, "size": len(rows), "rows": list(rows)}
