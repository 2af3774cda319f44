"""The errors that perfcore raises, each with one sentence that a person can act on."""

from __future__ import annotations


class PerfcoreError(Exception):
    """Base of every error that perfcore raises on purpose.

    The message is one sentence: the quantity, what came, what was expected, what to do.
    It never holds a file's name or text from a file's header.
    """


class InputDataError(PerfcoreError):
    """Data from outside (a file, an upload, a curve) cannot be used."""


class NoArteryError(InputDataError):
    """No voxel in the series behaves like an artery, so no input function can be chosen."""


class ArgumentError(PerfcoreError, ValueError):
    """An argument or setting is out of its range, or shapes do not match."""


class DeviceError(PerfcoreError):
    """The computing device that was asked for does not exist on this machine."""


class OutputError(PerfcoreError):
    """A result cannot be written where it was asked for."""
