"""The JSON file that BIDS puts beside a NIfTI file, asked for the times of the frames.

``RepetitionTime`` is their step, ``VolumeTiming`` the list of their times, both in seconds.
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

MAX_SIDECAR_BYTES: Final = 1 << 20
_WHAT: Final = "JSON file beside the series"


@dataclass(frozen=True, eq=False)
class SidecarTiming:
    """The times that a sidecar gives.

    Attributes
    ----------
    dt_s
        Time step, s.
    plan
        How the frames come to lie on an even grid, None where they do.
    warnings
        Where the step comes from, in sentences.
    """

    dt_s: float
    plan: FramePlan | None
    warnings: tuple[str, ...]


def read_sidecar(series: Path, n_time: int) -> SidecarTiming | None:
    """Read the times of a series from the JSON file of its name.

    Parameters
    ----------
    series
        The NIfTI file; ``a.nii.gz`` has ``a.json`` beside it.
    n_time
        Its number of frames.

    Returns
    -------
    SidecarTiming or None
        None where there is no such file, or none with times.

    Raises
    ------
    InputDataError
        The file cannot be read, or its times are unusable.
    """
    content = _content(series.with_name(series.name.removesuffix(".gz").removesuffix(".nii") + ".json"))
    if content is None:
        return None
    try:
        fields = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputDataError(
            f"The {_WHAT} is no valid JSON; correct or remove it, or give the time step (--dt SECONDS)."
        ) from error
    if not isinstance(fields, dict):
        return None
    if fields.get("VolumeTiming") is not None:
        return _by_times(fields["VolumeTiming"], n_time)
    if fields.get("RepetitionTime") is not None:
        return _by_step(fields["RepetitionTime"])
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


def _by_step(given: object) -> SidecarTiming:
    step = _number(given)
    if not MIN_DT_S <= step <= MAX_DT_S:
        raise InputDataError(
            f"The RepetitionTime in the {_WHAT} is unusable; expected {MIN_DT_S:g} to {MAX_DT_S:g} s, "
            "so correct it or give the time step (--dt SECONDS)."
        )
    return SidecarTiming(step, None, (f"The time step of {step:g} s was read from the {_WHAT}.",))


def _by_times(given: Any, n_time: int) -> SidecarTiming:
    times = np.array([_number(time) for time in given] if isinstance(given, list) else [], np.float64)
    if times.size != n_time or not np.isfinite(times).all() or not (np.diff(times) > 0).all():
        raise InputDataError(
            f"The VolumeTiming in the {_WHAT} is unusable; expected {n_time} times in seconds, one for each "
            "frame, that increase, so correct it or give the time step (--dt SECONDS)."
        )
    plan = plan_by_time([times])
    note = f"The times of the frames were read from the {_WHAT}."
    return SidecarTiming(plan.dt_s, None if plan.even else plan, (note, *plan.warnings))


def _number(given: object) -> float:
    """Return a JSON number as a float, NaN for anything else."""
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        return math.nan
    try:
        return float(given)
    except OverflowError:
        return math.nan
