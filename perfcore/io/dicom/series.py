"""Checks of the image headers of a DICOM series, before a pixel is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from perfcore.errors import InputDataError
from perfcore.io.dicom.header import DicomImage, SkipReason, pixels_missing

MAX_SIDE: Final = 2048
"""Maximum number of rows or columns of an image."""
MAX_STORED_BYTES: Final = 4 << 30
"""Maximum stored size of all pixels of a series."""
_BITS: Final = 16
_MAX_RESCALE: Final = 1e6


def no_series_error(skipped: Counter[SkipReason], has_images: bool) -> InputDataError:
    """Return the error for files that contain no usable series."""
    if skipped[SkipReason.MULTIFRAME]:
        return InputDataError(
            "The DICOM files are enhanced multi-frame CT, which is not read; export the series as classic CT "
            "images (one image per file) or convert it to NIfTI."
        )
    if skipped[SkipReason.COMPRESSED]:
        return _compressed_error()
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


def _compressed_error() -> InputDataError:
    return InputDataError(
        "The DICOM images are compressed; expected an uncompressed transfer syntax, so decompress them "
        "(dcmdjpeg, gdcmconv --raw) or export them uncompressed."
    )


def check_pixels(images: Sequence[DicomImage]) -> None:
    """Check size, type and encoding of the pixels from the headers, before a pixel is read.

    Raises
    ------
    InputDataError
        The images are compressed, too large, of an unusual type, or their files are too short.
    """
    if any(image.compressed for image in images):
        raise _compressed_error()
    first = images[0]
    if max(first.rows, first.columns) > MAX_SIDE:
        raise InputDataError(
            f"The DICOM images have {first.columns} × {first.rows} pixels; at most {MAX_SIDE} × {MAX_SIDE} are "
            "read, so export smaller ones."
        )
    for image in images:
        allocated, stored, high = image.bits
        if allocated != _BITS or not 1 <= stored <= _BITS or high != stored - 1:
            raise InputDataError(
                f"The DICOM images store {stored} of {allocated} bits up to bit {high}; expected up to 16 of 16 "
                "bits, the lowest first, so export the series again."
            )
        if image.blob.n_bytes < image.n_bytes + image.offset:
            raise pixels_missing()
        if image.slope == 0 or max(abs(image.slope or 1.0), abs(image.intercept or 0.0)) > _MAX_RESCALE:
            raise InputDataError("The rescaling of the DICOM images is 0 or implausible; export the series again.")
    if len(images) * first.n_bytes > MAX_STORED_BYTES:
        raise InputDataError(
            f"The DICOM series takes {len(images) * first.n_bytes / 1e9:.1f} GB; at most "
            f"{MAX_STORED_BYTES >> 30} GB are read, so export fewer or smaller images."
        )
