"""Affine (mm) and time step (s) of a checked NIfTI header, with corrections of units."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from nibabel.spatialimages import HeaderDataError

from perfcore.errors import ArgumentError, InputDataError
from perfcore.io.nifti.header import NiftiHeader, by
from perfcore.quality_flags import Flag, make_flag
from perfcore.types import DoubleArray

MIN_DT_S: Final = 0.02
MAX_DT_S: Final = 60.0
_SPACING_MM: Final = (0.05, 1e3)
"""Accepted voxel sizes; filters in millimetres would take minutes on finer voxels."""
_MAX_COORDINATE_MM: Final = 1e9
_MIN_RELATIVE_VOLUME: Final = 1e-4
"""Minimum volume of a voxel relative to a box with the same edges; 1 for right angles."""
_SECONDS: Final = {8: 1.0, 16: 1e-3, 24: 1e-6}
_UNIT_NAMES: Final = {8: "seconds", 16: "milliseconds", 24: "microseconds"}
_MILLIMETRES: Final = {1: 1e3, 3: 1e-3}


def affine_mm(header: NiftiHeader, what: str) -> tuple[DoubleArray, tuple[Flag, ...]]:
    """Return the affine in millimetres, and warnings about corrected units.

    Raises
    ------
    InputDataError
        The affine cannot be resolved, is not finite, is singular, or has an implausible voxel size.
    """
    try:
        with np.errstate(all="ignore"):
            affine = np.array(header.raw.get_best_affine(), np.float64)
    except (HeaderDataError, ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        raise InputDataError(
            f"The orientation of the {what} cannot be resolved from its header; "
            "write the file again with a valid affine (sform or qform)."
        ) from error
    if not (np.abs(affine) <= _MAX_COORDINATE_MM).all():
        raise InputDataError(
            f"The affine of the {what} is not finite or implausible; "
            "write the file again with a valid affine (sform or qform)."
        )
    factor = _MILLIMETRES.get(int(header.raw["xyzt_units"]) & 7, 1.0)
    warnings: tuple[Flag, ...] = ()
    if factor != 1.0:
        affine[:3] *= factor
        unit = "metres" if factor > 1 else "micrometres"
        sentence = f"The header gives lengths in {unit}; they were converted to millimetres."
        warnings = (make_flag("length_unit", sentence),)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    low, high = _SPACING_MM
    if not ((spacing >= low) & (spacing <= high)).all():
        raise InputDataError(
            f"The affine of the {what} is singular or implausible: voxels of {by(spacing)} mm, expected "
            f"{low:g} to {high:g} mm; write the file again with a valid affine (sform or qform)."
        )
    if abs(np.linalg.det(affine[:3, :3] / spacing)) < _MIN_RELATIVE_VOLUME:
        raise InputDataError(
            f"The affine of the {what} is singular (its axes lie in one plane); "
            "write the file again with a valid affine (sform or qform)."
        )
    return affine, warnings


def has_own_affine(header: NiftiHeader, affine: DoubleArray) -> bool:
    """Return whether a header gives an affine, other than the identity that tools write where they know none."""
    has_form = int(header.raw["sform_code"]) > 0 or int(header.raw["qform_code"]) > 0
    return has_form and not bool((np.abs(affine) == np.eye(4)).all())


def time_step(
    header: NiftiHeader, *, dt_s: float | None, default_dt_s: float | None
) -> tuple[float, tuple[Flag, ...]]:
    """Return the time step in seconds, and warnings about corrections.

    Parameters
    ----------
    header
        Header of a series.
    dt_s
        Time step given by the user; overrides the header.
    default_dt_s
        Time step used, with a warning, if that of the header is unusable.

    Raises
    ------
    ArgumentError
        ``dt_s`` is not between 0.02 and 60 s.
    InputDataError
        The time step of the header is unusable, and neither ``dt_s`` nor ``default_dt_s`` is given.
    """
    if dt_s is not None:
        if not MIN_DT_S <= dt_s <= MAX_DT_S:
            raise ArgumentError(f"The time step must lie between {MIN_DT_S:g} and {MAX_DT_S:g} s; got {dt_s:g}.")
        return float(dt_s), ()
    stored, notes = _stored_step(header)
    code = int(header.raw["xyzt_units"]) & 0x38
    step = float(f"{stored * _SECONDS.get(code, 1.0):.7g}")
    if MIN_DT_S <= step <= MAX_DT_S:
        if code not in _SECONDS and step != default_dt_s:
            sentence = f"The header names no unit of time; its time step of {step:g} was read as seconds."
            notes = (*notes, make_flag("time_step", sentence))
        return step, notes
    milli = float(f"{stored * 1e-3:.7g}")
    if _SECONDS.get(code, 1.0) == 1.0 and MIN_DT_S <= milli <= MAX_DT_S:
        sentence = f"The time step of {stored:g} in the header cannot be seconds; it was read as milliseconds."
        return milli, (*notes, make_flag("time_step", sentence))
    found = f"{stored:g} {_UNIT_NAMES.get(code, 'of no known unit')}"
    if default_dt_s is not None:
        sentence = f"The time step in the header is unusable ({found}); {default_dt_s:g} s was used instead."
        return default_dt_s, (make_flag("time_step", sentence),)
    raise InputDataError(
        f"The time step in the header is unusable ({found}); expected {MIN_DT_S:g} to {MAX_DT_S:g} s, "
        "so give the time step (--dt SECONDS)."
    )


def _stored_step(header: NiftiHeader) -> tuple[float, tuple[Flag, ...]]:
    """Return the stored step: that of the time axis, or ``pixdim[4]`` if the time axis has the default of 1."""
    fourth, own = (float(header.raw["pixdim"][axis]) for axis in (4, header.time_axis))
    usable = [math.isfinite(step) and step > 0 for step in (fourth, own)]
    if not usable[0] or (usable[1] and fourth == 1.0):
        return (own, ()) if usable[1] else (fourth, ())
    if usable[1] and own not in (1.0, fourth):
        sentence = f"The header gives two time steps, {fourth:g} and {own:g}; the first was used."
        return fourth, (make_flag("time_step", sentence),)
    return fourth, ()
