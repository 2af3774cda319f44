"""Link with which participants join a room, and its QR code."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

import segno

from pages.classroom.room import Room
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


@lru_cache(maxsize=64)
def qr_rows(text: str) -> tuple[str, ...]:
    """Return the modules of the QR code of a text (ISO/IEC 18004, error correction M), without quiet zone.

    Each row is a text of ``1`` for dark and ``0`` for light modules.
    """
    code = segno.make_qr(text, error="m", boost_error=False)
    return tuple("".join(str(int(module)) for module in row) for row in code.matrix)


def link_message(room: Room, address: Any) -> dict[str, Any]:
    """Return link and QR code of a room; see `join_link`."""
    link = join_link(room, address if isinstance(address, str) else "")
    rows = qr_rows(link)
    return {"type": "qr", "link": link, "size": len(rows), "rows": list(rows)}
