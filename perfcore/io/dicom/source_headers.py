"""Whole headers of a chosen DICOM series, one image per slice, for objects that refer to it.

The reader of series parses no element about the patient; here every element before the pixels is parsed, because
derived objects carry the patient and study over. Nothing is displayed or logged.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydicom.dataset import Dataset
from pydicom.filereader import dcmread

from perfcore.errors import InputDataError
from perfcore.io.dicom.choice import open_scan
from perfcore.io.dicom.elements import PARSE_ERRORS, CountedReads, ReadBudget
from perfcore.io.dicom.files import Blob

MAX_WHOLE_HEADER_BYTES: Final = 64 << 20
"""Maximum size of all elements before the pixels; those of a multi-frame image are the largest."""


def read_source_headers(
    source: Path | bytes, *, series: int | None = None, dt_s: float | None = None, units: str = "hu"
) -> list[Dataset]:
    """Read the header of the first image in time of each slice of the series that `read_dicom` reads.

    Parameters
    ----------
    source, series, dt_s, units
        As for :func:`perfcore.io.dicom.reader.read_dicom`.

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
    with open_scan(source, series=series, dt_s=dt_s, units=units) as scan:
        return [_whole_header(own[0].blob, scan.budget) for own in scan.slices]


def _whole_header(blob: Blob, budget: ReadBudget) -> Dataset:
    try:
        content = CountedReads(blob.read(MAX_WHOLE_HEADER_BYTES), budget)
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
