"""Escape text for Markdown and for spreadsheets."""

from __future__ import annotations

import re
from typing import Final

_FORMULA_STARTS: Final = frozenset("=+-@＝＋－＠")


def escape(text: str) -> str:
    """Return text escaped so that Streamlit's Markdown shows it unchanged (names of cases, file contents)."""
    return re.sub(r"([\\`*_{}\[\]()#+!|<>~$:])", r"\\\1", text)


def spreadsheet_text(text: str) -> str:
    """Return text that spreadsheets do not read as a formula (CSV injection, CWE-1236).

    Text that begins with a character that starts a formula, also a full-width one, gets an apostrophe before it.
    """
    is_formula = text.lstrip()[:1] in _FORMULA_STARTS or text[:1] in {"\t", "\r", "\n"}
    return f"'{text}" if is_formula else text
