"""ES modules of the front end inside one HTML file: each is a ``data:`` URL, named in an import map.

No bundler: the import map resolves the names, and the browser loads the modules as from a server. The worker is
one classic script.
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
_STATEMENT: Final = re.compile(r"""(?m)^import\b[^;]*;\n""")
_EXPORT: Final = re.compile(r"(?m)^export (?=(?:async )?(?:function|class|const|let)\b)")


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
    return Bundle(dict(sorted(imports.items())), name_of(ENTRY), worker_script(folder), kernel)


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


def worker_script(folder: Path = LIVE_FRONTEND, path: str = WORKER) -> str:
    """Return a worker and the modules that it imports as one classic script, the imported ones first.

    Chromium starts no module worker from a ``blob:`` URL of a page that is opened from a disk. The modules share
    one scope: no two may declare the same name, which every browser refuses.
    """
    parts: dict[str, str] = {}

    def add(name: str) -> None:
        if name in parts:
            return
        source, imported = rewrite(folder, name, name_of)
        for other in imported:
            add(other)
        parts[name] = _EXPORT.sub("", _STATEMENT.sub("", source))

    add(path)
    return '"use strict";\n' + "\n".join(parts.values())
