"""Transit-time sweep: bias and noise of the deconvolution on simulated tissue of known CBF."""

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
"""CBF of the simulated tissue, ml/100 g/min; the results are relative to it."""
NORMAL_MTT_S: Final = 4.0
N_NOISE: Final = 2000
"""Number of simulated noise curves."""


@dataclass(frozen=True)
class SweepExperiment:
    """Experiment on simulated tissue with exponential residue functions, supplied by the true AIF of the case.

    Attributes
    ----------
    label
        Label in legends.
    mtt_s
        Mean transit times, seconds, > 0.
    delay_s
        Delay of the tissue after the AIF, seconds, ≥ 0.
    edit
        Edit of the bolus, applied to the true AIF before the tissue is simulated.
    settings
        Changes of the lesson's settings.
    noise_hu
        Standard deviations of the residual noise, HU.
    """

    label: str
    mtt_s: tuple[float, ...] = (2, 4, 8, 12, 20)
    delay_s: float = 0.0
    edit: CurveEdit = field(default_factory=CurveEdit)
    settings: dict[str, Any] = field(default_factory=dict)
    noise_hu: tuple[float, ...] = ()

    def run(self, case: ExperimentCase, settings: Settings) -> SweepResult:
        """Run the experiment with the true AIF of a case."""
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
        cbf, tmax = flow_and_delay(operator, Tiles.from_curves(torch.from_numpy(tissue).float()))
        normal = float(cbf[-1])
        noise = {level: _noise(level, curve.size, dt_s, used) for level in self.noise_hu}
        components = spectrum(aif, dt_s, used)
        residue = build_operator(aif, dt_s, used)
        return SweepResult(
            ratio={mtt: float(cbf[i]) / NORMAL_CBF for i, mtt in enumerate(self.mtt_s)},
            tmax={mtt: float(tmax[i]) for i, mtt in enumerate(self.mtt_s)},
            excess={mtt: float(tmax[i]) - self.delay_s for i, mtt in enumerate(self.mtt_s)},
            floor={level: float(flow_and_delay(operator, one)[0].mean()) / normal for level, one in noise.items()},
            passed=int((components.factors > MIN_PASS_FACTOR).sum()),
            residue_s=residue.time_s.numpy(),
            residue={mtt: residue.apply(torch.from_numpy(tissue[i])).numpy() for i, mtt in enumerate(self.mtt_s)},
            curve=curve,
            dt_s=dt_s,
            sigma=components.sigma.numpy(),
            factors=components.factors.numpy(),
        )


@dataclass(frozen=True, eq=False)
class SweepResult:
    """Results on simulated tissue, by transit time in seconds.

    Attributes
    ----------
    ratio
        Estimated over true CBF.
    tmax, excess
        Tmax, and Tmax minus the delay, seconds.
    floor
        Noise floor by residual noise in HU: mean CBF of noise curves, relative to the estimate for normal tissue.
    passed
        Number of spectral components with a filter factor above 0.5.
    residue_s, residue
        Times in seconds, and k(t) in 1/s by transit time; shape ``(n_rows,)``.
    curve
        The AIF, shape ``(n_time,)``.
    dt_s
        Time step in seconds.
    sigma, factors
        Singular values in descending order, and their filter factors.
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
    """Return noise curves, smoothed in time like tissue, with a standard deviation of ``level_hu``."""
    white = np.random.default_rng(0).standard_normal((N_NOISE, n_time)).astype(np.float32)
    noise = smooth_time(white, settings.temporal_sigma_s / dt_s) if settings.temporal_sigma_s > 0 else white
    return Tiles.from_curves(torch.from_numpy(noise * np.float32(level_hu / noise.std())))
