"""Whole headers of a chosen DICOM series, one image per slice, for objects that refer to it.

The reader of series parses no element about the patient; here every element before the pixels is parsed, because
derived objects carry the patient and study over. Nothing is displayed or logged.
"""

from __future__ import annotations

from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.filereader import dcmread

from perfcore.errors import InputDataError
from perfcore.io.dicom.acquisition_times import order_in_time
from perfcore.io.dicom.elements import PARSE_ERRORS, CountedReads, ReadBudget, suppress_warnings
from perfcore.io.dicom.files import Blob, open_files
from perfcore.io.dicom.pixel_data import MAX_HEADER_BYTES
from perfcore.io.dicom.series import choose_series
from perfcore.io.dicom.stack import stack


def read_source_headers(source: Path | bytes, *, dt_s: float | None = None) -> list[Dataset]:
    """Read the header of the first image in time of each slice of the series that `read_dicom` reads.

    Parameters
    ----------
    source
        As for :func:`perfcore.io.dicom.reader.read_dicom`.
    dt_s
        Time step in seconds that overrides the headers.

    Returns
    -------
    list of pydicom.Dataset
        One per slice, in the order of the slices of the series, without pixels. Every value is parsed, so that it
        can be written in another transfer syntax; an element that cannot be parsed is left out.

    Raises
    ------
    InputDataError
        There is no such series, or a file cannot be parsed.
    """
    budget = ReadBudget()
    with open_files(source) as files, suppress_warnings():
        return [_whole_header(blob, budget) for blob in _first_blobs(files, budget, dt_s)]


def _first_blobs(files: list[Blob], budget: ReadBudget, dt_s: float | None) -> list[Blob]:
    """Return the first image in time of each slice of the chosen series: the only tie to how it is chosen."""
    images, _ = choose_series(files, budget)
    slices, _ = order_in_time(stack(images).slices, dt_s)
    if any(own[0].pixels.n_frames > 1 for own in slices):
        raise InputDataError(
            "The series is multi-frame DICOM, to whose frames the DICOM output cannot refer; convert the series "
            "to one image per file, or leave out --dicom-out."
        )
    return [own[0].blob for own in slices]


def _whole_header(blob: Blob, budget: ReadBudget) -> Dataset:
    try:
        content = CountedReads(blob.read(MAX_HEADER_BYTES), budget)
        dataset = dcmread(content, stop_before_pixels=True, force=True)
    except PARSE_ERRORS as error:
        raise InputDataError(
            "A header of the DICOM series cannot be parsed as a whole, so that no DICOM object can refer to it; "
            "export the series again."
        ) from error
    for tag in list(dataset.keys()):
        try:
            element = dataset[tag]
            for item in element.value if element.VR == "SQ" else ():
                for _ in item.iterall():
                    pass
        except PARSE_ERRORS:
            del dataset[tag]
    return dataset
