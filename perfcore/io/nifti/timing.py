"""Times of the frames of a NIfTI series: from the option, the sidecar or the header, whichever counts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from perfcore.errors import InputDataError
from perfcore.io.frame_timing import FramePlan, plan_by_time
from perfcore.io.nifti.geometry import time_step
from perfcore.io.nifti.header import NiftiHeader
from perfcore.io.nifti.sidecar import (
    SIDECAR,
    STEP,
    TIMES,
    read_sidecar_file,
    sidecar_fields,
    sidecar_step,
    sidecar_times,
)
from perfcore.quality_flags import Flag, make_flag

OPTION: Final = "--dt"
HEADER: Final = "header"
DEFAULT: Final = "default"
_AGREEMENT: Final = 0.01
"""Time steps of header and sidecar that differ by less, relatively, do not contradict each other."""


@dataclass(frozen=True, eq=False)
class SeriesTiming:
    """Times of the frames of a series.

    Attributes
    ----------
    dt_s, n_time
        Time step in s and number of frames, after resampling.
    source
        ``"--dt"``, ``"header"``, ``"default"``, or ``"sidecar FIELD"``.
    plan
        Resampling to a constant step, None if the frames are used as they are.
    warnings
        Quality flags on the time step.
    """

    dt_s: float
    n_time: int
    source: str
    plan: FramePlan | None = None
    warnings: tuple[Flag, ...] = ()


def read_timing(
    header: NiftiHeader,
    sidecar: Path | bytes | None,
    *,
    dt_s: float | None = None,
    default_dt_s: float | None = None,
    max_frames: int | None = None,
) -> SeriesTiming:
    """Choose the times of a series' frames.

    A given step wins; then the times listed in the sidecar, since the step of the header is at best their mean;
    then the step of the sidecar, since tools that rewrite a series often reset that of the header to 1; then the
    header. Where two of them contradict each other, a quality flag says so.

    Parameters
    ----------
    header
        Header of the series.
    sidecar
        Path of the series, beside which a JSON file may lie, or the content of such a file.
    dt_s
        Time step given by the user; nothing else is then read.
    default_dt_s
        Time step used, with a warning, if there is none else.
    max_frames
        Number of frames up to which uneven times may be resampled to a step finer than their shortest.

    Raises
    ------
    ArgumentError
        ``dt_s`` is not between 0.02 and 60 s.
    InputDataError
        No time step is usable, or the times in the sidecar are unusable.
    """
    n_time = header.shape[3]
    if dt_s is not None:
        return SeriesTiming(time_step(header, dt_s=dt_s, default_dt_s=None)[0], n_time, OPTION)
    in_header = _header_step(header)
    notes: tuple[Flag, ...] = ()
    step = None
    try:
        content = read_sidecar_file(sidecar) if isinstance(sidecar, Path) else sidecar
        fields = {} if content is None else sidecar_fields(content)
        listed = any(fields.get(name) is not None for name in TIMES)
        step = None if listed else sidecar_step(fields)
    except InputDataError:
        if in_header is None:
            raise
        sentence = f"The {SIDECAR} has no usable time step; that of the header was used."
        fields, notes = {}, (make_flag("time_step", sentence),)
    times = sidecar_times(fields, n_time)
    if times is not None:
        return _from_times(times[0], plan_by_time([times[1]], max_frames=max_frames), in_header, n_time)
    if step is not None and (in_header is None or abs(step - in_header) > _AGREEMENT * step):
        sentence = f"The time step of {step:g} s was read from the {SIDECAR}"
        conflict = "" if in_header is None else f" ({STEP}); the header says {in_header:g} s"
        flag = make_flag("time_step", f"{sentence}{conflict}.")
        return SeriesTiming(step, n_time, f"sidecar {STEP}", warnings=(flag,))
    step, own = time_step(header, dt_s=None, default_dt_s=default_dt_s)
    return SeriesTiming(step, n_time, DEFAULT if in_header is None else HEADER, warnings=(*own, *notes))


def _header_step(header: NiftiHeader) -> float | None:
    """Return the time step of the header in s, None if it is unusable."""
    try:
        return time_step(header, dt_s=None, default_dt_s=None)[0]
    except InputDataError:
        return None


def _from_times(field: str, plan: FramePlan, in_header: float | None, n_time: int) -> SeriesTiming:
    """Return the timing by the times listed in the sidecar, with a flag where the header says something else."""
    flags = plan.warnings
    if in_header is None or not plan.even or abs(plan.dt_s - in_header) > _AGREEMENT * plan.dt_s:
        sentence = f"The times of the frames were read from the {SIDECAR} ({field})"
        conflict = "" if in_header is None else f"; the header says that they are {in_header:.4g} s apart"
        flags = (make_flag("frame_times", f"{sentence}{conflict}."), *flags)
    kept = plan.keeps_frames and plan.n_time == n_time
    return SeriesTiming(plan.dt_s, plan.n_time, f"sidecar {field}", None if kept else plan, flags)
