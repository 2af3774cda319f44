"""What whoever started the server has chosen: folders of cases and of an evaluation, a device."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

import torch

from perfcore.runtime.device import describe_device, resolve_device

FOLDER_VARIABLE: Final = "AIF_LAB_DATA"
DEVICE_VARIABLE: Final = "AIF_LAB_DEVICE"
EVALUATION_VARIABLE: Final = "AIF_LAB_EVALUATION"
PART_FOR_UPLOADS: Final = 0.3
"""Of the memory that there is, for everybody's uploads; files not yet read may take as much again."""
_GROUP_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")
_UNKNOWN_MEMORY: Final = 8 << 30


@cache
def device() -> torch.device:
    """Return the device that the dashboard computes on."""
    return resolve_device(os.environ.get(DEVICE_VARIABLE) or "auto")


def device_label() -> str:
    """Return what the dashboard computes on, for people."""
    return f"CPU, {os.cpu_count()} cores" if device().type == "cpu" else describe_device(device())


@cache
def memory_for_uploads() -> int:
    """Return how many bytes the uploads of everybody may take together."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not on every system
        total = _UNKNOWN_MEMORY
    with suppress(OSError, ValueError):  # a container or a service may have been given less
        total = min(total, int(_GROUP_LIMIT.read_text()))
    return int(PART_FOR_UPLOADS * total)


def folder() -> Path | None:
    """Return the folder of cases that the server was started with, if any."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else None


def evaluation() -> Path | None:
    """Return the folder of an evaluation that the server was started with, if any."""
    named = os.environ.get(EVALUATION_VARIABLE)
    return Path(named) if named else None
