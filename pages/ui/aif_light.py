"""Light of the AIF quality in Streamlit's Markdown: shape, word and sentence; the Lab's is in JavaScript."""

from __future__ import annotations

from typing import Final

from pages.ui.escape import escape
from perfcore.aif.quality import AifQuality, Verdict

SHAPES: Final[dict[Verdict, tuple[str, str]]] = {
    "good": ("●", "Good"),
    "doubtful": ("▲", "Doubtful"),
    "bad": ("■", "Bad"),
}
"""Shape and word by verdict, so that colour is never alone."""
_COLOURS: Final[dict[Verdict, str]] = {"good": "green", "doubtful": "orange", "bad": "red"}


def light_text(quality: AifQuality) -> str:
    """Return shape and word, for tables."""
    return " ".join(SHAPES[quality.verdict])


def light_markdown(quality: AifQuality) -> str:
    """Return coloured shape and word."""
    return f":{_COLOURS[quality.verdict]}[**{light_text(quality)}**]"


def light_sentence(quality: AifQuality) -> str:
    """Return the light followed by its sentence."""
    return f"{light_markdown(quality)} {escape(quality.sentence)}"
