"""Internals of Streamlit, Starlette and uvicorn are used in one module, and are still there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from starlette.formparsers import MultiPartParser
from streamlit.runtime import Runtime
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.pages_manager import PagesManager
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from tests import ROOT

INTERNALS = ROOT / "pages" / "server" / "streamlit_internals.py"
MODULES = sorted([ROOT / "app.py", *(ROOT / "pages").rglob("*.py")])
PUBLIC_RUNTIME_NAMES = {"get_script_run_ctx", "UploadedFile"}
"""Names of ``streamlit.runtime`` that Streamlit's documentation recommends."""


def private_uses(source: str) -> list[str]:
    """Find private attributes of other objects, and imports of internals, in a module."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            private = node.attr.startswith("_") and not node.attr.endswith("__")
            own = isinstance(node.value, ast.Name) and node.value.id in {"self", "cls", "os"}
            if (private and not own) or node.attr in {"uses_pages_directory", "spool_max_size"}:
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
        elif isinstance(node, ast.ImportFrom | ast.Import):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            for alias in node.names:
                name = f"{module}.{alias.name}".lstrip(".")
                internal = name.startswith(("uvicorn", "streamlit.runtime", "starlette.formparsers"))
                foreign = name.startswith(("streamlit", "starlette", "uvicorn"))
                private = foreign and any(part.startswith("_") for part in name.split("."))
                if private or (internal and alias.name not in PUBLIC_RUNTIME_NAMES):
                    found.append(f"line {node.lineno}: import of {name}")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_other_module_uses_internals(path: Path) -> None:
    found = private_uses(path.read_text(encoding="utf-8"))
    assert bool(found) is (path == INTERNALS), found


@pytest.mark.parametrize(
    "source",
    [
        "ws._receive", "Runtime.instance()._session_mgr", "PagesManager.uses_pages_directory = False",
        "from streamlit.runtime import Runtime", "import uvicorn", "import uvicorn.protocols",
        "from streamlit._impl import x", "MultiPartParser.spool_max_size = 1",
        "from starlette.formparsers import MultiPartParser",
    ],
)  # fmt: skip
def test_check_finds_each_kind_of_use(source: str) -> None:
    assert private_uses(source)


def test_internals_are_still_there() -> None:
    assert isinstance(PagesManager.uses_pages_directory, bool | None)
    assert MultiPartParser.spool_max_size > 0
    assert {"_cache"} <= set(vars(MemorySessionStorage()))
    assert hasattr(Runtime, "uploaded_file_mgr")
    for name in ("handle_ping", "handle_cont"):
        assert callable(getattr(WebSocketsSansIOProtocol, name))
