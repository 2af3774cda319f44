"""The losses of training: against the formulas in plain NumPy, and what their gradients must not see."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from perfcore.deconvolution.fused import Tiles
from perfcore.deconvolution.temporal_basis import TemporalBasis
from perfcore.errors import ArgumentError
from perfcore.losses import LOSSES, TMAX_SLOPE_S, Target, lesion_loss, lesions, soft_dice_loss
from perfcore.maps import CORE_SLOPE, anchor_tmax, flow_and_delay, flow_operator
from perfcore.settings import Settings
from perfcore.units import CBF_PER_K
from tests.support import oracle

TIME = np.arange(36.0)
AIF = oracle.gamma_variate(TIME)
N = 40


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    yield from oracle.one_thread()


@pytest.fixture(scope="module")
def target() -> Target:
    """Healthy, hypoperfused and core tissue in three parts, float64, with a little noise."""
    rng = np.random.default_rng(3)
    kinds = np.repeat([0, 1, 2], [20, 10, 10])
    flow, mtt, delay = np.array([0.010, 0.005, 0.0015]), np.array([4.0, 8.0, 9.0]), np.array([1.0, 5.0, 8.0])
    curves = np.stack([flow[k] * oracle.tissue(TIME, mtt[k], delay[k]) for k in kinds])
    curves += rng.normal(0, 0.02 * curves.max(), curves.shape)
    return Target(
        Tiles.from_curves(torch.tensor(curves), 7), 1.0, torch.tensor(kinds == 0),
        torch.tensor(kinds == 2, dtype=torch.float64), torch.tensor(kinds > 0, dtype=torch.float64),
    )  # fmt: skip


def curves_of(target: Target) -> np.ndarray:
    data = target.tissue.data.numpy()
    return np.concatenate([tile.T for tile in data])[: target.tissue.n_voxels]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def dice_by_hand(p, g):
    return 1 - (2 * sum(a * b for a, b in zip(p, g, strict=True)) + 1) / (sum(p) + sum(g) + 1)


def lesions_by_hand(aif, target, form="circulant", threshold=0.38):
    """rCBF and soft Tmax of every voxel from the oracle's inverse, one voxel after the other."""
    P = oracle.inverse(aif, 1.0, oracle.Form(form, "volterra", "tikhonov"), 0.3)
    times = np.arange(-15 if form == "circulant" else 0, len(aif))
    heights, delays = [], []
    for curve in curves_of(target):
        k = oracle.rows_at(P @ curve, times, 1.0)
        weight = np.exp((k / k.max() - 1) / 0.05)
        heights.append(k.max())
        delays.append((weight * times).sum() / weight.sum())
    heights, delays = np.array(heights), np.array(delays)
    rcbf = heights / heights[target.reference.numpy()].mean()
    return heights, rcbf, sigmoid((threshold - rcbf) / 0.05), sigmoid((delays - 6) / 0.5)


def curve(scale=1.0, seed=5):
    """Not the true curve: its loss has a slope everywhere."""
    rng = np.random.default_rng(seed)
    return torch.tensor(scale * (AIF + rng.uniform(0, 3, AIF.size)), requires_grad=True)


# Soft Dice


def test_soft_dice_equals_formula():
    rng = np.random.default_rng(0)
    for _ in range(20):
        p, g = rng.random(30), rng.random(30) < 0.4
        found = float(soft_dice_loss(torch.tensor(p), torch.tensor(g, dtype=torch.float64)))
        assert found == pytest.approx(dice_by_hand(p, g), rel=1e-13)
        assert 0 <= found < 1


def test_soft_dice_of_known_lesions():
    half = torch.tensor([1.0, 1.0, 0.0, 0.0])
    assert float(soft_dice_loss(half, half)) == 0
    assert float(soft_dice_loss(1 - half, half)) == pytest.approx(1 - 1 / 5)
    assert float(soft_dice_loss(torch.zeros(4), torch.zeros(4))) == 0


def test_soft_dice_of_empty_lesion_has_positive_gradient():
    p = torch.full((9,), 0.3, requires_grad=True)
    loss = soft_dice_loss(p, torch.zeros(9))
    loss.backward()
    assert 0 < loss.item() < 1
    assert (p.grad > 0).all()


# Against the dense reference


