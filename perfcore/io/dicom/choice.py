"""Choice of the perfusion scan in a DICOM export, by rule and in the open.

A scan is chosen without being asked for only if it is the only usable one and no other patient or study holds a
perfusion scan. The size of a scan, and the order of files and folders, decide nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from perfcore.errors import InputDataError
from perfcore.io.dicom.catalogue import Candidate, Catalogue, Scan, read_catalogue
from perfcore.io.dicom.elements import ReadBudget, suppress_warnings
from perfcore.io.dicom.files import open_files
from perfcore.io.dicom.header import DicomImage, SkipReason
from perfcore.io.dicom.stack import Stack
from perfcore.io.frame_timing import FramePlan
from perfcore.quality_flags import Flag, make_flag
from perfcore.types import ChosenSeries, LeftOut, SeriesChoice

_MAX_LISTED: Final = 8
_NOT_CHOSEN: Final = "not chosen"
_REASONS: Final[dict[SkipReason, str]] = {
    SkipReason.NOT_DICOM: "files of another format",
    SkipReason.OTHER: "no CT or MR image with position and orientation",
    SkipReason.MULTIFRAME: "no position and time of each frame",
    SkipReason.DAMAGED: "its header cannot be read",
    SkipReason.LOCALIZER: "plans a scan",
    SkipReason.MAP: "computed from a scan",
    SkipReason.PROJECTION: "computed from a scan",
    SkipReason.CAPTURE: "screen capture, report or coloured image",
}


class SeveralScansError(InputDataError):
    """Several scans may be meant, and none is chosen silently.

    Attributes
    ----------
    scans
        The scans to choose from by their ``number``.
    """

    def __init__(self, message: str, scans: Sequence[Scan]) -> None:
        super().__init__(message)
        self.scans = tuple(scans)


@dataclass(frozen=True, eq=False)
class OpenScan:
    """The chosen scan of a DICOM export; the files of its images can be read until the export is closed.

    Attributes
    ----------
    images
        All images, in an order that does not depend on the files.
    volume
        Images by slice and the affine, before any downsampling.
    slices
        Images by slice and time, without the slice positions left out: the axes z and t of the series, but for
        images between which ``plan`` interpolates.
    plan
        Which images make which frame.
    flags
        Quality flags about the choice, joined series and repeated images.
    choice
        What was chosen and what was left out.
    budget
        Limit on the number of reads, for reading the pixels.
    """

    images: tuple[DicomImage, ...]
    volume: Stack
    slices: tuple[tuple[DicomImage, ...], ...]
    plan: FramePlan
    flags: tuple[Flag, ...]
    choice: SeriesChoice
    budget: ReadBudget


@contextmanager
def open_scan(
    source: Path | bytes, *, series: int | None = None, dt_s: float | None = None, units: str = "hu"
) -> Iterator[OpenScan]:
    """Open a DICOM export and choose the scan to read; its pixels are not read.

    Parameters
    ----------
    source
        A folder, a zip file, or the content of one.
    series
        Number of the scan in the list of scans; default: the only usable one.
    dt_s, units
        As for :func:`perfcore.io.dicom.reader.read_dicom`.

    Raises
    ------
    SeveralScansError
        Several scans can be read, or they belong to several patients or studies, and ``series`` is None.
    InputDataError
        There is no such scan, or it cannot be read.
    """
    budget = ReadBudget()
    with open_files(source) as files, suppress_warnings(), closing(budget.decoder):
        catalogue = read_catalogue(files, budget, dt_s=dt_s, units=units)
        chosen = choose(catalogue, series, units=units)
        if chosen.volume is None or chosen.slices is None or chosen.plan is None:
            raise chosen.error or InputDataError("The DICOM series cannot be read; export it again.")
        yield OpenScan(
            images=chosen.images,
            volume=chosen.volume,
            slices=tuple(tuple(own) for own in chosen.slices),
            plan=chosen.plan,
            flags=_flags(catalogue, chosen, units),
            choice=_choice(catalogue, chosen),
            budget=budget,
        )


def list_scans(source: Path | bytes, *, dt_s: float | None = None, units: str = "hu") -> Catalogue:
    """Read the catalogue of a DICOM export; its files are closed afterwards."""
    budget = ReadBudget()
    with open_files(source) as files, suppress_warnings(), closing(budget.decoder):
        return read_catalogue(files, budget, dt_s=dt_s, units=units)


def choose(catalogue: Catalogue, series: int | None, *, units: str = "hu") -> Candidate:
    """Return the scan to read.

    Raises
    ------
    SeveralScansError
        The choice is the user's.
    InputDataError
        There is no usable scan, or the one asked for is not usable.
    """
    candidates = catalogue.candidates
    if series is not None:
        if not 1 <= series <= len(candidates):
            raise InputDataError(
                f"The input holds no series {series}: its series are numbered 1 to {len(candidates)}; "
                "list them with inspect."
                if candidates
                else f"The input holds no series {series}, since it holds no DICOM series that can be listed."
            )
        chosen = candidates[series - 1]
        if chosen.error is not None:
            raise chosen.error
        return chosen
    readable = [candidate for candidate in candidates if candidate.scan.is_usable]
    usable = [candidate for candidate in readable if _fits(candidate.scan, units)] or readable
    perfusion = [
        candidate.scan
        for candidate in candidates
        if candidate.scan.has_enough_frames and _fits(candidate.scan, units)
    ]
    for what, owners in (
        ("patients", {scan.patient for scan in perfusion}),
        ("studies", {scan.study for scan in perfusion}),
    ):
        if usable and len(owners) > 1:
            raise _several(f"series of {len(owners)} {what}", perfusion)
    if len(usable) > 1:
        raise _several(f"{len(usable)} series that can be read", [candidate.scan for candidate in usable])
    if usable:
        return usable[0]
    dynamic = [candidate for candidate in candidates if candidate.scan.n_frames > 1]
    if not dynamic:
        raise _no_series_error(catalogue.skipped, bool(candidates))
    nearest = max(dynamic, key=lambda one: (_fits(one.scan, units), one.scan.n_frames, -one.scan.number))
    raise nearest.error or _no_series_error(catalogue.skipped, has_images=True)


def _fits(scan: Scan, units: str) -> bool:
    """Return whether the modality of a scan is that of the units; enhancement is that of CT if there is one."""
    return scan.modality == ("MR" if units == "dsc" else "CT")


def _several(what: str, scans: Sequence[Scan]) -> SeveralScansError:
    listed = [f"{scan.number} ({scan})" for scan in scans[:_MAX_LISTED]]
    if len(scans) > _MAX_LISTED:
        listed.append(f"{len(scans) - _MAX_LISTED} more")
    text = ", ".join(listed[:-1]) + " and " + listed[-1]
    return SeveralScansError(f"The DICOM files hold {what}: {text}; choose one by its number (--series N).", scans)


def _no_series_error(skipped: Counter[SkipReason], has_images: bool) -> InputDataError:
    """Return the error for files that contain no scan."""
    if skipped[SkipReason.MULTIFRAME]:
        return InputDataError(
            "The DICOM files are multi-frame images without the position and time of each frame (functional "
            "groups); export the series as enhanced CT or as one image per file."
        )
    if has_images:
        return InputDataError(
            "The DICOM files hold CT images, but no slice at several times; give the folder of the perfusion "
            "series."
        )
    if any(skipped[reason] for reason in SkipReason if reason is not SkipReason.NOT_DICOM):
        return InputDataError(
            "The DICOM files hold no CT perfusion series that can be read; expected single-frame CT images with "
            "positions and times, so export the series again."
        )
    return InputDataError("It holds no DICOM file; give the folder, or a zip file, of a CT perfusion series.")


def _flags(catalogue: Catalogue, chosen: Candidate, units: str) -> tuple[Flag, ...]:
    """Return the quality flags about what was left out, followed by those of the chosen scan."""
    flags: list[Flag] = []
    damaged = catalogue.skipped[SkipReason.DAMAGED]
    if damaged:
        sentence = f"Damaged DICOM files beside the series were left out ({damaged})."
        flags.append(make_flag("files_left_out", sentence))
    others = [one.scan for one in catalogue.candidates if one is not chosen]
    for scan in others:
        if scan.problem is not None and scan.has_enough_frames and _fits(scan, units):
            reason = scan.problem[0].lower() + scan.problem[1:]
            sentence = f"Series {scan.number} ({scan}) was left out: {reason}"
            flags.append(make_flag("series_left_out", sentence))
    patients = {one.images[0].tags.patient for one in catalogue.candidates} - {""}
    if len(patients) > 1:
        sentence = "The DICOM files belong to more than one patient; a single series was read."
        flags.append(make_flag("several_patients", sentence))
    return (*flags, *chosen.flags)


def _choice(catalogue: Catalogue, chosen: Candidate) -> SeriesChoice:
    scan = chosen.scan
    left_out = [
        LeftOut(other.scan.number, other.scan.kind, other.scan.n_files, other.scan.problem or _NOT_CHOSEN)
        for other in catalogue.candidates
        if other is not chosen
    ]
    if chosen.n_copies:
        left_out.append(
            LeftOut(scan.number, "copy", chosen.n_copies, "position, time and pixels of another image")
        )
    dt_s = scan.dt_s if scan.dt_s is not None else 0.0
    picked = ChosenSeries(scan.number, scan.n_frames, scan.n_slices, dt_s, scan.time_source, scan.n_series)
    return SeriesChoice(picked, (*left_out, *skipped_files(catalogue.skipped)))


def skipped_files(counts: Counter[SkipReason]) -> tuple[LeftOut, ...]:
    """Return the files that belong to no scan, by reason."""
    return tuple(
        LeftOut(None, reason.value, counts[reason], _REASONS.get(reason, "not read"))
        for reason in SkipReason
        if counts[reason]
    )
