"""Exceptions of perfcore; each message is one sentence that tells the user what to do."""

from __future__ import annotations


class PerfcoreError(Exception):
    """Base class of the errors that perfcore raises.

    The message is one sentence: the quantity, the value received, the value expected, and what to do.
    It never contains a file name or text from a file header.
    """


class InputDataError(PerfcoreError):
    """Input data (a file, an upload, a curve) is invalid or unsupported."""


class NoArteryError(InputDataError):
    """No arterial input function can be selected: no voxel of the series has an arterial curve."""


class ArgumentError(PerfcoreError, ValueError):
    """An argument or setting is out of range, or shapes do not match."""


class DeviceError(PerfcoreError):
    """The requested compute device is not available."""


class OutputError(PerfcoreError):
    """A result cannot be written to the requested path."""
