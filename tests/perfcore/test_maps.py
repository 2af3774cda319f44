"""What is read off k(t): values in the field's units, their biases, and their errors."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.special import expit, gamma, gammainc

from perfcore.deconvolution.fused import Tiles, refined_row
from perfcore.deconvolution.inverse import build_operator
from perfcore.deconvolution.temporal_basis import TemporalBasis
from perfcore.errors import ArgumentError
from perfcore.maps import (
    HEALTHY_TMAX_S,
    anchor_tmax,
    anchored,
    blood_volume,
    core_probability,
    flow_and_delay,
    flow_only,
    flow_operator,
    soft_tmax,
    transit_time,
)
from perfcore.settings import Settings
from tests.support import oracle
from tests.support.oracle import FORMS, FORWARD, K_H, RHO

few = hypothesis_settings(max_examples=25, deadline=None, derandomize=True)
one_thread = pytest.fixture(autouse=True, scope="module")(oracle.one_thread)
TIME = np.arange(60.0)
ONSET_S = 8.0
AIF = torch.tensor(oracle.gamma_variate(TIME, ONSET_S))

EVERY = [*FORMS, *[oracle.Form(*f, "oscillation") for f in FORWARD]]
every_form = pytest.mark.parametrize("form", EVERY, ids=str)
circulant_forms = pytest.mark.parametrize("form", [f for f in EVERY if f.deconvolution == "circulant"], ids=str)
causal_forms = pytest.mark.parametrize("form", [f for f in EVERY if f.deconvolution == "causal"], ids=str)


def tissue(cbf, mtt, delay, time=TIME, onset=ONSET_S):
    """Enhancement of tissue with a CBF in ml/100 g/min: the indicator-dilution model per gram."""
    return cbf / 6000 * RHO / K_H * oracle.tissue(time, mtt, delay, onset_s=onset)


def box_tissue(mtt):
    """A residue of 1 up to ``mtt``, then 0: the difference of two areas under the gamma variate."""
    alpha, beta = 3.0, 1.5

    def area(t):
        u = np.maximum(t - ONSET_S, 0) / beta
        return 100 * (np.e / alpha) ** alpha * beta * gamma(alpha + 1) * gammainc(alpha + 1, u)

    return area(TIME) - area(TIME - mtt)


def flow_of(curves, form=FORMS[0], aif=AIF, dt=1.0, dtype=torch.float64, **more):
    operator = flow_operator(aif, dt, Settings(*form, **more))
    return flow_and_delay(operator, Tiles.from_curves(torch.tensor(np.array(curves), dtype=dtype)))


# Flow and delay


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@every_form
def test_cbf_and_tmax_match_oracle(form, dtype):
    rng = np.random.default_rng(0)
    curves = [tissue(60, mtt, d) + rng.normal(0, 0.3, 60) for mtt in (3, 6, 12) for d in (0, 3.5)]
    settings = Settings(*form)
    cbf, tmax = flow_of(curves, form, dtype=dtype)
    times = np.arange(-15 if form.deconvolution == "circulant" else 0, 60.0)
    for voxel, c in enumerate(curves):
        if form.regularization == "oscillation":
            full = oracle.solve_oscillation(AIF.numpy(), c, 1.0, form, settings.lam)[0]
        else:
            full = oracle.inverse(AIF.numpy(), 1.0, form, settings.lam) @ c
        k = oracle.rows_at(full, times, 1.0)
        top, row = oracle.peak_and_row(k)
        # the vertex is a quotient of second differences: rounding is magnified where the top is flat
        rel, abs_s = (1e-9, 1e-6) if dtype == torch.float64 else (1e-4, 0.02)
        assert float(cbf[voxel]) == pytest.approx(6000 * K_H / RHO * top, rel=rel)
        assert float(tmax[voxel]) == pytest.approx(times[0] + row, abs=abs_s)


@circulant_forms
def test_tmax_recovers_positive_and_negative_delay(form):
    delays = np.arange(-6.0, 10.0)
    cbf, tmax = flow_of([tissue(60, 4, d) for d in delays], form)
    shift = (tmax - tmax[6]).numpy()
    # whole samples: all moves alike, but for the tail that falls off the scan's end
    np.testing.assert_allclose(shift, delays, atol=1e-3)
    np.testing.assert_allclose(cbf, float(cbf[6]), rtol=1e-3)
    assert tmax[0] < -2
    _, tmax = flow_of([tissue(60, 4, d) for d in np.arange(0, 10, 0.25)], form)
    # Between samples the parabola is close to exact where k is smooth; the index, which truncates each voxel
    # on its own, lets sharper curves through.
    allowed = 0.3 if form.regularization == "oscillation" else 0.03
    assert np.abs(tmax.numpy() - tmax[0].numpy() - np.arange(0, 10, 0.25)).max() < allowed


@causal_forms
def test_causal_tmax_is_never_negative(form):
    cbf, tmax = flow_of([tissue(60, 4, d) for d in (0.0, -4.0)], form)
    assert (tmax >= 0).all()
    assert abs(float(cbf[1] / cbf[0]) - 1) > 0.2


def test_tmax_bias_depends_on_mtt():
    """λ_rel 0.3: delay 1 s with MTT 4 s reads 3 s, delay 7 s with MTT 9 s reads 10 s."""
    _, tmax = flow_of([tissue(60, 4, 1.0), tissue(60, 9, 7.0)])
    np.testing.assert_allclose(tmax, [3, 10], atol=0.2)


@pytest.mark.parametrize("dt", [1.0, 2.0])
def test_cbf_has_units_of_ml_per_100_g_per_min(dt):
    """With an AIF and tissue that the matrix itself made, CBF tends to the truth as λ falls."""
    n = 50
    a, residue = np.zeros(n), np.zeros(2 * n)
    a[3:23] = 100 * np.exp(-np.arange(20) / 3)  # a spectrum above 5 % of σ_1
    residue[:25] = np.exp(-np.arange(25) / 4)
    c = oracle.circulant_matrix(a, dt, "volterra")[:n] @ residue * (RHO / K_H / 6000)
    found = {}
    for lambda_rel in (0.3, 0.1, 0.03, 0.01, 1e-3, 1e-4):
        cbf, tmax = flow_of([55 * c, 11 * c], aif=torch.tensor(a), dt=dt, lambda_rel=lambda_rel)
        mtt = transit_time(blood_volume(torch.tensor([55 * c.sum(), 11 * c.sum()]) * dt, a.sum() * dt), cbf)
        found[lambda_rel] = (cbf.numpy(), mtt.numpy(), tmax.numpy())
    truth = dt * residue.sum()  # of the sampled residue, s
    flows, transits = (np.stack([f[i] for f in found.values()]) for i in (0, 1))
    # λ²/(σ²+λ²) with σ above 0.05 σ_1
    np.testing.assert_allclose(flows[-1], [55, 11], rtol=1e-5)
    np.testing.assert_allclose(transits[-1], truth, rtol=1e-5)
    np.testing.assert_allclose(found[1e-4][2], 0, atol=0.5 * dt)
    for errors in (np.abs(flows - [55, 11]), np.abs(transits - truth)):
        assert (np.diff(errors, axis=0) < 0).all()
    assert (flows[0] < 0.7 * np.array([55, 11])).all()


def test_cbf_bias_at_lambda_0_3_depends_on_mtt():
    cbf, _ = flow_of([tissue(50, mtt, 2) for mtt in (2, 4, 8, 20)])
    np.testing.assert_allclose(cbf / 50, [0.30, 0.46, 0.62, 0.77], atol=0.01)


@every_form
def test_tissue_without_bolus_has_nan_tmax(form):
    curves = np.array([tissue(60, 4, 1), np.zeros(60), tissue(40, 6, 1)])
    cbf, tmax = flow_of(curves, form)
    alone, time = flow_of(curves[[0, 2]], form)
    assert cbf[1] == 0
    assert torch.isnan(tmax[1])
    np.testing.assert_allclose(cbf[[0, 2]], alone, rtol=1e-12)
    np.testing.assert_allclose(tmax[[0, 2]], time, rtol=1e-9)


@every_form
@pytest.mark.parametrize(
    ("aif", "dt", "message"),
    [
        (AIF[:1], 1.0, r"at least 2 time points; got shape \(1,\)"),
        (torch.full((60,), float("nan")), 1.0, "must be finite"),
        (torch.zeros(60), 1.0, "no positive bolus: its largest value is 0"),
        (AIF, 0.0, "time step must be positive; got 0.0"),
        (AIF, -1.0, "time step must be positive; got -1.0"),
    ],
)
def test_invalid_aif_or_time_step_raises(form, aif, dt, message):
    with pytest.raises(ArgumentError, match=message):
        flow_of([tissue(60, 4, 0)], form, aif, dt)


@pytest.mark.parametrize("form", EVERY, ids=str)
def test_length_mismatch_error_names_both_lengths(form):
    with pytest.raises(ArgumentError, match="The tissue has 60 time points; the AIF has 55"):
        flow_of([tissue(60, 4, 0)], form, AIF[:55])


# Volume and transit time


@pytest.mark.parametrize("dt", [0.5, 1.0, 2.0])
@pytest.mark.parametrize(("cbf", "mtt"), [(60.0, 4.0), (15.0, 8.0), (25.0, 5.0)])
def test_cbv_equals_cbf_times_mtt(dt, cbf, mtt):
    """CBV = CBF·MTT/60: the area of a convolution is the product of the areas."""
    time = np.arange(0, 120, dt)  # long enough for the tail
    c, a = tissue(cbf, mtt, 1.0, time), oracle.gamma_variate(time, ONSET_S)
    cbv = blood_volume(torch.tensor([c.sum() * dt]), float(a.sum() * dt))
    # A sum in place of an integral, off by the bend of the curves at their onset: as dt².
    assert float(cbv) == pytest.approx(cbf * mtt / 60, rel=1e-3 * dt**2)


def test_blood_volume_units():
    """A voxel of 4 ml blood per 100 g under the same area as the artery."""
    area = torch.tensor([0.04 * RHO / K_H * 500, 0.0, -3.0], dtype=torch.float64)
    for aif_area in (500.0, torch.tensor(500.0, dtype=torch.float64)):
        np.testing.assert_allclose(blood_volume(area, aif_area), [4, 0, -300 * K_H / RHO / 500], rtol=1e-14)


@pytest.mark.parametrize("area", [0.0, -2.0, float("nan")])
def test_cbv_with_nonpositive_aif_area_raises(area):
    with pytest.raises(ArgumentError, match=f"area under the AIF must be positive for CBV; got {area:g}"):
        blood_volume(torch.ones(3), area)
    with pytest.raises(ArgumentError, match="must be positive"):
        blood_volume(torch.ones(3), torch.tensor(area))


def test_cbv_and_mtt_accept_values_below_one():
    """Concentration in other units than HU makes areas below 1, and severe ischaemia CBF below 1."""
    volume = blood_volume(torch.tensor([0.5]), 0.25)
    assert volume.item() == pytest.approx(2 * blood_volume(torch.tensor([1.0]), 1.0).item())
    assert transit_time(torch.tensor([0.1]), torch.tensor([0.4])).item() == pytest.approx(15.0)


def test_transit_time():
    cbv = torch.tensor([4.0, 4.0, 4.0, 0.0, float("nan")])
    cbf = torch.tensor([60.0, 0.0, -1.0, 20.0, 20.0])
    np.testing.assert_array_equal(transit_time(cbv, cbf), [4, np.nan, np.nan, 0, np.nan])


# Core probability


@few
@given(
    rcbf=st.lists(st.floats(-5, 5), min_size=2, max_size=9, unique=True),
    threshold=st.floats(0.1, 1),
    slope=st.floats(0.02, 1),
)
def test_core_probability(rcbf, threshold, slope):
    x = torch.tensor(sorted(rcbf), dtype=torch.float64)
    p = core_probability(x, threshold, slope)
    np.testing.assert_allclose(p, expit((threshold - x.numpy()) / slope), rtol=1e-13)
    assert ((p >= 0) & (p <= 1)).all()
    assert (p.diff() <= 0).all()
    assert float(core_probability(torch.tensor(threshold, dtype=torch.float64), threshold)) == 0.5
    assert torch.equal(p > 0.5, (threshold - x) / slope > 0) or (x - threshold).abs().min() < 1e-12


def test_core_probability_of_known_values_and_its_gradient():
    x = torch.tensor([0.38, 0.33, 0.43, 100, -100], dtype=torch.float64, requires_grad=True)
    p = core_probability(x, 0.38)
    expected = [0.5, 1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1)), 0, 1]
    np.testing.assert_allclose(p.detach(), expected, atol=1e-12)
    assert torch.autograd.gradcheck(lambda y: core_probability(y, 0.38), (x,))


# Soft Tmax


def soft_bias(curve, softness):
    operator = build_operator(AIF, 1.0, Settings())
    k = operator.apply(torch.tensor(curve))
    top, index = k.max(0)
    refined = float(operator.start_s + refined_row(k[:, None], index[None], top[None])[0])
    return float(soft_tmax(k, operator.time_s, softness)) - refined


@pytest.mark.parametrize(
    ("mtt", "delay", "expected"),
    [(2, 0, 0.01), (4, 0, 0.02), (8, 0, 0.06), (20, 0, 0.27), (4, 5, 0.02), (8, 5, 0.06)],
)
def test_soft_tmax_bias_for_exponential_residue(mtt, delay, expected):
    """Exponential residues, λ_rel 0.3, τ = 0.05."""
    assert soft_bias(tissue(60, mtt, delay), 0.05) == pytest.approx(expected, abs=0.005)


def test_soft_tmax_bias_for_box_residue_and_large_tau():
    assert soft_bias(box_tissue(20.0), 0.05) == pytest.approx(-4.8, abs=0.05)
    assert soft_bias(tissue(60, 4, 0), 0.2) == pytest.approx(2.7, abs=0.25)


@few
@given(
    seed=st.integers(0, 1000),
    shift=st.floats(-20, 20),
    scale=st.floats(1e-3, 1e3),
    softness=st.floats(0.02, 0.5),
)
def test_soft_tmax_equals_formula(seed, shift, scale, softness):
    rng = np.random.default_rng(seed)
    k, time = rng.normal(size=(2, 3, 30)), np.sort(rng.uniform(-15, 60, 30))
    k[..., 4] = 3.5
    found = soft_tmax(torch.tensor(k), torch.tensor(time), softness)
    for i, j in np.ndindex(2, 3):
        weight = np.exp(k[i, j] / (softness * k[i, j].max()) - 1 / softness)
        assert float(found[i, j]) == pytest.approx((weight * time).sum() / weight.sum(), rel=1e-10, abs=1e-10)
    # shifts with time; invariant to the scale of k
    moved = soft_tmax(torch.tensor(scale * k), torch.tensor(time + shift), softness)
    np.testing.assert_allclose(moved, found + shift, atol=1e-9)


def test_soft_tmax_is_computed_per_voxel():
    """The softmax is scaled by each voxel's own maximum."""
    time = torch.arange(30.0, dtype=torch.float64)
    early, late = torch.exp(-((time - 5) ** 2) / 18), torch.exp(-((time - 20) ** 2) / 18)
    together = soft_tmax(torch.stack([1e-3 * early, late]), time)
    assert together[0].item() == pytest.approx(soft_tmax(early, time).item(), abs=1e-9)
    assert together[1].item() == pytest.approx(soft_tmax(late, time).item(), abs=1e-9)


