"""The same code on CUDA gives the same maps; skipped where there is no CUDA device."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from perfcore.benchmark import synthetic_case
from perfcore.deconvolution.fused import Tiles, peak
from perfcore.deconvolution.fused_soft_argmax import peak_and_soft_time
from perfcore.deconvolution.inverse import build_operator
from perfcore.errors import DeviceError
from perfcore.maps import flow_and_delay, flow_operator
from perfcore.runtime.device import resolve_device
from perfcore.settings import Settings
from perfcore.training.loop import FoldJob, TrainingPlan, read_log, train_fold

FORMS = [
    Settings(deconvolution=form, regularization=kind)
    for form in ("circulant", "causal")
    for kind in ("tikhonov", "tsvd", "oscillation")
]
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")


@pytest.mark.cuda
@needs_cuda
@pytest.mark.parametrize("settings", FORMS, ids=lambda s: f"{s.deconvolution}-{s.regularization}")
def test_cuda_maps_equal_cpu_maps(settings: Settings) -> None:
    aif, tissue = synthetic_case(6000, 60)
    on_cpu = flow_and_delay(flow_operator(aif, 1.0, settings), Tiles.from_curves(tissue))
    on_cuda = flow_and_delay(flow_operator(aif.cuda(), 1.0, settings), Tiles.from_curves(tissue.cuda()))
    torch.testing.assert_close(on_cuda[0].cpu(), on_cpu[0], rtol=1e-3, atol=1e-3)
    same = (on_cuda[1].cpu() - on_cpu[1]).abs() < 0.05
    assert same.float().mean() > 0.999


@pytest.mark.cuda
@needs_cuda
def test_cuda_gradient_equals_cpu_gradient() -> None:
    aif, tissue = synthetic_case(6000, 60)
    grads = []
    for device in ("cpu", "cuda"):
        curve = aif.to(device).requires_grad_()
        peak(build_operator(curve, 1.0, Settings()).matrix, Tiles.from_curves(tissue.to(device))).sum().backward()
        assert curve.grad is not None
        grads.append(curve.grad.cpu())
    torch.testing.assert_close(grads[1], grads[0], rtol=1e-3, atol=1e-6)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_without_device_raises() -> None:
    with pytest.raises(DeviceError, match="No CUDA device was found on this machine"):
        resolve_device("cuda")
    assert resolve_device("auto").type == "cpu"


@pytest.mark.cuda
@needs_cuda
def test_cuda_soft_tmax_equals_cpu_soft_tmax() -> None:
    aif, tissue = synthetic_case(6000, 60)
    results = []
    for device in ("cpu", "cuda"):
        curve = aif.to(device).requires_grad_()
        operator = build_operator(curve, 1.0, Settings())
        top, when = peak_and_soft_time(
            operator.matrix, Tiles.from_curves(tissue.to(device)), operator.time_s, 0.05
        )
        (gradient,) = torch.autograd.grad(top.sum() + 1e-3 * when.sum(), curve)
        results.append([values.detach().cpu() for values in (top, when, gradient)])
    for on_cpu, on_cuda in zip(*results, strict=True):
        torch.testing.assert_close(on_cuda, on_cpu, rtol=1e-3, atol=1e-3)


@pytest.mark.cuda
@needs_cuda
def test_cuda_training_and_resume_match_cpu(paths: list[Path], tmp_path: Path) -> None:
    plan, losses = TrainingPlan("regression", "core+tmax", "adam", 2e-3, 2, 0), {}
    for device in ("cpu", "cuda"):
        out = tmp_path / device
        job = FoldJob(plan, 1, tuple(paths[:2]), (paths[2],), out, device)
        train_fold(job)
        losses[device] = [row["held_out_loss"] for row in read_log(out / "log.csv")]
        (out / "weights.safetensors").unlink()
        train_fold(job)  # from its checkpoint
        assert (out / "weights.safetensors").exists()
    assert losses["cuda"] == pytest.approx(losses["cpu"], rel=0.05)
