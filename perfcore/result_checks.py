"""What the plausibility checks of an AIF and of a result measure: see :data:`perfcore.plausibility.CHECKS`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import torch

from perfcore.maps import blood_volume
from perfcore.preprocess import Prepared
from perfcore.preprocess.tissue_curve import N_SAMPLES
from perfcore.types import Aif
from perfcore.units import SECONDS_PER_MINUTE

Measures = Iterator[tuple[str, float]]

VESSEL_QUANTILE: Final = 0.999
REST_FRAMES: Final = 3
"""Frames whose mean is the lowest level of a curve; noise alone takes single frames far below."""


def aif_measures(prepared: Prepared, aif: Aif) -> Measures:
    """Measure whether a given curve is enhancement in the units of the series.

    Parameters
    ----------
    prepared
        The case.
    aif
        A curve on its frames, from a file or a person.
    """
    peak = max(aif.peak, 1e-12)
    searched = prepared.mask if prepared.hull is None else prepared.hull
    vessels = float(np.quantile(prepared.tmip[searched], VESSEL_QUANTILE))
    yield "aif_units", peak / max(vessels, 1e-12)
    running = np.convolve(aif.value, np.full(REST_FRAMES, 1 / REST_FRAMES), mode="valid")
    yield "aif_baseline", max(float(running.min()), 0.0) / peak


def result_measures(prepared: Prepared, aif: Aif, reference_cbf: float) -> Measures:
    """Measure healthy tissue and the AIF: CBF, CBV, MTT and area, where they have units.

    Parameters
    ----------
    prepared
        The case.
    aif
        The curve that made the result.
    reference_cbf
        Mean CBF of healthy tissue, ml/100 g/min.
    """
    if prepared.in_hu:
        yield "aif_area", aif.area
    if not aif.area > 0:
        return
    healthy = np.flatnonzero(prepared.reference)
    some = prepared.tissue[healthy[:: max(1, len(healthy) // N_SAMPLES)]]
    area = torch.tensor(some.sum(axis=1, dtype=np.float64).mean() * prepared.dt_s)
    cbv = float(blood_volume(area, aif.area))
    if prepared.units != "dsc":  # the factor of the concentration is not the same in an artery and in tissue
        yield "cbf_implausible", reference_cbf
        yield "cbv_implausible", cbv
    yield "mtt_implausible", SECONDS_PER_MINUTE * cbv / reference_cbf
