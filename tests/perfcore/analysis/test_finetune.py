"""Tests of fine-tuning: parametrizations, losses, gradients and steps, against formulas and finite differences."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from perfcore.aif.network.grid_input import make_grid_input
from perfcore.aif.network.models import RegressionNet, make_network
from perfcore.aif.network.placement import delayed, healthy_delay_s
from perfcore.aif.network.weights import Network
from perfcore.analysis.finetune import (
    PARAMETRIZATIONS,
    DivergedError,
    NetworkParametrization,
    TuneOptions,
    Tuner,
    alternate_slice_mask,
    make_parametrization,
    replace_core,
)
from perfcore.analysis.finetune.optimizers import Optimizer
from perfcore.analysis.finetune.tuner import THRESHOLD_RANGE
from perfcore.errors import ArgumentError
from perfcore.losses import soft_dice_loss
from perfcore.maps import CORE_SLOPE
from perfcore.preprocess import prepare
from perfcore.settings import Settings
from tests import ROOT
from tests.support import oracle
from tests.support.small_stroke import AIF, KINDS, TIME, dense_rcbf, small_stroke, wrong_curve
from tests.support.synthetic_head import draw_head


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    yield from oracle.one_thread()


@pytest.fixture(scope="module")
def target():
    return small_stroke()


def late_curve():
    """Venous curve: later, lower and dispersed, with recirculation."""
    return 0.6 * oracle.gamma_variate(TIME, 9.0, alpha=3.0, beta_s=2.5) + 4.0 * (TIME > 12)


def tuner(target, parametrization="softplus", settings=None, start=None, *, loss_mask=None, pool=None, **options):
    shape = make_parametrization(parametrization, late_curve() if start is None else start, 1.0)
    return Tuner(target, shape, settings or Settings(), TuneOptions(**options), loss_mask=loss_mask, pool=pool)


def steps(one, n):
    return [one.step() for _ in range(n)]


# Parametrizations


@pytest.mark.parametrize("name", PARAMETRIZATIONS)
def test_parametrization_starts_at_start_curve(name):
    start = late_curve()
    curve = make_parametrization(name, start, 1.0)().detach().numpy()
    assert curve.sum() == pytest.approx(start.sum(), rel=1e-12)
    close = {"free": 1e-12, "softplus": 5e-3, "gamma": 0.15}[name]
    assert np.abs(curve - start).max() < close * start.max()


@pytest.mark.parametrize("name", PARAMETRIZATIONS)
def test_area_is_constant_for_any_parameters(name):
    start = late_curve()
    parametrization = make_parametrization(name, start, 1.0)
    generator = torch.Generator().manual_seed(0)
    for _ in range(5):
        with torch.no_grad():
            for parameter in parametrization.parameters():
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
        assert parametrization().sum().item() == pytest.approx(start.sum(), rel=1e-12)


@pytest.mark.parametrize("name", PARAMETRIZATIONS)
def test_parametrization_gradcheck(name):
    parametrization = make_parametrization(name, late_curve(), 1.0)
    names = [key for key, _ in parametrization.named_parameters()]
    values = [value.detach().clone().requires_grad_() for value in parametrization.parameters()]
    again = lambda *given: torch.func.functional_call(parametrization, dict(zip(names, given, strict=True)))  # noqa: E731
    assert torch.autograd.gradcheck(again, values, eps=1e-6)


def test_softplus_is_nonnegative_and_free_is_not():
    for name, negative in (("softplus", False), ("free", True)):
        parametrization = make_parametrization(name, late_curve(), 1.0)
        with torch.no_grad():
            next(iter(parametrization.parameters()))[5] = -30.0
            next(iter(parametrization.parameters()))[20] = 60.0
        assert bool((parametrization() < 0).any()) is negative


def test_gamma_gradient_is_finite_before_onset():
    """A narrow bolus at the end of the scan: the power before the onset must not overflow."""
    parametrization = make_parametrization("gamma", late_curve(), 1.0)
    with torch.no_grad():
        parametrization.onset_s.fill_(33.0)
        parametrization.log_alpha.fill_(np.log(60.0))
        parametrization.log_beta.fill_(np.log(0.01))
    (parametrization() * torch.arange(36.0)).sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in parametrization.parameters())


@pytest.mark.parametrize("bad", [np.zeros(36), -AIF, AIF - AIF.mean() - 1, np.full(36, np.nan)])
def test_start_without_bolus_raises(bad):
    for name in PARAMETRIZATIONS:
        with pytest.raises(ArgumentError, match="needs a curve with a positive bolus"):
            make_parametrization(name, bad, 1.0)


def test_unknown_names_raise(target):
    with pytest.raises(ArgumentError, match="must be one of softplus, free, gamma or a network; got"):
        make_parametrization("spline", AIF, 1.0)
    for options, part in (
        ({"loss": "l2"}, "loss must be one of dice, cross-entropy"),
        ({"optimizer": "lbfgs"}, "optimizer must be one of adam, sgd"),
        ({"rate": 0.0}, "rate must lie above 0"),
        ({"rate": float("nan")}, "rate must lie above 0"),
        ({"curvature": -1.0}, "curvature must lie between"),
    ):
        with pytest.raises(ArgumentError, match=part):
            TuneOptions(**options)


# One step


@pytest.mark.parametrize("loss", ["dice", "cross-entropy"])
def test_first_step_describes_start_curve(target, loss):
    one = tuner(target, "free", loss=loss, curvature=0.0)
    step = one.step()
    rcbf = dense_rcbf(step.curve, target)
    p = 1 / (1 + np.exp(-(0.38 - rcbf) / CORE_SLOPE))
    known = KINDS == 2
    if loss == "dice":
        expected = 1 - (2 * p[known].sum() + 1) / (p.sum() + known.sum() + 1)
    else:
        expected = (np.mean(-np.log(p[known])) + np.mean(-np.log(1 - p[~known]))) / 2
    assert step.loss == pytest.approx(expected, rel=1e-9)
    core = rcbf < 0.38
    assert step.dice == pytest.approx(2 * (core & known).sum() / (core.sum() + known.sum()), rel=1e-12)
    assert (step.number, step.distance, step.roughness, step.n_negative) == (0, 0.0, 1.0, 0)
    np.testing.assert_allclose(step.cbf / step.reference_cbf, rcbf, rtol=1e-9)
    assert step.held_out_dice is None
    assert step.tmax is step.hypoperfused_dice is step.map_tmax is None


def test_penalty_is_curvature_of_normalised_curve(target):
    plain, bent = (tuner(target, "free", curvature=w).step() for w in (0.0, 3.0))
    a = plain.curve / plain.curve.sum()
    expected = sum((a[i + 1] - 2 * a[i] + a[i - 1]) ** 2 for i in range(1, 35))
    assert bent.loss - plain.loss == pytest.approx(3 * expected, rel=1e-9)


@pytest.mark.parametrize("deconvolution", ["circulant", "causal"])
@pytest.mark.parametrize("with_tmax", [False, True])
@pytest.mark.parametrize("loss", ["dice", "cross-entropy"])
def test_gradient_matches_finite_difference_of_loss(target, deconvolution, with_tmax, loss):
    """For samples along the curve, with a new tuner on each changed curve."""
    settings, start = Settings(deconvolution=deconvolution), wrong_curve()

    def at(curve):
        return tuner(target, "free", settings, curve, with_tmax=with_tmax, loss=loss).step()

    gradient = at(start).gradient
    for i in range(0, 36, 5):
        step = np.zeros(36)
        step[i] = 1e-4
        difference = (at(start + step).loss - at(start - step).loss) / 2e-4
        assert gradient[i] == pytest.approx(difference, abs=2e-6 * np.abs(gradient).max() + 1e-9)


@pytest.mark.parametrize("with_tmax", [False, True])
def test_gradient_is_orthogonal_to_curve(target, with_tmax):
    for curvature in (0.0, 5.0):
        step = tuner(target, "free", with_tmax=with_tmax, curvature=curvature, start=wrong_curve()).step()
        length = np.linalg.norm(step.gradient) * np.linalg.norm(step.curve)
        assert length > 1e-3
        assert abs(step.gradient @ step.curve) < 1e-12 * length


def test_circulant_core_loss_is_shift_invariant(target):
    """For a bolus that is 0 at both ends; the causal deconvolution and Tmax depend on the shift."""
    bolus = np.where((TIME > 6) & (TIME < 26), AIF, 0.0)

    def change(deconvolution, with_tmax):
        settings = Settings(deconvolution=deconvolution)
        steps = [tuner(target, "free", settings, np.roll(bolus, n), with_tmax=with_tmax).step() for n in (0, 4)]
        return abs(steps[1].loss - steps[0].loss)

    assert change("circulant", with_tmax=False) < 1e-9
    assert change("circulant", with_tmax=True) > 1e-2
    assert change("causal", with_tmax=False) > 1e-2


# Several steps


@pytest.mark.parametrize(
    ("name", "of_torch"),
    [("adam", torch.optim.Adam), ("sgd", lambda groups: torch.optim.SGD(groups, momentum=0.9))],
)
def test_optimizer_steps_are_those_of_torch(name, of_torch):
    """Parameters with their own rates; the last has no gradient."""
    shapes, rates = (5, 3, 2), (0.1, 0.02, 0.1)
    own, other = (
        [torch.linspace(-1, 2, n, dtype=torch.float64).requires_grad_() for n in shapes] for _ in range(2)
    )
    optimizer = Optimizer(name, list(zip(own, rates, strict=True)))
    reference = of_torch([{"params": [p], "lr": rate} for p, rate in zip(other, rates, strict=True)])
    for _ in range(6):
        for (a, b, _unused), one in ((own, optimizer), (other, reference)):
            one.zero_grad()
            ((a**2 - a).sum() + b.sin().sum()).backward()
            one.step()
        torch.testing.assert_close(own, other, rtol=1e-12, atol=1e-14)


def test_a_first_step_imports_no_compiler():
    """It takes seconds, in which nothing is seen after a press on Run."""
    code = """
