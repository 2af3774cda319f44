"""Values of perfcore that the browser's engine must reproduce: operators, maxima with their times, numbers."""

from __future__ import annotations

import base64
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pages.library.catalog import demonstrations, open_case
from pages.live.compute.engine_data import EngineData
from perfcore.deconvolution.fused import Tiles, peak_and_time
from perfcore.deconvolution.inverse import build_operator
from perfcore.deconvolution.temporal_basis import TemporalBasis
from perfcore.maps import anchor_tmax, flow_and_delay, flow_operator
from perfcore.metric_info import LIVE
from perfcore.metrics import voxel_numbers
from perfcore.settings import Settings
from perfcore.units import CBF_PER_K

FORMS = (("circulant", "tikhonov"), ("circulant", "tsvd"), ("causal", "tikhonov"))


def golden_aifs() -> list[tuple[float, np.ndarray]]:
    """Smooth, noisy and cut boluses, some below their baseline, at several time steps."""
    rng = np.random.default_rng(17)
    found = []
    for i, (n_time, dt_s) in enumerate(itertools.product((12, 25, 31), (0.5, 1.0, 2.0))):
        time_s = np.arange(n_time) * dt_s
        late = np.maximum(time_s - 3 * dt_s, 0)
        curve = 90 * late**2 * np.exp(-late / rng.uniform(1, 3))
        curve = 100 * curve / curve.max() + rng.normal(0, (0, 4)[i % 2], n_time)
        if i % 3 == 0:
            curve[int(0.7 * n_time) :] = 0
        found.append((dt_s, curve - (5 if i % 4 == 0 else 0)))
    return found


def golden_operators() -> list[dict[str, Any]]:
    found = []
    for (dt_s, curve), (form, kind), discretization, lam in itertools.product(
        golden_aifs(), FORMS, ("volterra", "rectangular"), (0.02, 0.3)
    ):
        settings = Settings(deconvolution=form, regularization=kind, discretization=discretization, lambda_rel=lam)
        operator = build_operator(torch.from_numpy(curve), dt_s, settings)
        names = {"deconvolution": form, "regularization": kind, "discretization": discretization, "lambda": lam}
        found.append({
            "aif": curve.tolist(), "dt": dt_s, "settings": names,
            "startS": operator.start_s, "matrix": operator.matrix.ravel().tolist(),
        })  # fmt: skip
    return found


def engine_data(tissue: Tiles, q: int) -> EngineData:
    """Quantise tissue for the engine as a case's is; its sample of healthy voxels is not one."""
    basis = TemporalBasis.from_tissue(tissue, q)
    steps = basis.tiles.data.abs().amax((0, 2)).numpy() / 32767
    return EngineData(basis.vectors.numpy() * steps[:, None], basis, steps, np.arange(3))


def golden_peaks() -> dict[str, Any]:
    """Return quantised tissue of a number of voxels that is no multiple of a group, and its maxima in float64."""
    rng = np.random.default_rng(23)
    n_time, q, n = 31, 9, 77
    time_s = np.arange(n_time)
    tissue = np.array(
        [rng.uniform(1, 9) * np.exp(-0.5 * ((time_s - rng.uniform(6, 20)) / 4) ** 2) for _ in range(n)]
    )
    tissue[5] = 0  # without flow
    tissue[6] = -tissue[7]
    data = engine_data(Tiles.from_curves(torch.from_numpy(tissue).float(), 128), q)
    coefficients = data.coefficients(0, n)
    dt_s, curve = next((dt_s, curve) for dt_s, curve in golden_aifs() if curve.size == n_time and dt_s == 1)
    operator = build_operator(torch.from_numpy(curve), dt_s, Settings())
    stored = torch.from_numpy(coefficients.astype(np.float64).T @ data.vectors.astype(np.float64))
    top, row = peak_and_time(operator.matrix, Tiles.from_curves(stored, 128))
    return {
        "aif": curve.tolist(), "dt": dt_s, "q": q, "vectors": data.vectors.ravel().tolist(),
        "coefficients": coefficients.ravel().tolist(), "top": top.tolist(),
        "row": [None if np.isnan(value) else value for value in row.tolist()],
    }  # fmt: skip


