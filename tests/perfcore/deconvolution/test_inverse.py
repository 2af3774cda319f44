"""The inverse operator: every linear form through every property, against the slow explicit SVD."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from perfcore.deconvolution.forward import causal_matrix, circulant_kernel, circulant_matrix
from perfcore.deconvolution.inverse import build_operator, fit, n_lead, spectral_inverse, spectrum
from perfcore.errors import ArgumentError
from perfcore.settings import Settings
from tests.support import oracle
from tests.support.oracle import CAUSAL, CIRCULANT, FORMS

few = hypothesis_settings(max_examples=10, deadline=None, derandomize=True)
one_thread = pytest.fixture(autouse=True, scope="module")(oracle.one_thread)
every_form = pytest.mark.parametrize("form", FORMS, ids=str)
circulant_forms = pytest.mark.parametrize("form", CIRCULANT, ids=str)
causal_forms = pytest.mark.parametrize("form", CAUSAL, ids=str)
both_ways = pytest.mark.parametrize("by_svd", [False, True], ids=["fast", "svd"])

DEFAULT = {"tikhonov": 0.3, "tsvd": 0.13}


def settings_of(form, lambda_rel=None):
    return Settings(*form, lambda_rel=lambda_rel or DEFAULT[form.regularization])


def noisy_bolus(n, dt, seed=0, noise=2.0):
    """An artery of a few samples or of a whole scan, with noise on its baseline too."""
    time = np.arange(n) * dt
    a = oracle.gamma_variate(time, 0.15 * time[-1], beta_s=min(1.5, 0.05 * n * dt))
    return a + np.random.default_rng(seed).normal(0, noise, n)


def curve(*values):
    return torch.tensor(values, dtype=torch.float64)


# Values


SIZES = [(2, 1.0), (3, 2.0), (5, 1.0), (12, 2.0), (43, 1.0), (50, 2.0), (64, 1.0)]


@pytest.mark.parametrize(("n", "dt"), SIZES)
@every_form
def test_inverse_equals_explicit_svd(form, n, dt):
    a = noisy_bolus(n, dt, seed=n)
    a[n // 2] = 60.0  # a bolus, however few the samples
    c = np.random.default_rng(1).normal(10, 5, (4, n))
    settings = settings_of(form)
    P = oracle.inverse(a, dt, form, settings.lam)
    for by_svd in (False, True):
        operator = build_operator(torch.tensor(a), dt, settings, by_svd=by_svd)
        expected = oracle.rows_at(P, operator.time_s, dt)
        assert oracle.relative(operator.matrix, expected) < 1e-10
        for voxel in c:
            assert oracle.relative(operator.apply(torch.tensor(voxel)), expected @ voxel) < 1e-10
            k = operator.apply(torch.tensor(voxel, dtype=torch.float32))
            assert k.dtype == torch.float32
            assert oracle.relative(k, expected @ voxel) < 1e-4


@pytest.mark.parametrize("lambda_rel", [1.0, 0.2, 0.05, 0.01])
@every_form
def test_fourier_form_equals_svd_at_every_lambda(form, lambda_rel):
    for a in (noisy_bolus(60, 1.0), oracle.gamma_variate(np.arange(60))):
        settings = settings_of(form, lambda_rel)
        fast = build_operator(torch.tensor(a), 1.0, settings)
        svd = build_operator(torch.tensor(a), 1.0, settings, by_svd=True)
        # Cholesky squares the condition number: 1e4 at λ_rel 0.01, so 1e-16 becomes about 1e-12.
        assert oracle.relative(fast.matrix, svd.matrix) < 1e-11
        assert torch.equal(fast.time_s, svd.time_s)


@every_form
def test_an_aif_of_float32_is_inverted_in_float64(form):
    a = torch.tensor(noisy_bolus(40, 1.0), dtype=torch.float32)
    settings = settings_of(form)
    matrix = build_operator(a, 1.0, settings).matrix
    assert matrix.dtype == torch.float64
    assert torch.equal(matrix, build_operator(a.double(), 1.0, settings).matrix)


@pytest.mark.parametrize("n", [43, 60, 64, 10, 2])
@pytest.mark.parametrize("dt", [1.0, 0.5, 3.0, 2.0, 0.7])
@circulant_forms
def test_circulant_inverse_row_times(form, dt, n):
    operator = build_operator(torch.tensor(noisy_bolus(n, dt)).clamp(min=1), dt, settings_of(form))
    time = operator.time_s
    assert operator.matrix.shape == (len(time), n)
    assert float(time[0]) == operator.start_s
    # the last row is the last sample; steps of dt; 0 is a row, or CBF would depend on the grid
    np.testing.assert_allclose(time, dt * np.arange(-n_lead(n, dt), n), atol=1e-12)
    if n * dt >= 15 + dt:
        assert -15 <= operator.start_s < -15 + dt
    elif n * dt <= 15:
        assert operator.start_s == -n * dt  # all 2N rows: there are no earlier ones
        assert operator.matrix.shape[0] == 2 * n


@pytest.mark.parametrize("n", [43, 64, 2])
@pytest.mark.parametrize("dt", [1.0, 2.0])
@causal_forms
def test_causal_inverse_row_times(form, dt, n):
    operator = build_operator(torch.tensor(noisy_bolus(n, dt)).clamp(min=1), dt, settings_of(form))
    assert operator.start_s == 0
    np.testing.assert_array_equal(operator.time_s, dt * np.arange(n))
    assert operator.matrix.shape == (n, n)


@every_form
def test_apply_is_batched_and_linear(form):
    operator = build_operator(torch.tensor(noisy_bolus(30, 1.0)), 1.0, settings_of(form))
    c, d = torch.randn(2, 3, 4, 30, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    both = operator.apply(2 * c - 3 * d)
    assert both.shape == (3, 4, operator.matrix.shape[0])
    assert oracle.relative(both, 2 * operator.apply(c) - 3 * operator.apply(d)) < 1e-13
    np.testing.assert_allclose(operator.apply(c)[1, 2], operator.matrix @ c[1, 2], rtol=1e-10, atol=1e-15)


# Gradients


CURVES = {
    "box": curve(0, 0, 0, 50, 50, 0, 0, 0, 0, 0),
    "bolus": curve(2, 1, 5, 40, 90, 55, 30, 12, 7, 3),
    "zero baseline": curve(0, 0, 0, 0, 20, 90, 60, 25, 10, 4),
    "zero tail": curve(0, 30, 90, 55, 20, 0, 0, 0, 0, 0),
    "plateau": curve(0, 0, 20, 70, 100, 100, 100, 100, 100, 100),
    "one sample": curve(0, 0, 0, 100, 0, 0, 0, 0, 0, 0),
    "negative samples": curve(-5, 3, -8, 60, 100, 50, 30, -10, -3, 5),
}
DT = 4.0


def gradcheck(matrix_of, x):
    """Check the derivative of a matrix seen from three random directions, in every entry of x."""
    with torch.no_grad():
        shape = matrix_of(x).shape
    G = torch.randn(3, *shape, dtype=x.dtype, generator=torch.Generator().manual_seed(0))
    return torch.autograd.gradcheck(lambda y: (G * matrix_of(y)).sum((1, 2)), (x,))


def smooth_at(form, name):
    """Whether P is differentiable: rectangular, a single sample has all its singular values equal to σ_1."""
    return form.discretization == "volterra" or name != "one sample"


@pytest.mark.parametrize(
    ("form", "name"),
    [pytest.param(f, n, id=f"{f}-{n}") for f in FORMS for n in CURVES if smooth_at(f, n)],
)
@both_ways
def test_inverse_gradient_passes_gradcheck(form, by_svd, name):
    a = CURVES[name]
    settings = settings_of(form)
    if form.regularization == "tsvd":
        sigma = spectrum(a, DT, settings).sigma
        assert (sigma / sigma[0] - settings.lam).abs().min() > 1e-3  # no threshold is crossed
    a = a.clone().requires_grad_()
    assert gradcheck(lambda x: build_operator(x, DT, settings, by_svd=by_svd).matrix, a)


def vjp(a, form, by_svd, lambda_rel=None, seed=0):
    a = a.clone().requires_grad_()
    P = build_operator(a, 1.0, settings_of(form, lambda_rel), by_svd=by_svd).matrix
    G = torch.randn(P.shape, dtype=P.dtype, generator=torch.Generator().manual_seed(seed))
    (gradient,) = torch.autograd.grad(P, a, G)
    return gradient


@pytest.mark.parametrize("lambda_rel", [0.3, 0.1, 0.02])
@every_form
def test_fourier_and_svd_gradients_agree(form, lambda_rel):
    for a in (noisy_bolus(60, 1.0), oracle.gamma_variate(np.arange(60)), noisy_bolus(43, 1.0).clip(min=0)):
        fast, svd = (vjp(torch.tensor(a), form, by_svd, lambda_rel) for by_svd in (False, True))
        # Singular values closer than 1e-5 σ_1 share the mean of their slopes; for Tikhonov that errs by
        # (gap/λ)²/2 of their part, and a noisy AIF has few such pairs among 60.
        allowed = 1e-12 + (1e-5 / lambda_rel) ** 2 / 100
        assert oracle.relative(fast, svd) < allowed


@pytest.mark.parametrize("name", CURVES)
@both_ways
@every_form
def test_gradient_is_finite_from_float32(form, by_svd, name):
    gradient = vjp(CURVES[name].float(), form, by_svd)
    assert gradient.dtype == torch.float32
    assert torch.isfinite(gradient).all()
    assert gradient.abs().max() > 0
    if smooth_at(form, name):
        # one rounding on the way out
        assert oracle.relative(gradient, vjp(CURVES[name], form, by_svd)) < 1e-6


@pytest.mark.parametrize("regularization", ["tikhonov", "tsvd"])
def test_gradcheck_with_equal_singular_values(regularization):
    """Triples, pairs and repeated zeros, in a matrix that no AIF made."""
    rng = np.random.default_rng(0)
    u, v = (np.linalg.qr(rng.normal(size=(7, 7)))[0] for _ in range(2))
    matrix = torch.tensor(u @ np.diag([5.0, 3, 3, 3, 1, 0, 0]) @ v.T, requires_grad=True)
    assert gradcheck(lambda m: spectral_inverse(m, regularization, 0.35), matrix)


@pytest.mark.parametrize("gap", [0.0, 1e-14, 1e-9, 1e-6, 2e-5, 1e-3, 0.5])
def test_tikhonov_gradient_equals_closed_form(gap):
    """gA = U [w_i G̃ᵀ_ij/(s_j²+λ²) − f_i G̃_ij f_j] Vᵀ − 2λλ_rel Σ G̃_ii f_i/(s_i²+λ²)·u_1 v_1ᵀ, entry by entry."""
    rng = np.random.default_rng(3)
    n, rel = 6, 0.3
    u, v = (np.linalg.qr(rng.normal(size=(n, n)))[0] for _ in range(2))
    s = np.array([4.0, 2 + gap, 2, 1, 1e-9, 0])
    G = rng.normal(size=(n, n))
    lam = rel * s[0]
    inner = v.T @ G @ u
    f, w = s / (s**2 + lam**2), lam**2 / (s**2 + lam**2)
    core = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            core[i, j] = w[i] * inner[j, i] / (s[j] ** 2 + lam**2) - f[i] * inner[i, j] * f[j]
    core[0, 0] -= 2 * lam * rel * sum(inner[i, i] * f[i] / (s[i] ** 2 + lam**2) for i in range(n))
    matrix = torch.tensor(u @ np.diag(s) @ v.T, requires_grad=True)
    P = spectral_inverse(matrix, "tikhonov", rel)
    assert oracle.relative(P.detach(), v @ np.diag(f) @ u.T) < 1e-13
    (gradient,) = torch.autograd.grad(P, matrix, torch.tensor(G))
    # Values closer than 1e-5 σ_1 share the mean of their slopes: an error of (1e-5)²/12 times g'''.
    assert oracle.relative(gradient, u @ core @ v.T) < 1e-9


@pytest.mark.parametrize("form", ["circulant", "causal"])
def test_custom_svd_gradient_is_finite_where_autograd_is_not(form):
    """Autograd divides by σ_i²−σ_j²: NaN, or nonsense, for a clean AIF. `spectral_inverse` does not."""
    a = torch.tensor(oracle.gamma_variate(np.arange(60.0)), requires_grad=True)
    matrix = causal_matrix(a, 1.0) if form == "causal" else circulant_matrix(circulant_kernel(a, 1.0))
    u, s, vh = torch.linalg.svd(matrix)
    P = vh.mT @ ((s / (s**2 + (0.3 * s[0]) ** 2))[:, None] * u.mT)
    G = torch.randn(P.shape, dtype=P.dtype, generator=torch.Generator().manual_seed(0))
    safe = spectral_inverse(matrix, "tikhonov", 0.3)
    assert oracle.relative(P.detach(), safe.detach()) < 1e-12
    (by_autograd,) = torch.autograd.grad(P, a, G, retain_graph=True)
    (by_us,) = torch.autograd.grad(safe, a, G)
    assert torch.isfinite(by_us).all()
    assert not torch.allclose(by_autograd, by_us, rtol=1e-3)  # NaN is never close


@every_form
def test_gradient_with_respect_to_tissue(form):
    operator = build_operator(CURVES["bolus"], DT, settings_of(form))
    c = torch.rand(2, 10, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(operator.apply, (c,))


@every_form
def test_gradient_descent_lowers_loss(form):
    """A directional derivative at full size: 60 samples, loss read off the peak of k."""
    settings = settings_of(form)
    c = torch.tensor(np.stack([oracle.tissue(np.arange(60.0), mtt, d) for mtt in (3, 6, 12) for d in (0, 2.5)]))
    a = torch.tensor(noisy_bolus(60, 1.0), requires_grad=True)

    def loss(aif):
        peak = build_operator(aif, 1.0, settings).apply(c).amax(-1)
        return torch.sigmoid((0.6 - peak / peak[0]) / 0.05).sum()

    (gradient,) = torch.autograd.grad(loss(a), a)
    direction = gradient / gradient.norm()
    step = 1e-5
    slope = (loss(a.detach() + step * direction) - loss(a.detach() - step * direction)) / (2 * step)
    # the truncated error of a central difference, step² times the third derivative, and 1e-16/step
    assert abs(float(slope) / float(gradient.norm()) - 1) < 1e-5


# Invariances


BOLUS = st.builds(
    dict,
    onset_s=st.floats(3, 12),
    alpha=st.floats(2, 4),
    beta_s=st.floats(1, 1.9),
    peak=st.floats(20, 500),
)
TIME = np.arange(60.0)


def artery(bolus, time=TIME):
    """Ends with zeros: the recirculation-free bolus is over 25 s after its onset."""
    return np.where(time < bolus["onset_s"] + 25, oracle.gamma_variate(time, **bolus), 0)


def some_tissue(bolus, time=TIME):
    return torch.tensor(
        np.stack([oracle.tissue(time, mtt, delay, **bolus) for mtt in (3, 5, 9) for delay in (0, 1.3, 4)])
    )


@every_form
@few
@given(bolus=BOLUS, factor=st.floats(0.1, 10))
def test_rcbf_gradient_is_zero_along_aif_scale(form, bolus, factor):
    settings, c = settings_of(form), some_tissue(bolus)
    a = torch.tensor(artery(bolus), requires_grad=True)

    def peaks(aif):
        return build_operator(aif, 1.0, settings).apply(c).amax(-1)

    assert oracle.relative((factor * peaks(factor * a)).detach(), peaks(a).detach()) < 1e-11
    weight = torch.linspace(-1, 1, len(c), dtype=torch.float64)
    flow = peaks(a)
    rcbf_loss, cbf_loss = (weight * (flow / flow.mean()) ** 2).sum(), flow.sum()
    (g,) = torch.autograd.grad(rcbf_loss, a, retain_graph=True)
    assert (a @ g).abs() <= 1e-12 * a.norm() * g.norm()
    # absolute CBF is homogeneous of degree −1
    (g,) = torch.autograd.grad(cbf_loss, a)
    assert abs(float((a @ g / cbf_loss).detach()) + 1) < 1e-11


@circulant_forms
@few
@given(bolus=BOLUS, shift=st.integers(-3, 8))
def test_circulant_aif_shift_changes_tmax_only(form, bolus, shift):
    """With all its samples kept; the peaks stay within t ∈ [−15 s, N·dt)."""
    settings, c = settings_of(form), some_tissue(bolus)
    a = artery(bolus)
    k = build_operator(torch.tensor(a), 1.0, settings).apply(c)
    moved = build_operator(torch.tensor(np.roll(a, shift)), 1.0, settings).apply(c)
    assert oracle.relative(moved.amax(-1), k.amax(-1)) < 1e-11
    assert torch.equal(k.argmax(-1) - moved.argmax(-1), torch.full((len(c),), shift))
    # not the peak alone: k as a whole has moved
    kept = slice(max(shift, 0), 60 + 15 + min(shift, 0))
    assert oracle.relative(moved.roll(shift, -1)[:, kept], k[:, kept]) < 1e-11


@causal_forms
def test_causal_aif_shift_changes_rcbf(form):
    bolus = {"onset_s": 8.0}
    settings, c, a = settings_of(form), some_tissue(bolus), artery(bolus)
    flow, moved = (build_operator(torch.tensor(x), 1.0, settings).apply(c).amax(-1) for x in (a, np.roll(a, 4)))
    assert (moved / moved[0] - flow / flow[0]).abs().max() > 0.2


@circulant_forms
@few
@given(bolus=BOLUS, delay=st.integers(-3, 10))
def test_circulant_tissue_delay_changes_tmax_only(form, bolus, delay):
    """By whole samples, so that the tissue is sampled alike; what falls off the scan's end stays small."""
    operator = build_operator(torch.tensor(artery(bolus)), 1.0, settings_of(form))
    k, late = (operator.apply(torch.tensor(oracle.tissue(TIME, 4, d, **bolus))) for d in (0, delay))
    # exp(−(60 − 12 − 10 − 25)/4) of the tissue is cut off at worst, and only its far tail
    assert abs(float(late.amax() / k.amax()) - 1) < 1e-3
    assert int(late.argmax() - k.argmax()) == delay


