"""Curve experiment: maps and figures of a case with an edited AIF, other settings or a shorter scan."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from perfcore.aif.edits import CurveEdit, edit_curve
from perfcore.deconvolution.inverse import build_operator, spectrum
from perfcore.errors import ArgumentError
from perfcore.map_info import MAPS, VoxelValues
from perfcore.maps import anchor_tmax, flow_and_delay, flow_operator, is_core, is_hypoperfused, relative_cbf
from perfcore.metrics import lesion_volumes
from perfcore.settings import Settings
from perfcore.teaching.experiment_case import ExperimentCase
from perfcore.types import BoolArray, DoubleArray, FloatArray
from perfcore.units import CBV_PER_RATIO, SECONDS_PER_MINUTE

MIN_PASS_FACTOR = 0.5
"""Minimum filter factor of a component that counts as passed."""


@dataclass(frozen=True)
class CurveExperiment:
    """Experiment with one AIF on the case of a lesson.

    Attributes
    ----------
    label
        Label in tables and legends.
    curve
        Name of the AIF.
    edit
        Edit of the AIF.
    settings
        Changes of the lesson's settings.
    stop_s
        End of the scan in seconds; None: the full scan.
    """

    label: str
    curve: str = "truth"
    edit: CurveEdit = field(default_factory=CurveEdit)
    settings: dict[str, Any] = field(default_factory=dict)
    stop_s: float | None = None

    def run(self, case: ExperimentCase, settings: Settings) -> CurveResult:
        """Run the experiment on a case.

        Raises
        ------
        ArgumentError
            The curve is unknown, or the case cannot be analysed with it.
        """
        case, used = self.inputs(case, settings)
        return measure_curve(case, self.edited(case), used)

    def inputs(self, case: ExperimentCase, settings: Settings) -> tuple[ExperimentCase, Settings]:
        """Return the case and the settings that the curve is deconvolved with."""
        used = settings.replace(**self.settings)
        if {"spatial_sigma_mm", "temporal_sigma_s"} & set(self.settings):
            case = case.smoothed(used)
        if self.stop_s is not None:
            case = case.truncated(self.stop_s)
        return case, used

    def edited(self, case: ExperimentCase) -> DoubleArray:
        """Return the edited AIF, shape ``(n_time,)``.

        Raises
        ------
        ArgumentError
            The curve is unknown.
        """
        if self.curve not in case.curves:
            raise ArgumentError(f"The case has no AIF named {self.curve!r}.")
        return edit_curve(case.curves[self.curve].value, case.dt_s, self.edit)


@dataclass(frozen=True, eq=False)
class RegionMeans:
    """Means over a region: CBF [ml/100 g/min], CBV [ml/100 g], MTT [s] of the means, Tmax [s]."""

    cbf: float
    cbv: float
    mtt: float
    tmax: float


@dataclass(frozen=True, eq=False)
class CurveResult:
    """Results of one AIF on a case.

    Attributes
    ----------
    core_ml, hypoperfused_ml, mismatch_ml
        Volumes in ml.
    healthy, lesion
        Means over the reference region of the settings and over the known core (None without a known core).
    dice
        Dice of the core with the known core, as the Lab has it: over all voxels of the case, and the whole known
        core; None without a known core.
    leading
        Fraction of the tissue that leads the AIF (Tmax below 0 on the scan's clock).
    passed
        Number of spectral components with a filter factor above 0.5.
    peak, peak_s, area
        Of the AIF: enhancement, s, enhancement × s.
    curve
        The AIF, shape ``(n_time,)``.
    dt_s
        Time step in seconds.
    residue_s, healthy_residue, lesion_residue
        Times in seconds on the clock of Tmax, and k(t) of the mean curves of the two regions in 1/s; shape
        ``(n_rows,)``.
    sigma, factors
        Singular values in descending order, and their filter factors.
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


@dataclass(frozen=True, eq=False)
class CurveMaps:
    """Maps of one AIF on a case, in the voxel order of the case.

    Attributes
    ----------
    values
        Input of the formulas of `perfcore.map_info.MAPS`.
    core, hypoperfused
        Lesions, shape ``(n_voxels,)``.
    reference
        Region whose mean CBF is the reference, shape ``(n_voxels,)``.
    tmax_shift_s
        Shift of Tmax to healthy tissue in seconds; 0 on the scan's clock.
    """

    values: VoxelValues
    core: BoolArray
    hypoperfused: BoolArray
    reference: BoolArray
    tmax_shift_s: float

    def map(self, name: str) -> FloatArray:
        """Return a computed map of the registry by its id, shape ``(n_voxels,)``."""
        compute = MAPS[name].compute
        if compute is None:
            raise ArgumentError(f"The map {name} is not computed from a curve.")
        return np.asarray(compute(self.values).numpy(), np.float32)


def curve_maps(case: ExperimentCase, curve: DoubleArray, settings: Settings) -> CurveMaps:
    """Compute the maps of an AIF on a case, with one deconvolution of the whole volume.

    Parameters
    ----------
    case
        The case.
    curve
        The AIF, shape ``(n_time,)``, enhancement.
    settings
        Deconvolution settings and thresholds.

    Raises
    ------
    ArgumentError
        The curve has no bolus, or the CBF of the healthy tissue is not positive.
    """
    flow, delay = flow_and_delay(flow_operator(torch.from_numpy(np.array(curve)), case.dt_s, settings), case.tiles)
    cbf = flow.cpu()
    reference = np.ones_like(case.reference) if settings.reference == "brain" else case.reference
    tmax, shift = anchor_tmax(delay.cpu(), torch.from_numpy(np.array(reference)), settings)
    mean = float(cbf.numpy()[reference].mean(dtype=np.float64))
    area = float(curve.sum()) * case.dt_s
    if not (mean > 0 and area > 0):
        raise ArgumentError("The CBF of healthy tissue is not positive with this AIF; choose another AIF.")
    values = VoxelValues(
        cbf=cbf, tmax=tmax, reference_cbf=mean, tissue_area=torch.from_numpy(np.array(case.area)), aif_area=area,
        ttp_s=torch.from_numpy(np.array(case.ttp_s)), core_threshold=settings.core_threshold,
    )  # fmt: skip
    core = is_core(relative_cbf(cbf.numpy(), mean), settings.core_threshold)
    low = is_hypoperfused(tmax.numpy(), settings.tmax_threshold_s)
    return CurveMaps(values, core, low, reference, float(shift))


def measure_curve(case: ExperimentCase, curve: DoubleArray, settings: Settings) -> CurveResult:
    """Compute the results of an AIF on a case, with one deconvolution of the whole volume.

    Raises
    ------
    ArgumentError
        The curve has no bolus, or the CBF of the healthy tissue is not positive.
    """
    maps = curve_maps(case, curve, settings)
    aif, area = torch.from_numpy(np.array(curve)), maps.values.aif_area
    cbf, tmax, shift_s = maps.values.cbf.numpy(), maps.values.tmax.numpy(), maps.tmax_shift_s

    def region(where: BoolArray) -> RegionMeans:
        mean_cbf = float(cbf[where].mean(dtype=np.float64))
        cbv = CBV_PER_RATIO * float(case.area[where].mean()) / area
        mean_tmax = float(np.nanmean(tmax[where], dtype=np.float64))
        return RegionMeans(mean_cbf, cbv, SECONDS_PER_MINUTE * cbv / mean_cbf, mean_tmax)

    healthy, core = region(maps.reference), maps.core
    numbers = lesion_volumes(core, maps.hypoperfused, tmax, healthy.cbf, case.prepared.voxel_ml)
    known = case.lesion if case.lesion is not None and case.lesion.any() else None
    operator, components = build_operator(aif, case.dt_s, settings), spectrum(aif, case.dt_s, settings)

    def residue(where: BoolArray) -> DoubleArray:
        return operator.apply(torch.from_numpy(case.mean_curve(where))).numpy()

    return CurveResult(
        core_ml=numbers.core_ml,
        hypoperfused_ml=numbers.hypoperfused_ml,
        mismatch_ml=numbers.mismatch_ml,
        healthy=healthy,
        lesion=None if known is None else region(known),
        dice=None if known is None else _dice(core, known, case.n_lesion),
        leading=float((tmax < shift_s)[case.non_vessel].mean()),
        passed=int((components.factors > MIN_PASS_FACTOR).sum()),
        peak=float(curve.max()),
        peak_s=float(curve.argmax()) * case.dt_s,
        area=area,
        curve=curve,
        dt_s=case.dt_s,
        residue_s=operator.time_s.numpy() + shift_s,
        healthy_residue=residue(case.reference),
        lesion_residue=None if known is None else residue(known),
        sigma=components.sigma.numpy(),
        factors=components.factors.numpy(),
    )


def _dice(core: BoolArray, known: BoolArray, n_known: int) -> float:
    """Return Dice with a known core of ``n_known`` voxels, of which ``known`` has those in the mask."""
    return float(2 * np.count_nonzero(core & known) / (np.count_nonzero(core) + n_known))
