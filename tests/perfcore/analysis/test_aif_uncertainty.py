"""Tests of AIF uncertainty: sampling against theory, core distribution against single deconvolutions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from perfcore.aif.select import select
from perfcore.analysis.aif_uncertainty import bootstrap_aifs, core_distribution, mixture_aifs
from perfcore.deconvolution.fused import Tiles
from perfcore.deconvolution.temporal_basis import TemporalBasis
from perfcore.errors import ArgumentError
from perfcore.preprocess import prepare
from perfcore.settings import Settings
from perfcore.types import Aif
from tests.support import oracle
from tests.support.small_stroke import AIF, TIME, dense_rcbf, small_stroke
from tests.support.synthetic_head import draw_head


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    yield from oracle.one_thread()


@pytest.fixture(scope="module")
def prepared():
    return prepare(draw_head(64, 2, 44, 1.0).series, Settings())


@pytest.fixture(scope="module")
def aif(prepared):
    return select(prepared).aif


def own_curves(prepared, aif):
    return np.array([prepared.enhancement[voxel] for voxel in aif.voxels], float)


# Sampled AIFs


def test_bootstrap_sample_is_mean_of_own_voxels(prepared, aif):
    curves = own_curves(prepared, aif)
    n = len(curves)
    drawn = bootstrap_aifs(prepared, aif, 50, seed=4)
    assert drawn.shape == (50, 44)
    # The weights, solved from independent curves, have sum 1 and are multiples of 1/n.
    assert np.linalg.matrix_rank(curves) == n
    weights = np.linalg.lstsq(curves.T, drawn.T, rcond=None)[0]
    np.testing.assert_allclose(n * weights, np.round(n * weights), atol=1e-4)
    np.testing.assert_allclose(weights.sum(0), 1, atol=1e-5)
    assert (weights > -1e-5).all()


def test_bootstrap_is_reproducible_and_unbiased(prepared, aif):
    first, again, other = (bootstrap_aifs(prepared, aif, 4000, seed=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    curves = own_curves(prepared, aif)
    n = len(curves)
    # Mean and variance of the bootstrap of a mean.
    error = curves.std(0) / np.sqrt(n * 4000)
    assert (np.abs(first.mean(0) - curves.mean(0)) < 5 * error + 1e-9).all()
    expected = curves.var(0) / n
    moving = expected > 1e-3 * expected.max()
    np.testing.assert_allclose(first.var(0)[moving], expected[moving], rtol=0.15)


def test_bootstrap_of_a_corrected_aif_has_its_area(prepared, aif):
    corrected = replace(aif, value=3.0 * aif.value)
    raw, scaled = (bootstrap_aifs(prepared, curve, 20) for curve in (aif, corrected))
    np.testing.assert_allclose(scaled, 3.0 * raw, rtol=1e-9)


@pytest.mark.parametrize("voxels", [(), ((3, 3, 0),)])
def test_bootstrap_of_too_few_voxels_raises(prepared, aif, voxels):
    with pytest.raises(ArgumentError, match=rf"mean of {len(voxels)} voxels; the bootstrap needs at least 2"):
        bootstrap_aifs(prepared, replace(aif, voxels=voxels), 5)


def test_mixtures_are_convex_combinations():
    a, b, c = (Aif(TIME, np.roll(AIF, n)) for n in (0, 2, 5))
    drawn = mixture_aifs([a, b, c], 3000, seed=2)
    np.testing.assert_array_equal(drawn, mixture_aifs([a, b, c], 3000, seed=2))
    assert np.linalg.matrix_rank(np.stack([x.value for x in (a, b, c)])) == 3
    weights = np.linalg.lstsq(np.stack([x.value for x in (a, b, c)]).T, drawn.T, rcond=None)[0]
    assert (weights > -1e-9).all()
    np.testing.assert_allclose(weights.sum(0), 1)
    # A flat Dirichlet distribution of three: means 1/3, variances 1/18.
    np.testing.assert_allclose(weights.mean(1), 1 / 3, atol=0.02)
    np.testing.assert_allclose(weights.var(1), 1 / 18, rtol=0.1)
    with pytest.raises(ArgumentError, match="at least two"):
        mixture_aifs([a], 5)


# Core distribution


def samples(n, seed=0):
    rng = np.random.default_rng(seed)
    return np.array([oracle.gamma_variate(TIME, rng.uniform(3, 7), alpha=rng.uniform(2, 4)) for _ in range(n)])


def distribution_of(curves, settings=None, tissue=None, **options):
    target = small_stroke()
    given = tissue or target.tissue, target.reference, settings or Settings()
    return list(core_distribution(curves, *given, dt_s=1.0, voxel_ml=0.5, **options))


@pytest.mark.parametrize("form", ["circulant", "causal"])
def test_each_sample_matches_single_deconvolution(form):
    curves, target = samples(9), small_stroke()
    last = distribution_of(curves, Settings(deconvolution=form))[-1]
    cores = [dense_rcbf(c, target, oracle.Form(form, "volterra", "tikhonov")) < 0.38 for c in curves]
    np.testing.assert_allclose(last.core_ml, [0.5 * core.sum() for core in cores])
    np.testing.assert_allclose(last.core_fraction, np.mean(cores, 0), atol=1e-7)
    assert 0 < last.core_fraction.mean() < 1


def test_distribution_grows_by_batches():
    curves = samples(200)
    found = distribution_of(curves, batch=30)
    assert [s.n_done for s in found] == [30, 60, 90, 120, 150, 180, 200]
    assert {s.n_total for s in found} == {200}
    for some in found:
        np.testing.assert_array_equal(some.core_ml, found[-1].core_ml[: some.n_done])
        assert some.core_fraction.mean() * 40 * 0.5 == pytest.approx(some.core_ml.mean(), rel=1e-5)
        assert ((some.core_fraction >= 0) & (some.core_fraction <= 1)).all()
    first = found[0].core_fraction.copy()
    np.testing.assert_array_equal(first, distribution_of(curves[:30], batch=30)[0].core_fraction)


def test_samples_without_bolus_are_left_out():
    curves = samples(6)
    curves[2], curves[4] = 0, -curves[4]
    found = distribution_of(curves)
    assert [(s.n_done, s.n_total) for s in found] == [(4, 4)]
    np.testing.assert_array_equal(found[0].core_ml, distribution_of(curves[[0, 1, 3, 5]])[0].core_ml)
    with pytest.raises(ArgumentError, match="None of the sampled AIFs has a positive bolus"):
        distribution_of(np.zeros((3, 36)))


def test_oscillation_index_raises():
    with pytest.raises(ArgumentError, match="too slow for many curves"):
        distribution_of(samples(2), Settings(regularization="oscillation"))


def test_pool_does_not_change_distribution():
    with ThreadPoolExecutor(2) as pool:
        shared = distribution_of(samples(20), pool=pool)[-1]
    alone = distribution_of(samples(20))[-1]
    np.testing.assert_array_equal(shared.core_ml, alone.core_ml)
    np.testing.assert_array_equal(shared.core_fraction, alone.core_fraction)


def test_full_basis_is_exact_and_truncated_basis_close():
    """Smooth tissue has a low-dimensional basis; cores differ only in voxels at the threshold."""
    target = small_stroke(noise=0.0)
    curves = samples(25)
    full = distribution_of(curves, tissue=target.tissue)[-1]
    whole = distribution_of(curves, tissue=TemporalBasis.from_tissue(target.tissue, 36))[-1]
    short = distribution_of(curves, tissue=TemporalBasis.from_tissue(target.tissue, 12))[-1]
    np.testing.assert_array_equal(whole.core_ml, full.core_ml)
    np.testing.assert_allclose(short.core_ml, full.core_ml, atol=0.5)


def test_float32_tissue():
    curves, target = samples(10), small_stroke(torch.float32)
    assert isinstance(target.tissue, Tiles)
    single, double = distribution_of(curves, tissue=target.tissue)[-1], distribution_of(curves)[-1]
    np.testing.assert_allclose(single.core_ml, double.core_ml, atol=0.5)
