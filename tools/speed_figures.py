"""How long a case takes, and how much memory: ``python -m tools.speed_figures`` prints a table, and JSON last.

Every row is a fresh process: it reads a phantom from a file, as a user's own case would be read, and goes from
there to all maps twice; the first time includes what is only ever loaded once. The demonstrations start from an
empty cache and count from the start of their process, imports included. On a busy machine times say little: the
load average before the start stands beside them, and the processor time that the second round took.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from perfcore.settings import Settings

SIZES = {"256 x 256 x 8 x 60": (8, 8.0, 60), "256 x 256 x 22 x 61": (22, 5.0, 61)}
"""Slices, their thickness in mm, and frames, of the first demonstration."""


def write_phantom(folder: Path, n_slices: int, slice_mm: float, n_time: int) -> None:
    from perfcore.phantom.cases import make_from_recipe
    from perfcore.phantom.demonstrations import DEMONSTRATIONS
    from perfcore.phantom.files import write_case

    recipe = replace(DEMONSTRATIONS["m1-occlusion"], n_slices=n_slices, slice_mm=slice_mm, n_time=n_time)
    write_case(make_from_recipe(recipe), folder, 1)


def analyse_case(folder: Path, motion: str) -> dict[str, Any]:
    from perfcore.aif.network.weights import network_names
    from perfcore.io.load import load_series
    from perfcore.metrics import lesion_numbers
    from perfcore.pipeline import analyse, find_curve, make_maps, tile
    from perfcore.preprocess import prepare

    settings = Settings.preset("paper", motion=motion)
    start = time.perf_counter()
    series = load_series(folder / "TRAINING" / "case_1")
    read_s = time.perf_counter() - start
    first = analyse(series, settings=settings).seconds
    cpu = time.process_time()
    again = analyse(series, settings=settings).seconds
    cpu_s = time.process_time() - cpu
    if network_names():
        prepared = prepare(series, settings)
        tiles = tile(prepared)
        for _ in range(2):  # the weights are only read once
            start = time.perf_counter()
            lesion_numbers(
                make_maps(prepared, tiles, find_curve(prepared, "cnn").aif, settings),
                series.lesion, series.voxel_ml, series.spacing_mm,
            )  # fmt: skip
            learned_s = time.perf_counter() - start
    else:
        learned_s = float("nan")
    return {
        "shape": series.data.shape, "read_s": read_s, "first_s": first["total"], "again_s": again["total"],
        "cpu_s": cpu_s, **{f"{name}_s": again[name] for name in ("preprocess", "aif", "deconvolution")},
        "network_maps_lesion_s": learned_s,
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }  # fmt: skip


def ready_demonstrations(started: float) -> dict[str, Any]:
    from pages.library import catalog

    everything = catalog.warm_up()
    catalog.open_case(catalog.demonstrations()[0], Settings())
    first = time.time() - started
    everything.join()
    return {"first_ready_s": first, "all_ready_s": time.time() - started}


def in_fresh_process(*words: str, **environment: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tools.speed_figures", *words],
        env={**os.environ, **environment}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--started", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--motion", default="in-plane", choices=("off", "in-plane", "rigid"))
    given = parser.parse_args()
    if given.case:
        print(json.dumps(analyse_case(given.case, given.motion)))
        return
    if given.started:
        print(json.dumps(ready_demonstrations(given.started)))
        return
    load = os.getloadavg()[0]
    table: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, size in SIZES.items():
            write_phantom(Path(folder) / name, *size)
            for motion in dict.fromkeys((given.motion, "rigid")):
                words = ("--case", str(Path(folder) / name), "--motion", motion)
                table[f"{name}, {motion}"] = in_fresh_process(*words)
        table["six demonstrations"] = in_fresh_process("--started", str(time.time()), XDG_CACHE_HOME=folder)
    for name, row in table.items():
        print(f"{name:<30}", "  ".join(f"{key} {value:.2f}" for key, value in row.items() if key != "shape"))
    print(json.dumps({"cores": os.cpu_count(), "load_average_before": load, "figures": table}))


if __name__ == "__main__":
    main()
