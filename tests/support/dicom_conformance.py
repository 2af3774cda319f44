"""Conformance of DICOM objects, checked by the tools of Debian's dicom3tools: dciodvfy and dcentvfy."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

KNOWN_WARNINGS: Final = (
    # Defined by PS3.3 C.8.32.2 for Parametric Maps; the tables of this release of the tool lack it.
    "Unrecognized defined term <QUANTITY> for value 4 of attribute <Image Type>",
    "Unrecognized defined term <QUANTITY> for value 4 of attribute <Frame Type>",
)


def messages(tool: str, paths: Sequence[Path]) -> list[str]:
    """Lines that a tool prints about objects; skips the test where it is missing, fails where CI is true."""
    if shutil.which(tool) is None:
        missing = f"{tool} is not on this machine; install it (Debian: apt-get install dicom3tools)."
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    done = subprocess.run([tool, *map(str, paths)], capture_output=True, text=True, timeout=60, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    return [line for line in lines if line.startswith(("Error", "Warning", "Abort"))]


def object_messages(path: Path) -> list[str]:
    """What dciodvfy finds in an object, but for limitations of the tool."""
    return [line for line in messages("dciodvfy", [path]) if not line.endswith(KNOWN_WARNINGS)]


def errors_between(paths: Sequence[Path]) -> list[str]:
    """Contradictions that dcentvfy finds between objects of one patient, study, series or frame of reference."""
    return [line for line in messages("dcentvfy", paths) if not line.startswith("Warning")]
