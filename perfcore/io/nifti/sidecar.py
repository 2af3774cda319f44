"""BIDS sidecar: time step or frame times from the JSON file beside a NIfTI file.

``FrameTimesStart`` (BIDS for PET; dcm2niix writes it for CT whose step varies) and ``VolumeTiming`` (BIDS for MR)
list the times of the frames in seconds, ``RepetitionTime`` is the time step.
Source: https://bids-specification.readthedocs.io, "Positron Emission Tomography" and "Magnetic Resonance Imaging".
"""

from __future__ import annotations

import json
import math
import stat
from pathlib import Path
from typing import Any, Final

import numpy as np

from perfcore.errors import InputDataError
from perfcore.io.nifti.geometry import MAX_DT_S, MIN_DT_S
from perfcore.types import DoubleArray

MAX_SIDECAR_BYTES: Final = 1 << 20
SIDECAR: Final = "JSON file beside the series"
TIMES: Final = ("FrameTimesStart", "VolumeTiming")
"""Fields that list the times of the frames; the first that is there is used."""
STEP: Final = "RepetitionTime"
_DAY_S: Final = 86_400.0


def read_sidecar_file(series: Path) -> bytes | None:
    """Return the content of a series' sidecar, that of ``a.nii.gz`` being ``a.json``; None if there is none.

    Raises
    ------
    InputDataError
        The file cannot be read, or is larger than 1 MB.
    """
    path = series.with_name(series.name.removesuffix(".gz").removesuffix(".nii") + ".json")
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
            f"The {SIDECAR} cannot be read ({error.strerror or 'input error'}); check its permissions, "
            "or give the time step (--dt SECONDS)."
        ) from error
    return content


def sidecar_fields(content: bytes) -> dict[str, Any]:
    """Return the fields of a sidecar; none if it is not a JSON object.

    Raises
    ------
    InputDataError
        It is larger than 1 MB or not valid JSON.
    """
    if len(content) > MAX_SIDECAR_BYTES:
        raise InputDataError(
            f"The {SIDECAR} is larger than {MAX_SIDECAR_BYTES >> 20} MB; remove it, or give the time step "
            "(--dt SECONDS)."
        )
    try:
        fields = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputDataError(
            f"The {SIDECAR} is not valid JSON; correct or remove it, or give the time step (--dt SECONDS)."
        ) from error
    return fields if isinstance(fields, dict) else {}


def sidecar_times(fields: dict[str, Any], n_time: int) -> tuple[str, DoubleArray] | None:
    """Return the field that lists the times of the frames and the times in s, None if there is none.

    Times may count from the first frame or be times of the day, and may be in milliseconds: their steps are then
    too long for seconds.

    Parameters
    ----------
    fields
        Fields of the sidecar.
    n_time
        Number of frames of the series.

    Raises
    ------
    InputDataError
        The field is no list of ``n_time`` finite numbers that increase.
    """
    name = next((name for name in TIMES if fields.get(name) is not None), None)
    if name is None:
        return None
    given = fields[name]
    times = np.array([_number(time) for time in given] if isinstance(given, list) else [], np.float64)
    if times.size == n_time and np.isfinite(times).all():
        times -= times[0]
        step = float(np.median(np.diff(times)))
        if step > MAX_DT_S and MIN_DT_S <= step / 1000 <= MAX_DT_S:
            times /= 1000
        times[times < -_DAY_S / 2] += _DAY_S  # midnight passed
        if (np.diff(times) > 0).all():
            return name, times
    raise InputDataError(
        f"The {name} in the {SIDECAR} is unusable; expected {n_time} times in seconds, one for each "
        "frame, that increase, so correct it or give the time step (--dt SECONDS)."
    )


def sidecar_step(fields: dict[str, Any]) -> float | None:
    """Return the time step of a sidecar in s, None if there is none.

    Raises
    ------
    InputDataError
        It is not between 0.02 and 60 s, nor is it read as milliseconds.
    """
    if fields.get(STEP) is None:
        return None
    given = _number(fields[STEP])
    for step in (given, given / 1000):
        if MIN_DT_S <= step <= MAX_DT_S:
            return step
    raise InputDataError(
        f"The {STEP} in the {SIDECAR} is unusable; expected {MIN_DT_S:g} to {MAX_DT_S:g} s, "
        "so correct it or give the time step (--dt SECONDS)."
    )


def _number(given: object) -> float:
    """Return a JSON number as a float, NaN for anything else."""
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        return math.nan
    try:
        return float(given)
    except OverflowError:
        return math.nan
