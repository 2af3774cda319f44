"""Tests of the network models: shapes, convexity, determinism, gradients in every layer."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from perfcore.aif.network.grid_input import GRID_SIDE, N_FRAMES, TISSUE_ARRIVAL_S
from perfcore.aif.network.models import (
    ARTERY_LEAD_S,
    NETWORKS,
    AifNet,
    make_network,
    typical_curve,
    vessel_features,
)
from perfcore.errors import ArgumentError
from tests.support import oracle


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    yield from oracle.one_thread()


def scene(n_slices: int, batch: int = 1, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Curves of random peak in a disc; empty cells outside."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(*[np.arange(GRID_SIDE) - 23.5] * 2, indexing="ij")
    inside = np.repeat((np.hypot(x, y) < 15)[None, :, :, None], n_slices, -1).repeat(batch, 0)
    bolus = oracle.gamma_variate(np.arange(N_FRAMES), 15.0, peak=1.0)
    height = rng.uniform(5, 200, inside.shape) * inside
    curves = bolus[None, :, None, None, None] * height[:, None]
    curves += rng.normal(0, 1, curves.shape) * inside[:, None]
    return torch.tensor(curves, dtype=torch.float32), torch.tensor(inside)


def network(name: str, seed: int = 0) -> AifNet:
    torch.manual_seed(seed)
    return make_network(name)


@pytest.mark.parametrize("n_slices", [1, 2, 5, 16])
@pytest.mark.parametrize("name", NETWORKS)
def test_output_is_one_curve_for_any_slice_count(name, n_slices):
    net = network(name).eval()
    with torch.no_grad():
        curve = net(*scene(n_slices))
    assert curve.shape == (1, N_FRAMES)
    assert torch.isfinite(curve).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_batch_items_are_independent(name):
    net = network(name).double().eval()
    curves, inside = scene(2, batch=2)
    curves = curves.double()
    curves[1] *= 0.2
    with torch.no_grad():
        both = net(curves, inside)
        alone = torch.cat([net(curves[i : i + 1], inside[i : i + 1]) for i in (0, 1)])
    torch.testing.assert_close(both, alone, rtol=1e-9, atol=1e-9)
    assert float((both[0] - both[1]).abs().max()) > 0.01


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_has_gradient(name):
    net = network(name).train()
    torch.manual_seed(1)
    curve = net(*scene(2))
    (curve[0] @ torch.linspace(-1, 1, N_FRAMES)).backward()
    for layer, weight in net.named_parameters():
        assert weight.grad is not None, layer
        assert torch.isfinite(weight.grad).all(), layer
        # Softmax is invariant to a constant score, so that this bias has no gradient.
        if not layer.endswith("score.bias"):
            assert float(weight.grad.abs().max()) > 0, layer


@pytest.mark.parametrize("name", NETWORKS)
def test_dropout_is_active_in_training_only(name):
    net, given = network(name), scene(2)
    with torch.no_grad():
        net.eval()
        assert torch.equal(net(*given), net(*given))
        net.train()
        assert not torch.equal(net(*given), net(*given))


@pytest.mark.parametrize("name", NETWORKS)
def test_same_seed_gives_same_network(name):
    one, same, other = (network(name, seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert not all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize("n_slices", [1, 3])
def test_weights_are_a_convex_combination(n_slices):
    net, (curves, inside) = network("weighting").eval(), scene(n_slices, batch=2)
    with torch.no_grad():
        weights = net.weights(curves, inside)
        curve = net(curves, inside).double().numpy()
    assert weights.shape == inside.shape
    assert (weights[~inside] == 0).all()
    assert (weights[inside] > 0).all()
    np.testing.assert_allclose(weights.double().sum((1, 2, 3)), 1, atol=1e-5)
    for i in (0, 1):
        own = curves[i][:, inside[i]].double().numpy()
        np.testing.assert_allclose(curve[i], own @ weights[i][inside[i]].double().numpy(), rtol=1e-4, atol=1e-3)
        assert (curve[i] >= own.min(1) - 1e-3).all()
        assert (curve[i] <= own.max(1) + 1e-3).all()


def test_weighting_network_depends_on_slab_context():
    """Distant vessels change every score, because arrival is relative to the tissue."""
    net, (curves, inside) = network("weighting").double().eval(), scene(1)
    curves = curves.double()
    other = curves.clone()
    other[:, :, 30:] = torch.roll(5 * other[:, :, 30:], 8, dims=1)
    assert inside[0, 30:].sum() > 100
    with torch.no_grad():
        net.score.weight.mul_(10)
        one, another = (net.weights(c, inside)[0] for c in (curves, other))
    ratio = [float(w[12, 20, 0] / w[20, 15, 0]) for w in (one, another)]
    assert abs(ratio[0] / ratio[1] - 1) > 1e-3  # more than the denominator that all share


def test_typical_curve_is_a_gamma_variate_before_the_tissue():
    expected = oracle.gamma_variate(np.arange(N_FRAMES), TISSUE_ARRIVAL_S - ARTERY_LEAD_S, peak=1.0)
    np.testing.assert_allclose(typical_curve(), expected, rtol=1e-5, atol=1e-6)


def test_regression_network_without_correction_returns_weighted_curve():
    net, given = network("regression").eval(), scene(2)
    torch.nn.init.zeros_(net.curve[-1].weight)
    with torch.no_grad():
        curve, penalty = net.with_penalty(*given)
        torch.testing.assert_close(curve, net.weighting(*given))
        assert penalty.item() == 0
        net.curve[-1].bias.fill_(0.1)  # a tenth of the peak
        corrected, penalty = net.with_penalty(*given)
    torch.testing.assert_close(corrected, curve + 0.1 * curve.max())
    assert penalty.item() == pytest.approx(0.01, rel=1e-5)


@pytest.mark.parametrize("name", ["weighting", "paper"])
def test_other_networks_have_no_prior_penalty(name):
    assert network(name).with_penalty(*scene(2))[1].item() == 0


def test_vessel_features_measure_boluses():
    """Peak, time at half of the rise, width and roughness of known curves on a common background."""
    curves, inside = torch.zeros(1, N_FRAMES, GRID_SIDE, GRID_SIDE, 1), torch.zeros(1, GRID_SIDE, GRID_SIDE, 1)
    time = np.arange(N_FRAMES)
    cells = {(10, 10): (18.0, 8.0, 120.0), (20, 20): (22.0, 10.0, 60.0)}
    for (x, y), (middle, sd, peak) in cells.items():
        curves[0, :, x, y, 0] = torch.from_numpy(peak * np.exp(-0.5 * ((time - middle) / (sd / 2.3548)) ** 2))
        inside[0, x, y] = 1
    rng = np.random.default_rng(0)
    curves[0, :, 30, 30, 0] = torch.from_numpy(rng.normal(0, 3, N_FRAMES))
    inside[0, 30, 30] = 1
    found = vessel_features(curves, inside.bool())[0]
    assert found.shape == (4, GRID_SIDE, GRID_SIDE, 1)
    for (x, y), (middle, width, peak) in cells.items():
        height, late, _, rough = found[:, x, y, 0].tolist()
        # Smoothing with (1, 2, 3, 2, 1)/9 has a variance of 4/3 frames².
        spread = np.hypot(width / 2.3548, np.sqrt(4 / 3))
        assert 20 * np.sinh(height) == pytest.approx(peak * width / 2.3548 / spread, rel=0.02)
        assert late == pytest.approx(max(middle - 1.1774 * spread - TISSUE_ARRIVAL_S, -1), abs=0.1)
        assert rough < 0.03
    assert found[2, 20, 20, 0] - found[2, 10, 10, 0] == pytest.approx(2, abs=1)
    assert found[3, 30, 30, 0] > 0.2, "noise"


def test_unknown_network_raises():
    with pytest.raises(ArgumentError, match=r"^network must be one of regression, .*; got 'unet'\.$"):
        make_network("unet")