DELAYS_S = np.arange(-4, 12.01, 0.25)


def flow_by_delay(form, discretization="volterra"):
    a = torch.tensor(oracle.gamma_variate(TIME, 8))
    c = np.stack([oracle.tissue(TIME, 4, d, onset_s=8) for d in DELAYS_S])
    return build_operator(a, 1.0, Settings(form, discretization)).apply(torch.tensor(c)).amax(-1).numpy()


def test_circulant_cbf_is_independent_of_delay():
    flow = flow_by_delay("circulant")
    # 0.457 to 0.460 of the truth, and the sampling of the peak
    assert flow.min() > 0.4555
    assert flow.max() < 0.4605
    whole = flow[np.round(DELAYS_S) == DELAYS_S]
    assert np.ptp(whole) < 1e-9


def test_causal_cbf_depends_on_delay():
    flow = flow_by_delay("causal")
    on_time, late = flow[np.abs(DELAYS_S) < 0.1], flow[DELAYS_S > 4]
    assert on_time.min() > 1.25 * late.max()
    assert flow[DELAYS_S == -3] > 1.4 * on_time.max()  # a causal residue cannot represent tissue that leads
    assert np.ptp(late) < 0.005


@pytest.mark.parametrize("discretization", ["volterra", "rectangular"])
def test_bias_of_cbf_grows_with_mtt(discretization):
    """Estimated over true CBF at λ_rel 0.3: long-MTT tissue is inflated, by 2.6 from MTT 2 s to 20 s."""
    operator = build_operator(
        torch.tensor(oracle.gamma_variate(TIME)), 1.0, Settings(discretization=discretization)
    )
    ratio = [float(operator.apply(torch.tensor(oracle.tissue(TIME, mtt))).max()) for mtt in (2, 4, 8, 20)]
    np.testing.assert_allclose(ratio, [0.30, 0.46, 0.62, 0.77], atol=0.01)


