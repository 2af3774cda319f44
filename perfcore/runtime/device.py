"""Compute device (CPU or CUDA) from the setting shared by the commands, training and the dashboard."""

from __future__ import annotations

import torch

from perfcore.errors import DeviceError


def resolve_device(name: str = "auto") -> torch.device:
    """Return the torch device for ``auto`` (CUDA if available, else CPU), ``cpu`` or ``cuda``.

    Raises
    ------
    DeviceError
        CUDA was requested and is not available, or the name is unknown.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise DeviceError(f"device must be one of auto, cpu, cuda; got {name!r}.")
    if name == "cuda" and not torch.cuda.is_available():
        raise DeviceError("No CUDA device was found on this machine; use --device cpu or auto.")
    return torch.device("cuda" if name == "cuda" or (name == "auto" and torch.cuda.is_available()) else "cpu")


def describe_device(device: torch.device) -> str:
    """Return a short display name of a device."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return f"CPU, {torch.get_num_threads()} threads"
