"""Documents of the repository: their sections, and the source of the functions that they name."""

from __future__ import annotations

import importlib
import inspect
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

DOCS: Final = Path(__file__).resolve().parents[2] / "docs"
_FUNCTION: Final = re.compile(r"\[`(perfcore(?:\.\w+)+)`\]\(\.\./(perfcore/[\w/]+\.py)\)")
_LIST: Final = re.compile(r"\nFunctions: (?:.|\n)*?(?=\n\n|\n*\Z)")


@dataclass(frozen=True)
class Section:
    """A section of a document.

    Attributes
    ----------
    text
        Markdown, without the list of functions.
    functions
        Full names of the functions that implement the section, and their files.
    """

    text: str
    functions: tuple[tuple[str, str], ...]


def read_sections(name: str) -> list[Section]:
    """Return the sections of a document, the introduction first."""
    text = (DOCS / name).read_text(encoding="utf-8")
    parts = re.split(r"(?m)^(?=## )", text)
    return [Section(_LIST.sub("", part).strip(), tuple(_FUNCTION.findall(part))) for part in parts]


def demote_headings(text: str, levels: int) -> str:
    """Return Markdown with all headings some levels lower; code blocks are unchanged."""
    parts = re.split(r"(?ms)(^```.*?^```)", text)
    parts[::2] = [re.sub(r"(?m)^(#+) ", rf"{'#' * levels}\1 ", part) for part in parts[::2]]
    return "".join(parts)


def resolve(path: str) -> Any:
    """Return the function or class with a full name.

    Raises
    ------
    ImportError, AttributeError
        It does not exist.
    """
    module, _, name = path.rpartition(".")
    return inspect.unwrap(getattr(importlib.import_module(module), name))


def source_of(path: str) -> str:
    """Return the source of a function or class."""
    return inspect.getsource(resolve(path))


def code_blocks(name: str) -> list[str]:
    """Return the Python code blocks of a document, in order."""
    text = (DOCS / name).read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)
