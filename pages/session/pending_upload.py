"""Upload of several DICOM series that waits for the user's choice of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from perfcore.types import SeriesUnits

if TYPE_CHECKING:  # imports pydicom
    from perfcore.io.dicom.catalogue import Scan

UPLOAD_PREFIX: Final = "upload-"
"""Beginning of the keys of uploads in the catalog."""


@dataclass(frozen=True)
class UploadOptions:
    """Options of an upload.

    Attributes
    ----------
    name
        Title of the case, typed by the user; empty for a number.
    mask, lesion
        Contents of the files of a brain mask and of a known lesion.
    units
        Units of the voxels.
    dt_s
        Time step that overrides the file's.
    """

    name: str = ""
    mask: bytes | None = None
    lesion: bytes | None = None
    units: SeriesUnits = "hu"
    dt_s: float | None = None


@dataclass(frozen=True, eq=False)
class SubmittedFile:
    """A series that was submitted and is not read yet.

    Attributes
    ----------
    content, sidecar
        Contents of the file and of its JSON sidecar.
    options
        Options of the submission.
    place, n_files
        Place of the file in its submission, from 1, and the number of its files.
    """

    content: bytes
    sidecar: bytes | None
    options: UploadOptions
    place: int
    n_files: int


@dataclass(frozen=True)
class LostUpload:
    """An upload that was open before the page was loaded again; its session and its series are gone.

    Attributes
    ----------
    number
        Number of the upload.
    checksum
        Checksum of its voxels: the same series gets its number again, and with it its edited curve.
    """

    number: int
    checksum: str

    @property
    def key(self) -> str:
        """Key of its catalog entry."""
        return upload_key(self.number)


def upload_key(number: int) -> str:
    """Return the key of the catalog entry of an upload."""
    return f"{UPLOAD_PREFIX}{number}"


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