import sys
import numpy as np
from perfcore.analysis.finetune import TuneOptions, Tuner, make_parametrization
from perfcore.settings import Settings
from tests.support.small_stroke import AIF, small_stroke
Tuner(small_stroke(), make_parametrization("softplus", AIF, 1.0), Settings(), TuneOptions(with_tmax=True)).step()
assert "torch._dynamo" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize("parametrization", PARAMETRIZATIONS)
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_steps_lower_loss_and_keep_area(target, parametrization, optimizer):
    start = late_curve()
    done = steps(tuner(target, parametrization, start=start, optimizer=optimizer, rate=0.05, settings=Settings(
        deconvolution="causal")), 40)  # fmt: skip
    assert done[-1].loss < done[0].loss
    assert min(s.loss for s in done) < 0.97 * done[0].loss
    for step in done:
        assert step.curve.sum() == pytest.approx(start.sum(), rel=1e-10)
    assert [s.number for s in done] == list(range(40))
    assert done[-1].distance == pytest.approx(
        np.linalg.norm(done[-1].curve - done[0].curve) / np.linalg.norm(done[0].curve), rel=1e-12
    )


def test_tuning_is_deterministic(target):
    first, again = (steps(tuner(target), 6) for _ in range(2))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a.curve, b.curve)