@pytest.mark.parametrize("form", ["circulant", "causal"])
@pytest.mark.parametrize("with_tmax", [False, True])
def test_lesion_probabilities_match_oracle(target, form, with_tmax):
    aif = curve()
    found = lesions(aif, target, Settings(deconvolution=form), with_tmax=with_tmax)
    heights, rcbf, core, low = lesions_by_hand(aif.detach().numpy(), target, form)
    assert oracle.relative(found.cbf.detach(), CBF_PER_K * heights) < 1e-11
    assert oracle.relative(found.rcbf.detach(), rcbf) < 1e-11
    np.testing.assert_allclose(found.core.detach(), core, rtol=0, atol=1e-10)
    if not with_tmax:
        assert found.tmax is found.hypoperfused is None
        return
    assert found.hypoperfused is not None
    np.testing.assert_allclose(found.hypoperfused.detach(), low, rtol=0, atol=1e-9)


def test_lesion_probability_slopes_and_thresholds(target):
    """Half at the threshold; e/(1 + e) one slope beside it."""
    assert (CORE_SLOPE, TMAX_SLOPE_S) == (0.05, 0.5)
    found = lesions(curve(), target, Settings(core_threshold=0.30, tmax_threshold_s=4.0), with_tmax=True)
    assert found.tmax is not None
    assert found.hypoperfused is not None
    np.testing.assert_allclose(torch.logit(found.core.detach()) * 0.05, 0.30 - found.rcbf.detach(), atol=1e-9)
    np.testing.assert_allclose(torch.logit(found.hypoperfused.detach()) * 0.5, found.tmax.detach() - 4, atol=1e-9)


def test_learned_threshold_has_gradient(target):
    threshold = torch.tensor(0.30, dtype=torch.float64, requires_grad=True)
    found = lesions(curve(), target, Settings(), with_tmax=False, core_threshold=threshold)
    expected = lesions(curve(), target, Settings(core_threshold=0.30), with_tmax=False)
    assert torch.equal(found.core, expected.core)
    found.core.sum().backward()
    assert threshold.grad is not None
    p = expected.core.detach()
    assert float(threshold.grad) == pytest.approx(float((p * (1 - p) / CORE_SLOPE).sum()), rel=1e-10)


@pytest.mark.parametrize("name", LOSSES)
def test_lesion_loss_matches_oracle(target, name):
    aif = curve()
    _, _, core, low = lesions_by_hand(aif.detach().numpy(), target)
    expected = dice_by_hand(core, target.core.numpy())
    if name == "core+tmax":
        expected = (expected + dice_by_hand(low, target.hypoperfused.numpy())) / 2
    assert lesion_loss(aif, target, Settings(), name).item() == pytest.approx(expected, abs=1e-10)


def test_tmax_loss_without_known_hypoperfusion_equals_core_loss(target):
    unknown = replace(target, hypoperfused=None)
    found = lesion_loss(curve(), unknown, Settings(), "core+tmax")
    assert found.item() == lesion_loss(curve(), target, Settings(), "core").item()


