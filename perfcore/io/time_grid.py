"""Time grid: the finest time step that the acquisition times of a series have in common.

Frames of 1 s followed by frames of 3 s lie on a grid of 1 s, frames of 1.5 s and of 2 s on one of 0.5 s, and two
groups of slices that a table reaches in turn on one of half their step, so that every image is kept as measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from perfcore.io.nifti.geometry import MIN_DT_S
from perfcore.types import DoubleArray

GRID_TOLERANCE: Final = 0.05
"""A time within this fraction of the shortest step counts as on the grid."""
_NEAREST_TOLERANCE: Final = 0.125
"""The same where frames of all slices together have no step in common: each is moved to the nearest place."""
_MAX_DIVISION: Final = 5
"""The grid is at most this much finer than the shortest step."""
_NEAREST_DIVISION: Final = 4
_MAX_FINER_FRAMES: Final = 400
"""Maximum number of frames on a grid that is finer than the shortest step."""
_SHORTEST: Final = 0.1
"""Quantile of the steps that is called the shortest: a single image that came too early does not count."""
_SIMILAR: Final = 1.25
_WHOLE_SECONDS_TOLERANCE_S: Final = 0.55
"""Tolerance for times that are rounded to whole seconds."""
_MIN_LONG_STEPS: Final = 3
"""Fewer steps than these that differ from the others are missing frames, not the rounding of a clock."""
_MAX_MISSING: Final = 0.1
_STEP_RESOLUTION_S: Final = 0.005


@dataclass(frozen=True, eq=False)
class TimeGrid:
    """A grid in time, and the place of each image on it.

    Attributes
    ----------
    dt_s
        Step of the grid, s.
    places
        Place of each image in steps, by slice; whole numbers for images that are kept as measured, and strictly
        increasing in each slice.
    division
        Number of steps in the shortest step between images; 1 for an even series.
    whole_seconds
        Whether the clock counts whole seconds and the true step was fitted to it.
    """

    dt_s: float
    places: tuple[DoubleArray, ...]
    division: int
    whole_seconds: bool = False


def finest_step(times: Sequence[DoubleArray]) -> float:
    """Return the shortest step of the images of a slice in s, apart from single outliers."""
    steps = np.concatenate([np.diff(own) for own in times])
    return float(f"{np.quantile(steps, _SHORTEST, method='lower'):.6g}")


def choose_grid(times: Sequence[DoubleArray], step: float, max_frames: int | None = None) -> TimeGrid:
    """Choose the coarsest grid on which all images lie.

    The first that fits is taken: an even step of a clock in whole seconds; the shortest step or a fraction of it,
    on which every image lies within 5 % of the shortest step; if all slices share their times, a fraction of which
    no image is more than 12.5 % of the shortest step away. Otherwise (the grid would have more than 400
    frames, or the slices have many different times) not every image is kept as measured: the grid has the shortest
    step and the phase that keeps most.

    Parameters
    ----------
    times
        Acquisition times of the images of each slice in s, strictly increasing, at least two per slice.
    step
        The shortest step, of :func:`finest_step`.
    max_frames
        Number of frames above which no grid finer than the shortest step is chosen.
    """
    stamps = np.unique(np.concatenate(times))
    limit = _MAX_FINER_FRAMES if max_frames is None else min(max_frames, _MAX_FINER_FRAMES)
    tolerance = GRID_TOLERANCE * step
    steps = np.concatenate([np.diff(own) for own in times])
    similar = float(steps[steps <= _SIMILAR * step].mean())
    exact = _common(stamps, (step, similar), tolerance, limit)
    if (stamps == np.round(stamps)).all():
        rounded = _whole_seconds(max(times, key=len), stamps)
        if rounded is not None and (exact is None or 4 * rounded.n_missing <= exact.n_missing):
            return _grid(times, rounded, _WHOLE_SECONDS_TOLERANCE_S, whole_seconds=True)
    if exact is not None:
        return _grid(times, exact, tolerance)
    if all(own.shape == times[0].shape and np.abs(own - times[0]).max() <= tolerance for own in times):
        nearest = _common(stamps, (step, similar), _NEAREST_TOLERANCE * step, limit)
        finest = _Fit(float(stamps[0]), step / _NEAREST_DIVISION, 0.0, _NEAREST_DIVISION)
        if nearest is not None:
            return _grid(times, nearest, _NEAREST_TOLERANCE * step)
        if (stamps[-1] - stamps[0]) / finest.dt_s <= limit and finest.dt_s >= MIN_DT_S:
            return _grid(times, finest, _NEAREST_TOLERANCE * step)
    return _grid(times, _Fit(_best_phase(times, similar, tolerance), similar), tolerance)


@dataclass(frozen=True)
class _Fit:
    """Line through the times of frames: start, step and maximum deviation in s; steps in the shortest step."""

    start: float
    dt_s: float
    away: float = 0.0
    division: int = 1
    n_missing: int = 0


def _common(stamps: DoubleArray, guesses: tuple[float, ...], tolerance: float, limit: int) -> _Fit | None:
    """Return the coarsest grid that all times are close to, None if there is none."""
    for division in range(1, _MAX_DIVISION + 1):
        for guess in guesses:
            dt = guess / division
            if division > 1 and ((stamps[-1] - stamps[0]) / dt > limit or dt < MIN_DT_S):
                return None
            index = np.concatenate([[0.0], np.cumsum(np.round(np.diff(stamps) / dt))])
            fit = _fit(stamps, index)
            if fit is not None and fit.away <= tolerance and dt / _SIMILAR < fit.dt_s < dt * _SIMILAR:
                return replace(fit, division=division)
    return None


def _fit(stamps: DoubleArray, index: DoubleArray) -> _Fit | None:
    """Fit times by ``start + dt · index`` (least squares), None where all have one index."""
    middle, centre = float(stamps.mean()), float(index.mean())
    spread = float((index - centre) @ (index - centre))
    if spread == 0:
        return None
    dt = float((index - centre) @ (stamps - middle)) / spread
    start = middle - dt * centre
    away = float(np.abs(stamps - start - dt * index).max())
    return _Fit(start, dt, away, n_missing=int(np.ptp(index)) + 1 - np.unique(index).size)


def _whole_seconds(longest: DoubleArray, stamps: DoubleArray) -> _Fit | None:
    """Return frames whose times a clock rounded to whole seconds, None if they are not even."""
    steps = np.diff(longest)
    if (steps != np.median(steps)).sum() < _MIN_LONG_STEPS:
        return None
    found: list[_Fit] = []
    for index in _indices(longest, float(steps.min())):
        fit = _fit(longest, index) if (np.diff(index) >= 1).all() else None
        if fit and fit.away <= _WHOLE_SECONDS_TOLERANCE_S and fit.n_missing <= _MAX_MISSING * index.size:
            found.append(fit)
    if not found:
        return None
    best = min(found, key=lambda fit: (fit.n_missing, fit.away))
    away = np.abs(stamps - best.start - best.dt_s * np.round((stamps - best.start) / best.dt_s)).max()
    return best if away <= _WHOLE_SECONDS_TOLERANCE_S else None


def _indices(times: DoubleArray, short: float) -> Iterator[DoubleArray]:
    """Yield possible frame numbers of times in whole seconds: without a gap, then for each step that fits."""
    yield np.arange(times.size, dtype=np.float64)
    for dt in np.arange(short + _STEP_RESOLUTION_S, short + 1, _STEP_RESOLUTION_S):
        for phase in (-0.5, -0.25, 0.0, 0.25, 0.5):
            yield np.round((times - times[0] + phase) / dt)


def _best_phase(times: Sequence[DoubleArray], dt: float, tolerance: float) -> float:
    """Return the start of a grid that keeps most images: the time of the first image of one of the slices."""
    stamps = np.concatenate(times)

    def n_kept(start: float) -> int:
        places = (stamps - start) / dt
        return int((np.abs(places - np.round(places)) * dt <= tolerance).sum())

    return max(sorted({float(own[0]) for own in times}), key=n_kept)


def _grid(times: Sequence[DoubleArray], fit: _Fit, tolerance: float, *, whole_seconds: bool = False) -> TimeGrid:
    dt = float(f"{fit.dt_s:.6g}")
    places = tuple(_snapped((own - fit.start) / dt, tolerance / dt) for own in times)
    return TimeGrid(dt, places, fit.division, whole_seconds)


def _snapped(places: DoubleArray, tolerance: float) -> DoubleArray:
    """Round places within the tolerance to whole frames; of two that would coincide, only the closer one."""
    nearest: NDArray[np.float64] = np.round(places)
    away = np.abs(places - nearest)
    close = away <= tolerance * (1 + 1e-9)
    for i in np.flatnonzero((np.diff(nearest) == 0) & close[1:] & close[:-1]):
        close[i if away[i] > away[i + 1] else i + 1] = False
    return np.where(close, nearest, places)