def test_pool_does_not_change_steps(target):
    with ThreadPoolExecutor(2) as pool:
        shared = steps(tuner(target, pool=pool, with_tmax=True), 4)
    alone = steps(tuner(target, with_tmax=True), 4)
    np.testing.assert_allclose(shared[-1].curve, alone[-1].curve, rtol=1e-9)


def test_free_samples_overfit_without_penalty(target):
    """Overfitting from the true curve with noise."""
    noisy = small_stroke(noise=0.08)
    free = steps(tuner(noisy, "free", start=AIF + 0.5, curvature=0.0, rate=0.1, loss="cross-entropy"), 60)[-1]
    tame = steps(tuner(noisy, "softplus", start=AIF + 0.5, curvature=300.0, loss="cross-entropy"), 60)[-1]
    assert free.roughness > 3
    assert free.n_negative > 2
    assert tame.n_negative == 0
    assert tame.roughness < free.roughness / 3


def test_divergence_keeps_last_finite_curve(target):
    one = tuner(target, "free", rate=10.0, curvature=0.0, loss="cross-entropy")
    kept = []
    with pytest.raises(DivergedError, match="lower the rate") as ended:
        for _ in range(400):
            kept.append(one.step())
    assert kept, "the start itself is fine"
    assert np.isfinite(kept[-1].curve).all()
    assert kept[-1].curve.sum() == pytest.approx(kept[0].curve.sum())
    assert "\n" not in str(ended.value)