def test_a_tmax_counted_from_healthy_tissue_is_shifted_by_its_median(target):
    settings = Settings(tmax_reference="healthy")
    absolute = lesions(curve(), target, Settings(), with_tmax=True)
    found = lesions(curve(), target, settings, with_tmax=True)
    healthy = np.sort(absolute.tmax.detach().numpy()[target.reference.numpy()])
    shift = 3.5 - healthy[(len(healthy) - 1) // 2]
    assert abs(shift) > 0.05
    np.testing.assert_allclose(found.tmax.detach(), absolute.tmax.detach() + shift, rtol=0, atol=1e-12)
    np.testing.assert_allclose(torch.logit(found.hypoperfused.detach()) * 0.5, found.tmax.detach() - 6, atol=1e-9)
    assert torch.equal(found.core, absolute.core)


@pytest.mark.parametrize("clock", ["absolute", "healthy"])
@pytest.mark.parametrize("with_tmax", [False, True])
def test_the_map_of_tmax_is_that_of_the_commands(target, clock, with_tmax):
    settings, aif = Settings(tmax_reference=clock), curve()
    found = lesions(aif, target, settings, with_tmax=with_tmax, with_map=True)
    cbf, tmax = flow_and_delay(flow_operator(aif.detach(), 1.0, settings), target.tissue)
    expected, _ = anchor_tmax(tmax, target.reference, settings)
    torch.testing.assert_close(found.cbf.detach(), cbf, rtol=1e-12, atol=0)
    torch.testing.assert_close(found.map_tmax, expected, rtol=0, atol=1e-9)
    plain = lesions(aif, target, settings, with_tmax=with_tmax)
    torch.testing.assert_close(found.rcbf, plain.rcbf, rtol=1e-12, atol=0)
    assert plain.map_tmax is None


# Gradients


@pytest.mark.parametrize("form", ["circulant", "causal"])
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("clock", ["absolute", "healthy"])
def test_lesion_loss_passes_gradcheck(target, name, form, clock):
    settings = Settings(deconvolution=form, tmax_reference=clock)
    assert torch.autograd.gradcheck(lambda a: lesion_loss(a, target, settings, name), (curve(),), eps=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_invariant_to_aif_scale(target, name):
    """rCBF and Tmax do not change with it, so the gradient is orthogonal to the curve."""
    aif = curve()
    (gradient,) = torch.autograd.grad(lesion_loss(aif, target, Settings(), name), aif)
    length = float(gradient.norm() * aif.detach().norm())
    assert length > 1e-3
    assert abs(float(gradient @ aif.detach())) < 1e-12 * length
    seven = lesion_loss(7 * aif.detach(), target, Settings(), name)
    assert seven.item() == pytest.approx(lesion_loss(aif, target, Settings(), name).item(), abs=1e-13)


def test_only_tmax_loss_depends_on_time_shift(target):
    """Frames of nothing at both ends: a shift by three loses no sample."""
    aif = np.where((TIME > 5) & (TIME < 22), AIF, 0)
    early, late = (torch.tensor(np.roll(aif, frames)) for frames in (0, 3))
    core = [lesion_loss(a, target, Settings(), "core").item() for a in (early, late)]
    both = [lesion_loss(a, target, Settings(), "core+tmax").item() for a in (early, late)]
    assert core[0] == pytest.approx(core[1], abs=1e-6)
    assert abs(both[1] - both[0]) > 0.05
    anchored = [
        lesion_loss(a, target, Settings(tmax_reference="healthy"), "core+tmax").item() for a in (early, late)
    ]
    assert anchored[0] == pytest.approx(anchored[1], abs=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_empty_lesion_has_finite_loss_and_gradient(target, name):
    nothing = torch.zeros(N, dtype=torch.float64)
    empty = replace(target, core=nothing, hypoperfused=nothing)
    aif = curve()
    loss = lesion_loss(aif, empty, Settings(), name)
    (gradient,) = torch.autograd.grad(loss, aif)
    assert 0 < loss.item() < 1
    assert torch.isfinite(gradient).all()
    assert float(gradient.abs().max()) > 0


def test_voxels_without_signal_have_finite_gradient(target):
    curves = torch.tensor(curves_of(target)).float()
    curves[[0, 25, 35]] = 0
    some = replace(target, tissue=Tiles.from_curves(curves, 7))
    aif = curve()
    (gradient,) = torch.autograd.grad(lesion_loss(aif, some, Settings(), "core+tmax"), aif)
    assert torch.isfinite(gradient).all()


def test_unknown_loss_and_invalid_aif_raise(target):
    with pytest.raises(ArgumentError, match=r"^loss must be one of core, core\+tmax; got 'dice'\.$"):
        lesion_loss(curve(), target, Settings(), "dice")
    with pytest.raises(ArgumentError, match="The tissue has 36 time points; the AIF has 30"):
        lesion_loss(torch.tensor(AIF[:30]), target, Settings(), "core")
    with pytest.raises(ArgumentError):
        lesion_loss(torch.zeros(36, dtype=torch.float64), target, Settings(), "core")


@pytest.mark.parametrize("with_tmax", [False, True])
def test_tissue_on_a_whole_temporal_basis_has_the_same_lesions_and_gradient(target: Target, with_tmax):
    on_basis = replace(target, tissue=TemporalBasis.from_tissue(target.tissue, len(TIME)))
    gradients = []
    for given in (target, on_basis):
        aif = torch.tensor(AIF, requires_grad=True)
        found = lesions(aif, given, Settings(), with_tmax=with_tmax)
        total = found.core.square().sum() + (found.hypoperfused.square().sum() if with_tmax else 0)
        gradients.append((found.rcbf.detach(), torch.autograd.grad(total, aif)[0]))
    for one, other in zip(*gradients, strict=True):
        assert oracle.relative(one, other) < 1e-9
