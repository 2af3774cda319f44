"""The forward operator: entry by entry, against the analytic convolution, and its adjoint."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from perfcore.deconvolution.forward import (
    Convolution,
    causal_matrix,
    check_aif,
    circulant_kernel,
    circulant_matrix,
)
from perfcore.errors import ArgumentError
from tests.support import oracle
from tests.support.oracle import FORWARD

few = hypothesis_settings(max_examples=25, deadline=None, derandomize=True)
one_thread = pytest.fixture(autouse=True, scope="module")(oracle.one_thread)


@pytest.mark.parametrize(("form", "discretization"), FORWARD)
@pytest.mark.parametrize("n", [2, 3, 5, 43, 64])
@pytest.mark.parametrize("dt", [1.0, 2.0])
def test_matrix_equals_its_formula(form, discretization, n, dt):
    a = np.random.default_rng(n).normal(20, 30, n)
    a[0] = 7.0  # a zero here would hide the diagonal
    expected = oracle.forward_matrix(a, dt, form, discretization)
    aif = torch.tensor(a)
    if form == "causal":
        full = causal_matrix(aif, dt, discretization)
    else:
        full = circulant_matrix(circulant_kernel(aif, dt, discretization))
    assert oracle.relative(full, expected) < 1e-15
    assert oracle.relative(Convolution.build(aif, dt, form, discretization).matrix, expected[:n]) < 1e-15


@pytest.mark.parametrize("discretization", ["volterra", "rectangular"])
def test_batched_aifs_equal_single_aifs(discretization):
    a = torch.rand(2, 3, 9, dtype=torch.float64)
    causal = causal_matrix(a, 2.0, discretization)
    circulant = circulant_matrix(circulant_kernel(a, 2.0, discretization))
    assert causal.shape == (2, 3, 9, 9)
    assert circulant.shape == (2, 3, 18, 18)
    for i, j in np.ndindex(2, 3):
        one = a[i, j]
        assert torch.equal(causal[i, j], causal_matrix(one, 2.0, discretization))
        assert torch.equal(circulant[i, j], circulant_matrix(circulant_kernel(one, 2.0, discretization)))


@pytest.mark.parametrize(("form", "discretization"), FORWARD)
def test_float32_stays_float32(form, discretization):
    a = torch.rand(12, dtype=torch.float32) + 1
    matrix = Convolution.build(a, 1.0, form, discretization).matrix
    assert matrix.dtype == torch.float32
    # sums of three terms: a few roundings of 2⁻²⁴
    assert oracle.relative(matrix, Convolution.build(a.double(), 1.0, form, discretization).matrix) < 4e-7


def forward_error(form, discretization, dt):
    """Largest error relative to the tissue's peak: gamma variate, exponential residue, MTT 4 s."""
    time = np.arange(0, 60, dt)
    operator = Convolution.build(torch.tensor(oracle.gamma_variate(time, 6)), dt, form, discretization)
    residue = np.zeros(operator.matrix.shape[1])
    residue[: len(time)] = np.exp(-time / 4)
    c = oracle.tissue(time, 4, onset_s=6)
    return np.abs(operator.forward(torch.tensor(residue)).numpy() - c).max() / c.max()


def test_analytic_tissue_curve_equals_quadrature():
    dt = 0.01
    time = np.arange(0, 40, dt)
    quadrature = dt * np.convolve(oracle.gamma_variate(time), np.exp(-time / 4))[: len(time)]
    # the rectangle rule errs by dt/2 of the AIF's peak
    assert np.abs(oracle.tissue(time, 4) - quadrature).max() < 0.5 * dt * 100 * 1.01


@pytest.mark.parametrize(
    ("form", "discretization", "expected"),
    [
        ("causal", "rectangular", (0.43, 0.20, 0.10)),
        ("causal", "volterra", (0.050, 0.0106, 0.0026)),
        ("circulant", "rectangular", (0.43, 0.20, 0.10)),
        ("circulant", "volterra", (0.38, 0.19, 0.097)),
    ],
)
def test_discretization_error_matches_published_values(form, discretization, expected):
    errors = [forward_error(form, discretization, dt) for dt in (2.0, 1.0, 0.5)]
    # as published, to the two digits given
    np.testing.assert_allclose(errors, expected, rtol=0.025)


@pytest.mark.parametrize(("form", "discretization"), FORWARD)
def test_order_of_convergence_in_time_step(form, discretization):
    errors = np.array([forward_error(form, discretization, dt) for dt in (1.0, 0.5, 0.25)])
    order = np.log2(errors[:-1] / errors[1:])
    # only the causal Volterra form meets the jump of k at 0 with a half interval
    expected = 2 if (form, discretization) == ("causal", "volterra") else 1
    np.testing.assert_allclose(order, expected, atol=0.06)


def curves(n, low, high):
    return hnp.arrays(np.float64, n, elements=st.floats(low, high, width=32))


