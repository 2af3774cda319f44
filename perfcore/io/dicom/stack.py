"""Slices of a DICOM series sorted into one volume: spacing, gantry tilt and affine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from perfcore.errors import InputDataError
from perfcore.io.dicom.header import DicomImage
from perfcore.quality_flags import Flag, make_flag
from perfcore.types import DoubleArray

POSITION_TOLERANCE_MM: Final = 0.2
"""Images within this distance along the normal belong to one slice."""
_MIN_FULLNESS: Final = 0.5
"""Slices with fewer images than this fraction of the maximum are dropped."""
_PIXEL_MM: Final = (0.05, 20.0)
_SLICE_MM: Final = (0.05, 50.0)
_TILT_DEG: Final = (1.0, 45.0)
"""Gantry tilt above which a warning is given, and maximum tilt."""
_RIGHT_ANGLE: Final = 0.01
_MAX_COORDINATE_MM: Final = 1e6


@dataclass(frozen=True, eq=False)
class Stack:
    """Images grouped by slice, with the affine of the volume.

    Attributes
    ----------
    slices
        Images of each slice, ordered along the normal.
    affine
        Shape ``(4, 4)``: indices (column, row counted from the last, slice) to mm in RAS+; sheared if the gantry
        was tilted.
    warnings
        Sentences about dropped slices and gantry tilt.
    """

    slices: tuple[tuple[DicomImage, ...], ...]
    affine: DoubleArray
    warnings: tuple[Flag, ...]


def group_slices(images: Sequence[DicomImage]) -> list[list[DicomImage]]:
    """Group images by slice position, ordered along the normal."""
    along, across = np.array(images[0].orientation).reshape(2, 3)
    heights = np.array([image.position for image in images]) @ np.cross(along, across)
    order = np.argsort(heights, kind="stable")
    edges = np.flatnonzero(np.diff(heights[order]) > POSITION_TOLERANCE_MM) + 1
    return [[images[i] for i in part] for part in np.split(order, edges)]


def stack(images: Sequence[DicomImage]) -> Stack:
    """Stack images of equal orientation and size into a volume.

    Raises
    ------
    InputDataError
        The geometry is implausible, or the slices are not evenly spaced.
    """
    along, across = np.array(images[0].orientation).reshape(2, 3)
    row_mm, column_mm = images[0].pixel_mm
    low, high = _PIXEL_MM
    lengths = np.linalg.norm(along), np.linalg.norm(across)
    if not (low <= row_mm <= high and low <= column_mm <= high):
        raise InputDataError(
            f"The pixels of the DICOM series are {row_mm:g} × {column_mm:g} mm large; expected {low:g} to "
            f"{high:g} mm, so export the series again."
        )
    if max(abs(along @ across), *(abs(length - 1) for length in lengths)) > _RIGHT_ANGLE:
        raise InputDataError(
            "The rows and columns of the DICOM series are not at right angles by its header; export it again."
        )
    along, across = along / lengths[0], across / lengths[1]
    grouped = group_slices(images)
    fullest = max(len(own) for own in grouped)
    kept = [own for own in grouped if len(own) >= _MIN_FULLNESS * fullest]
    warnings: tuple[Flag, ...] = ()
    if len(kept) < len(grouped):
        sentence = f"Slice positions with few images were left out ({len(grouped) - len(kept)} of {len(grouped)})."
        warnings = (make_flag("images_left_out", sentence),)
    places = [np.array([image.position for image in own]) for own in kept]
    origins = np.array([np.median(own, axis=0) for own in places])
    normal = np.cross(along, across)
    step, tilt = _step(origins, normal, kept[0][0])
    straight = origins[0] + np.arange(len(kept))[:, None] * step
    away = max(float(np.abs(own - line).max()) for own, line in zip(places, straight, strict=True))
    if away > max(0.5 * min(row_mm, column_mm), 0.05 * float(np.linalg.norm(step))):
        raise InputDataError(
            f"The slices of the DICOM series are not evenly spaced: one lies {away:.1f} mm from its place; "
            "expected the same positions in every frame without a gap, so export all images of the series."
        )
    if tilt > _TILT_DEG[0]:
        sentence = (
            f"The gantry was tilted by {tilt:.0f}°; the slices were kept as they are and the affine is sheared."
        )
        warnings += (make_flag("gantry_tilted", sentence),)
    affine = np.eye(4)
    affine[:3, 0] = along * column_mm
    affine[:3, 1] = -across * row_mm
    affine[:3, 2] = step
    affine[:3, 3] = origins[0] + across * row_mm * (images[0].rows - 1)
    affine[:2] *= -1  # LPS+ to RAS+
    return Stack(tuple(tuple(own) for own in kept), affine + 0.0, warnings)  # without negative zeros


def _step(origins: DoubleArray, normal: DoubleArray, image: DicomImage) -> tuple[DoubleArray, float]:
    """Return the vector from slice to slice in mm, and its angle to the normal in degrees."""
    if not (np.abs(origins) <= _MAX_COORDINATE_MM).all():
        raise InputDataError("The positions of the DICOM series are implausible by its header; export it again.")
    if len(origins) > 1:
        step = (origins[-1] - origins[0]) / (len(origins) - 1)
    else:
        step = normal * (image.slice_mm or math.nan)
    size = float(np.linalg.norm(step))
    low, high = _SLICE_MM
    if not low <= size <= high:
        raise InputDataError(
            f"The slices of the DICOM series are {size:g} mm apart; expected {low:g} to {high:g} mm, "
            "so export the series again."
        )
    tilt = math.degrees(math.acos(min(1.0, abs(float(step @ normal)) / size)))
    if tilt > _TILT_DEG[1]:
        raise InputDataError(
            f"The slices of the DICOM series are tilted by {tilt:.0f}° to their normal; at most {_TILT_DEG[1]:g}° "
            "of gantry tilt are read, so export the series again."
        )
    return step, tilt
