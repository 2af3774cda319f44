"""Noise in the choice: draws against the plain bootstrap, the spread against one deconvolution after the other."""

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


# Draws


def test_a_draw_is_a_mean_of_the_clusters_own_voxels(prepared, aif):
    curves = own_curves(prepared, aif)
    n = len(curves)
    drawn = bootstrap_aifs(prepared, aif, 50, seed=4)
    assert drawn.shape == (50, 44)
    # Weights with sum 1, multiples of 1/n: solved for, as the curves are independent.
    assert np.linalg.matrix_rank(curves) == n
    weights = np.linalg.lstsq(curves.T, drawn.T, rcond=None)[0]
    np.testing.assert_allclose(n * weights, np.round(n * weights), atol=1e-4)
    np.testing.assert_allclose(weights.sum(0), 1, atol=1e-5)
    assert (weights > -1e-5).all()


def test_draws_are_reproducible_and_unbiased(prepared, aif):
    first, again, other = (bootstrap_aifs(prepared, aif, 4000, seed=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    curves = own_curves(prepared, aif)
    n = len(curves)
    # The mean of draws is the mean; their variance that of a mean of n draws with replacement.
    error = curves.std(0) / np.sqrt(n * 4000)
    assert (np.abs(first.mean(0) - curves.mean(0)) < 5 * error + 1e-9).all()
    expected = curves.var(0) / n
    moving = expected > 1e-3 * expected.max()
    np.testing.assert_allclose(first.var(0)[moving], expected[moving], rtol=0.15)


@pytest.mark.parametrize("voxels", [(), ((3, 3, 0),)])
def test_too_few_voxels_are_refused(prepared, aif, voxels):
    with pytest.raises(ArgumentError, match=rf"mean of {len(voxels)} voxels; the bootstrap needs at least 2"):
        bootstrap_aifs(prepared, replace(aif, voxels=voxels), 5)


def test_other_choices_are_mixtures():
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


# The spread


def draws(n, seed=0):
    rng = np.random.default_rng(seed)
    return np.array([oracle.gamma_variate(TIME, rng.uniform(3, 7), alpha=rng.uniform(2, 4)) for _ in range(n)])


def spread_of(curves, settings=None, tissue=None, **options):
    target = small_stroke()
    given = tissue or target.tissue, target.reference, settings or Settings()
    return list(core_distribution(curves, *given, dt_s=1.0, voxel_ml=0.5, **options))


@pytest.mark.parametrize("form", ["circulant", "causal"])
def test_each_draw_is_deconvolved_as_if_it_were_the_only_one(form):
    curves, target = draws(9), small_stroke()
    last = spread_of(curves, Settings(deconvolution=form))[-1]
    cores = [dense_rcbf(c, target, oracle.Form(form, "volterra", "tikhonov")) < 0.38 for c in curves]
    np.testing.assert_allclose(last.core_ml, [0.5 * core.sum() for core in cores])
    np.testing.assert_allclose(last.core_fraction, np.mean(cores, 0), atol=1e-7)
    assert 0 < last.core_fraction.mean() < 1


def test_it_grows_draw_by_draw():
    curves = draws(200)
    found = spread_of(curves, batch=30)
    assert [s.n_done for s in found] == [30, 60, 90, 120, 150, 180, 200]
    assert {s.n_total for s in found} == {200}
    for some in found:
        np.testing.assert_array_equal(some.core_ml, found[-1].core_ml[: some.n_done])
        assert some.core_fraction.mean() * 40 * 0.5 == pytest.approx(some.core_ml.mean(), rel=1e-5)
        assert ((some.core_fraction >= 0) & (some.core_fraction <= 1)).all()
    first = found[0].core_fraction.copy()
    np.testing.assert_array_equal(first, spread_of(curves[:30], batch=30)[0].core_fraction)


def test_draws_without_a_bolus_are_left_out():
    curves = draws(6)
    curves[2], curves[4] = 0, -curves[4]
    found = spread_of(curves)
    assert [(s.n_done, s.n_total) for s in found] == [(4, 4)]
    np.testing.assert_array_equal(found[0].core_ml, spread_of(curves[[0, 1, 3, 5]])[0].core_ml)
    with pytest.raises(ArgumentError, match="None of the curves drawn has a positive bolus"):
        spread_of(np.zeros((3, 36)))


def test_the_oscillation_index_is_refused():
    with pytest.raises(ArgumentError, match="too slow for many curves"):
        spread_of(draws(2), Settings(regularization="oscillation"))


def test_a_pool_changes_nothing():
    with ThreadPoolExecutor(2) as pool:
        shared = spread_of(draws(20), pool=pool)[-1]
    alone = spread_of(draws(20))[-1]
    np.testing.assert_array_equal(shared.core_ml, alone.core_ml)
    np.testing.assert_array_equal(shared.core_fraction, alone.core_fraction)


def test_a_whole_basis_is_the_full_path_and_a_short_one_near_it():
    """Smooth tissue lives in few dimensions; the same draws, the same cores but for voxels at the cut-off."""
    target = small_stroke(noise=0.0)
    curves = draws(25)
    full = spread_of(curves, tissue=target.tissue)[-1]
    whole = spread_of(curves, tissue=TemporalBasis.of(target.tissue, 36))[-1]
    short = spread_of(curves, tissue=TemporalBasis.of(target.tissue, 12))[-1]
    np.testing.assert_array_equal(whole.core_ml, full.core_ml)
    np.testing.assert_allclose(short.core_ml, full.core_ml, atol=0.5)


def test_float32_tissue_serves():
    curves, target = draws(10), small_stroke(torch.float32)
    assert isinstance(target.tissue, Tiles)
    single, double = spread_of(curves, tissue=target.tissue)[-1], spread_of(curves)[-1]
    np.testing.assert_allclose(single.core_ml, double.core_ml, atol=0.5)