def golden_numbers() -> list[dict[str, Any]]:
    rng = np.random.default_rng(29)
    n, found = 900, []
    for with_lesion, tmax_reference in itertools.product((True, False), ("absolute", "healthy")):
        settings = Settings(tmax_reference=tmax_reference)
        cbf, tmax = rng.uniform(0, 60, n).astype(np.float32), rng.uniform(-2, 12, n).astype(np.float32)
        tmax[::50] = np.nan
        reference, lesion = rng.random(n) < 0.5, rng.random(n) < 0.2
        mean = float(cbf[reference].mean(dtype=np.float64))
        anchored, shift = anchor_tmax(torch.from_numpy(tmax), torch.from_numpy(reference), settings)
        numbers = voxel_numbers(
            cbf, anchored.numpy(), mean, settings, voxel_ml=0.02, exact=False,
            lesion=lesion if with_lesion else None, n_lesion=int(lesion.sum()) + 7 if with_lesion else 0,
        )  # fmt: skip
        found.append({
            "cbf": cbf.tolist(), "tmax": [None if np.isnan(v) else float(v) for v in tmax],
            "reference": reference.astype(int).tolist(),
            "lesion": lesion.astype(int).tolist() if with_lesion else None,
            "lesionVoxels": int(lesion.sum()) + 7 if with_lesion else 0, "voxelMl": 0.02,
            "anchored": tmax_reference == "healthy", "shift": float(shift), "ref": mean,
            "thresholds": {"core": settings.core_threshold, "tmax": settings.tmax_threshold_s},
            "numbers": {name: getattr(numbers, name) for name in LIVE},
        })  # fmt: skip
    return found


def real_aifs(start: np.ndarray) -> dict[str, np.ndarray]:
    """Curves that people make of a case's: as found, with noise, cut, on a wrong baseline, smooth."""
    rng, peak, time = np.random.default_rng(31), start.max(), np.arange(start.size)
    bolus = np.exp(-0.5 * ((time - start.argmax()) / 4) ** 2)
    return {
        "found": start,
        "noisy": start + rng.normal(0, 0.04 * peak, start.size),
        "cut": np.where(time < 0.6 * start.size, start, 0),
        "negative baseline": start - 0.05 * peak,
        "smooth": peak * bolus,
    }


def base64_of(values: np.ndarray, kind: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values, kind).tobytes()).decode()


def golden_tissue() -> list[dict[str, Any]]:
    """Return a demonstration as the engine has it, with perfcore's CBF and Tmax of all frames in every form.

    Once with its frames, once with every second one.
    """
    case, found = open_case(demonstrations()[0], Settings()), []
    for step in (1, 2):
        dt_s = case.prepared.dt_s * step
        tiles = case.tiles if step == 1 else Tiles(case.tiles.data[:, ::step].contiguous(), case.tiles.n_voxels)
        data = case.engine_data if step == 1 else engine_data(tiles, tiles.data.shape[1])
        curves = real_aifs(next(iter(case.sources.values())).value[::step])
        forms = list(itertools.product(curves, FORMS, ("volterra", "rectangular")))
        default = FORMS[0], "volterra"
        flows = []
        for name, (form, kind), discretization in forms:
            if name != "found" and (step == 2 or ((form, kind), discretization) != default):
                continue  # each curve with the default form, each form with one curve
            settings = Settings(deconvolution=form, regularization=kind, discretization=discretization)
            cbf, tmax = flow_and_delay(flow_operator(curves[name], dt_s, settings, tiles.data.device), tiles)
            flows.append({
                "name": f"{name}, {form} {kind} {discretization}, {dt_s:g} s", "aif": curves[name].tolist(),
                "settings": {"deconvolution": form, "regularization": kind, "discretization": discretization,
                             "lambda": settings.lambda_rel},
                "cbf": base64_of(cbf.numpy(), "<f4"), "tmax": base64_of(tmax.numpy(), "<f4"),
            })  # fmt: skip
        found.append({
            "dt": dt_s, "q": len(data.steps), "cbfPerK": CBF_PER_K, "voxelMl": case.prepared.voxel_ml,
            "flows": flows,
            "thresholds": {"core": Settings().core_threshold, "tmax": Settings().tmax_threshold_s},
            "vectors": base64_of(data.vectors, "<f4"), "reference": base64_of(case.reference.numpy(), "u1"),
            "coefficients": base64_of(data.coefficients(0, tiles.n_voxels), "<i2"),
        })  # fmt: skip
    return found


def golden_engine(folder: Path) -> dict[str, Any]:
    """Return all of them; the tissue, of some 60 MB, as the path of a file in a folder."""
    tissue = folder / "tissue.json"
    tissue.write_text(json.dumps(golden_tissue()))
    return {"operators": golden_operators(), "peaks": golden_peaks(), "numbers": golden_numbers(),
            "tissue": str(tissue)}  # fmt: skip
