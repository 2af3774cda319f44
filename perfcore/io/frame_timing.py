"""Frame timing: resample images acquired at uneven times to frames of a constant time step.

Each slice has its own acquisition times (shuttle mode, protocols that change the step, missing images).
:mod:`perfcore.io.time_grid` chooses the grid; images on it are kept unchanged, a frame between two images is
interpolated linearly, and nothing is extrapolated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from perfcore.errors import InputDataError
from perfcore.io.nifti.geometry import MAX_DT_S, MIN_DT_S
from perfcore.io.time_grid import GRID_TOLERANCE, TimeGrid, choose_grid, finest_step
from perfcore.quality_flags import Flag, make_flag
from perfcore.types import DoubleArray, FloatArray

_MAX_STRETCH: Final = 10
"""Maximum number of frames per acquired image."""
_MAX_MISSING: Final = 0.2
"""Fraction of the frames up to which frames without an image count as missing, not as another time step."""
_REPEATED: Final = 0.9
"""Fraction of a slice's images that have to follow those of another slice after the same time in shuttle mode."""


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
        Whether the images were acquired at a constant step, apart from some that are missing.
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

    @property
    def keeps_frames(self) -> bool:
        """Whether the frames are the images in their order, none of them interpolated or left out."""
        in_order = np.arange(self.n_time)
        return bool((self.left == in_order).all() and not self.weight.any())

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


def plan_by_time(times: Sequence[DoubleArray], *, max_frames: int | None = None) -> FramePlan:
    """Choose a constant time step and the frames within the time that all slices cover.

    Parameters
    ----------
    times
        Acquisition times of the images of each slice in s, strictly increasing, at least two per slice.
    max_frames
        Number of frames above which no step finer than the shortest step of the images is chosen.

    Returns
    -------
    FramePlan
        Its step is the fitted step of the times where they are even, else the finest step that they have in
        common: see :func:`perfcore.io.time_grid.choose_grid`.

    Raises
    ------
    InputDataError
        The step is not between 0.02 and 60 s, the slices have no time in common, or gaps are too long.
    """
    step = finest_step(times)
    if not MIN_DT_S <= step <= MAX_DT_S:
        raise InputDataError(
            f"The times of the series are {step:g} s apart; expected {MIN_DT_S:g} to {MAX_DT_S:g} s, "
            "so give the time step (--dt SECONDS)."
        )
    slack = GRID_TOLERANCE * step
    first, last = max(own[0] for own in times) - slack, min(own[-1] for own in times) + slack
    if max(int(((own >= first) & (own <= last)).sum()) for own in times) < 2:
        raise InputDataError(
            "The slices of the series were not acquired during the same time; expected a series that acquires "
            "every slice repeatedly, so give another series."
        )
    grid = choose_grid(times, step, max_frames)
    begin, end = np.ceil(max(own[0] for own in grid.places)), np.floor(min(own[-1] for own in grid.places))
    if not 1 <= end - begin < _MAX_STRETCH * max(own.size for own in times):
        raise InputDataError(
            "The times of the series leave gaps too long to interpolate; give the time step (--dt SECONDS)."
        )
    frames = np.arange(begin, end + 1)
    rights = np.stack([np.searchsorted(own, frames) for own in grid.places])
    lefts, weights = rights.copy(), np.zeros(rights.shape)
    for z, own in enumerate(grid.places):
        between = own[rights[z]] != frames
        lefts[z, between] -= 1
        weights[z] = (frames - own[lefts[z]]) / np.where(between, own[rights[z]] - own[lefts[z]], 1.0)
    plan = FramePlan(grid.dt_s, lefts, rights, weights, even=_is_even(grid, weights))
    return replace(plan, warnings=_notes(plan, times, grid, step))


def _is_even(grid: TimeGrid, weights: DoubleArray) -> bool:
    """Return whether the images lie on a grid of their own step, apart from isolated missing ones."""
    on_grid = all((own == np.round(own)).all() for own in grid.places)
    isolated = not any((np.minimum(own[1:], own[:-1]) > 1).any() for own in map(np.diff, grid.places))
    return grid.division == 1 and on_grid and isolated and float((weights > 0).mean()) <= _MAX_MISSING


def _notes(plan: FramePlan, times: Sequence[DoubleArray], grid: TimeGrid, step: float) -> tuple[Flag, ...]:
    """Return warnings that describe the resampling."""
    n_between = int((plan.weight > 0).sum())
    if not plan.even:
        cause = _slice_times(times, GRID_TOLERANCE * step)
        if cause is None:
            steps = np.concatenate([np.diff(own) for own in times])
            cause = f"The times of the frames are uneven ({steps.min():.3g} to {steps.max():.3g} s)"
        kind = "frames" if len(times) == 1 else "images"
        sentence = (
            f"{cause}; each curve was resampled linearly to an even step of {plan.dt_s:g} s "
            f"({n_between} of {plan.weight.size} {kind} lie between measured ones)."
        )
        return (make_flag("frames_resampled", sentence),)
    used = sum(np.unique(own).size for own in plan.left)
    notes = _left_out(sum(own.size for own in times) - used)
    if n_between:
        filled = f"Images missing within the series were filled linearly in time ({n_between} of them)."
        notes = (*notes, make_flag("frames_filled", filled))
    if grid.whole_seconds:
        whole = f"The times are given in whole seconds; frames {plan.dt_s:g} s apart were assumed."
        notes = (*notes, make_flag("frame_times", whole))
    return notes


def _slice_times(times: Sequence[DoubleArray], tolerance: float) -> str | None:
    """Return what is said of slices that were acquired at different times, None if they were not."""
    first = max(times, key=len)
    shuttle = False
    for own in times:
        before = np.searchsorted(first, own + tolerance, side="right") - 1
        delays = own[before >= 0] - first[before[before >= 0]]
        usual = float(np.median(delays))
        if (np.abs(delays - usual) <= 2 * tolerance).mean() < _REPEATED:
            return "The slices were acquired at different times"
        shuttle = shuttle or usual > tolerance
    if not shuttle:
        return None
    return "The slices were acquired at different times within a frame, as by a table that shuttles"


def _left_out(n_images: int) -> tuple[Flag, ...]:
    if not n_images:
        return ()
    sentence = f"Incomplete frames at the ends of the series were left out ({n_images} images)."
    return (make_flag("images_left_out", sentence),)
