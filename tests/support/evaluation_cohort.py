"""Helpers shared by the tests of the evaluation."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file, save
from scipy.interpolate import interp1d

from perfcore.aif.select import SELECTORS, select
from perfcore.aif.sources import TYPICAL, null_of
from perfcore.evaluation.run import evaluate_cases
from perfcore.io.cohort import CohortCase
from perfcore.maps import PerfusionMaps
from perfcore.pipeline import make_maps, tile
from perfcore.preprocess import Prepared, prepare
from perfcore.settings import Settings
from perfcore.types import Aif, PerfusionSeries

N_LEARNT = 4
NETWORKS = ("cnn-regression", "cnn-weighting-core")
METHODS = ("truth", *SELECTORS, *NETWORKS, TYPICAL, *(null_of(name) for name in NETWORKS))


def make_different(path: Path, part: str, change: float, seed: int) -> None:
    """Change the weights of a fold: after one epoch all folds' networks give nearly the same curve."""
    state = load_file(path)
    state[part] += change * torch.randn(state[part].shape, generator=torch.Generator().manual_seed(seed))
    path.write_bytes(save(state))


def one(rows: pd.DataFrame, case: str, method: str) -> pd.Series:
    found = rows[(rows["case"] == case) & (rows["method"] == method)]
    assert len(found) == 1
    return found.iloc[0]


def judge_here(cases: list[CohortCase], out: Path, **more: Any) -> tuple[dict[str, Any], pd.DataFrame]:
    summary = evaluate_cases(cases, out, workers=1, **more)
    return summary, pd.read_csv(out / "cases.csv", keep_default_na=False, na_values=[""])


def maps_again(
    case: CohortCase, aif: Aif | None = None, method: str = "", settings: Settings | None = None
) -> tuple[PerfusionMaps, PerfusionSeries, Prepared]:
    series = case.load()
    prepared = prepare(series, Settings())
    return (
        make_maps(prepared, tile(prepared), aif or select(prepared, method).corrected(), settings or Settings()),
        series,
        prepared,
    )


def best_r(aif: Aif, true: Aif | None) -> float:
    """Pearson's r of shifted curves, one shift after the other."""
    assert true is not None
    curve = interp1d(aif.time_s, aif.value, bounds_error=False, fill_value=(aif.value[0], aif.value[-1]))
    return max(float(np.corrcoef(curve(true.time_s + k / 10), true.value)[0, 1]) for k in range(-100, 101))


def monai_hd95(a: np.ndarray, b: np.ndarray, spacing: tuple[float, float, float]) -> float:
    one, other = (torch.from_numpy(x.astype(np.float32))[None, None] for x in (a, b))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries that MONAI looks for, and of its own parts
        from monai.metrics import compute_hausdorff_distance

        return float(compute_hausdorff_distance(one, other, percentile=95, spacing=list(spacing)))
