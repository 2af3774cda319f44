"""QR code of a link, and whether a phone can open the link."""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

import segno

LOCAL_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})
OUT_OF_REACH: Final = "Phones cannot reach this address. Start the server with HOST=0.0.0.0, and {remedy}."
"""Sentence beside a link of this computer alone."""


def is_local(address: str) -> bool:
    """Return whether an address names this computer alone, so that no phone can reach it."""
    return urlsplit(address).hostname in LOCAL_HOSTS


@lru_cache(maxsize=64)
def qr_rows(text: str) -> tuple[str, ...]:
    """Return the modules of the QR code of a text (ISO/IEC 18004, error correction M), without quiet zone.

    Each row is a text of ``1`` for dark and ``0`` for light modules.
    """
    code = segno.make_qr(text, error="m", boost_error=False)
    return tuple("".join(str(int(module)) for module in row) for row in code.matrix)