@pytest.mark.parametrize(("form", "discretization"), FORWARD)
@few
@given(data=st.data(), n=st.integers(2, 24), dt=st.sampled_from([0.5, 1.0, 2.0]))
def test_forward_and_adjoint_satisfy_the_inner_product_identity(form, discretization, data, n, dt):
    """⟨A k, c⟩ = ⟨k, Aᵀ c⟩."""
    a = data.draw(curves(n, -10, 100))
    a[n // 2] = 50.0
    operator = Convolution.build(torch.tensor(a), dt, form, discretization)
    k = torch.tensor(data.draw(curves(operator.matrix.shape[1], -1, 1)))
    c = torch.tensor(data.draw(curves(n, -100, 100)))
    left, right = operator.forward(k) @ c, k @ operator.adjoint(c)
    size = (operator.matrix.abs() @ k.abs()) @ c.abs()
    assert (left - right).abs() <= 1e-14 * size


@pytest.mark.parametrize(("form", "discretization"), FORWARD)
def test_forward_and_adjoint_accept_batches(form, discretization):
    operator = Convolution.build(torch.rand(7, dtype=torch.float64), 1.0, form, discretization)
    n_rows = 7 if form == "causal" else 14
    k, c = torch.rand(2, 3, n_rows, dtype=torch.float64), torch.rand(2, 3, 7, dtype=torch.float64)
    matrix = operator.matrix.numpy()
    for i, j in np.ndindex(2, 3):
        np.testing.assert_allclose(operator.forward(k)[i, j], matrix @ k[i, j].numpy(), rtol=1e-13)
        np.testing.assert_allclose(operator.adjoint(c)[i, j], matrix.T @ c[i, j].numpy(), rtol=1e-13)


@pytest.mark.parametrize("discretization", ["volterra", "rectangular"])
def test_circulant_matrix_is_shift_invariant_and_keeps_negative_delays(discretization):
    n, dt = 20, 1.0
    aif = torch.tensor(oracle.gamma_variate(np.arange(n), 2))
    D = circulant_matrix(circulant_kernel(aif, dt, discretization))
    for shift in (1, 7, n):
        assert torch.equal(D.roll((shift, shift), (0, 1)), D)
    # A residue that starts 3 s early gives the AIF's response 3 s early; no causal matrix can.
    response = D[:, 0]
    early = Convolution(D[:n]).forward(torch.eye(2 * n, dtype=torch.float64)[-3])
    assert torch.equal(early, response.roll(-3)[:n])
    assert early[:5].max() > 10
    causal = causal_matrix(aif, dt, discretization)
    assert torch.equal(causal.triu(1), torch.zeros_like(causal))
    solution = torch.linalg.lstsq(causal, early[:, None], driver="gelsd").solution
    assert (causal @ solution - early[:, None]).norm() > 0.1 * early.norm()


def test_volterra_weighs_the_end_samples_by_one_half():
    """A constant AIF: Volterra's causal rows weigh the two ends by one half, the others by one."""
    n = 6
    A = causal_matrix(torch.ones(n, dtype=torch.float64), 2.0, "volterra")
    for i in range(1, n):
        expected = np.array([1.0, *[2.0] * (i - 1), 1.0] + [0.0] * (n - 1 - i))
        np.testing.assert_allclose(A[i], expected, rtol=1e-15)
    np.testing.assert_array_equal(A[0], np.zeros(n))


@pytest.mark.parametrize(("form", "discretization"), FORWARD)
def test_matrix_gradient_passes_gradcheck(form, discretization):
    a = torch.tensor(oracle.gamma_variate(np.arange(6), 0.5, beta_s=0.6), requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: Convolution.build(x, 2.0, form, discretization).matrix, (a,))


GOOD = torch.tensor([0.0, 3.0, 1.0])


@pytest.mark.parametrize(
    ("aif", "dt", "message"),
    [
        (torch.tensor(3.0), 1.0, r"at least 2 time points; got shape \(\)"),
        (torch.tensor([3.0]), 1.0, r"at least 2 time points; got shape \(1,\)"),
        (torch.tensor([1.0, float("nan")]), 1.0, r"^The AIF must be finite; it holds NaN or infinity"),
        (torch.tensor([1.0, float("inf")]), 1.0, r"^The AIF must be finite; it holds NaN or infinity"),
        (torch.tensor([1.0, -float("inf")]), 1.0, r"^The AIF must be finite; it holds NaN or infinity"),
        (torch.zeros(5), 1.0, "no positive bolus: its largest value is 0"),
        (torch.tensor([-2.0, -0.5]), 1.0, "no positive bolus: its largest value is -0.5"),
        (torch.tensor([[1.0, 2.0], [-1.0, -2.0]]), 1.0, "no positive bolus: its largest value is -1"),
        (GOOD, 0.0, "time step must be positive; got 0.0"),
        (GOOD, -1.5, "time step must be positive; got -1.5"),
        (GOOD, float("nan"), "time step must be positive; got nan"),
    ],
)
@pytest.mark.parametrize("build", [check_aif, causal_matrix, circulant_kernel])
def test_invalid_aif_or_time_step_raises(build, aif, dt, message):
    with pytest.raises(ArgumentError, match=message):
        build(aif, dt)


@pytest.mark.parametrize(("form", "n_rows"), [("causal", 3), ("circulant", 6)])
def test_length_mismatch_error_names_both_lengths(form, n_rows):
    operator = Convolution.build(GOOD, 1.0, form, "volterra")
    with pytest.raises(ArgumentError, match=f"residue function has 5 samples; the operator expects {n_rows}"):
        operator.forward(torch.rand(2, 5))
    with pytest.raises(ArgumentError, match="tissue curve has 4 samples; the operator expects 3"):
        operator.adjoint(torch.rand(4))


def test_unknown_discretization_and_infinite_time_step_raise():
    a = torch.tensor([0.0, 4.0, 9.0, 2.0], dtype=torch.float64)
    for build in (causal_matrix, circulant_kernel):
        with pytest.raises(
            ArgumentError, match=r"^discretization must be one of volterra, rectangular; got 'trapez'"
        ):
            build(a, 1.0, "trapez")
        with pytest.raises(ArgumentError, match="time step must be positive; got inf"):
            build(a, float("inf"))
    with pytest.raises(ArgumentError, match="deconvolution must be one of circulant, causal; got 'foo'"):
        Convolution.build(a, 1.0, "foo", "volterra")
