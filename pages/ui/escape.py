"""Escape text for Markdown."""

from __future__ import annotations

import re


def escape(text: str) -> str:
    """Return text escaped so that Streamlit's Markdown shows it unchanged (names of cases, file contents)."""
    return re.sub(r"([\\`*_{}\[\]()#+!|<>~$:])", r"\\\1", text)
