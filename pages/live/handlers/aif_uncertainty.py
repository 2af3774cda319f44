"""AIF uncertainty: distribution of the lesions over AIFs (posterior, bootstrap, mixtures, or of a class)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pages.live.compute.case import LiveCase
from pages.live.handlers.requests import mean_of_voxels, voxels_of
from pages.live.handlers.viewport import HELPER_POOL, Viewport
from pages.live.server.session import LiveSession, Workspace
from perfcore.aif.select import BEST, SELECTORS, is_fallback
from perfcore.aif.sources import is_network
from perfcore.analysis.aif_posterior import posterior_aifs
from perfcore.analysis.aif_uncertainty import bootstrap_aifs, mixture_aifs
from perfcore.analysis.lesion_distribution import DECISIONS, lesion_distribution
from perfcore.errors import InputDataError, PerfcoreError
from perfcore.types import Aif, DoubleArray

Frames = Iterator[tuple[dict[str, Any], dict[str, NDArray[Any]]]]
DRAWS: Final = 200
BATCH: Final = 5
"""Draws in one job of about 0.1 s, so that foreground jobs wait no longer."""
PERCENTILES: Final = (10, 50, 90)
"""The interval of 80 %, for which the posterior is calibrated, and the median."""


def stream_uncertainty(
    session: LiveSession, workspace: Workspace, request: Mapping[str, Any], _viewport: Viewport
) -> Frames:
    """Yield frames of the distribution of the lesions over a growing number of draws.

    ``way`` is ``posterior``: true AIFs given the vessels of the case, whatever the start AIF; ``voxels``:
    bootstrap of the AIF's voxels (``voxels`` of the request, else the start AIF's); ``selectors``: mixtures of
    the AIFs of all selectors and networks; or ``class``: the AIFs that the user's class has given for this case,
    each once.
    """
    way = str(request["way"])
    if way == "class":
        return _class(session, workspace)
    if way == "posterior":
        return _posterior(workspace)
    if way == "selectors":
        return _mixtures(workspace)
    if way != "voxels":
        raise InputDataError(
            "AIFs are drawn from the posterior, from voxels or from selectors, or given by a class."
        )
    picked, prepared = request.get("voxels") or [], workspace.case.prepared
    start = mean_of_voxels(prepared, voxels_of(prepared, picked)) if picked else workspace.start
    return _bootstrap(workspace, start)


def _posterior(workspace: Workspace) -> Frames:
    case = workspace.case
    curves = posterior_aifs(case.prepared, case.offered.get(BEST), case.vof, DRAWS)
    # Volumes do not depend on the scale; that of the start AIF lets its curve be compared with the band.
    scale = workspace.start.value.sum() / curves.sum(axis=1).mean()
    yield from _spread(workspace, scale * curves, ["posterior"])


def _bootstrap(workspace: Workspace, start: Aif) -> Frames:
    curves = bootstrap_aifs(workspace.case.prepared, start, DRAWS)
    yield from _spread(workspace, curves, [f"{len(start.voxels)} voxels"])


def _mixtures(workspace: Workspace) -> Frames:
    case = workspace.case
    found: list[Aif] = []
    for name in (n for n in case.offered.methods if n in SELECTORS or is_network(n)):
        with suppress(PerfcoreError):  # a selector that finds no artery in this case is left out
            aif = case.offered.get(name)
            if not is_fallback(aif):
                found.append(aif)
        yield {"finding": name, "n_done": 0, "n_total": DRAWS}, {}
    yield from _spread(workspace, mixture_aifs(found, DRAWS), [aif.source_id for aif in found])


def _class(session: LiveSession, workspace: Workspace) -> Frames:
    curves = session.class_curves(workspace.case)
    if not len(curves):
        raise InputDataError(
            "No class has drawn enough curves for this case; open a room on the page Class and let people draw."
        )
    yield from _spread(workspace, curves, ["class"])


def _spread(workspace: Workspace, curves: DoubleArray, of: list[str]) -> Frames:
    case: LiveCase = workspace.case
    basis = case.basis if workspace.settings.is_linear else None
    spread = lesion_distribution(
        curves, basis or case.tiles, case.reference.to(case.device), workspace.settings,
        dt_s=case.prepared.dt_s, voxel_ml=case.prepared.voxel_ml, batch=BATCH, pool=HELPER_POOL,
    )  # fmt: skip
    low, middle, high = (np.asarray(np.percentile(curves, q, axis=0), np.float32) for q in PERCENTILES)
    for now in spread:
        yield (
            {
                "finding": None, "of": of, "n_done": now.n_done, "n_total": now.n_total,
                "quantiles": [float(q) for q in np.percentile(now.core_ml, PERCENTILES)],
                "decisions": [{"label": DECISIONS[k], "fraction": part} for k, part in now.decisions.items()],
                "basis_error": case.basis_error if basis is not None else None,
            },
            {
                "core_ml": now.core_ml.astype(np.float32), "low": low, "middle": middle, "high": high,
                "fraction": np.round(255 * now.core_fraction).astype(np.uint8),
            },
        )  # fmt: skip
