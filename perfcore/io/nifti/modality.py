"""Modality of a NIfTI series, from its BIDS sidecar."""

from __future__ import annotations

from pathlib import Path

from perfcore.errors import InputDataError
from perfcore.io.nifti.sidecar import read_sidecar_file, sidecar_fields
from perfcore.plausibility import refuse_modality
from perfcore.types import SeriesUnits


def check_modality(sidecar: Path | bytes | None, units: SeriesUnits) -> None:
    """Refuse an MR series read as CT, or the reverse, where its sidecar names the modality.

    Parameters
    ----------
    sidecar
        Path of the NIfTI file, whose sidecar ``a.json`` lies beside ``a.nii.gz``, or the sidecar's content.
    units
        That it is read in.

    Raises
    ------
    InputDataError
        The modality belongs to other units.
    """
    try:
        content = read_sidecar_file(sidecar) if isinstance(sidecar, Path) else sidecar
        modality = None if content is None else sidecar_fields(content).get("Modality")
    except InputDataError:  # the reader of the times tells what is wrong with the sidecar, where it needs it
        return
    refuse_modality(modality if isinstance(modality, str) else None, units)
