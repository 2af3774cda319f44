"""Arterial input function by k-means clustering of curves.

Source: Mouridsen et al. 2006, doi:10.1002/mrm.20759.
"""

from __future__ import annotations

from typing import Final

from perfcore.aif.select import SelectorInfo
from perfcore.aif.select.clusters import earliest_cluster, k_means
from perfcore.aif.select.selection import Selection
from perfcore.preprocess import Prepared


def mouridsen(prepared: Prepared) -> Selection:
    """Select the earliest of five k-means clusters, in two passes; see
    :func:`perfcore.aif.select.clusters.earliest_cluster`.

    Raises
    ------
    NoArteryError
        No cluster remains, or its curve is not clearly above the tissue.
    """
    return earliest_cluster(prepared, "mouridsen", k_means)


INFO: Final = SelectorInfo("mouridsen", "Mouridsen", "#e69f00", mouridsen)