def test_soft_tmax_keeps_dtype():
    time = torch.arange(8.0, dtype=torch.float64)
    assert soft_tmax(torch.rand(3, 8), time).dtype == torch.float32


def test_soft_tmax_converges_to_argmax():
    k = torch.rand(5, 40, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    time = torch.arange(40.0)
    k[torch.arange(5), torch.tensor([0, 39, 7, 20, 3])] = 1.5
    assert soft_tmax(k, time, 1e-3).round(decimals=9).tolist() == [0, 39, 7, 20, 3]
    assert soft_tmax(k.float(), time, 1e-3).dtype == torch.float32


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_soft_tmax_passes_gradcheck(form):
    operator = build_operator(torch.tensor(oracle.gamma_variate(np.arange(12) * 3.0)), 3.0, Settings(*form))
    c = torch.tensor(np.stack([oracle.tissue(np.arange(12) * 3.0, m, 2) for m in (4, 8)]))
    k = operator.apply(c).detach()
    top, second = k.topk(2, -1).values.unbind(-1)
    assert (top - second > 1e-4 * top).all()  # the maximum stays where it is
    k = (k / top[:, None]).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: soft_tmax(x, operator.time_s), (k,))
    a = torch.tensor(oracle.gamma_variate(np.arange(12) * 3.0), requires_grad=True)

    def tmax(x):
        built = build_operator(x, 3.0, Settings(*form))
        return soft_tmax(built.apply(c), built.time_s)

    assert torch.autograd.gradcheck(tmax, (a,))


