"""Acquisition times of a DICOM series: the most trusted header clock that distinguishes the frames of every slice.

Clocks of acquisition come first (:data:`perfcore.io.dicom.clocks.CLOCKS`). Content times are used only where they
behave like times of acquisition: in the order of the images' numbers, and the same for all slices of a frame.
Reconstruction gives each image its own, in the order in which it happened to finish.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from perfcore.errors import InputDataError
from perfcore.io.dicom.clocks import CLOCKS, CONFIRMED_CLOCKS, CONTENT_TIME
from perfcore.io.dicom.header import DicomImage
from perfcore.io.frame_timing import FramePlan, plan_by_time, plan_in_order
from perfcore.io.nifti.geometry import MAX_DT_S, MIN_DT_S
from perfcore.quality_flags import make_flag
from perfcore.types import DoubleArray

GIVEN_STEP: Final = "--dt"
"""Time source of frames whose step was given."""
_DAY_S: Final = 86_400.0
_MAX_DURATION_S: Final = 3600.0
_MIN_INTERVAL_S: Final = 1e-3
_WHOLE_SECOND_S: Final = 1.0
_MAX_SPREAD: Final = 0.2
"""Maximum spread of the content times of a frame, in steps; it is 0.5 or more if slices come one by one."""

Slices = Sequence[Sequence[DicomImage]]


@dataclass(frozen=True)
class _Clock:
    """Times of the images of each slice in s by one clock, in the order of the images."""

    name: str
    times: list[DoubleArray]

    @property
    def is_whole(self) -> bool:
        return all((own == np.round(own)).all() for own in self.times)


def order_in_time(slices: Slices, dt_s: float | None) -> tuple[list[list[DicomImage]], FramePlan]:
    """Return the images of each slice ordered in time, and the plan that makes frames of them.

    Parameters
    ----------
    slices
        Images of each slice, in any order.
    dt_s
        Time step in seconds that overrides the headers, which then only order the images.

    Returns
    -------
    list
        Images of each slice, in order.
    FramePlan
        Frames, with the clock that was used in ``time_source``.

    Raises
    ------
    InputDataError
        The images of a slice cannot be ordered, or only their order is known and ``dt_s`` is None.
    """
    clock = _acquisition_clock(slices)
    if clock is not None:
        ordered = _sorted(slices, clock.times)
        if dt_s is not None:
            return ordered, _with_step(clock.times, dt_s)
        return ordered, replace(_plan(clock), time_source=clock.name)
    content = _clock(slices, CONTENT_TIME)
    if dt_s is not None:
        return _ordered_by_number(slices, content, dt_s)
    if content is None or not _is_acquisition(slices, content):
        raise _no_times_error(content)
    sentence = "The acquisition times do not distinguish the frames of the DICOM series; content times were used."
    plan = replace(_plan(content), time_source=CONTENT_TIME).with_warning(make_flag("frame_times", sentence))
    return _sorted(slices, content.times), plan


def _acquisition_clock(slices: Slices) -> _Clock | None:
    """Return the most trusted clock; one in whole seconds gives way to a finer one that agrees with it."""
    chosen = None
    for name in CLOCKS[: CLOCKS.index(CONTENT_TIME)]:
        clock = _clock(slices, name)
        if clock is None or (name in CONFIRMED_CLOCKS and not _follows_numbers(slices, clock.times)):
            continue
        if chosen is None:
            chosen = clock
            if not chosen.is_whole:
                break
        elif not clock.is_whole and _agree(chosen.times, clock.times):
            return clock
    return chosen


def _agree(whole: Sequence[DoubleArray], fine: Sequence[DoubleArray]) -> bool:
    """Return whether clocks differ by a constant, but for the fraction of a second that one of them lacks."""
    apart = np.concatenate([other - own for own, other in zip(whole, fine, strict=True)])
    return bool(np.ptp(apart) <= _WHOLE_SECOND_S)


def _plan(clock: _Clock) -> FramePlan:
    return plan_by_time([np.sort(own) for own in clock.times])


def _with_step(times: Sequence[DoubleArray], dt_s: float) -> FramePlan:
    """Return frames by time if the times are evenly spaced, else in the order of the images."""
    in_order = replace(plan_in_order([own.size for own in times], dt_s), time_source=GIVEN_STEP)
    try:
        plan = plan_by_time([np.sort(own) for own in times])
    except InputDataError:
        return in_order
    return replace(plan.with_step(dt_s), time_source=GIVEN_STEP) if plan.even else in_order


def _ordered_by_number(
    slices: Slices, content: _Clock | None, dt_s: float
) -> tuple[list[list[DicomImage]], FramePlan]:
    """Order the images by the first number that distinguishes them, else by content time."""
    known = [*_numbers(slices), *([content.times] if content is not None else [])]
    if not known:
        raise InputDataError("The images of the DICOM series cannot be ordered in time; export the series again.")
    keys = known[0]
    counted = np.unique(np.concatenate(keys))
    are_frames = max(own.size for own in keys) == counted.size > 1 and bool((np.diff(counted) == 1).all())
    if are_frames:  # every slice counts the same frames: those that it lacks are known
        return _sorted(slices, keys), _with_step([own * dt_s for own in keys], dt_s)
    plan = replace(plan_in_order([len(own) for own in slices], dt_s), time_source=GIVEN_STEP)
    return _sorted(slices, keys), plan


def _numbers(slices: Slices) -> list[list[DoubleArray]]:
    """Return the numbers of the images that distinguish them in every slice, the most telling first."""
    found = []
    for at in range(len(slices[0][0].ranks)):
        ranks = [[image.ranks[at] for image in own] for own in slices]
        if all(None not in own and len(set(own)) == len(own) for own in ranks):
            found.append([np.array([rank or 0.0 for rank in own]) for own in ranks])
    return found


def _follows_numbers(slices: Slices, times: Sequence[DoubleArray]) -> bool:
    """Return whether times ascend with every number that distinguishes the images, and with one at least."""
    numbers = _numbers(slices)
    return bool(numbers) and all(
        bool((np.diff(own[np.argsort(key)]) > 0).all())
        for keys in numbers
        for own, key in zip(times, keys, strict=True)
    )


def _is_acquisition(slices: Slices, content: _Clock) -> bool:
    """Return whether content times behave like times of acquisition.

    A single slice cannot tell: images that are reconstructed one after another are evenly spaced too.
    """
    if len(slices) < 2 or not _follows_numbers(slices, content.times):
        return False
    step = float(np.median(np.concatenate([np.diff(np.sort(own)) for own in content.times])))
    first = np.sort(max(content.times, key=len))
    away = [np.abs(own[:, None] - first).min(axis=1).max() for own in content.times]
    return max(float(own) for own in away) <= _MAX_SPREAD * step


def _clock(slices: Slices, name: str) -> _Clock | None:
    """Return the times of the images by one clock, None if it does not distinguish the frames of a slice."""
    at = CLOCKS.index(name)
    found = [[image.clocks[at] for image in own] for own in slices]
    if any(time is None for own in found for time in own):
        return None
    times = [np.array([time or 0.0 for time in own]) for own in found]
    earliest, latest = min(own.min() for own in times), max(own.max() for own in times)
    if latest - earliest > _DAY_S / 2:  # midnight passed
        times = [np.where(own < _DAY_S / 2, own + _DAY_S, own) for own in times]
        earliest, latest = min(own.min() for own in times), max(own.max() for own in times)
    steps = [np.diff(np.sort(own)) for own in times]
    if latest - earliest > _MAX_DURATION_S or any(own.size == 0 or own.min() < _MIN_INTERVAL_S for own in steps):
        return None
    if not MIN_DT_S <= np.median(np.concatenate(steps)) <= MAX_DT_S:
        return None
    return _Clock(name, times)


def _sorted(slices: Slices, keys: Sequence[DoubleArray]) -> list[list[DicomImage]]:
    return [[own[i] for i in np.argsort(key)] for own, key in zip(slices, keys, strict=True)]


def _no_times_error(content: _Clock | None) -> InputDataError:
    if content is None:
        return InputDataError(
            "The DICOM series has no times that distinguish its frames; give the time step (--dt SECONDS), "
            "or export the series with its acquisition times."
        )
    return InputDataError(
        "The DICOM series has no times that distinguish its frames but content times, which follow the "
        "reconstruction of the images and not their acquisition; give the time step (--dt SECONDS), or export the "
        "series with its acquisition times."
    )
