"""Acquisition times of a DICOM series: the first header clock that distinguishes the frames of every slice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from perfcore.errors import InputDataError
from perfcore.io.dicom.clocks import CLOCKS
from perfcore.io.dicom.header import DicomImage
from perfcore.io.frame_timing import FramePlan, plan_by_time, plan_in_order
from perfcore.io.nifti.geometry import MAX_DT_S, MIN_DT_S
from perfcore.quality_flags import make_flag
from perfcore.types import DoubleArray

_DAY_S: Final = 86_400.0
_MAX_DURATION_S: Final = 3600.0
_MIN_INTERVAL_S: Final = 1e-3


def order_in_time(
    slices: Sequence[Sequence[DicomImage]], dt_s: float | None
) -> tuple[list[list[DicomImage]], FramePlan]:
    """Return the images of each slice ordered in time, and the plan that makes frames of them.

    Parameters
    ----------
    slices
        Images of each slice, in any order.
    dt_s
        Time step in seconds that overrides the headers, which then only order the images.

    Raises
    ------
    InputDataError
        The images of a slice cannot be ordered, or only their order is known and ``dt_s`` is None.
    """
    for at, name in enumerate(CLOCKS):
        times = _times(slices, at)
        if times is None:
            continue
        ordered = _sorted(slices, times)
        if dt_s is not None:
            return ordered, _with_step(times, dt_s)
        plan = plan_by_time([np.sort(own) for own in times])
        if name == "content time":
            sentence = (
                "The acquisition times do not distinguish the frames of the DICOM series; content times were used."
            )
            plan = plan.with_warning(make_flag("frame_times", sentence))
        return ordered, plan
    if dt_s is None:
        raise InputDataError(
            "The DICOM series has no times that distinguish its frames; give the time step (--dt SECONDS), "
            "or export the series with its acquisition times."
        )
    for at in range(len(slices[0][0].ranks)):
        ranks = [[image.ranks[at] for image in own] for own in slices]
        if all(None not in own and len(set(own)) == len(own) for own in ranks):
            known = [np.array([rank or 0.0 for rank in own]) for own in ranks]
            return _sorted(slices, known), plan_in_order([len(own) for own in slices], dt_s)
    raise InputDataError("The images of the DICOM series cannot be ordered in time; export the series again.")


def _with_step(times: Sequence[DoubleArray], dt_s: float) -> FramePlan:
    """Return frames by time if the times are evenly spaced, else in the order of the images."""
    try:
        plan = plan_by_time([np.sort(own) for own in times])
    except InputDataError:
        return plan_in_order([own.size for own in times], dt_s)
    return plan.with_step(dt_s) if plan.even else plan_in_order([own.size for own in times], dt_s)


def _times(slices: Sequence[Sequence[DicomImage]], at: int) -> list[DoubleArray] | None:
    """Return the times of the images by one clock, None if it does not distinguish the frames of a slice."""
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
    return times


def _sorted(slices: Sequence[Sequence[DicomImage]], keys: Sequence[DoubleArray]) -> list[list[DicomImage]]:
    return [[own[i] for i in np.argsort(key)] for own, key in zip(slices, keys, strict=True)]