def test_nan_parameter_raises_diverged_error(target):
    one = tuner(target)
    one.step()
    with torch.no_grad():
        one.parametrization.x[3] = float("nan")
    with pytest.raises(DivergedError):
        one.step()


# Targets


def test_empty_target_raises(target):
    nothing = replace_core(target, np.zeros(40, bool))
    with pytest.raises(ArgumentError, match="The target is empty: paint a lesion"):
        tuner(nothing)
    with pytest.raises(ArgumentError, match="The target is empty"):
        tuner(target, loss_mask=KINDS != 2)


def test_unknown_hypoperfusion_and_oscillation_index_raise(target):
    with pytest.raises(ArgumentError, match="hypoperfused tissue of this case is unknown"):
        tuner(replace(target, hypoperfused=None), with_tmax=True)
    with pytest.raises(ArgumentError, match="no gradient"):
        tuner(target, settings=Settings(regularization="oscillation"))


def test_replace_core(target):
    wanted = KINDS == 1
    changed = replace_core(target, wanted)
    np.testing.assert_array_equal(changed.core.numpy(), wanted)
    assert changed.tissue is target.tissue
    assert changed.hypoperfused is target.hypoperfused
    step = tuner(changed).step()
    assert step.dice == pytest.approx(0.0, abs=0.6)
    assert step.dice != tuner(target).step().dice


def test_tmax_loss_includes_both_lesions(target):
    free = {"parametrization": "free", "curvature": 0.0, "start": wrong_curve()}
    plain, both = (tuner(target, with_tmax=with_tmax, **free).step() for with_tmax in (False, True))
    low = torch.sigmoid((torch.tensor(both.tmax) - 6.0) / 0.5)
    second = float(soft_dice_loss(low, target.hypoperfused))
    assert both.loss == pytest.approx((plain.loss + second) / 2, rel=1e-6)
    late = both.tmax > 6
    known = KINDS > 0
    assert both.hypoperfused_dice == pytest.approx(2 * (late & known).sum() / (late.sum() + known.sum()))


# Held-out slices


def test_alternate_lesion_slices_are_held_out():
    slice_of = np.repeat(np.arange(6), 4)
    lesion = np.isin(slice_of, [1, 2, 4, 5]) & (np.arange(24) % 4 < 2)
    loss_mask = alternate_slice_mask(slice_of, lesion)
    assert loss_mask is not None
    np.testing.assert_array_equal(np.unique(slice_of[~loss_mask]), [2, 5])
    np.testing.assert_array_equal(loss_mask, ~np.isin(slice_of, [2, 5]))
    assert alternate_slice_mask(slice_of, lesion & (slice_of == 1)) is None
    assert alternate_slice_mask(slice_of, np.zeros(24, bool)) is None


def test_held_out_voxels_are_evaluated_but_not_in_loss(target):
    """With half of the voxels in the loss; the Dice of the rest is reported separately."""
    loss_mask = np.arange(40) % 2 == 0
    step = tuner(target, "free", loss_mask=loss_mask, curvature=0.0, start=wrong_curve()).step()
    rcbf = dense_rcbf(wrong_curve(), target)
    p = 1 / (1 + np.exp(-(0.38 - rcbf) / CORE_SLOPE))
    known = KINDS == 2
    half = 1 - (2 * p[known & loss_mask].sum() + 1) / (p[loss_mask].sum() + known[loss_mask].sum() + 1)
    assert step.loss == pytest.approx(half, rel=1e-9)
    core = rcbf < 0.38
    for found, where in ((step.dice, loss_mask), (step.held_out_dice, ~loss_mask)):
        both = (core & known & where).sum()
        assert found == pytest.approx(2 * both / (core[where].sum() + known[where].sum()), rel=1e-12)


# Learned threshold


