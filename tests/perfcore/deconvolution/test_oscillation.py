"""The oscillation index: the truncation of each voxel, against trying them one by one."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from perfcore.deconvolution.fused import Tiles
from perfcore.deconvolution.inverse import build_operator, n_lead
from perfcore.deconvolution.oscillation import OscillationOperator, choose_cutoffs, oscillation_index, truncations
from perfcore.errors import ArgumentError
from perfcore.settings import Settings
from tests.support import oracle
from tests.support.oracle import FORWARD

one_thread = pytest.fixture(autouse=True, scope="module")(oracle.one_thread)
every_forward = pytest.mark.parametrize("form", FORWARD, ids="-".join)


def settings_of(form, limit=0.065):
    return Settings(*form, "oscillation", limit)


def solve(a, c, dt, settings):
    return OscillationOperator.build(a, dt, settings).apply(c)


def peak_and_time(a, tiles, dt, settings):
    return OscillationOperator.build(a, dt, settings).peak_and_time(tiles)


def case(n, dt, noise=0.5, seed=0):
    """An AIF and voxels of several transit times, delays and depths of noise."""
    rng = np.random.default_rng(seed)
    time = np.arange(n) * dt
    a = oracle.gamma_variate(time, 6) + rng.normal(0, noise, n)
    c = np.stack([oracle.tissue(time, mtt, d, onset_s=6) / 60 for mtt in (3, 5, 10) for d in (0, 2.5, 6)])
    strength = np.linspace(0, 2 * noise, len(c))[:, None]
    return a, c + strength * rng.normal(size=c.shape)


SIZES = [(24, 2.0, 0.065), (40, 1.0, 0.035), (43, 1.0, 0.1), (16, 2.0, 0.2)]


@pytest.mark.parametrize(("n", "dt", "limit"), SIZES)
@every_forward
def test_truncation_search_equals_exhaustive_search(form, n, dt, limit):
    a, c = case(n, dt)
    settings = settings_of(form, limit)
    found = solve(torch.tensor(a), torch.tensor(c), dt, settings)
    times = build_operator(torch.tensor(a), dt, settings.replace(regularization="tikhonov")).time_s
    kept = []
    for k, voxel in zip(found, c, strict=True):
        full, index, n_kept = oracle.solve_oscillation(a, voxel, dt, form, limit)
        kept.append(n_kept)
        assert index < limit
        # another truncation would differ by far more: every term weighs at least 1e-4 of k
        assert oracle.relative(k, oracle.rows_at(full, times, dt)) < 1e-9
    assert len(set(kept)) > 2  # voxels have different truncations


def test_strongest_truncation_is_used_if_no_solution_is_smooth():
    a, c = case(30, 1.0)
    form, limit = ("causal", "volterra"), 1e-4
    settings = settings_of(form, limit)
    found = solve(torch.tensor(a), torch.tensor(c), 1.0, settings)
    for k, voxel in zip(found, c, strict=True):
        full, index, n_kept = oracle.solve_oscillation(a, voxel, 1.0, form, limit)
        assert n_kept == 1
        assert index > limit  # out of reach
        assert oracle.relative(k, full) < 1e-10


@pytest.mark.parametrize("discretization", ["volterra", "rectangular"])
def test_strongest_circulant_truncation_is_constant(discretization):
    """The largest singular value is the mean's, and a constant does not oscillate: every limit can be reached."""
    a = case(30, 1.0)[0].clip(min=0)
    c = 5 + np.random.default_rng(2).normal(0, 3, (20, 30))
    k = solve(torch.tensor(a), torch.tensor(c), 1.0, settings_of(("circulant", discretization), 1e-4))
    # Σk = Σc/Σa, evenly over 2N rows
    np.testing.assert_allclose(k, np.tile(c.sum(1) / a.sum() / 60, (45, 1)).T, rtol=1e-10)


DEGENERATE = {
    "one sample": 100 * np.eye(16)[3],
    "box": np.repeat([0.0, 60.0, 0.0], [3, 4, 9]),
    "triangle": np.maximum(0, 50 - 12.5 * np.abs(np.arange(16) - 5)),
}


@pytest.mark.parametrize("name", DEGENERATE)
@every_forward
def test_aifs_with_equal_or_missing_singular_values(form, name):
    """Regular AIFs repeat singular values, and have zeros among them."""
    a, rng = DEGENERATE[name], np.random.default_rng(1)
    residue = np.exp(-np.arange(16) / np.array([2, 4, 8])[:, None])
    c = np.concatenate([residue @ oracle.causal_matrix(a, 2.0, form[1]).T, rng.normal(0, 300, (12, 16))])
    c += rng.normal(0, 20, c.shape)
    for limit in (0.05, 0.2, 0.6):
        found = solve(torch.tensor(a), torch.tensor(c), 2.0, settings_of(form, limit))
        times = build_operator(torch.tensor(a), 2.0, Settings(*form)).time_s
        for k, voxel in zip(found, c, strict=True):
            full = oracle.solve_oscillation(a, voxel, 2.0, form, limit)[0]
            assert oracle.relative(k, oracle.rows_at(full, times, 2.0)) < 1e-9


def test_exploding_solution_has_low_oscillation_index():
    """Without a floor under σ the index takes the untruncated causal solution, which grows to the scan's end.

    One bend of max k over L samples contributes at most 1/L to the index.
    """
    n, dt, limit = 12, 3.0, 0.1
    a, c = case(n, dt)
    exploded = np.linalg.solve(oracle.causal_matrix(a, dt, "rectangular"), c[3])
    assert exploded.max() > 1e6
    assert oracle.oscillation_index(exploded) < 1 / n < limit
    k = solve(torch.tensor(a), torch.tensor(c), dt, settings_of(("causal", "rectangular"), limit))
    assert float(k.max()) < 1 / 60  # the truth