@every_form
def test_flow_alone_equals_the_flow_with_its_delay(form):
    tiles = Tiles.from_curves(torch.tensor(np.stack([tissue(50.0, 4.0, 0.0), tissue(12.0, 12.0, 3.0)])).float())
    operator = flow_operator(AIF.numpy(), 1.0, Settings(*form))
    assert torch.equal(flow_only(operator, tiles), flow_and_delay(operator, tiles)[0])


def test_the_oscillation_index_refuses_a_temporal_basis():
    tiles = Tiles.from_curves(torch.tensor(tissue(50.0, 4.0, 0.0)).float()[None])
    operator = flow_operator(AIF.numpy(), 1.0, Settings(regularization="oscillation"))
    with pytest.raises(ArgumentError, match="needs the tissue itself"):
        flow_and_delay(operator, TemporalBasis.from_tissue(tiles, 1))


# The clock of Tmax

HEALTHY = Settings(tmax_reference="healthy")


def test_an_anchored_tmax_has_the_healthy_median_and_keeps_differences():
    tmax = torch.tensor([1.0, torch.nan, 4.0, 2.0, 9.0])
    reference = torch.tensor([True, True, True, True, False])
    moved, shift = anchor_tmax(tmax, reference, HEALTHY)
    assert float(shift) == HEALTHY_TMAX_S - 2.0, "NaN and the tissue outside do not count"
    torch.testing.assert_close(moved, tmax + shift, rtol=0, atol=0, equal_nan=True)
    again, rest = anchor_tmax(moved, reference, HEALTHY)
    torch.testing.assert_close(again, moved, rtol=0, atol=0, equal_nan=True)
    assert float(rest) == 0


