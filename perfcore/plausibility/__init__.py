"""Plausibility of a series, an AIF and a result: what is measured, what it can be, and the cause where it is not.

Each check is an entry of :data:`CHECKS`. A value outside its ``normal`` range makes a quality flag of severity
``doubtful``, which comes first in every list; a value outside its ``possible`` range is refused. The sentence
names the likely cause, then what was measured, then what to do.

The checks of a series are made while it is prepared, before an AIF is sought in it, so that "the first frame
already holds contrast" is said and not "no artery was found"; those of a given curve and of the maps come after.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from perfcore.errors import InputDataError
from perfcore.plausibility.check import Check
from perfcore.plausibility.result import AIF_CHECKS, RESULT_CHECKS
from perfcore.plausibility.series import SERIES_CHECKS
from perfcore.quality_flags import Flag, make_flag

__all__ = ["CHECKS", "Check", "doubts", "judge", "judge_all", "refuse_modality"]

CHECKS: Final[dict[str, Check]] = {check.code: check for check in (*SERIES_CHECKS, *AIF_CHECKS, *RESULT_CHECKS)}
"""By code: of the series, of a given AIF, of the result. Those of the AIF's quality refuse nothing: see
:mod:`perfcore.plausibility.artery`."""


def judge(code: str, value: float) -> Flag | None:
    """Return the flag of a doubtful value, None where it is normal.

    Parameters
    ----------
    code
        A key of :data:`CHECKS`.
    value
        What was measured, in the unit of the check.

    Raises
    ------
    InputDataError
        The value cannot be.
    """
    check = CHECKS[code]
    if not check.is_possible(value):
        raise InputDataError(check.sentence(value))
    return None if check.is_normal(value) else make_flag(code, check.sentence(value))


def judge_all(measures: Iterable[tuple[str, float]]) -> tuple[Flag, ...]:
    """Return the flags of several measures; each is judged before the next is measured."""
    flags = (judge(code, value) for code, value in measures)
    return tuple(flag for flag in flags if flag is not None)


def doubts(measures: Iterable[tuple[str, float]]) -> tuple[Flag, ...]:
    """Return a flag for every measure that is not normal and refuse none: for a curve that a person shapes."""
    return tuple(
        make_flag(code, CHECKS[code].sentence(value))
        for code, value in measures
        if not (CHECKS[code].is_possible(value) and CHECKS[code].is_normal(value))
    )


def refuse_modality(modality: str | None, units: str) -> None:
    """Refuse a series whose file names another modality than its units belong to.

    Parameters
    ----------
    modality
        DICOM's Modality (0008,0060), or that of a BIDS sidecar; None or empty where it is not known.
    units
        As of :data:`perfcore.types.SeriesUnits`.

    Raises
    ------
    InputDataError
        MR read as Hounsfield units, or CT read as MR signal.
    """
    if units == "hu" and modality == "MR":
        raise InputDataError(
            "This is an MR series by its header, not CT; read it with --units dsc (in the browser: Voxel values, "
            "MR signal)."
        )
    if units == "dsc" and modality == "CT":
        raise InputDataError(
            "This is a CT series by its header, not MR; read it without --units dsc (in the browser: Voxel "
            "values, Hounsfield units)."
        )
