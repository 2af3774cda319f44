"""The documents of the repository as the app shows them: sections, and the code that they name."""

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
        Full names of those that do what the section says, and their files.
    """

    text: str
    functions: tuple[tuple[str, str], ...]


def sections(name: str) -> list[Section]:
    """Return a document's sections, the introduction first."""
    text = (DOCS / name).read_text(encoding="utf-8")
    parts = re.split(r"(?m)^(?=## )", text)
    return [Section(_LIST.sub("", part).strip(), tuple(_FUNCTION.findall(part))) for part in parts]


def demoted(text: str, levels: int) -> str:
    """Return Markdown with every heading some levels lower; comments in code stay what they are."""
    parts = re.split(r"(?ms)(^```.*?^```)", text)
    parts[::2] = [re.sub(r"(?m)^(#+) ", rf"{'#' * levels}\1 ", part) for part in parts[::2]]
    return "".join(parts)


def named(path: str) -> Any:
    """Return the function or class of a full name.

    Raises
    ------
    ImportError, AttributeError
        There is none.
    """
    module, _, name = path.rpartition(".")
    return inspect.unwrap(getattr(importlib.import_module(module), name))


def source(path: str) -> str:
    """Return the source of a function or class."""
    return inspect.getsource(named(path))


def code_blocks(name: str) -> list[str]:
    """Return the Python blocks of a document, in their order."""
    text = (DOCS / name).read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)
