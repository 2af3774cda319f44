"""Quality flags of an input function in plain sentences."""

from __future__ import annotations

from typing import Final

import numpy as np

from perfcore.aif.select.features import bolus_features
from perfcore.preprocess import Prepared
from perfcore.types import DoubleArray

WEAK_HU: Final = 15.0


def artery_flags(prepared: Prepared, value: DoubleArray) -> tuple[str, ...]:
    """Return what a careful user wants to know about an arterial curve.

    Parameters
    ----------
    prepared
        The case.
    value
        Shape ``(n_time,)``, enhancement.
    """
    flags = []
    peak = float(value.max())
    if prepared.baseline.any() and peak < WEAK_HU:
        flags.append(
            f"The AIF is weak: its peak is {peak:.0f} HU (below {WEAK_HU:.0f}), "
            "so it is mostly partial volume, and absolute CBF and CBV are too large."
        )
    features = bolus_features(np.asarray(value, np.float32)[None])
    late = float(features.arrival[0]) - tissue_arrival(prepared)
    if late * prepared.dt_s > 1.0:
        flags.append(
            f"The AIF arrives {late * prepared.dt_s:.0f} s later than the tissue: "
            "it may be a vein or lie behind the clot."
        )
    if float(value[-3:].mean()) > 0.5 * peak:
        flags.append("The AIF has not fallen to half its peak by the end of the scan: its area is too small.")
    return tuple(flags)


def tissue_arrival(prepared: Prepared) -> float:
    """Return the frame (with fraction) at which the mean healthy tissue curve reaches 20 % of its peak."""
    healthy = prepared.tissue[prepared.reference].mean(axis=0)
    return float(bolus_features(np.asarray(healthy, np.float32)[None]).arrival[0])
