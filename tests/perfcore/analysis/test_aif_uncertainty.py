"""Tests of sampled AIFs: bootstrap and mixtures against theory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perfcore.aif.select import select
from perfcore.analysis.aif_uncertainty import bootstrap_aifs, mixture_aifs
from perfcore.errors import ArgumentError
from perfcore.preprocess import prepare
from perfcore.settings import Settings
from perfcore.types import Aif
from tests.support import oracle
from tests.support.small_stroke import AIF, TIME
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
