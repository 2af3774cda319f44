"""ES modules of the front end inside one HTML file: each is a ``data:`` URL, named in an import map.

The import map resolves the names, and the browser loads the modules as from a server. In a local file Chromium
opens no module from a ``blob:`` URL as a worker, so the worker is one classic script: its modules, joined.
"""

from __future__ import annotations

import base64
import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pages.live.server.static_files import LIVE_FRONTEND

ENTRY: Final = "offline/page.js"
WORKER: Final = "engine/worker.js"
KERNEL: Final = "engine/peak.wasm"
REPLACED: Final[dict[str, str]] = {
    "transport/socket.js": "offline/socket.js",
    "engine/case_loader.js": "offline/case_loader.js",
    "engine/assets.js": "offline/assets.js",
}
"""Modules that need a server, and those that take their places in the file."""
_PREFIX: Final = "aif-lab/"
_IMPORT: Final = re.compile(r"""(?m)^((?:import|export)\b[^;"']*?\bfrom\s*|import\s*)(["'])(\.{1,2}/[^"']+)\2""")
"""A static import or export of a relative path: at the beginning of a line, unlike those in comments."""

_NAMED_IMPORT: Final = re.compile(r"""(?m)^import\s*\{[\w\s,]*\}\s*from\s*["'][^"']+["'];?$""")
_EXPORT: Final = re.compile(r"(?m)^export (?=(?:async )?(?:function|class|const|let)\b)")
_MODULE_SYNTAX: Final = re.compile(r"(?m)^(?:import|export)\b.*$|\bimport\.meta\b")


@dataclass(frozen=True)
class Bundle:
    """The front end for one file.

    Attributes
    ----------
    imports
        ``data:`` URL of each module, by the name that the others import it by.
    entry
        Name of the first module.
    worker
        Source of the worker, a classic script.
    kernel
        The WebAssembly module.
    """

    imports: dict[str, str]
    entry: str
    worker: str
    kernel: bytes


def bundle_lab(folder: Path = LIVE_FRONTEND) -> Bundle:
    """Bundle the modules that are reachable from the entry, and the worker with those that it imports."""
    imports: dict[str, str] = {}
    waiting = [ENTRY]
    while waiting:
        path = waiting.pop()
        if name_of(path) in imports:
            continue
        source, found = rewrite(folder, path, name_of)
        imports[name_of(path)] = data_url(source)
        waiting += found
    kernel = (folder / KERNEL).read_bytes()
    return Bundle(dict(sorted(imports.items())), name_of(ENTRY), joined(folder, WORKER), kernel)


def name_of(path: str) -> str:
    """Return the name that a module is imported by, from its path below the front end's folder."""
    return _PREFIX + path


def rewrite(folder: Path, path: str, rename: Callable[[str], str]) -> tuple[str, list[str]]:
    """Return the source of a module with other names for its imports, and the paths of the imported modules."""
    found: list[str] = []

    def replacement(match: re.Match[str]) -> str:
        imported = posixpath.normpath(posixpath.join(posixpath.dirname(path), match[3]))
        # The module that replaces another may import it.
        if REPLACED.get(imported) != path:
            imported = REPLACED.get(imported, imported)
        found.append(imported)
        return f'{match[1]}"{rename(imported)}"'

    return _IMPORT.sub(replacement, (folder / path).read_text(encoding="utf-8")), found


def data_url(source: str) -> str:
    """Return the URL of a module that holds its source."""
    return "data:text/javascript;base64," + base64.b64encode(source.encode()).decode()


def joined(folder: Path, entry: str) -> str:
    """Return a module and those that it imports as one classic script.

    Raises
    ------
    ValueError
        A module imports or exports in a form that joining cannot keep.
    """
    sources: dict[str, str] = {}

    def add(path: str) -> None:
        if path in sources:
            return
        source, imported = rewrite(folder, path, name_of)
        sources[path] = ""  # modules that import each other are joined, too
        for other in imported:
            add(other)
        bare = _EXPORT.sub("", _NAMED_IMPORT.sub("", source))
        if found := _MODULE_SYNTAX.search(bare):
            raise ValueError(f"{path}: {found[0]!r} cannot be part of a classic script; use plain named imports.")
        sources[path] = sources.pop(path) or bare

    add(entry)
    return '"use strict";\n' + "\n".join(sources.values())
