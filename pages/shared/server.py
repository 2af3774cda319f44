"""What whoever started the server has chosen: folders of cases and of an evaluation, a device."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Final

import torch

from perfcore.device import describe_device, resolve_device

FOLDER_VARIABLE: Final = "AIF_LAB_DATA"
DEVICE_VARIABLE: Final = "AIF_LAB_DEVICE"
EVALUATION_VARIABLE: Final = "AIF_LAB_EVALUATION"


@cache
def device() -> torch.device:
    """Return the device that the dashboard computes on."""
    return resolve_device(os.environ.get(DEVICE_VARIABLE) or "auto")


def device_label() -> str:
    """Return what the dashboard computes on, for people."""
    return f"CPU, {os.cpu_count()} cores" if device().type == "cpu" else describe_device(device())


def folder() -> Path | None:
    """Return the folder of cases that the server was started with, if any."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else None


def evaluation() -> Path | None:
    """Return the folder of an evaluation that the server was started with, if any."""
    named = os.environ.get(EVALUATION_VARIABLE)
    return Path(named) if named else None
