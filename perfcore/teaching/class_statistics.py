"""Statistics of the answers of a class: how far the AIFs that people choose lie apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from perfcore.types import DoubleArray

BAND_PERCENTILES: Final = (10.0, 50.0, 90.0)
"""Lower limit, middle and upper limit of the band of curves."""


@dataclass(frozen=True)
class Spread:
    """Spread of a quantity over people.

    Attributes
    ----------
    n
        Number of values.
    mean, median
        In the unit of the quantity; None without a value.
    sd
        Sample standard deviation (n − 1); None below two values.
    cv
        Coefficient of variation, SD / mean; None where the mean is not positive.
    low, high
        10th and 90th percentile; None without a value.
    """

    n: int
    mean: float | None = None
    median: float | None = None
    sd: float | None = None
    cv: float | None = None
    low: float | None = None
    high: float | None = None


def spread_of(values: Sequence[float | None]) -> Spread:
    """Return the spread of the values that are defined."""
    known = np.array([v for v in values if v is not None and np.isfinite(v)], np.float64)
    if not known.size:
        return Spread(0)
    low, median, high = (float(v) for v in np.percentile(known, BAND_PERCENTILES))
    mean = float(known.mean())
    sd = float(known.std(ddof=1)) if known.size > 1 else None
    return Spread(known.size, mean, median, sd, sd / mean if sd is not None and mean > 0 else None, low, high)


def curve_band(curves: Sequence[DoubleArray]) -> tuple[DoubleArray, DoubleArray, DoubleArray]:
    """Return the pointwise 10th, 50th and 90th percentile of AIFs, shape ``(n_time,)`` each.

    Parameters
    ----------
    curves
        At least one, all of one length.
    """
    low, middle, high = np.percentile(np.stack(list(curves)), BAND_PERCENTILES, axis=0)
    return low, middle, high


@dataclass(frozen=True)
class PublishedSpread:
    """Published coefficients of variation between observers, to compare a class with.

    Attributes
    ----------
    metric
        Id of `perfcore.metric_info.METRICS`.
    label
        How the maps were made.
    cv
        As a fraction.
    source
        Authors, journal, year, and who was compared.
    doi
        Of the paper.
    """

    metric: str
    label: str
    cv: float
    source: str
    doi: str


_SOARES: Final = "Soares et al., Neuroradiology 2009: two observers, 30 patients"
_SOARES_DOI: Final = "10.1007/s00234-009-0516-9"
PUBLISHED: Final = (
    PublishedSpread("core_ml", "by hand", 0.310, _SOARES, _SOARES_DOI),
    PublishedSpread("core_ml", "automatic", 0.157, _SOARES, _SOARES_DOI),
    PublishedSpread("hypoperfused_ml", "by hand", 0.122, _SOARES, _SOARES_DOI),
    PublishedSpread("hypoperfused_ml", "automatic", 0.058, _SOARES, _SOARES_DOI),
)
"""Volumes of the infarct core and of the total perfusion defect; AIF, VOF and symmetry axis were selected by hand
or automatically. Three technologists reached 31, 30 and 14 % for CBV, CBF and MTT in regions of interest, mostly
for another reason than the AIF (Fiorella et al., AJNR 2004;25:97)."""
