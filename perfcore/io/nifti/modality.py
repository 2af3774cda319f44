"""Modality of a NIfTI series, from the BIDS sidecar beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from perfcore.plausibility import refuse_modality
from perfcore.types import SeriesUnits

MAX_SIDECAR_BYTES: Final = 1 << 20


def check_modality(series: Path, units: SeriesUnits) -> None:
    """Refuse an MR series read as CT, or the reverse, where its sidecar names the modality.

    Parameters
    ----------
    series
        Path of the NIfTI file; the sidecar of ``a.nii.gz`` is ``a.json``.
    units
        That it is read in.

    Raises
    ------
    InputDataError
        The modality belongs to other units.
    """
    path = series.with_name(series.name.removesuffix(".gz").removesuffix(".nii") + ".json")
    try:
        if not path.is_file() or path.stat().st_size > MAX_SIDECAR_BYTES:
            return
        fields = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError):  # the timing's reader tells what is wrong with it
        return
    modality = fields.get("Modality") if isinstance(fields, dict) else None
    refuse_modality(modality if isinstance(modality, str) else None, units)
