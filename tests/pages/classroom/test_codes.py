"""Room codes as people type them."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from pages.classroom.codes import (
    ALPHABET,
    CODE_CHARS,
    MAX_TYPED_CHARS,
    display_code,
    new_code,
    normalize_code,
)


def test_codes_have_no_characters_that_are_confused() -> None:
    codes = [new_code() for _ in range(500)]
    assert {len(code) for code in codes} == {CODE_CHARS}
    used = set("".join(codes))
    assert used == set(ALPHABET), "3,000 draws of 31 characters miss one with a probability of 1e-41"
    assert not used & set("ILO01")
    assert len(set(codes)) == 500


def test_the_prefix_comes_first() -> None:
    assert new_code("B").startswith("B")
    assert len(new_code("B")) == CODE_CHARS + 1


@given(st.text(ALPHABET, min_size=1, max_size=9), st.sampled_from([" ", "-", "\u00a0", "\t", " - "]))
def test_a_code_is_read_however_it_is_grouped(code: str, separator: str) -> None:
    assert normalize_code(separator.join(code.lower())) == code
    assert normalize_code(display_code(code)) == code


@given(st.text())
@example("0" * 63 + "ß")  # two characters in upper case
def test_any_text_is_normalized(text: str) -> None:
    code = normalize_code(text)
    assert normalize_code(code) == code
    assert len(code) <= MAX_TYPED_CHARS
