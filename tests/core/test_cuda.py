"""The same code on CUDA gives the same maps; skipped where there is no CUDA device."""

from __future__ import annotations

import pytest
import torch

from perfcore.benchmark import synthetic_case
from perfcore.deconvolution import build_operator
from perfcore.device import resolve_device
from perfcore.errors import DeviceError
from perfcore.maps import flow_and_delay
from perfcore.settings import Settings
from perfcore.tiles import Tiles, peak

FORMS = [
    Settings(deconvolution=form, regularization=kind)
    for form in ("circulant", "causal")
    for kind in ("tikhonov", "tsvd", "oscillation")
]
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")


@pytest.mark.cuda
@needs_cuda
@pytest.mark.parametrize("settings", FORMS, ids=lambda s: f"{s.deconvolution}-{s.regularization}")
def test_maps_equal_those_of_the_cpu(settings: Settings) -> None:
    aif, tissue = synthetic_case(6000, 60)
    on_cpu = flow_and_delay(aif, Tiles.of(tissue), 1.0, settings)
    on_cuda = flow_and_delay(aif.cuda(), Tiles.of(tissue.cuda()), 1.0, settings)
    torch.testing.assert_close(on_cuda[0].cpu(), on_cpu[0], rtol=1e-3, atol=1e-3)
    same = (on_cuda[1].cpu() - on_cpu[1]).abs() < 0.05
    assert same.float().mean() > 0.999


@pytest.mark.cuda
@needs_cuda
def test_the_gradient_equals_that_of_the_cpu() -> None:
    aif, tissue = synthetic_case(6000, 60)
    grads = []
    for device in ("cpu", "cuda"):
        curve = aif.to(device).requires_grad_()
        peak(build_operator(curve, 1.0, Settings()).matrix, Tiles.of(tissue.to(device))).sum().backward()
        assert curve.grad is not None
        grads.append(curve.grad.cpu())
    torch.testing.assert_close(grads[1], grads[0], rtol=1e-3, atol=1e-6)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_without_a_device_is_refused_in_a_sentence() -> None:
    with pytest.raises(DeviceError, match="No CUDA device was found on this machine"):
        resolve_device("cuda")
    assert resolve_device("auto").type == "cpu"
