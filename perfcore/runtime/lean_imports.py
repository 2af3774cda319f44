"""Imports of heavy packages for one command: without the parts that it does not use, or in the background."""

from __future__ import annotations

import sys
import threading
from importlib import import_module
from typing import Any, Final

UNUSED_OF_NUMPY: Final = frozenset({"char", "ctypeslib", "f2py", "ma", "polynomial", "rec", "testing"})
"""Loaded where scipy copies every member of numpy, with unittest and a detector of character sets."""
SWITCH_INTERVAL_S: Final = 5e-4
"""While torch is imported: a thread that computes gets the interpreter back ten times sooner than by default."""


def import_torch_in_background() -> None:
    """Import torch in a thread of its own, while the calling thread prepares the series."""
    if "torch" not in sys.modules:
        threading.Thread(target=_import_torch, name="import-torch").start()


def _import_torch() -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        import_module("torch")
    finally:
        sys.setswitchinterval(before)


def import_nibabel() -> None:
    """Import nibabel without pydicom, which it imports for a header extension that perfcore does not read."""
    if "nibabel" in sys.modules or "pydicom" in sys.modules:
        return
    sys.modules["pydicom"] = None  # type: ignore[assignment]
    try:
        import_module("nibabel")
    finally:
        del sys.modules["pydicom"]


def import_scipy() -> None:
    """Import scipy without the parts of numpy that it would load only to copy their names."""
    if "scipy.ndimage" in sys.modules:
        return
    numpy: Any = import_module("numpy")
    exported, members = numpy.__all__, numpy.__dir__
    numpy.__all__ = [name for name in exported if name not in UNUSED_OF_NUMPY]
    numpy.__dir__ = lambda: [name for name in members() if name not in UNUSED_OF_NUMPY]
    try:
        import_module("scipy.ndimage")
    finally:
        numpy.__all__, numpy.__dir__ = exported, members