@circulant_forms
@few
@given(bolus=BOLUS)
def test_bias_is_monotone_in_mtt(form, bolus):
    operator = build_operator(torch.tensor(artery(bolus)), 1.0, settings_of(form))
    mtts = np.array([2, 3, 4, 6, 8, 12, 20])
    ratio = np.array([float(operator.apply(torch.tensor(oracle.tissue(TIME, m, **bolus))).max()) for m in mtts])
    assert (np.diff(ratio) > 0).all()
    assert ratio[0] > 0
    if form.regularization == "tikhonov":
        assert ratio[-1] < 1


# Units of time


@every_form
def test_doubling_the_time_step_halves_cbf(form):
    a = torch.tensor(noisy_bolus(40, 1.0))
    one, two = (build_operator(a, dt, settings_of(form)) for dt in (1.0, 2.0))
    rows = two.matrix.shape[0]  # counted from the last sample: 15 s are fewer rows at 2 s
    assert rows >= 40
    assert oracle.relative(2 * two.matrix, one.matrix[-rows:]) < 1e-12


@circulant_forms
@pytest.mark.parametrize("mtt_s", [4, 8])
def test_cbf_is_independent_of_sampling_rate(form, mtt_s):
    flow = {}
    for dt in (0.5, 1.0, 2.0):
        time = np.arange(0, 60, dt)
        operator = build_operator(torch.tensor(oracle.gamma_variate(time, 6)), dt, settings_of(form, 0.2))
        flow[dt] = float(operator.apply(torch.tensor(oracle.tissue(time, mtt_s, onset_s=6))).max())
    # The maximum is read at samples: a top of k at most 1 s from a sample. Singular values are dropped in steps.
    fine, coarse = (0.015, 0.035) if form.regularization == "tikhonov" else (0.03, 0.06)
    assert abs(flow[0.5] / flow[1.0] - 1) < fine
    assert abs(flow[2.0] / flow[1.0] - 1) < coarse


