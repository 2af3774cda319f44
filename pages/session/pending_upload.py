"""Upload of several DICOM series that waits for the user's choice of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfcore.types import SeriesUnits

if TYPE_CHECKING:  # imports pydicom
    from perfcore.io.dicom.catalogue import Scan


@dataclass(frozen=True)
class UploadOptions:
    """Brain mask and known lesion (file contents), units, and a time step that overrides the file's."""

    mask: bytes | None = None
    lesion: bytes | None = None
    units: SeriesUnits = "hu"
    dt_s: float | None = None


@dataclass(frozen=True, eq=False)
class PendingUpload:
    """An upload whose series is not chosen yet.

    Attributes
    ----------
    number
        Identity within the session.
    content
        The zip archive.
    options
        Options given with it, kept for the series that is chosen.
    scans
        The series to choose from.
    """

    number: int
    content: bytes
    options: UploadOptions
    scans: tuple[Scan, ...]

    @property
    def n_bytes(self) -> int:
        """Memory that it takes while it waits."""
        return len(self.content)

    def label(self, number: int) -> str:
        """Return the label of a series: frames × slices and step; which patient and study of several."""
        scan = next(scan for scan in self.scans if scan.number == number)
        owner = "".join(
            f"; {name} {getattr(scan, name)}"
            for name in ("patient", "study")
            if len({getattr(one, name) for one in self.scans}) > 1
        )
        return f"Series {number}: {scan}{owner}{'' if scan.is_usable else '; cannot be read'}"
