"""Sensitivity to the AIF: gradients by its samples, sensitivity maps of an edit, the tornado chart."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pages.live.handlers.lesion_target import PAINTED, TRUTH, painted, target_lesion, target_of
from pages.live.handlers.viewport import HELPER_POOL, Viewport, run_parallel
from pages.live.server import wire
from pages.live.server.session import LiveSession, Workspace
from perfcore.aif.edits import HANDLES
from perfcore.analysis.sensitivity import (
    QuantityInfo,
    aif_gradient,
    edit_direction,
    sensitivity_map,
    tornado,
    tornado_handles,
)
from perfcore.errors import InputDataError
from perfcore.maps import is_core, is_hypoperfused, relative_cbf
from perfcore.metric_info import TORNADO
from perfcore.regularization import no_gradient
from perfcore.types import DoubleArray

Frames = Iterator[tuple[dict[str, Any], dict[str, NDArray[Any]]]]
REGIONS: Final = {
    "core": "core",
    "hypoperfused": "hypoperfused tissue",
    "healthy": "healthy tissue",
    PAINTED: "painted lesion",
}
"""Label by id; the first two are those of the start AIF, and stay the same while the curve is edited."""
LOSS: Final = QuantityInfo("loss", "loss")
"""Loss of fine-tuning; its gradient comes with each step."""

_found: Final[weakref.WeakKeyDictionary[Workspace, dict[str, NDArray[np.bool_]]]] = weakref.WeakKeyDictionary()


def region_of(session: LiveSession, workspace: Workspace, name: str) -> NDArray[np.bool_]:
    """Return a region in slice order, shape ``(n_voxels,)``.

    Raises
    ------
    InputDataError
        There is no such region.
    """
    case = workspace.case
    if name == PAINTED:
        return painted(session, case)
    if name == "healthy":
        return np.asarray(case.reference.numpy())
    if name not in REGIONS:
        raise InputDataError(f"A region is one of {', '.join(REGIONS)}; got {name[:40]!r}.")
    if workspace not in _found:
        flow = case.start_flow(workspace.start, workspace.settings)
        core = is_core(relative_cbf(flow.cbf, flow.reference_cbf), workspace.settings.core_threshold)
        _found[workspace] = {
            "core": core,
            "hypoperfused": is_hypoperfused(flow.tmax, workspace.settings.tmax_threshold_s),
        }
    return _found[workspace][name]


def _curve(workspace: Workspace, request: Mapping[str, Any]) -> DoubleArray:
    curve = wire.checked_curve(np.asarray(request["curve"], np.float64))
    if curve.shape != workspace.start.value.shape:
        raise InputDataError(f"The curve has {curve.size} points; the series has {workspace.start.value.size}.")
    return curve


def stream_sensitivity(
    session: LiveSession, workspace: Workspace, request: Mapping[str, Any], _viewport: Viewport
) -> Frames:
    """Yield one frame: the gradient of a ``quantity`` by the ``curve``, in a ``region`` or for a ``target``."""
    curve, quantity = _curve(workspace, request), str(request["quantity"])
    region, target_name = str(request.get("region", "core")), str(request.get("target", TRUTH))

    def frames() -> Frames:
        case = workspace.case
        n = case.tiles.n_voxels
        core = target_lesion(session, case, target_name) if quantity == "soft_dice" else np.zeros(n, bool)
        if quantity == "soft_dice" and not core.any():
            raise InputDataError("The target is empty: paint a lesion, or choose a case with a known lesion.")
        where = region_of(session, workspace, region) if quantity in {"rcbf", "tmax"} else None
        found = aif_gradient(
            curve, target_of(case, core), workspace.settings, quantity, pool=HELPER_POOL,
            voxel_ml=case.prepared.voxel_ml, region=where,
        )  # fmt: skip
        yield (
            {"quantity": quantity, "region": region, "value": found.value},
            {"gradient": found.by_sample.astype(np.float32)},
        )

    return frames()


def stream_sensitivity_map(
    _session: LiveSession, workspace: Workspace, request: Mapping[str, Any], _viewport: Viewport
) -> Frames:
    """Yield one frame: the derivative of each voxel's rCBF along a ``direction`` of a ``curve``."""
    curve, name = _curve(workspace, request), str(request["direction"])

    def frames() -> Frames:
        case = workspace.case
        if not workspace.settings.is_linear:
            raise no_gradient(workspace.settings.regularization)
        along = edit_direction(curve, case.prepared.dt_s, name)
        target = target_of(case, np.zeros(case.tiles.n_voxels, bool))
        change = sensitivity_map(curve, along, target, workspace.settings, HELPER_POOL)
        yield {"direction": name}, {"change": change}

    return frames()


def stream_tornado(
    _session: LiveSession, workspace: Workspace, request: Mapping[str, Any], _viewport: Viewport
) -> Frames:
    """Yield a frame for each curve handle: the metrics of a ``curve`` with that handle low and high."""
    curve = _curve(workspace, request)

    def metrics_of(moved: DoubleArray) -> dict[str, float | None]:
        case = workspace.case
        settings = workspace.settings
        flow = case.gather(run_parallel(case.chunks(case.operator(moved, settings))), settings)
        every = case.numbers(flow, settings, exact=False)
        return {name: every[name] for name in TORNADO}

    def frames() -> Frames:
        here = metrics_of(curve)
        settings = tornado_handles()
        for swing in tornado(curve, workspace.case.prepared.dt_s, metrics_of):
            handle = HANDLES[swing.handle]
            yield (
                {
                    "handle": swing.handle, "name": handle.label, "unit": handle.unit,
                    "settings": list(settings[swing.handle]), "here": here, "low": swing.low, "high": swing.high,
                    "n": len(settings),
                },
                {},
            )  # fmt: skip

    return frames()
