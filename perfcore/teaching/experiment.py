"""One trial: a curve, an edit, settings, a scan; and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from perfcore.aif.edits import CurveEdit, edit_curve
from perfcore.deconvolution.inverse import build_operator, spectrum
from perfcore.errors import ArgumentError
from perfcore.maps import flow_and_delay, flow_operator, is_core, is_hypoperfused, relative_cbf
from perfcore.metrics import dice, lesion_volumes
from perfcore.settings import Settings
from perfcore.teaching.experiment_case import ExperimentCase
from perfcore.types import BoolArray, DoubleArray
from perfcore.units import CBV_PER_RATIO, SECONDS_PER_MINUTE

MIN_PASS_FACTOR = 0.5
"""A component counts as passed where its filter factor is above this."""


@dataclass(frozen=True)
class CurveExperiment:
    """What is tried on a lesson's case.

    Attributes
    ----------
    label
        A few words for tables and legends.
    curve
        Name of the input function to start from.
    edit
        What is done to it.
    settings
        Settings that differ from the lesson's.
    stop_s
        The scan ends here, seconds; None: as it was.
    """

    label: str
    curve: str = "truth"
    edit: CurveEdit = field(default_factory=CurveEdit)
    settings: dict[str, Any] = field(default_factory=dict)
    stop_s: float | None = None

    def run(self, case: ExperimentCase, settings: Settings) -> CurveResult:
        """Return what comes of it.

        Raises
        ------
        ArgumentError
            The case has no such curve, or the curve explains no tissue.
        """
        used = settings.replace(**self.settings)
        if {"spatial_sigma_mm", "temporal_sigma_s"} & set(self.settings):
            case = case.smoothed(used)
        if self.stop_s is not None:
            case = case.truncated(self.stop_s)
        if self.curve not in case.curves:
            raise ArgumentError(f"This case has no curve named {self.curve}.")
        curve = edit_curve(case.curves[self.curve].value, case.dt_s, self.edit)
        return measure_curve(case, curve, used)


@dataclass(frozen=True, eq=False)
class RegionMeans:
    """Means over a region: CBF [ml/100 g/min], CBV [ml/100 g], MTT [s] of the means, Tmax [s]."""

    cbf: float
    cbv: float
    mtt: float
    tmax: float


@dataclass(frozen=True, eq=False)
class CurveResult:
    """What one input function makes of a case.

    Attributes
    ----------
    core_ml, hypoperfused_ml, mismatch_ml
        Volumes in ml.
    healthy, lesion
        Means over the reference (whatever the settings take as such) and over the known core (None without one).
    dice
        Of the core with the known one, None without one.
    leading
        Share of the tissue that seems to lead the input function (Tmax below 0).
    passed
        How many components of the spectrum pass the filter by more than half.
    peak, peak_s, area
        Of the input function: enhancement, s, enhancement × s.
    curve
        The input function, shape ``(n_time,)``.
    residue_s, healthy_residue, lesion_residue
        k(t) of the mean curves of the two regions, 1/s, and its times; shape ``(n_rows,)``.
    sigma, factors
        The spectrum, largest first, and its filter factors.
    """

    core_ml: float
    hypoperfused_ml: float
    mismatch_ml: float
    healthy: RegionMeans
    lesion: RegionMeans | None
    dice: float | None
    leading: float
    passed: int
    peak: float
    peak_s: float
    area: float
    curve: DoubleArray
    dt_s: float
    residue_s: DoubleArray
    healthy_residue: DoubleArray
    lesion_residue: DoubleArray | None
    sigma: DoubleArray
    factors: DoubleArray


def measure_curve(case: ExperimentCase, curve: DoubleArray, settings: Settings) -> CurveResult:
    """Measure an input function on a case; the whole volume is deconvolved once.

    Raises
    ------
    ArgumentError
        The curve has no bolus, or the healthy tissue no flow under it.
    """
    aif = torch.from_numpy(np.array(curve))
    flow, delay = flow_and_delay(flow_operator(aif, case.dt_s, settings), case.tiles)
    cbf, tmax = flow.cpu().numpy(), delay.cpu().numpy()
    area = float(curve.sum()) * case.dt_s
    brain = np.ones_like(case.reference)
    reference = brain if settings.reference == "brain" else case.reference

    def region(where: BoolArray) -> RegionMeans:
        mean_cbf = float(cbf[where].mean(dtype=np.float64))
        cbv = CBV_PER_RATIO * float(case.area[where].mean()) / area
        mean_tmax = float(np.nanmean(tmax[where], dtype=np.float64))
        return RegionMeans(mean_cbf, cbv, SECONDS_PER_MINUTE * cbv / mean_cbf, mean_tmax)

    healthy = region(reference)
    if not (healthy.cbf > 0 and area > 0):
        raise ArgumentError("This input function does not explain the tissue; choose another.")
    core = is_core(relative_cbf(cbf, healthy.cbf), settings.core_threshold)
    low = is_hypoperfused(tmax, settings.tmax_threshold_s)
    numbers = lesion_volumes(core, low, healthy.cbf, case.prepared.voxel_ml)
    known = case.lesion if case.lesion is not None and case.lesion.any() else None
    operator, seen = build_operator(aif, case.dt_s, settings), spectrum(aif, case.dt_s, settings)

    def residue(where: BoolArray) -> DoubleArray:
        return operator.apply(torch.from_numpy(case.mean_curve(where))).numpy()

    return CurveResult(
        core_ml=numbers.core_ml,
        hypoperfused_ml=numbers.hypoperfused_ml,
        mismatch_ml=numbers.mismatch_ml,
        healthy=healthy,
        lesion=None if known is None else region(known),
        dice=None if known is None else dice(core, known),
        leading=float((tmax < 0)[case.non_vessel].mean()),
        passed=int((seen.factors > MIN_PASS_FACTOR).sum()),
        peak=float(curve.max()),
        peak_s=float(curve.argmax()) * case.dt_s,
        area=area,
        curve=curve,
        dt_s=case.dt_s,
        residue_s=operator.time_s.numpy(),
        healthy_residue=residue(case.reference),
        lesion_residue=None if known is None else residue(known),
        sigma=seen.sigma.numpy(),
        factors=seen.factors.numpy(),
    )
