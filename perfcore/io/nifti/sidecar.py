"""BIDS sidecar: time step or frame times from the JSON file beside a NIfTI file.

``RepetitionTime`` is the time step, ``VolumeTiming`` the list of frame times, both in seconds.
Source: https://bids-specification.readthedocs.io, "Magnetic Resonance Imaging", task imaging.
"""

from __future__ import annotations

import json
import math
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from perfcore.errors import InputDataError
from perfcore.io.frame_timing import FramePlan, plan_by_time
from perfcore.io.nifti.geometry import MAX_DT_S, MIN_DT_S
from perfcore.quality_flags import Flag, make_flag

MAX_SIDECAR_BYTES: Final = 1 << 20
_WHAT: Final = "JSON file beside the series"


@dataclass(frozen=True, eq=False)
class SidecarTiming:
    """Frame timing read from a sidecar.

    Attributes
    ----------
    dt_s
        Time step, s.
    plan
        Resampling to a constant step, None if the times already are evenly spaced.
    warnings
        Sentences on the origin of the time step.
    """

    dt_s: float
    plan: FramePlan | None
    warnings: tuple[Flag, ...]


def read_sidecar(series: Path, n_time: int) -> SidecarTiming | None:
    """Read the frame timing of a series from its sidecar.

    Parameters
    ----------
    series
        Path of the NIfTI file; the sidecar of ``a.nii.gz`` is ``a.json``.
    n_time
        Number of frames of the series.

    Returns
    -------
    SidecarTiming or None
        None if there is no sidecar, or it has no timing.

    Raises
    ------
    InputDataError
        The sidecar cannot be read, or its times are unusable.
    """
    content = _content(series.with_name(series.name.removesuffix(".gz").removesuffix(".nii") + ".json"))
    if content is None:
        return None
    try:
        fields = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputDataError(
            f"The {_WHAT} is not valid JSON; correct or remove it, or give the time step (--dt SECONDS)."
        ) from error
    if not isinstance(fields, dict):
        return None
    if fields.get("VolumeTiming") is not None:
        return _from_times(fields["VolumeTiming"], n_time)
    if fields.get("RepetitionTime") is not None:
        return _from_step(fields["RepetitionTime"])
    return None


def _content(path: Path) -> bytes | None:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return None
        with path.open("rb") as file:
            content = file.read(MAX_SIDECAR_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    except OSError as error:
        raise InputDataError(
            f"The {_WHAT} cannot be read ({error.strerror or 'input error'}); check its permissions, "
            "or give the time step (--dt SECONDS)."
        ) from error
    if len(content) > MAX_SIDECAR_BYTES:
        raise InputDataError(
            f"The {_WHAT} is larger than {MAX_SIDECAR_BYTES >> 20} MB; remove it, or give the time step "
            "(--dt SECONDS)."
        )
    return content


def _from_step(given: object) -> SidecarTiming:
    step = _number(given)
    if not MIN_DT_S <= step <= MAX_DT_S:
        raise InputDataError(
            f"The RepetitionTime in the {_WHAT} is unusable; expected {MIN_DT_S:g} to {MAX_DT_S:g} s, "
            "so correct it or give the time step (--dt SECONDS)."
        )
    sentence = f"The time step of {step:g} s was read from the {_WHAT}."
    return SidecarTiming(step, None, (make_flag("time_step", sentence),))


def _from_times(given: Any, n_time: int) -> SidecarTiming:
    times = np.array([_number(time) for time in given] if isinstance(given, list) else [], np.float64)
    if times.size != n_time or not np.isfinite(times).all() or not (np.diff(times) > 0).all():
        raise InputDataError(
            f"The VolumeTiming in the {_WHAT} is unusable; expected {n_time} times in seconds, one for each "
            "frame, that increase, so correct it or give the time step (--dt SECONDS)."
        )
    plan = plan_by_time([times])
    note = make_flag("frame_times", f"The times of the frames were read from the {_WHAT}.")
    return SidecarTiming(plan.dt_s, None if plan.even else plan, (note, *plan.warnings))


def _number(given: object) -> float:
    """Return a JSON number as a float, NaN for anything else."""
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        return math.nan
    try:
        return float(given)
    except OverflowError:
        return math.nan
