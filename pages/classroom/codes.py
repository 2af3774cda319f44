"""Room codes: short codes that people type, and the longer keys inside links."""

from __future__ import annotations

import secrets
from typing import Final

ALPHABET: Final = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""Without I, L, O, 0 and 1, which are easily confused."""
CODE_CHARS: Final = 6
"""Random characters of a code: 31⁶ = 8.9e8 codes, of which `pages.classroom.registry` lets few be tried."""


MAX_TYPED_CHARS: Final = 64
"""Characters of a typed code that are read."""


def new_code(prefix: str = "") -> str:
    """Return a random code; ``prefix`` names the server process where several serve behind one proxy."""
    return prefix + "".join(secrets.choice(ALPHABET) for _ in range(CODE_CHARS))


def normalize_code(text: str) -> str:
    """Return a typed code in upper case, without spaces and hyphens."""
    return "".join(text[:MAX_TYPED_CHARS].upper().split()).replace("-", "")[:MAX_TYPED_CHARS]


def display_code(code: str) -> str:
    """Return a code in two groups, which are easier to read aloud and to type."""
    half = (len(code) + 1) // 2
    return f"{code[:half]} {code[half:]}"