# Spectrum and fit


@pytest.mark.parametrize("n", [2, 9, 43, 60])
@every_form
def test_singular_value_spectrum(form, n):
    a, dt = noisy_bolus(n, 2.0).clip(min=0.5), 2.0
    settings = settings_of(form)
    result = spectrum(torch.tensor(a), dt, settings)
    sigma = np.linalg.svd(oracle.forward_matrix(a, dt, *form[:2]), compute_uv=False)
    assert result.sigma.shape == result.factors.shape == sigma.shape
    assert (result.sigma.diff() <= 0).all()
    assert oracle.relative(result.sigma, sigma) < 1e-13
    assert float(result.factors.min()) >= 0
    assert float(result.factors.max()) <= 1 + 1e-15
    expected = [oracle.filter_factor(s, sigma[0], form.regularization, settings.lam) for s in sigma]
    np.testing.assert_allclose(result.factors, expected, atol=1e-12)


@pytest.mark.parametrize("discretization", ["volterra", "rectangular"])
def test_the_largest_singular_value_of_a_circulant_aif_is_its_area(discretization):
    a = noisy_bolus(50, 2.0).clip(min=0)
    sigma = spectrum(torch.tensor(a), 2.0, Settings(discretization=discretization)).sigma
    assert abs(float(sigma[0]) / (2.0 * a.sum()) - 1) < 1e-14
    # all but the two real Fourier lines come in pairs
    n = 2 * len(a)
    frequencies = np.arange(1, n // 2)
    pairs = np.abs(np.fft.fft(oracle.circulant_matrix(a, 2.0, discretization)[:, 0]))
    np.testing.assert_allclose(pairs[frequencies], pairs[n - frequencies], rtol=1e-12, atol=1e-12)
    lines = np.sort(np.r_[pairs[0], pairs[n // 2], np.repeat(pairs[frequencies], 2)])[::-1]
    assert oracle.relative(sigma, lines) < 1e-13


@pytest.mark.parametrize(("n", "dt"), [(10, 1.0), (20, 1.0), (20, 2.0), (43, 1.0)])
@every_form
def test_fit_equals_oracle_reconvolution(form, n, dt):
    a = noisy_bolus(n, dt)
    settings = settings_of(form)
    operator = build_operator(torch.tensor(a), dt, settings)
    k = operator.apply(torch.rand(2, 3, n, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))
    A = oracle.forward_matrix(a, dt, *form[:2])[:n]
    full = np.zeros((2, 3, A.shape[1]))
    for row, t in enumerate(operator.time_s):
        full[..., round(float(t) / dt) % A.shape[1]] = k[..., row]
    assert oracle.relative(fit(torch.tensor(a), k, dt, settings), full @ A.T) < 1e-14
    assert fit(torch.tensor(a).float(), k.float(), dt, settings).dtype == torch.float64


def sharp_case(form, n=50):
    """An AIF whose spectrum stays above 5 % of σ_1, and tissue that its own matrix made; both end in zeros."""
    a, residue = np.zeros(n), np.zeros(n if form.deconvolution == "causal" else 2 * n)
    # Volterra's circulant form rounds a sharp onset off by one sample: it must not begin at 0.
    start = 0 if form.deconvolution == "causal" else 3
    a[start : start + 20] = 100 * np.exp(-np.arange(20) / 3)
    residue[:25] = np.exp(-np.arange(25) / 4)
    return a, residue, oracle.forward_matrix(a, 1.0, *form[:2])[:n] @ residue


@every_form
def test_fit_converges_to_noise_free_tissue_as_lambda_decreases(form):
    a, _, c = sharp_case(form)
    errors = []
    for lambda_rel in (0.5, 0.2, 0.1, 0.01, 1e-3, 1e-4):
        settings = settings_of(form, lambda_rel)
        k = build_operator(torch.tensor(a), 1.0, settings).apply(torch.tensor(c))
        errors.append(oracle.relative(fit(torch.tensor(a), k, 1.0, settings), c))
    assert (np.diff(errors) <= 1e-13).all()
    assert errors[0] > 0.05
    # λ²/(σ²+λ²) at the smallest σ that carries signal; nothing is dropped from a spectrum above 1e-4
    assert errors[-1] < (1e-5 if form.regularization == "tikhonov" else 1e-11)


@pytest.mark.parametrize("form", [f for f in FORMS if f[:2] != ("causal", "volterra")], ids=str)
def test_residue_converges_to_truth_as_lambda_decreases(form):
    """The causal Volterra matrix has an empty row, so there k is known up to one direction only."""
    a, residue, c = sharp_case(form)
    operator = build_operator(torch.tensor(a), 1.0, settings_of(form, 1e-4))
    expected = oracle.rows_at(residue, operator.time_s, 1.0)
    assert oracle.relative(operator.apply(torch.tensor(c)), expected) < 1e-5


# Errors


def test_invalid_aif_or_time_step_raises():
    good = torch.tensor([0.0, 4.0, 9.0, 2.0])
    for aif, dt, message in (
        (good[:1], 1.0, r"at least 2 time points; got shape \(1,\)"),
        (good[None], 1.0, r"shape \(n_time,\); got \(1, 4\)"),
        (good[0], 1.0, r"shape \(n_time,\); got \(\)"),
        (good * float("nan"), 1.0, "The AIF must be finite"),
        (-good, 1.0, "no positive bolus: its largest value is -?0"),
        (good, 0.0, "time step must be positive; got 0.0"),
        (good, -1.0, "time step must be positive; got -1.0"),
    ):
        for deconvolution in ("circulant", "causal"):
            with pytest.raises(ArgumentError, match=message):
                build_operator(aif, dt, Settings(deconvolution=deconvolution))
    with pytest.raises(
        ArgumentError, match=r"oscillation is not one linear operator; use perfcore\.deconvolution\.oscillation"
    ):
        build_operator(good, 1.0, Settings(regularization="oscillation"))
    with pytest.raises(ArgumentError, match="The tissue has 5 time points; the AIF has 4"):
        build_operator(good, 1.0, Settings()).apply(torch.rand(3, 5))
    for shape in ((3, 4), (3,)):
        with pytest.raises(ArgumentError, match=rf"must be square; got shape \({', '.join(map(str, shape))},?\)"):
            spectral_inverse(torch.rand(*shape), "tikhonov", 0.3)


@pytest.mark.parametrize("value", [0.0, -0.1, 1.01, float("nan"), float("inf"), "0.3"])
def test_lambda_outside_0_to_1_raises(value):
    with pytest.raises(ArgumentError, match=rf"lambda_rel must lie between 0\.0001 and 1; got {value}"):
        Settings(lambda_rel=value)


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("deconvolution", "circulant, causal"),
        ("discretization", "volterra, rectangular"),
        ("regularization", "tikhonov, tsvd, oscillation"),
        ("reference", "contralateral, brain"),
    ],
)
def test_unknown_name_error_lists_valid_names(name, choices):
    with pytest.raises(ArgumentError, match=f"{name} must be one of {choices}; got 'svd'"):
        Settings(**{name: "svd"})


def test_spectrum_and_fit_with_wrong_length_raise():
    a = torch.tensor([0.0, 4.0, 9.0, 2.0], dtype=torch.float64)
    with pytest.raises(ArgumentError, match="linear regularisation is one of tikhonov, tsvd; got 'oscillation'"):
        spectrum(a, 1.0, Settings(regularization="oscillation"))
    with pytest.raises(ArgumentError, match=r"shape \(n_time,\); got \(1, 4\)"):
        spectrum(a[None], 1.0, Settings())
    with pytest.raises(ArgumentError, match=r"k\(t\) has 7 rows; this deconvolution has 8"):
        fit(a, torch.rand(7), 1.0, Settings())
