"""Arterial input function by fuzzy c-means clustering of curves.

Source: Murase et al. 2001, doi:10.1002/jmri.1111.
"""

from __future__ import annotations

from typing import Final

from perfcore.aif.select import SelectorInfo
from perfcore.aif.select.clusters import earliest_cluster, fuzzy_c_means
from perfcore.aif.select.selection import Selection
from perfcore.preprocess import Prepared


def murase(prepared: Prepared) -> Selection:
    """Select the earliest of five fuzzy c-means clusters, in two passes; see
    :func:`perfcore.aif.select.clusters.earliest_cluster`.

    Raises
    ------
    NoArteryError
        No cluster remains, or its curve is not clearly above the tissue.
    """
    return earliest_cluster(prepared, "murase", fuzzy_c_means)


INFO: Final = SelectorInfo("murase", "Murase", "#00a67d", murase)
