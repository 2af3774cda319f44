"""Server configuration: data folder, evaluation folder, compute device, memory limit."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

import torch

from perfcore.runtime.device import describe_device, resolve_device

FOLDER_VARIABLE: Final = "AIF_LAB_DATA"
ENGINE_VARIABLE: Final = "AIF_LAB_ENGINE"
DEVICE_VARIABLE: Final = "AIF_LAB_DEVICE"
EVALUATION_VARIABLE: Final = "AIF_LAB_EVALUATION"
UPLOAD_MEMORY_FRACTION: Final = 0.3
"""Of the machine's memory, for the uploads of all sessions; files not opened yet may take as much again."""
_CGROUP_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")
_FALLBACK_MEMORY: Final = 8 << 30


@cache
def device() -> torch.device:
    """Return the device that the dashboard computes on."""
    return resolve_device(os.environ.get(DEVICE_VARIABLE) or "auto")


def device_label() -> str:
    """Return the device's name for the interface."""
    return f"CPU, {os.cpu_count()} cores" if device().type == "cpu" else describe_device(device())


@cache
def memory_for_uploads() -> int:
    """Return the bytes that the uploads of all sessions may take together."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not on every system
        total = _FALLBACK_MEMORY
    with suppress(OSError, ValueError):  # a container or a service may have less than the machine
        total = min(total, int(_CGROUP_LIMIT.read_text()))
    return int(UPLOAD_MEMORY_FRACTION * total)


def computes_in_browser() -> bool:
    """Return whether browsers compute the maps of a drag; ``AIF_LAB_ENGINE=server`` leaves them to the server."""
    return os.environ.get(ENGINE_VARIABLE) != "server"


def data_folder() -> Path | None:
    """Return the folder of cases that the server was started with, if any."""
    path = os.environ.get(FOLDER_VARIABLE)
    return Path(path) if path else None


def evaluation_folder() -> Path | None:
    """Return the evaluation folder that the server was started with, if any."""
    path = os.environ.get(EVALUATION_VARIABLE)
    return Path(path) if path else None
