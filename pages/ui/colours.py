"""Colours of the outlines for the style sheets of the pages."""

from __future__ import annotations

from perfcore.display.colours import OUTLINES


def outline_css(selector: str) -> str:
    """Return a CSS rule that defines the colours of the outlines as ``--outline-<name>``."""
    values = " ".join(f"--outline-{name}: {colour};" for name, colour in OUTLINES.items())
    return f"{selector} {{ {values} }}\n"
