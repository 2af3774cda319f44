"""Tissue whose truth is known to the digit, run through the deconvolution: bias and noise, one at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import torch

from perfcore.aif.curves import sample
from perfcore.aif.edits import CurveEdit, edit_curve
from perfcore.deconvolution.fused import Tiles
from perfcore.deconvolution.inverse import build_operator, spectrum
from perfcore.maps import flow_and_delay, flow_operator
from perfcore.phantom.physiology import FINE_DT_S, tissue_curve
from perfcore.preprocess.smoothing import smooth_time
from perfcore.settings import Settings
from perfcore.teaching.experiment import MIN_PASS_FACTOR
from perfcore.teaching.experiment_case import ExperimentCase
from perfcore.types import DoubleArray

NORMAL_CBF: Final = 50.0
"""Flow of the simulated tissue, ml/100 g/min; the ratios do not depend on it."""
NORMAL_MTT_S: Final = 4.0
N_NOISE: Final = 2000
"""Voxels of pure noise."""


@dataclass(frozen=True)
class SweepExperiment:
    """Exponential tissue of several transit times, behind the case's true input function.

    Attributes
    ----------
    label
        A few words for legends.
    mtt_s
        Transit times, seconds, > 0.
    delay_s
        Arrival after the input function, seconds, ≥ 0.
    edit
        What the bolus is like in this patient: applied to the true curve *before* the tissue sees it.
    settings
        Settings that differ from the lesson's.
    noise_hu
        Levels of residual noise, HU.
    """

    label: str
    mtt_s: tuple[float, ...] = (2, 4, 8, 12, 20)
    delay_s: float = 0.0
    edit: CurveEdit = field(default_factory=CurveEdit)
    settings: dict[str, Any] = field(default_factory=dict)
    noise_hu: tuple[float, ...] = ()

    def run(self, case: ExperimentCase, settings: Settings) -> SweepResult:
        """Return what is read off this tissue."""
        used, dt_s = settings.replace(**self.settings), case.dt_s
        curve = edit_curve(case.curves["truth"].value, dt_s, self.edit)
        time_s: DoubleArray = np.arange(curve.size) * np.float64(dt_s)
        fine: DoubleArray = np.arange(round(time_s[-1] / FINE_DT_S) + 1) * np.float64(FINE_DT_S)
        artery = np.interp(fine, time_s, curve)
        pure = [
            tissue_curve(artery, FINE_DT_S, NORMAL_CBF, mtt, "exponential") for mtt in (*self.mtt_s, NORMAL_MTT_S)
        ]
        tissue = np.stack([sample(one, FINE_DT_S, time_s, self.delay_s) for one in pure])
        aif = torch.from_numpy(curve)
        operator = flow_operator(aif, dt_s, used)
        cbf, tmax = flow_and_delay(operator, Tiles.of(torch.from_numpy(tissue).float()))
        normal = float(cbf[-1])
        noise = {level: _noise(level, curve.size, dt_s, used) for level in self.noise_hu}
        seen = spectrum(aif, dt_s, used)
        residue = build_operator(aif, dt_s, used)
        return SweepResult(
            ratio={mtt: float(cbf[i]) / NORMAL_CBF for i, mtt in enumerate(self.mtt_s)},
            tmax={mtt: float(tmax[i]) for i, mtt in enumerate(self.mtt_s)},
            excess={mtt: float(tmax[i]) - self.delay_s for i, mtt in enumerate(self.mtt_s)},
            floor={level: float(flow_and_delay(operator, one)[0].mean()) / normal for level, one in noise.items()},
            passed=int((seen.factors > MIN_PASS_FACTOR).sum()),
            residue_s=residue.time_s.numpy(),
            residue={mtt: residue.apply(torch.from_numpy(tissue[i])).numpy() for i, mtt in enumerate(self.mtt_s)},
            curve=curve,
            dt_s=dt_s,
            sigma=seen.sigma.numpy(),
            factors=seen.factors.numpy(),
        )


@dataclass(frozen=True, eq=False)
class SweepResult:
    """What is read off simulated tissue, by its transit time in seconds.

    Attributes
    ----------
    ratio
        CBF read over CBF true.
    tmax, excess
        Tmax in seconds, and by how much it is above the delay.
    floor
        By residual noise in HU: CBF read from noise alone, relative to normal tissue's reading.
    passed
        How many components of the spectrum pass the filter by more than half.
    residue_s, residue
        Times and k(t), 1/s, by transit time; shape ``(n_rows,)``.
    curve
        The input function, shape ``(n_time,)``.
    sigma, factors
        The spectrum, largest first, and its filter factors.
    """

    ratio: dict[float, float]
    tmax: dict[float, float]
    excess: dict[float, float]
    floor: dict[float, float]
    passed: int
    residue_s: DoubleArray
    residue: dict[float, DoubleArray]
    curve: DoubleArray
    dt_s: float
    sigma: DoubleArray
    factors: DoubleArray


def _noise(level_hu: float, n_time: int, dt_s: float, settings: Settings) -> Tiles:
    """Return curves of noise, smoothed in time as tissue is, of a standard deviation of ``level_hu``."""
    white = np.random.default_rng(0).standard_normal((N_NOISE, n_time)).astype(np.float32)
    noise = smooth_time(white, settings.temporal_sigma_s / dt_s) if settings.temporal_sigma_s > 0 else white
    return Tiles.of(torch.from_numpy(noise * np.float32(level_hu / noise.std())))
