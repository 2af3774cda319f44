"""Values of perfcore that the page without a server must reproduce: curves of voxels, k(t), fits, CSV files."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch

from pages.live.compute.engine_data import EngineData
from perfcore.aif.fit import fit_gamma_variate
from perfcore.deconvolution.fused import Tiles
from perfcore.deconvolution.inverse import build_operator
from perfcore.deconvolution.temporal_basis import TemporalBasis
from perfcore.display.slice_layout import Layout
from perfcore.errors import InputDataError
from perfcore.io.aif_csv import aif_csv_text, read_aif_csv
from perfcore.settings import Settings
from perfcore.types import Aif
from tests.support.engine_golden import golden_aifs


def golden_tissue() -> dict[str, Any]:
    """Return a case of two slices whose tissue its basis holds, with curves, k(t) and means of its voxels."""
    rng = np.random.default_rng(31)
    grid, n_time, dt_s, layout = (6, 5, 2), 25, 1.0, Layout(True, False, True)
    voxels = np.argwhere(rng.random(grid) < 0.7)
    voxels = voxels[np.argsort(voxels[:, 2], kind="stable")]
    time_s = np.arange(n_time) * dt_s
    rise = np.array([np.exp(-0.5 * ((time_s - middle) / 4) ** 2) for middle in (7, 10, 13, 16)])
    tissue = rng.uniform(0.5, 4, (len(voxels), 4)) @ rise  # four shapes: a basis of six holds them
    basis = TemporalBasis.from_tissue(Tiles.from_curves(torch.from_numpy(tissue).float(), 128), 6)
    steps = basis.tiles.data.abs().amax((0, 2)).numpy() / 32767
    steps = np.maximum(steps, 1e-12).astype(np.float32)
    data = EngineData(basis.vectors.numpy() * steps[:, None], basis, steps, np.arange(3))
    starts = np.searchsorted(voxels[:, 2], np.arange(grid[2] + 1))
    rows, columns = layout.apply(np.empty(grid[:2])).shape
    pixel = np.empty(grid[:2], np.int64)
    layout.apply(pixel)[...] = np.arange(rows * columns).reshape(rows, columns)
    aif = next(curve for step_s, curve in golden_aifs() if curve.size == n_time and step_s == dt_s)
    operator = build_operator(torch.from_numpy(aif), dt_s, Settings())
    picked = [3, len(voxels) - 2, 10]
    return {
        "grid": list(grid), "rows": rows, "columns": columns, "dt": dt_s, "aif": aif.tolist(),
        "swap": layout.swap, "flipX": layout.flip_x, "flipY": layout.flip_y,
        "starts": starts.tolist(), "pixel": pixel[voxels[:, 0], voxels[:, 1]].tolist(), "q": len(steps),
        "vectors": data.vectors.ravel().tolist(),
        "coefficients": [data.coefficients(a, b).ravel().tolist() for a, b in itertools.pairwise(starts.tolist())],
        "voxels": voxels.tolist(), "tissue": tissue.tolist(),
        "residue": operator.apply(torch.from_numpy(tissue)).tolist(), "residueTime": operator.time_s.tolist(),
        "picked": [voxels[i].tolist() for i in picked],
        "mean": tissue[picked].mean(0).tolist(), "sd": tissue[picked].std(0, ddof=1).tolist(),
    }  # fmt: skip


def golden_fits() -> list[dict[str, Any]]:
    """Return fits to smooth, noisy and cut boluses; without one where the curve is refused."""
    found = []
    for dt_s, curve in [*golden_aifs(), (1.0, np.zeros(20)), (1.0, np.r_[9.0, 1.0, np.zeros(9)])]:
        one: dict[str, Any] = {"curve": curve.tolist(), "dt": dt_s, "rms": None, "fitted": None}
        try:
            fit = fit_gamma_variate(curve, dt_s)
        except InputDataError:
            pass
        else:
            one |= {"rms": fit.rms, "fitted": fit.curve(np.arange(curve.size) * dt_s).tolist()}
        found.append(one)
    return found


def golden_csv() -> list[dict[str, Any]]:
    """Return texts with the curve that is read from each on 12 frames of 1.5 s; None where it is refused."""
    time_s = np.arange(12) * 1.5
    value = np.r_[0, 0, 3, 20.25, 15, 8, 4, 2, 1.5, 1, 1e-5, -0.5]
    plain = aif_csv_text(Aif(time_s, value))
    other = "".join(f"{t:g},{v:g}\n" for t, v in zip(np.arange(20), np.interp(np.arange(20), time_s, value)))  # noqa: B905
    texts = [
        plain, "\ufeff" + plain.replace("\n", "\r\n"), "time_s,value\n" + other,
        plain.replace("time_s,value", '"value","TIME_S"').replace("\n", ",\n"),
        "no,value\n0,1\n", plain.replace("20.25", "20,25"), plain.replace("20.25", "nan"),
        plain.replace("20.25", ""), plain.replace("4.5,", "3,"), plain.replace("20.25", "2e12"),
        plain.replace("\n0,0", "\n-1,0"), "time_s,value\n0,1\n1.5,2\n", "time_s,value\n", "",
        "\n".join(["time_s,value,note", *(f"{t:g},{v:g},x" for t, v in zip(time_s, value, strict=True))]),
        "time_s,value\n" + "".join(f"{t:g},0\n" for t in time_s),
    ]  # fmt: skip
    return [{"text": text, "curve": _read(text, time_s)} for text in texts]


def _read(text: str, time_s: np.ndarray) -> list[float] | None:
    try:
        return read_aif_csv(text.encode(), time_s).value.tolist()
    except InputDataError:
        return None


def golden_one_file() -> dict[str, Any]:
    """Return all of them."""
    return {"tissue": golden_tissue(), "fits": golden_fits(), "csv": golden_csv()}
