"""AIF uncertainty: distribution of the core volume over plausible AIFs (bootstrap or mixtures)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pages.live.handlers.requests import mean_of_voxels, voxels_of
from pages.live.handlers.viewport import HELPER_POOL, Viewport
from pages.live.server.session import LiveSession, Workspace
from perfcore.aif.select import SELECTORS, is_fallback
from perfcore.aif.sources import is_network
from perfcore.analysis.aif_uncertainty import bootstrap_aifs, core_distribution, mixture_aifs
from perfcore.errors import InputDataError, PerfcoreError
from perfcore.types import Aif, DoubleArray

Frames = Iterator[tuple[dict[str, Any], dict[str, NDArray[Any]]]]
DRAWS: Final = 200
BATCH: Final = 5
"""Draws in one job of about 0.1 s, so that foreground jobs wait no longer."""
PERCENTILES: Final = (5, 50, 95)


def stream_uncertainty(
    _session: LiveSession, workspace: Workspace, request: Mapping[str, Any], _viewport: Viewport
) -> Frames:
    """Yield frames of the core distribution over a growing number of draws.

    ``way`` is ``voxels``: bootstrap of the AIF's voxels (``voxels`` of the request, else the start AIF's), or
    ``selectors``: mixtures of the AIFs of all selectors and networks.
    """
    way = str(request["way"])
    if way not in {"voxels", "selectors"}:
        raise InputDataError("AIFs are drawn from voxels or from selectors.")
    picked, prepared = request.get("voxels") or [], workspace.case.prepared
    start = mean_of_voxels(prepared, voxels_of(prepared, picked)) if picked else workspace.start
    return _spread(workspace, way, start)


def _spread(workspace: Workspace, way: str, start: Aif) -> Frames:
    case, prepared = workspace.case, workspace.case.prepared
    if way == "voxels":
        curves = bootstrap_aifs(prepared, start, DRAWS)
        of = [f"{len(start.voxels)} voxels"]
    else:
        found: list[Aif] = []
        for name in (n for n in case.offered.methods if n in SELECTORS or is_network(n)):
            with suppress(PerfcoreError):  # a selector that finds no artery in this case is left out
                aif = case.offered.get(name)
                if not is_fallback(aif):
                    found.append(aif)
            yield {"finding": name, "n_done": 0, "n_total": DRAWS}, {}
        curves = mixture_aifs(found, DRAWS)
        of = [aif.source_id for aif in found]
    basis = case.basis if workspace.settings.is_linear else None
    spread = core_distribution(
        curves, basis or case.tiles, case.reference.to(case.device), workspace.settings,
        dt_s=prepared.dt_s, voxel_ml=prepared.voxel_ml, batch=BATCH, pool=HELPER_POOL,
    )  # fmt: skip
    low, middle, high = (_percentile(curves, q) for q in PERCENTILES)
    for now in spread:
        quantiles = [float(q) for q in np.percentile(now.core_ml, PERCENTILES)]
        yield (
            {
                "finding": None, "of": of, "n_done": now.n_done, "n_total": now.n_total, "quantiles": quantiles,
                "basis_error": case.basis_error if basis is not None else None,
            },
            {
                "core_ml": now.core_ml.astype(np.float32), "low": low, "middle": middle, "high": high,
                "fraction": np.round(255 * now.core_fraction).astype(np.uint8),
            },
        )  # fmt: skip


def _percentile(curves: DoubleArray, q: int) -> NDArray[np.float32]:
    return np.asarray(np.percentile(curves, q, axis=0), np.float32)
