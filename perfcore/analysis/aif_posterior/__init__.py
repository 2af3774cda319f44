"""AIF posterior: plausible AIFs of a case, given its vessels and the cohort's curves.

The posterior is about the true AIF, that of the feeding artery without partial volume. Its calibration is that of
phantoms (``python -m tools.calibrate_posterior``), whose healthy tissue has nearly the same transit time in every
case: of patients whose curves or transit times are not like theirs the intervals are too narrow.
"""

from __future__ import annotations

from perfcore.analysis.aif_posterior.storage import load_posterior
from perfcore.analysis.aif_posterior.vessels import measure_vessels
from perfcore.preprocess import Prepared
from perfcore.types import Aif, DoubleArray


def posterior_aifs(prepared: Prepared, artery: Aif, vein: Aif | None, n: int, seed: int = 0) -> DoubleArray:
    """Draw AIFs from the posterior of a case.

    Parameters
    ----------
    prepared
        The case.
    artery, vein
        AIF of the default selector, of which the voxels are used, and the venous output function or None.
    n
        Number of curves.
    seed
        Seed of the random generator.

    Returns
    -------
    Shape ``(n, n_time)``, of height about 1: core and Tmax do not depend on the scale of an AIF.

    Raises
    ------
    NoArteryError
        The artery has no voxels, or artery or tissue show no bolus.
    InputDataError
        The calibration is damaged.
    """
    return load_posterior().draw(measure_vessels(prepared, artery, vein), prepared.time_s, n, seed)