def test_an_absolute_tmax_stays():
    tmax = torch.tensor([1.0, 4.0])
    moved, shift = anchor_tmax(tmax, torch.tensor([True, True]), Settings())
    assert moved is tmax
    assert float(shift) == 0


@circulant_forms
def test_an_anchored_operator_does_not_see_a_shift_of_the_aif(form):
    """Zeros at both ends: three frames later is three rows earlier, for every tissue."""
    settings = Settings(*form, tmax_reference="healthy")
    healthy = Tiles.from_curves(torch.tensor(np.stack([tissue(60, mtt, 1.0) for mtt in (3, 4, 5)])))
    stroke = Tiles.from_curves(torch.tensor(tissue(20, 9, 5.0)[None]))
    bolus = torch.where(torch.tensor(TIME < 40), AIF, 0.0)
    results = []
    for frames in (0, 3):
        raw = flow_operator(bolus.roll(frames), 1.0, settings)
        operator = anchored(raw, healthy, settings)
        assert float(flow_and_delay(operator, healthy)[1].median()) == pytest.approx(HEALTHY_TMAX_S, abs=1e-12)
        results.append((float(flow_and_delay(raw, stroke)[1]), float(flow_and_delay(operator, stroke)[1])))
    (early, one), (late, other) = results
    assert early - late == pytest.approx(3, abs=1e-6)
    assert one == pytest.approx(other, abs=1e-6)


def test_gradcheck_of_an_anchored_tmax():
    tmax = torch.tensor([1.0, 4.0, 2.5, 9.0], dtype=torch.float64, requires_grad=True)
    reference = torch.tensor([True, True, True, False])
    assert torch.autograd.gradcheck(lambda x: anchor_tmax(x, reference, HEALTHY), (tmax,))


def test_on_the_scans_clock_the_operator_stays_as_it_is():
    operator = flow_operator(AIF.numpy(), 1.0, Settings())
    healthy = Tiles.from_curves(torch.tensor(tissue(60, 4, 1.0)[None]))
    assert anchored(operator, healthy, Settings()) is operator
