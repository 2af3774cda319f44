"""Pseudonyms of participants: drawn from two lists of words, or chosen by the participant and cleaned."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Container
from typing import Final

MAX_NAME_CHARS: Final = 24
MAX_MARKS: Final = 2
"""Combining marks of one character: a vowel sign and a nasal of an Indic script, a vowel and a tone of Thai."""
BLANKS: Final = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\u034f")
"""Letters, marks and symbols that are drawn as nothing: fillers of Hangul and Khmer, the empty Braille pattern."""
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
    """Return a random pseudonym that is free in the room."""
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
    """Return a chosen name as one line of visible text of at most `MAX_NAME_CHARS`; it may be empty.

    Control, format and blank characters become spaces: they could reverse or hide the text beside them. Of
    combining marks, `MAX_MARKS` are kept after each character: more are drawn over the lines above and below.
    """
    characters: list[str] = []
    n_marks = MAX_MARKS  # none without a character
    for c in unicodedata.normalize("NFC", text[: 4 * MAX_NAME_CHARS]):
        category = unicodedata.category(c)
        is_blank = category[0] in "CZ" or c in BLANKS
        if is_blank:
            characters.append(" ")
        elif category[0] != "M" or n_marks < MAX_MARKS:
            characters.append(c)
        n_marks = n_marks + 1 if category[0] == "M" else MAX_MARKS * is_blank
    return " ".join("".join(characters).split())[:MAX_NAME_CHARS].rstrip()
