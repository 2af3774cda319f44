"""Catalogue of the scans in a DICOM export: what could be read, and why the rest cannot.

All headers are read once. Pixels are read only to compare images of equal position and time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from perfcore.errors import InputDataError
from perfcore.io.dicom.acquisition_times import order_in_time
from perfcore.io.dicom.duplicates import ACQUISITION_CLOCKS, Variant, distinct_images, in_order, reconstructions
from perfcore.io.dicom.elements import ReadBudget
from perfcore.io.dicom.files import Blob
from perfcore.io.dicom.header import DicomImage, SkipReason, read_images
from perfcore.io.dicom.join import Joining, join_series
from perfcore.io.dicom.pixels import check_pixels
from perfcore.io.dicom.stack import Stack, group_slices, stack
from perfcore.io.frame_timing import FramePlan
from perfcore.io.nifti.reader import MIN_FRAMES
from perfcore.plausibility import refuse_modality
from perfcore.quality_flags import Flag, make_flag

_JOINED_AS: Final[dict[Joining, str]] = {
    "volumes": "one of each frame",
    "phases": "phases that follow each other",
    "slabs": "slabs of one volume",
}


@dataclass(frozen=True)
class Scan:
    """A scan of a DICOM export, as it is listed; it holds no field of a patient.

    Attributes
    ----------
    number
        From 1; it does not depend on names and order of files.
    patient, study
        Ordinal numbers that tell whether two scans belong to one patient and study.
    modality
        ``CT`` or ``MR``.
    n_frames, n_slices
        Number of frames and of slice positions, as read if the scan is usable.
    rows, columns
        Size of an image.
    spacing_mm
        Voxel size along columns, rows and slices in mm, None where the slices do not make a volume.
    dt_s
        Time step in s, None where it is unknown.
    time_source
        Where the times come from; empty where they are unknown.
    n_series
        Number of stored series that were joined to the scan.
    n_files
        Number of files.
    problem
        Sentence that says why the scan cannot be read, None if it is usable.
    """

    number: int
    patient: int
    study: int
    modality: str
    n_frames: int
    n_slices: int
    rows: int
    columns: int
    spacing_mm: tuple[float, float, float] | None
    dt_s: float | None
    time_source: str
    n_series: int
    n_files: int
    problem: str | None

    @property
    def is_usable(self) -> bool:
        """Whether the scan can be read, by its headers."""
        return self.problem is None

    @property
    def kind(self) -> str:
        """What the scan is, for lists."""
        return f"{self.modality} {'time series' if self.n_frames > 1 else 'volume'}"

    @property
    def has_enough_frames(self) -> bool:
        """Whether it may be a perfusion scan by its number of frames."""
        return self.n_frames >= MIN_FRAMES

    def __str__(self) -> str:
        step = "" if self.dt_s is None else f", {self.dt_s:g} s apart"
        return f"{count(self.n_frames, 'frame')} × {count(self.n_slices, 'slice')}{step}"


@dataclass(frozen=True, eq=False)
class Candidate:
    """A scan with its images.

    Attributes
    ----------
    scan
        Its entry in the list.
    images
        Its images without copies.
    flags
        Quality flags about joined series and repeated images.
    n_copies
        Number of images left out as copies.
    volume, slices, plan
        Images by slice, then by slice and time, and the plan that makes frames of them; None if it is not usable.
    error
        Why it cannot be read, None if it is usable.
    """

    scan: Scan
    images: tuple[DicomImage, ...]
    flags: tuple[Flag, ...]
    n_copies: int
    volume: Stack | None
    slices: list[list[DicomImage]] | None
    plan: FramePlan | None
    error: InputDataError | None


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Scans of a DICOM export in the order of their numbers, and the number of other files by reason."""

    candidates: tuple[Candidate, ...]
    skipped: Counter[SkipReason]

    @property
    def scans(self) -> tuple[Scan, ...]:
        """The list of scans."""
        return tuple(candidate.scan for candidate in self.candidates)


def read_catalogue(
    files: Sequence[Blob], budget: ReadBudget, *, dt_s: float | None = None, units: str = "hu"
) -> Catalogue:
    """Read the headers of all files and list their scans.

    Parameters
    ----------
    files
        Files of the export, in any order.
    budget
        Limit on the number of reads.
    dt_s
        Time step in s that overrides the headers; a scan without times is then usable.
    units
        Units that the scan is read in; they decide whether MR or CT is usable.

    Raises
    ------
    InputDataError
        A file cannot be read at all, or the read budget is exhausted.
    """
    skipped: Counter[SkipReason] = Counter()
    images: list[DicomImage] = []
    for blob in files:
        found = read_images(blob, budget)
        if isinstance(found, SkipReason):
            skipped[found] += 1
        else:
            images += found
    drafts: list[_Draft] = []
    for group in join_series(in_order(images)):
        distinct = distinct_images(group.images, budget)
        n_copies = distinct.n_copies + distinct.n_resent
        repeated = _repeated_flags(distinct.n_resent, distinct.n_shared_uids)
        for variant in reconstructions(distinct.images):
            n_series = len({image.series for image in variant.images})
            joined = _joined_flag(n_series, group.joining) if n_series > 1 else ()
            drafts.append(_Draft(variant, (*joined, *repeated), n_copies))
            n_copies = 0
    drafts.sort(key=lambda draft: _listing_key(draft.variant.images))
    patients: dict[str, int] = {}
    studies: dict[tuple[str, str], int] = {}
    candidates = []
    for number, draft in enumerate(drafts, start=1):
        tags = draft.variant.images[0].tags
        patient = patients.setdefault(tags.patient, len(patients) + 1)
        study = studies.setdefault(tags.study_of_patient, len(studies) + 1)
        candidates.append(_candidate(draft, (number, patient, study), dt_s, units))
    return Catalogue(tuple(candidates), skipped)


