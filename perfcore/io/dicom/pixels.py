"""Pixels of DICOM images: checks from the headers, and values in Hounsfield units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from perfcore.errors import InputDataError
from perfcore.io.dicom.codestream import declares
from perfcore.io.dicom.elements import ReadBudget
from perfcore.io.dicom.header import DicomImage
from perfcore.io.dicom.pixel_data import MAX_HEADER_BYTES, pixels_missing
from perfcore.quality_flags import Flag, make_flag
from perfcore.types import FloatArray

MAX_SIDE: Final = 2048
"""Maximum number of rows or columns of an image."""
MAX_STORED_BYTES: Final = 4 << 30
"""Maximum stored size of all pixels of a series."""
_BITS: Final = 16
_MAX_RESCALE: Final = 1e6
_AIR_HU: Final = -1024.0
_TISSUE_HU: Final = (-1024.0, 3071.0)
"""Range of Hounsfield units of 12 bits. A padding value within it may be the value of tissue too, and is kept."""
_MAX_EXACT: Final = 2.0**23
"""Whole numbers up to this one, and their sums with 16-bit numbers, are exact in float32."""


def check_pixels(images: Sequence[DicomImage]) -> None:
    """Check size, type and encoding of the pixels from the headers, before a pixel is read.

    Raises
    ------
    InputDataError
        The images are compressed in a way that is not read, too large, of an unusual type, or their files are too
        short.
    """
    if any(image.pixels.syntax.codec == "unknown" for image in images):
        raise InputDataError(
            "The DICOM images are compressed in a way that is not read; expected no compression, JPEG lossless, "
            "JPEG-LS, JPEG 2000, RLE or deflate, so decompress them (gdcmconv --raw) or export them uncompressed."
        )
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
        _check_size(image)
        if image.slope == 0 or max(abs(image.slope or 1.0), abs(image.intercept or 0.0)) > _MAX_RESCALE:
            raise InputDataError("The rescaling of the DICOM images is 0 or implausible; export the series again.")
    if len(images) * first.n_bytes > MAX_STORED_BYTES:
        raise InputDataError(
            f"The DICOM series takes {len(images) * first.n_bytes / 1e9:.1f} GB; at most "
            f"{MAX_STORED_BYTES >> 30} GB are read, so export fewer or smaller images."
        )


def lossy_flags(images: Sequence[DicomImage]) -> tuple[Flag, ...]:
    """Return a warning if images were compressed with a loss."""
    n_lossy = sum(image.lossy for image in images)
    if not n_lossy:
        return ()
    sentence = (
        f"Images of the DICOM series were compressed with a loss ({n_lossy} of {len(images)}); lossy compression "
        "changes the small enhancement of tissue, so use the original images where they exist."
    )
    return (make_flag("lossy_compression", sentence),)


def read_pixels(image: DicomImage, budget: ReadBudget) -> FloatArray:
    """Read an image.

    Its values do not depend on the photometric interpretation: MONOCHROME1 and MONOCHROME2 differ in the display
    of the rescaled values alone (PS3.3 C.7.6.3.1.2, PS3.4 N.2).

    Returns
    -------
    numpy.ndarray
        Shape ``(columns, rows)``, float32, rescaled (HU); the last row of the file comes first, as in NIfTI.

    Raises
    ------
    InputDataError
        The file does not hold the pixels that its header declares.
    """
    stored = _stored(image, budget)
    unused = image.bits[0] - image.bits[1]
    values = stored
    if unused:  # shift left and right: drops the bits above the stored ones and extends the sign
        values = (values << unused) >> unused
    slope = 1.0 if image.slope is None else image.slope
    intercept = image.intercept or 0.0
    if slope == 1.0 and intercept == round(intercept) and abs(intercept) < _MAX_EXACT:
        scaled = values.astype(np.float32)
        scaled += np.float32(intercept)
    else:
        scaled = (values * np.float64(slope) + intercept).astype(np.float32)
    if image.padding is not None and image.modality == "CT":
        _fill_padding(scaled, stored, values, image.padding)
    return scaled[::-1].T


def _stored(image: DicomImage, budget: ReadBudget) -> NDArray[Any]:
    """Return the stored numbers in native byte order; shape ``(rows, columns)``, 16 bits."""
    syntax = image.pixels.syntax
    kind = "i" if image.signed else "u"
    if syntax.codec is None:
        content = image.pixels.native(image.frame, image.n_bytes, budget)
        dtype = np.dtype(f"{'<' if syntax.little else '>'}{kind}2")
        values = np.frombuffer(content, dtype).astype(dtype.newbyteorder("="), copy=False)
    else:
        values = np.frombuffer(_decoded(image, budget), np.dtype(f"<{kind}2"))
    return values.reshape(image.rows, image.columns)


def _decoded(image: DicomImage, budget: ReadBudget) -> bytes:
    """Return the stored numbers of a compressed image as 16-bit little-endian numbers."""
    syntax = image.pixels.syntax
    code = image.pixels.encapsulated(image.frame, image.n_bytes, budget)
    if not declares(code, syntax.codec, image.rows, image.columns):
        raise pixels_missing()
    pixels = budget.decoder.decode(code, syntax.uid, image.rows, image.columns, image.bits[1], signed=image.signed)
    if not pixels:
        raise InputDataError(
            "The compressed pixels of a DICOM file are damaged and cannot be decoded; copy or export the series "
            "again."
        )
    return pixels


def _fill_padding(
    scaled: FloatArray, stored: NDArray[Any], values: NDArray[Any], padding: tuple[int, int]
) -> None:
    """Set pixels outside the reconstructed field of view to air, in place.

    A padding value of more bits than are stored (GE: -2000 beside 12 bits) is found before the unused bits are
    dropped, which would make it the value of bone.
    """
    low, high = sorted(int(np.array(value, np.uint16).view(values.dtype)) for value in padding)
    is_padding = ((stored >= low) & (stored <= high)) | ((values >= low) & (values <= high))
    is_padding &= (scaled < _TISSUE_HU[0]) | (scaled > _TISSUE_HU[1]) | (stored != values)
    scaled[is_padding] = _AIR_HU


def _check_size(image: DicomImage) -> None:
    """Check the size of the file against that of its image."""
    pixels = image.pixels
    if pixels.syntax.codec is not None or pixels.is_inflated:
        return
    if pixels.ends_early or image.blob.n_bytes < image.n_bytes + pixels.after:
        raise pixels_missing()
    if pixels.n_frames == 1 and image.blob.n_bytes > image.n_bytes + MAX_HEADER_BYTES:
        raise InputDataError(
            f"A file of the DICOM series takes {image.blob.n_bytes / 1e6:,.1f} MB for an image of "
            f"{image.n_bytes / 1e6:,.1f} MB; export the series again without attached data."
        )