@given(
    k=hnp.arrays(np.float64, st.integers(3, 40), elements=st.floats(-100, 100, width=32)),
    factor=st.floats(0.01, 100),
)
@hypothesis_settings(max_examples=50, deadline=None, derandomize=True)
def test_oscillation_index_matches_reference(k, factor):
    index = float(oscillation_index(torch.tensor(k)))
    assert index == pytest.approx(oracle.oscillation_index(k), rel=1e-12, abs=1e-15)
    assert 0 <= index <= 4  # |1 −2 1| adds up to 4
    assert float(oscillation_index(-factor * torch.tensor(k))) == pytest.approx(index, rel=1e-9, abs=1e-12)


def test_oscillation_index_of_known_curves():
    assert float(oscillation_index(torch.zeros(10))) == 0
    assert float(oscillation_index(torch.arange(10.0))) == 0
    # alternating ±1: L − 2 bends of 4
    assert float(oscillation_index(torch.tensor([1.0, -1.0] * 5))) == pytest.approx(3.2)
    # a spike inside: 1 + 2 + 1
    assert float(oscillation_index(torch.eye(10)[4] * 7)) == pytest.approx(0.4)
    assert oscillation_index(torch.rand(2, 3, 9)).shape == (2, 3)


@every_forward
def test_float32_tissue(form):
    """Single voxels may fall on the other side of the limit; the flow as a whole may not."""
    a, c = case(40, 1.0)
    settings = settings_of(form)
    double = solve(torch.tensor(a), torch.tensor(c), 1.0, settings)
    single = solve(torch.tensor(a), torch.tensor(c, dtype=torch.float32), 1.0, settings)
    assert single.dtype == torch.float32
    # rounding of c, amplified by at most 1/σ of what a limit of 0.065 lets through
    assert oracle.relative(single, double) < 1e-4


@every_forward
def test_truncation_is_scale_invariant(form):
    a, c = case(40, 1.0)
    settings = settings_of(form)
    k = solve(torch.tensor(a), torch.tensor(c), 1.0, settings)
    assert oracle.relative(solve(torch.tensor(3 * a), torch.tensor(12 * c), 1.0, settings), 4 * k) < 1e-9


@every_forward
@pytest.mark.parametrize("width", [4, 64])
def test_peak_and_tmax_match_reference(form, width):
    a, c = case(24, 2.0)
    c[3] = 0
    settings = settings_of(form)
    top, row = peak_and_time(torch.tensor(a), Tiles.from_curves(torch.tensor(c), width), 2.0, settings)
    assert top.shape == row.shape == (len(c),)
    k = solve(torch.tensor(a), torch.tensor(c), 2.0, settings).numpy()
    assert k.shape[1] == 24 + (n_lead(24, 2.0) if form[0] == "circulant" else 0)
    for voxel in range(len(c)):
        expected, at = oracle.peak_and_row(k[voxel])
        assert float(top[voxel]) == pytest.approx(expected, rel=1e-12)
        assert float(row[voxel]) == pytest.approx(at, rel=1e-9, nan_ok=True)
    assert torch.isnan(row[3])
    assert top[3] == 0


@every_forward
def test_results_are_independent_of_thread_count(form):
    a, c = case(24, 2.0)
    settings, tiles = settings_of(form), Tiles.from_curves(torch.tensor(np.tile(c, (5, 1))), 4)
    alone = peak_and_time(torch.tensor(a), tiles, 2.0, settings)
    torch.set_num_threads(2)
    try:
        together = peak_and_time(torch.tensor(a), tiles, 2.0, settings)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    for one, two in zip(alone, together, strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-9)


def test_length_mismatch_error_names_both_lengths():
    a, c = case(24, 2.0)
    with pytest.raises(ArgumentError, match="The tissue has 23 time points; the AIF has 24"):
        solve(torch.tensor(a), torch.tensor(c[:, 1:]), 2.0, settings_of(("causal", "volterra")))
    with pytest.raises(ArgumentError, match="The tissue has 23 time points; the AIF has 24"):
        tiles = Tiles.from_curves(torch.tensor(c[:, 1:]))
        peak_and_time(torch.tensor(a), tiles, 2.0, settings_of(("circulant", "volterra")))


def test_two_spike_aif_has_singular_value_multiplicity_above_two():
    """Four equal singular values are no sinusoid of one frequency: the bound must not be used."""
    a = torch.zeros(16, dtype=torch.float64)
    a[2], a[6] = 80, 35
    settings = Settings("circulant", "rectangular", "oscillation", 0.2)
    assert truncations(a, 2.0, settings).bend is None
    c = torch.rand(400, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).cumsum(1)
    parts = truncations(a, 2.0, settings)
    components = c @ parts.analysis.mT
    index = torch.stack(
        [oscillation_index((components * (parts.group <= j)) @ parts.synthesis.mT) for j in range(parts.n_cutoffs)]
    )
    numbers = torch.arange(parts.n_cutoffs)[:, None]
    expected = torch.where(index < 0.2, numbers, 0).amax(0)
    torch.testing.assert_close(choose_cutoffs(components, parts, 0.2), expected, rtol=0, atol=0)


@pytest.mark.parametrize("limit", [0.0, -1.0, 1.5])
def test_oscillation_limit_outside_0_to_1_raises(limit):
    with pytest.raises(ArgumentError, match=r"lambda_rel must lie between 0\.0001 and 1"):
        Settings(regularization="oscillation", lambda_rel=limit)
