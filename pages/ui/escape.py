"""Text of others, shown as text."""

from __future__ import annotations

import re


def escape(text: str) -> str:
    """Return text that Streamlit's Markdown shows as it is written: a case's name is no markup."""
    return re.sub(r"([\\`*_{}\[\]()#+!|<>~$:])", r"\\\1", text)
