"""One road from a path to a series, whatever lies there."""

from __future__ import annotations

from pathlib import Path

from perfcore.errors import InputDataError
from perfcore.io.isles import IslesCase, find_cases
from perfcore.io.nifti import read_series
from perfcore.types import PerfusionSeries, SeriesUnits


def load_series(
    path: Path,
    *,
    dt_s: float | None = None,
    units: SeriesUnits = "hu",
    mask: Path | None = None,
) -> PerfusionSeries:
    """Read the series at a path.

    Parameters
    ----------
    path
        A case folder of ISLES 2018, a 4D NIfTI file, or a folder that holds exactly one of these.
    dt_s
        Time step in seconds; wins over the file's.
    units
        ``"hu"``, or ``"concentration"`` for a series that is already enhancement.
    mask
        A NIfTI file with a brain mask that replaces the automatic one.

    Raises
    ------
    InputDataError
        There is no series or more than one, or the files are refused.
    ArgumentError
        ``dt_s`` or ``units`` is out of its range.
    """
    if not path.is_dir():
        return read_series(path, dt_s=dt_s, units=units, mask=mask)
    return _only_case(path).load(dt_s=dt_s, units=units, mask=mask)


def _only_case(folder: Path) -> IslesCase:
    """Return the one case of a folder."""
    cases = find_cases(folder)
    if len(cases) > 1:
        raise InputDataError(
            f"The folder holds {len(cases)} cases; expected one, so give one case folder or one NIfTI file of it."
        )
    if not cases:
        raise InputDataError(
            "The folder holds no ISLES 2018 case (CT_4DPWI) and no 4D NIfTI file; give the folder of one case, "
            "or a NIfTI file (.nii or .nii.gz)."
        )
    return cases[0]
