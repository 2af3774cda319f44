"""The ratios that the README quotes: every way to the same maps, timed side by side in one run.

The ways are interleaved, so that a machine that slows down slows all of them, and medians are taken. The two ways
that compete are timed again while other processes keep every core busy.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from perfcore.aif.curves import disperse, fine_grid, gamma_variate, sample
from perfcore.deconvolution.forward import causal_matrix, circulant_kernel, circulant_matrix
from perfcore.deconvolution.fused import WIDTH, Tiles, peak
from perfcore.deconvolution.inverse import build_operator
from perfcore.deconvolution.oscillation import OscillationOperator
from perfcore.deconvolution.temporal_basis import TemporalBasis
from perfcore.errors import ArgumentError
from perfcore.runtime.device import describe_device, resolve_device
from perfcore.runtime.jobs import run_jobs
from perfcore.settings import Settings

N_VOXELS: Final = 180_000
N_TIME: Final = 60
MAX_VOXELS: Final = 2_000_000
MAX_REPEATS: Final = 1000
RATIOS: Final = (
    ("fused_forward", "plain_forward"),
    ("fused_forward_backward", "plain_forward_backward"),
    ("fused_forward_backward", "autograd_svd_circulant_forward_backward"),
    ("basis32_forward", "plain_forward"),
    ("oscillation_forward", "plain_forward"),
    ("memory_pass", "plain_forward"),
    ("busy_fused_forward", "busy_plain_forward"),
)
_SPIN: Final = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: pass"


@dataclass(frozen=True)
class Plan:
    """Size of a measurement.

    Attributes
    ----------
    n_voxels
        Size of the tissue, 1 to 2,000,000.
    repeats
        Rounds, 1 to 1000; each goes once through all ways.
    device
        ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    ArgumentError
        A number is out of its range.
    """

    n_voxels: int = N_VOXELS
    repeats: int = 7
    device: str = "auto"

    def __post_init__(self) -> None:
        for name, value, most in (("voxels", self.n_voxels, MAX_VOXELS), ("repeats", self.repeats, MAX_REPEATS)):
            if not 1 <= value <= most:
                raise ArgumentError(f"{name} must lie between 1 and {most}; got {value}.")


def synthetic_case(n_voxels: int, n_time: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return an AIF ``(n_time,)`` float64 and smoothed noisy tissue ``(n_voxels, n_time)`` float32, dt 1 s."""
    rng = np.random.default_rng(seed)
    fine = fine_grid(float(n_time))
    bolus = gamma_variate(fine, 8.0, 3.0, 1.5, 320.0)
    curve = bolus + disperse(gamma_variate(fine, 19.0, 3.0, 1.5, 60.0), 0.1, 4.0)
    time_s = np.arange(n_time, dtype=float)
    aif = torch.from_numpy(sample(curve, 0.1, time_s) + rng.normal(0, 1.0, n_time))
    mtt = rng.uniform(3.0, 10.0, (n_voxels, 1)).astype(np.float32)
    flow = rng.uniform(0.001, 0.01, (n_voxels, 1)).astype(np.float32)
    residue = flow * np.exp(-time_s.astype(np.float32) / mtt)
    tissue = residue @ causal_matrix(aif, 1.0).numpy().astype(np.float32).T
    lag = time_s[:, None] - time_s
    smoother = np.exp(-0.5 * (lag / 1.5) ** 2)
    smoother /= smoother.sum(1, keepdims=True)
    # Residual noise of 0.6 HU after smoothing, correlated in time as smoothing leaves it.
    noise = rng.standard_normal((n_voxels, n_time), dtype=np.float32) @ smoother.astype(np.float32).T
    return aif, torch.from_numpy(tissue + 0.6 / float(noise.std()) * noise)


def _plain(matrix: Tensor, tissue: Tensor) -> Tensor:
    return (tissue @ matrix.to(tissue.dtype).mT).amax(1)


def _svd_peak(aif: Tensor, tissue: Tensor, settings: Settings) -> Tensor:
    """Deconvolve as the paper describes it: autograd through the SVD of the whole circulant matrix."""
    forward = circulant_matrix(circulant_kernel(aif, 1.0, settings.discretization)).to(tissue.dtype)
    u, s, vh = torch.linalg.svd(forward)
    padded = torch.nn.functional.pad(tissue, (0, tissue.shape[1]))
    # Eq. 7 as it stands: project on u, filter, sum over v.
    top: Tensor = ((padded @ u) * (s / (s**2 + (settings.lam * s[0]) ** 2)) @ vh).amax(1)
    return top


def _extra_memory_mb(work: Callable[[], Any]) -> float | None:
    """Return the process's peak resident memory during a call above that before the call; None where unknown."""
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not reset.exists():
        return None

    def field(name: str) -> int:
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith(name))

    before = field("VmRSS:")
    try:
        reset.write_text("5")  # the peak starts again from here
    except OSError:  # not everywhere may a process do that
        return None
    work()
    return max(field("VmHWM:") - before, 0) / 1024


