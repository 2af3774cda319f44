"""Selection of the perfusion series among DICOM files."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final

from perfcore.errors import InputDataError
from perfcore.io.dicom.elements import ReadBudget
from perfcore.io.dicom.files import Blob
from perfcore.io.dicom.header import DicomImage, SkipReason, read_images
from perfcore.io.dicom.stack import group_slices
from perfcore.io.nifti.reader import MIN_FRAMES
from perfcore.quality_flags import Flag, make_flag

_MIN_TIMES: Final = 2


def choose_series(files: Sequence[Blob], budget: ReadBudget) -> tuple[list[DicomImage], tuple[Flag, ...]]:
    """Return the images of the largest series with several times per slice, and warnings about skipped files.

    Raises
    ------
    InputDataError
        No file belongs to such a series.
    """
    skipped: Counter[SkipReason] = Counter()
    groups: defaultdict[tuple[object, ...], dict[tuple[str, int], DicomImage]] = defaultdict(dict)
    for number, blob in enumerate(files):
        found = read_images(blob, budget)
        if isinstance(found, SkipReason):
            skipped[found] += 1
            continue
        for image in found:
            if image.modality != "CT":
                skipped[SkipReason.OTHER] += 1
                continue
            directions = tuple(round(value, 3) for value in image.orientation)
            sizes = tuple(float(f"{value:.4g}") for value in image.pixel_mm)
            key = (image.series, image.rows, image.columns, directions, sizes)
            groups[key].setdefault((image.uid or str(number), image.frame), image)
    several = {}
    for group in groups.values():
        images = list(group.values())
        fullest = max(len(own) for own in group_slices(images))
        if fullest >= _MIN_TIMES:
            several[(fullest >= MIN_FRAMES, len(images))] = images
    if not several:
        raise _no_series_error(skipped, bool(groups))
    damaged = skipped[SkipReason.DAMAGED]
    sentence = f"Damaged DICOM files beside the series were left out ({damaged})."
    return several[max(several)], (make_flag("files_left_out", sentence),) if damaged else ()


def _no_series_error(skipped: Counter[SkipReason], has_images: bool) -> InputDataError:
    """Return the error for files that contain no usable series."""
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
    if skipped[SkipReason.OTHER] or skipped[SkipReason.DAMAGED]:
        return InputDataError(
            "The DICOM files hold no CT perfusion series that can be read; expected single-frame CT images with "
            "positions and times, so export the series again."
        )
    return InputDataError("It holds no DICOM file; give the folder, or a zip file, of a CT perfusion series.")