@dataclass(frozen=True)
class _Draft:
    variant: Variant
    flags: tuple[Flag, ...]
    n_copies: int


def _candidate(draft: _Draft, numbers: tuple[int, int, int], dt_s: float | None, units: str) -> Candidate:
    """Check a scan by its headers, with everything that is checked before its pixels are read."""
    number, patient, study = numbers
    images = draft.variant.images
    grouped = group_slices(images)
    n_frames, n_slices = max(len(own) for own in grouped), len(grouped)
    volume = slices = plan = error = None
    try:
        refuse_modality(images[0].modality, units)
        _check_n_frames(n_frames)
        check_pixels(images)
    except InputDataError as refusal:
        error = refusal
    if n_frames >= MIN_FRAMES:  # an unreadable one is described too
        try:
            volume = stack(images)
            if draft.variant.problem is not None:
                raise InputDataError(draft.variant.problem)
            slices, plan = order_in_time(volume.slices, dt_s)
            n_frames, n_slices = plan.n_time, len(slices)
            _check_frames(draft.variant, plan, dt_s)
        except InputDataError as refusal:
            error = error or refusal
    scan = Scan(
        number=number,
        patient=patient,
        study=study,
        modality=images[0].modality,
        n_frames=n_frames,
        n_slices=n_slices,
        rows=images[0].rows,
        columns=images[0].columns,
        spacing_mm=None if volume is None else _spacing_mm(volume),
        dt_s=None if plan is None else plan.dt_s,
        time_source="" if plan is None else plan.time_source,
        n_series=len({image.series for image in images}),
        n_files=len({id(image.blob) for image in images}),
        problem=None if error is None else str(error),
    )
    return Candidate(scan, images, draft.flags, draft.n_copies, volume, slices, plan, error)


def _spacing_mm(volume: Stack) -> tuple[float, float, float]:
    x, y, z = (float(size) for size in np.linalg.norm(volume.affine[:3, :3], axis=0))
    return x, y, z


def _check_n_frames(n_frames: int) -> None:
    if n_frames < MIN_FRAMES:
        raise InputDataError(
            f"The DICOM series has {count(n_frames, 'frame')}; expected {MIN_FRAMES} or more, so give the whole "
            "series."
        )


def _check_frames(variant: Variant, plan: FramePlan, dt_s: float | None) -> None:
    _check_n_frames(plan.n_time)
    if dt_s is not None and variant.max_dt_s is not None and dt_s > variant.max_dt_s:
        raise InputDataError(
            "Several images of each position of the DICOM series have the same time, and its clock does not allow "
            f"frames {dt_s:g} s apart; two reconstructions may be in one series, so export a single one."
        )


def _joined_flag(n_series: int, joining: Sequence[Joining]) -> tuple[Flag, ...]:
    if not joining:
        return ()
    how = " and ".join(_JOINED_AS[name] for name in joining)
    return (
        make_flag("series_joined", f"The scan was stored as {n_series} DICOM series, which were joined ({how})."),
    )


def _repeated_flags(n_resent: int, n_shared: int) -> tuple[Flag, ...]:
    flags: tuple[Flag, ...] = ()
    if n_resent:
        sentence = f"Images that were sent twice under another identifier were left out ({n_resent})."
        flags += (make_flag("duplicates_left_out", sentence),)
    if n_shared:
        sentence = f"Different images share an identifier ({n_shared} images); position and time tell them apart."
        flags += (make_flag("uids_repeated", sentence),)
    return flags


def _listing_key(images: Sequence[DicomImage]) -> tuple[object, ...]:
    """Sort key of a scan: date, time of its first image, series number, UID; then its position in space."""
    clocks = (*ACQUISITION_CLOCKS, *range(len(images[0].clocks)))
    by_clock = ([time for image in images if (time := image.clocks[at]) is not None] for at in clocks)
    times = next((own for own in by_clock if own), [])
    numbers = [number for image in images if (number := image.tags.series_number) is not None]
    return (
        min(image.tags.date for image in images),
        min(times, default=0.0),
        min(numbers, default=0.0),
        min((image.series, image.uid) for image in images),
        images[0].position,
        tuple(number or 0.0 for number in images[0].ranks),
        images[0].tags.study_of_patient,
    )


def count(n: int, noun: str) -> str:
    """Return a number with its noun, as in ``1 frame`` or ``40 frames``."""
    return f"{n} {noun}{'' if n == 1 else 's'}"
