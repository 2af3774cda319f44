"""Pseudonyms: names that people choose are cleaned, names in a room are unique."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.classroom.pseudonyms import (
    ADJECTIVES,
    ANIMALS,
    BLANKS,
    MAX_MARKS,
    MAX_NAME_CHARS,
    clean_name,
    draw_name,
    unique_name,
)

MARK = st.characters(categories=["Mn", "Me", "Mc"])


@pytest.mark.parametrize(
    ("given_name", "cleaned"),
    [
        ("  Marie \n Curie ", "Marie Curie"),
        ("<b onclick=alert(1)>Eve</b>", "<b onclick=alert(1)>Eve<"),  # text, and shown as text alone
        ("\u202eevil\u202c", "evil"),  # right-to-left override
        ("a\u2066b\u2069", "a b"),
        ("Zoe\u0301", "Zoé"),
        ("x" * 500, "x" * MAX_NAME_CHARS),
        ("Z" + "\u0336\u0337\u0338" * 9, "Z\u0336\u0337"),  # struck through, again and again
        ("\u0e01" + "\u0e47" * 9, "\u0e01\u0e47\u0e47"),  # Thai marks stack, one is of combining class 0
        ("\u0301\u0302", ""),
        ("\u3164\u3164", ""),  # Hangul fillers are letters
        ("\u200b\ufeff\x00\x7f", ""),
        ("\ud800", ""),
        ("李 明", "李 明"),
        ("हिन्दी", "हिन्दी"),
    ],
)
def test_a_chosen_name_is_one_line_of_visible_text(given_name: str, cleaned: str) -> None:
    assert clean_name(given_name) == cleaned


@given(st.text() | st.text(MARK | st.sampled_from(["a", " ", *BLANKS])))
def test_cleaned_names_are_short_and_printable(text: str) -> None:
    name = clean_name(text)
    assert len(name) <= MAX_NAME_CHARS
    assert name == name.strip()
    assert "  " not in name
    assert not [c for c in name if c != " " and (unicodedata.category(c)[0] in "CZ" or c in BLANKS)]
    marks = "".join("m" if unicodedata.category(c)[0] == "M" else "-" for c in name)
    assert "m" * (MAX_MARKS + 1) not in marks
    assert not marks.startswith("m")


@given(st.text("ab ", max_size=MAX_NAME_CHARS).map(clean_name).filter(bool))
def test_a_room_has_each_name_once(name: str) -> None:
    taken: set[str] = set()
    for _ in range(12):
        found = unique_name(name, taken)
        assert found not in taken
        assert len(found) <= MAX_NAME_CHARS
        taken.add(found)
    assert name in taken


def test_drawn_names_are_unique_even_if_all_are_taken() -> None:
    everything = {f"{a} {b}" for a in ADJECTIVES for b in ANIMALS}
    assert max(map(len, everything)) <= MAX_NAME_CHARS
    assert draw_name(set()) in everything
    assert draw_name(everything).endswith(" 2")
