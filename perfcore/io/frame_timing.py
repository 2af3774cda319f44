"""Frame timing: resample images acquired at uneven times to frames of a constant time step.

Each slice has its own acquisition times (shuttle mode, protocols that change the step, missing images). A frame
between two images is interpolated linearly; images on the time grid are kept unchanged; nothing is extrapolated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from perfcore.errors import InputDataError
from perfcore.io.nifti.geometry import MAX_DT_S, MIN_DT_S
from perfcore.quality_flags import Flag, make_flag
from perfcore.types import DoubleArray, FloatArray

GRID_TOLERANCE: Final = 0.05
"""A time within this fraction of a step counts as on the grid."""
_WHOLE_SECONDS_TOLERANCE_S: Final = 0.55
"""Tolerance for times that are rounded to whole seconds."""
_MAX_STRETCH: Final = 10
"""Maximum number of grid frames per acquired image."""


@dataclass(frozen=True, eq=False)
class FramePlan:
    """Linear interpolation of frames from images: indices and weights per slice.

    Attributes
    ----------
    dt_s
        Time step of the frames, s.
    left, right
        Indices of the images before and after each frame; equal where the frame is an image. Shape
        ``(n_slices, n_time)``.
    weight
        Weight of the right image, 0 to 1. Shape ``(n_slices, n_time)``.
    even
        Whether all images lie on the time grid.
    warnings
        Quality flags that describe the resampling.
    time_source
        Where the times came from ("acquisition time", "--dt"), for display; empty if it was not recorded.
    """

    dt_s: float
    left: NDArray[np.intp]
    right: NDArray[np.intp]
    weight: DoubleArray
    even: bool
    warnings: tuple[Flag, ...] = ()
    time_source: str = ""

    @property
    def n_time(self) -> int:
        """Number of frames."""
        return int(self.left.shape[1])

    def with_step(self, dt_s: float) -> FramePlan:
        """Return a copy with another time step."""
        return replace(self, dt_s=dt_s)

    def with_warning(self, flag: Flag) -> FramePlan:
        """Return a copy with a warning put first."""
        return replace(self, warnings=(flag, *self.warnings))

    def frames(self, images: NDArray[Any], z: int) -> FloatArray:
        """Return the frames of one slice.

        Parameters
        ----------
        images
            Shape ``(..., n_images)``, in order of acquisition time.
        z
            Index of the slice.

        Returns
        -------
        numpy.ndarray
            Shape ``(..., n_time)``, float32.
        """
        first = images[..., self.left[z]].astype(np.float32)
        weight = self.weight[z].astype(np.float32)
        if not weight.any():
            return first
        return np.asarray(first + weight * (images[..., self.right[z]].astype(np.float32) - first), np.float32)


def plan_in_order(n_images: Sequence[int], dt_s: float) -> FramePlan:
    """Use the images in their order, ``dt_s`` apart; drop the images beyond the shortest slice."""
    n_time = min(n_images)
    index = np.tile(np.arange(n_time, dtype=np.intp), (len(n_images), 1))
    notes = _left_out(sum(n_images) - n_time * len(n_images))
    return FramePlan(dt_s, index, index, np.zeros(index.shape), even=True, warnings=notes)


def plan_by_time(times: Sequence[DoubleArray]) -> FramePlan:
    """Choose a constant time step and the frames within the time that all slices cover.

    Parameters
    ----------
    times
        Acquisition times of the images of each slice in s, strictly increasing, at least two per slice.

    Returns
    -------
    FramePlan
        Its step is the fitted step of the times where they are even, else their median step.

    Raises
    ------
    InputDataError
        The step is not between 0.02 and 60 s, or the slices have no time in common.
    """
    step = float(f"{np.median(np.concatenate([np.diff(own) for own in times])):.6g}")
    if not MIN_DT_S <= step <= MAX_DT_S:
        raise InputDataError(
            f"The times of the series are {step:g} s apart; expected {MIN_DT_S:g} to {MAX_DT_S:g} s, "
            "so give the time step (--dt SECONDS)."
        )
    first, last = max(own[0] for own in times), min(own[-1] for own in times)
    common = max(
        (own[(own >= first - GRID_TOLERANCE * step) & (own <= last + GRID_TOLERANCE * step)] for own in times),
        key=len,
    )
    if common.size < 2:
        raise InputDataError(
            "The slices of the series were not acquired during the same time; expected a series that acquires "
            "every slice repeatedly, so give another series."
        )
    start, dt, away = _fit(common)
    tolerance = GRID_TOLERANCE * step
    coarse = tolerance < away <= _WHOLE_SECONDS_TOLERANCE_S and all((own == np.round(own)).all() for own in times)
    if coarse:
        tolerance = _WHOLE_SECONDS_TOLERANCE_S
    even = away <= tolerance
    if not even:
        start, dt = float(first), step
    dt = float(f"{dt:.6g}")
    places = [_snapped((own - start) / dt, tolerance / dt) for own in times]
    begin, end = np.ceil(max(own[0] for own in places)), np.floor(min(own[-1] for own in places))
    if not 1 <= end - begin < _MAX_STRETCH * max(own.size for own in times):
        raise InputDataError(
            "The times of the series leave gaps too long to interpolate; give the time step (--dt SECONDS)."
        )
    frames = np.arange(begin, end + 1)
    rights = np.stack([np.searchsorted(own, frames) for own in places])
    lefts, weights = rights.copy(), np.zeros(rights.shape)
    for z, own in enumerate(places):
        between = own[rights[z]] != frames
        lefts[z, between] -= 1
        weights[z] = (frames - own[lefts[z]]) / np.where(between, own[rights[z]] - own[lefts[z]], 1.0)
    on_grid = all((own == np.round(own)).all() for own in places)
    plan = FramePlan(dt, lefts, rights, weights, even=even and on_grid)
    return replace(plan, warnings=_notes(plan, times, even=even, coarse=coarse))


def _fit(times: DoubleArray) -> tuple[float, float, float]:
    """Fit even times by least squares; return their start, their step and the maximum deviation."""
    index = np.arange(times.size) - (times.size - 1) / 2
    middle = float(times.mean())
    step = float(index @ (times - middle) / (index @ index))
    start = middle + step * float(index[0])
    return start, step, float(np.abs(times - start - step * np.arange(times.size)).max())


def _snapped(places: DoubleArray, tolerance: float) -> DoubleArray:
    """Round grid positions within the tolerance to whole frames, unless two would coincide."""
    nearest = np.round(places)
    moved = np.where(np.abs(places - nearest) <= tolerance, nearest, places)
    return moved if (np.diff(moved) > 0).all() else places


def _notes(plan: FramePlan, times: Sequence[DoubleArray], *, even: bool, coarse: bool) -> tuple[Flag, ...]:
    """Return warnings that describe the resampling."""
    resampled = f"each curve was resampled linearly to an even step of {plan.dt_s:g} s."
    if not even:
        steps = np.concatenate([np.diff(own) for own in times])
        uneven = f"The times of the frames are uneven ({steps.min():.3g} to {steps.max():.3g} s); {resampled}"
        return (make_flag("frames_resampled", uneven),)
    if not plan.even:
        shuttle = (
            "The slices were taken at different times within a frame, as by a table that shuttles; " + resampled
        )
        return (make_flag("frames_resampled", shuttle),)
    used = sum(np.unique(own).size for own in plan.left)
    notes = _left_out(sum(own.size for own in times) - used)
    if n_filled := int((plan.weight > 0).sum()):
        filled = f"Images missing within the series were filled linearly in time ({n_filled} of them)."
        notes = (*notes, make_flag("frames_filled", filled))
    if coarse:
        whole = f"The times are given in whole seconds; frames {plan.dt_s:g} s apart were assumed."
        notes = (*notes, make_flag("frame_times", whole))
    return notes


def _left_out(n_images: int) -> tuple[Flag, ...]:
    if not n_images:
        return ()
    sentence = f"Incomplete frames at the ends of the series were left out ({n_images} images)."
    return (make_flag("images_left_out", sentence),)
