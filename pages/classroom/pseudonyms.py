"""Pseudonyms of participants: drawn from two lists of words, or chosen by the participant and cleaned."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Container
from typing import Final

MAX_NAME_CHARS: Final = 24
ADJECTIVES: Final = (
    "Amber", "Bold", "Brisk", "Calm", "Clever", "Copper", "Coral", "Eager", "Gentle", "Golden", "Green", "Happy",
    "Indigo", "Ivory", "Jade", "Keen", "Lively", "Lucky", "Merry", "Misty", "Noble", "Olive", "Pearl", "Quick",
    "Quiet", "Rapid", "Ruby", "Silver", "Sunny", "Swift", "Teal", "Violet",
)  # fmt: skip
ANIMALS: Final = (
    "Badger", "Bear", "Beaver", "Bison", "Crane", "Deer", "Dolphin", "Eagle", "Falcon", "Finch", "Fox", "Hare",
    "Hawk", "Heron", "Ibis", "Jay", "Kestrel", "Lark", "Lynx", "Marten", "Moose", "Otter", "Owl", "Panda",
    "Puffin", "Raven", "Robin", "Seal", "Stork", "Swan", "Tern", "Wren",
)  # fmt: skip


def draw_name(taken: Container[str]) -> str:
    """Return a random pseudonym that nobody in the room has."""
    return unique_name(f"{secrets.choice(ADJECTIVES)} {secrets.choice(ANIMALS)}", taken)


def unique_name(name: str, taken: Container[str]) -> str:
    """Return a name, with a number after it where the room has it already."""
    number, found = 1, name
    while found in taken:
        number += 1
        suffix = f" {number}"
        found = name[: MAX_NAME_CHARS - len(suffix)].rstrip() + suffix
    return found


def clean_name(text: str) -> str:
    """Return a chosen name as one line of printable text of at most `MAX_NAME_CHARS`; it may be empty.

    Control and format characters become spaces: they could reverse or hide the text beside them. Of combining
    marks, one is kept after each character.
    """
    characters: list[str] = []
    for c in unicodedata.normalize("NFC", text[: 4 * MAX_NAME_CHARS]):
        if unicodedata.combining(c):
            if characters and not unicodedata.combining(characters[-1]) and characters[-1] != " ":
                characters.append(c)
        else:
            characters.append(" " if unicodedata.category(c)[0] in "CZ" else c)
    return " ".join("".join(characters).split())[:MAX_NAME_CHARS].rstrip()
