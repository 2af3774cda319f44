"""Fine-tuning of the AIF on the Fine-tune page: one frame per step of the optimiser."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from pages.live.compute.case import LiveCase
from pages.live.compute.flow import Flow
from pages.live.handlers.lesion_target import TRUTH, target_lesion, target_of
from pages.live.handlers.viewport import HELPER_POOL, Viewport
from pages.live.server import wire
from pages.live.server.session import LiveSession, Workspace
from perfcore.aif.network.weights import load_network, network_names
from perfcore.analysis.finetune import (
    CurveParametrization,
    NetworkParametrization,
    TuneOptions,
    Tuner,
    TuneStep,
    alternate_slice_mask,
    make_parametrization,
)
from perfcore.errors import InputDataError
from perfcore.maps import is_hypoperfused
from perfcore.metrics import dice
from perfcore.pipeline import healthy_mean
from perfcore.settings import Settings
from perfcore.types import DoubleArray

MAX_STEPS: Final = 2000
LAST_LAYER: Final = "network-last"
WHOLE_NETWORK: Final = "network-all"
_OPTIONS: Final = {
    "loss": str, "with_tmax": bool, "optimizer": str, "rate": float, "curvature": float, "learn_threshold": bool,
}  # fmt: skip


def stream_tuning(
    session: LiveSession, workspace: Workspace, request: Mapping[str, Any], viewport: Viewport
) -> Iterator[tuple[dict[str, Any], dict[str, NDArray[Any]]]]:
    """Yield a frame for each step of the optimiser.

    ``request`` has the ``curve`` to start from, ``target``, ``form``, ``held_out`` (leave every other slice of the
    lesion out of the loss) and the fields of `TuneOptions`. A run that continues an earlier one has the start
    curve of that run as ``origin`` and the ``threshold`` of its last step.

    Raises
    ------
    InputDataError, ArgumentError
        The curve, the target or an option cannot be used.
    """
    options = TuneOptions(**{name: kind(request[name]) for name, kind in _OPTIONS.items() if name in request})
    curve = _curve(workspace, request["curve"])
    origin = _curve(workspace, request["origin"]) if "origin" in request else None
    threshold = float(request["threshold"]) if "threshold" in request else None
    if threshold is not None and not math.isfinite(threshold):
        raise ValueError(threshold)
    target, form, held_out = str(request.get("target", TRUTH)), str(request["form"]), bool(request.get("held_out"))
    lesion = target_lesion(session, workspace.case, target)
    network = str(request.get("network", ""))
    plan = _Plan(options, curve, target, form, network, held_out, origin, threshold)
    return _steps(workspace, lesion, plan, viewport)


def _curve(workspace: Workspace, values: Any) -> DoubleArray:
    curve = wire.checked_curve(np.asarray(values, np.float64))
    if curve.shape != workspace.start.value.shape:
        raise InputDataError(f"The curve has {curve.size} points; the series has {workspace.start.value.size}.")
    return curve


@dataclass(frozen=True, eq=False)
class _Plan:
    """Checked options of a run; the parametrization is made in the scheduler's job, as a network takes seconds."""

    options: TuneOptions
    curve: DoubleArray
    target: str
    form: str
    network: str
    held_out: bool
    origin: DoubleArray | None
    threshold: float | None

    def make_parametrization(self, case: LiveCase) -> CurveParametrization:
        if self.form not in {LAST_LAYER, WHOLE_NETWORK}:
            return make_parametrization(self.form, self.curve, case.prepared.dt_s)
        if self.network not in network_names():
            raise InputDataError("This network is not installed; choose another form of the curve.")
        start = case.offered.get(self.network).value
        return NetworkParametrization(
            load_network(self.network), case.prepared, start, last_layer=self.form == LAST_LAYER
        )


def _steps(
    workspace: Workspace, lesion: NDArray[np.bool_], plan: _Plan, viewport: Viewport
) -> Iterator[tuple[dict[str, Any], dict[str, NDArray[Any]]]]:
    case, settings = workspace.case, workspace.settings
    slice_of = np.repeat(np.arange(case.n_slices), np.diff(case.starts))
    loss_mask = alternate_slice_mask(slice_of, lesion) if plan.held_out else None
    target = target_of(case, lesion, hypoperfused=plan.options.with_tmax, preview=True)
    tuner = Tuner(
        target, plan.make_parametrization(case), settings, plan.options,
        loss_mask=loss_mask, origin=plan.origin, threshold=plan.threshold, with_map=True, pool=HELPER_POOL,
    )  # fmt: skip
    for _ in range(MAX_STEPS):
        step = tuner.step()
        yield _frame(workspace, step, plan, viewport)


def _frame(
    workspace: Workspace, step: TuneStep, plan: _Plan, viewport: Viewport
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    case = workspace.case
    settings = replace(workspace.settings, core_threshold=step.threshold)
    assert step.map_tmax is not None
    flow = Flow(step.cbf, step.map_tmax, healthy_mean(torch.from_numpy(step.cbf), case.reference))
    kind, z, maps = viewport.part(case, flow)
    numbers = case.numbers(flow, settings, exact=False)
    # One figure, one definition: against the truth in all slices, Dice is that of the numbers of the Lab.
    whole = plan.target == TRUTH and step.held_out_dice is None
    header = {
        "shows": kind, "z": z, "ref": flow.reference_cbf, "number": step.number, "target": plan.target,
        "with_tmax": plan.options.with_tmax,
        "loss": step.loss, "dice": numbers["dice"] if whole else step.dice, "held_out_dice": step.held_out_dice,
        "hypoperfused_dice": _hypoperfused_dice(case, flow, settings),
        "distance": step.distance, "roughness": step.roughness,
        "negative": step.n_negative, "threshold": step.threshold,
        "numbers": numbers, "start": workspace.start_numbers,
    }  # fmt: skip
    arrays = {
        "curve": step.curve.astype(np.float32), "gradient": step.gradient.astype(np.float32),
        "cbf": maps.cbf, "tmax": maps.tmax,
    }  # fmt: skip
    return header, arrays


def _hypoperfused_dice(case: LiveCase, flow: Flow, settings: Settings) -> float | None:
    """Return the Dice of late and known hypoperfused tissue of the whole head, trained or not."""
    if case.hypoperfused is None:
        return None
    return dice(is_hypoperfused(flow.tmax, settings.tmax_threshold_s), case.hypoperfused)