def test_threshold_is_fixed_unless_learned(target):
    fixed = steps(tuner(target), 5)
    assert {s.threshold for s in fixed} == {0.38}
    learned = steps(tuner(target, learn_threshold=True, start=wrong_curve()), 30)
    assert learned[0].threshold == pytest.approx(0.38)
    assert learned[-1].threshold != pytest.approx(0.38, abs=1e-3)
    rcbf = learned[-1].cbf / learned[-1].reference_cbf
    core = rcbf < learned[-1].threshold
    known = KINDS == 2
    assert learned[-1].dice == pytest.approx(2 * (core & known).sum() / (core.sum() + known.sum()))


def test_learned_threshold_moves_toward_target(target):
    """The threshold rises for a target with higher CBF, up to its limit."""
    wider = replace_core(target, KINDS > 0)
    up = steps(tuner(wider, learn_threshold=True, start=AIF + 1e-3, curvature=1e4, rate=1.0), 60)
    assert up[-1].threshold > 0.5
    assert all(THRESHOLD_RANGE[0] <= s.threshold <= THRESHOLD_RANGE[1] for s in up)


def test_resumed_run_keeps_origin_of_first_run(target):
    first = steps(tuner(target, learn_threshold=True, start=wrong_curve()), 20)
    parametrization = make_parametrization("free", first[-1].curve, 1.0)
    options = TuneOptions(learn_threshold=True)
    onward = Tuner(
        target, parametrization, Settings(), options, origin=first[0].curve, threshold=first[-1].threshold
    ).step()
    assert onward.distance == pytest.approx(first[-1].distance, rel=1e-9)
    assert onward.roughness == pytest.approx(first[-1].roughness, rel=1e-9)
    assert onward.threshold == pytest.approx(first[-1].threshold, rel=1e-12)
    assert onward.dice == first[-1].dice
    assert onward.distance > 0.01
    beyond = Tuner(target, parametrization, Settings(), options, threshold=9.0).step()
    assert beyond.threshold == THRESHOLD_RANGE[1]


# Networks


@pytest.fixture(scope="module")
def prepared():
    return prepare(draw_head(64, 2, 44, 1.0).series, Settings())


@pytest.mark.parametrize("kind", ["regression", "weighting"])
@pytest.mark.parametrize("last_layer", [True, False])
def test_network_trains_only_requested_layers(prepared, kind, last_layer):
    torch.manual_seed(1)
    net = make_network(kind).eval().requires_grad_(requires_grad=False)
    shipped = Network(f"cnn-{kind}", net, "core", {})
    before = {name: value.clone() for name, value in net.state_dict().items()}
    grid_input = make_grid_input(prepared)
    with torch.no_grad():
        drawn = net(torch.from_numpy(grid_input.volume())[None], torch.from_numpy(grid_input.inside)[None])[0]
    start = (grid_input.frame_mapping.from_network @ drawn.numpy()).astype(float)
    start = delayed(prepared, start, healthy_delay_s(prepared, start))
    parametrization = NetworkParametrization(shipped, prepared, start, last_layer=last_layer)
    np.testing.assert_allclose(parametrization().detach().numpy(), start, rtol=0, atol=0.02 * start.max())
    begun = {name: value.clone() for name, value in parametrization.net.state_dict().items()}
    weight = torch.linspace(0, 1, start.size, dtype=torch.float64)
    optimizer = torch.optim.Adam([p for p in parametrization.parameters() if p.requires_grad], 1e-4)
    for _ in range(2):
        optimizer.zero_grad()
        (parametrization() * weight).sum().backward()
        optimizer.step()
    moved = {
        name for name, value in parametrization.net.state_dict().items() if not torch.equal(value, begun[name])
    }
    last = {"regression": "curve.2.", "weighting": "score."}[kind]
    # Softmax is invariant to a constant score, so that the last bias of a weighting network does not change.
    still = {"score.bias", "weighting.score.bias"}
    all_parameters = {name for name, _ in parametrization.net.named_parameters()} - still
    assert moved - still == (
        {name for name in all_parameters if name.startswith(last)} if last_layer else all_parameters
    )
    assert parametrization().sum().item() == pytest.approx(start.sum(), rel=1e-5)
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name]), "the network that ships is untouched"
    assert isinstance(parametrization.net, RegressionNet) is (kind == "regression")
    assert not parametrization.net.training, "no dropout: the same weights draw the same curve"