@contextmanager
def busy_cores() -> Iterator[None]:
    """Keep every core busy with a process of its own; they exit with this process, also after a crash."""
    command = [sys.executable, "-c", _SPIN]
    processes = [subprocess.Popen(command) for _ in range(os.cpu_count() or 1)]  # noqa: S603
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _median_ms(
    ways: dict[str, Callable[[], Any]], repeats: int, target: torch.device, advance: Callable[[int], None]
) -> dict[str, float]:
    """Return the median duration of each way in interleaved rounds, after one that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for work in ways.values():
        work()
    for i in range(repeats):
        advance(i)
        for name, work in ways.items():
            start = time.perf_counter()
            work()
            if target.type == "cuda":
                torch.cuda.synchronize()
            seconds[name].append(time.perf_counter() - start)
    return {name: 1000 * statistics.median(values) for name, values in seconds.items()}


def table(result: dict[str, Any]) -> str:
    """Return the result as lines of text for a terminal."""
    machine, size = result["machine"], result["size"]
    lines = [
        f"{size['voxels']:,} voxels × {size['n_time']} frames, {size['rows']} rows; "
        f"{machine['cores']} cores, {machine['device']}, torch {machine['torch']}",
        "",
        *(f"{name:<45} {value:>10.2f} ms" for name, value in result["median_ms"].items()),
        "",
        *(f"{name:<70} {value:>8.3f}" for name, value in result["ratios"].items()),
        "",
        *(f"{name:<45} {value:>10.2e}" for name, value in result["errors"].items()),
        f"{'extra_memory_mb':<45} {result['extra_memory_mb']}",
    ]
    return "\n".join(lines)


def measure(
    plan: Plan, scheduler: str | None = None, progress: Callable[[int, int], None] | None = None
) -> dict[str, Any]:
    """Measure here, or on one worker of a Dask cluster.

    Parameters
    ----------
    plan
        What to measure.
    scheduler
        Address of a Dask scheduler, or None.
    progress
        As of :func:`run`; not called for a measurement on a worker.

    Returns
    -------
    dict
        As of :func:`run`.

    Raises
    ------
    ArgumentError
        No scheduler answers there, or it has no worker.
    DeviceError
        The machine that is measured has no such device.
    """
    return run(plan, progress) if scheduler is None else run_jobs(run, [plan], scheduler=scheduler)[0]


def run(plan: Plan, progress: Callable[[int, int], None] | None = None) -> dict[str, Any]:
    """Time every implementation and return the content of the result file.

    Parameters
    ----------
    plan
        What to measure; the tissue is float32, 60 frames of 1 s.
    progress
        Called with the number of rounds done and their total.
    """
    n_voxels, n_time, repeats = plan.n_voxels, N_TIME, plan.repeats
    target = resolve_device(plan.device)
    settings = Settings()
    index = settings.replace(regularization="oscillation")
    aif, tissue = (x.to(target) for x in synthetic_case(n_voxels, n_time))
    tiles = Tiles.from_curves(tissue)
    basis = TemporalBasis.from_tissue(tiles, min(32, n_time))
    cotangent = torch.ones(n_voxels, device=target)

    def forward(way: Callable[[Tensor], Tensor]) -> Callable[[], Tensor]:
        def work() -> Tensor:
            with torch.no_grad():
                return way(build_operator(aif, 1.0, settings).matrix)

        return work

    def backward(way: Callable[[Tensor], Tensor]) -> Callable[[], Tensor]:
        def work() -> Tensor:
            curve = aif.clone().requires_grad_()
            way(curve).backward(cotangent)  # type: ignore[no-untyped-call]
            assert curve.grad is not None
            return curve.grad

        return work

    ways: dict[str, Callable[[], Any]] = {
        "autograd_svd_circulant_forward_backward": backward(lambda a: _svd_peak(a, tissue, settings)),
        "plain_forward": forward(lambda p: _plain(p, tissue)),
        "plain_forward_backward": backward(lambda a: _plain(build_operator(a, 1.0, settings).matrix, tissue)),
        "fused_forward": forward(lambda p: peak(p, tiles)),
        "fused_forward_backward": backward(lambda a: peak(build_operator(a, 1.0, settings).matrix, tiles)),
        "basis32_forward": forward(basis.peak),
        "oscillation_forward": lambda: OscillationOperator.build(aif, 1.0, index).peak_and_time(tiles),
        "memory_pass": tiles.data.sum,
    }
    say = progress or (lambda _done, _total: None)
    median = _median_ms(ways, repeats, target, lambda done: say(done, 2 * repeats))
    busy = {f"busy_{name}": ways[name] for name in ("plain_forward", "fused_forward")}
    with busy_cores():
        median |= _median_ms(busy, repeats, target, lambda done: say(repeats + done, 2 * repeats))
    matrix = build_operator(aif, 1.0, settings).matrix
    few = slice(0, min(n_voxels, 4 * WIDTH))
    exact = _plain(matrix, tissue[few].double())
    float32 = (peak(matrix, tiles)[few].double() - exact).abs().max() / exact.max()
    return {
        "machine": {
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "device": describe_device(target),
        },
        "size": {"voxels": n_voxels, "n_time": n_time, "rows": matrix.shape[0]},
        "median_ms": {name: round(value, 3) for name, value in median.items()},
        "ratios": {f"{a}/{b}": round(median[a] / median[b], 4) for a, b in RATIOS},
        "errors": {
            "basis32_mean_relative": basis.mean_error(matrix, tiles),
            "float32_relative": float(float32),
        },
        "extra_memory_mb": _extra_memory_mb(ways["fused_forward"]),
    }
