"""Imports of heavy packages for one command: without the parts that it does not use, or in the background."""

from __future__ import annotations

import sys
import threading
from importlib import import_module
from typing import Final

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
