"""Tests of the lesion distribution against single deconvolutions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from perfcore.analysis.lesion_distribution import DECISIONS, decisions, lesion_distribution
from perfcore.deconvolution.fused import Tiles
from perfcore.deconvolution.temporal_basis import TemporalBasis
from perfcore.errors import ArgumentError
from perfcore.maps import anchor_tmax, flow_and_delay, flow_operator
from perfcore.settings import Settings
from tests.support import oracle
from tests.support.small_stroke import TIME, dense_rcbf, small_stroke


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    yield from oracle.one_thread()


def samples(n, seed=0):
    rng = np.random.default_rng(seed)
    return np.array([oracle.gamma_variate(TIME, rng.uniform(3, 7), alpha=rng.uniform(2, 4)) for _ in range(n)])


def distribution_of(curves, settings=None, tissue=None, **options):
    target = small_stroke()
    given = tissue or target.tissue, target.reference, settings or Settings()
    return list(lesion_distribution(curves, *given, dt_s=1.0, voxel_ml=0.5, **options))


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


# Hypoperfused volume and decisions


@pytest.mark.parametrize("form", ["circulant", "causal"])
@pytest.mark.parametrize("counted_from", ["absolute", "healthy"])
def test_hypoperfused_volume_matches_tmax_of_single_deconvolutions(form, counted_from):
    curves, target = samples(12, seed=2), small_stroke()
    settings = Settings(deconvolution=form, tmax_reference=counted_from)
    expected = []
    for curve in curves:
        tmax = flow_and_delay(flow_operator(curve, 1.0, settings), target.tissue)[1]
        tmax, _ = anchor_tmax(tmax, target.reference, settings)
        expected.append(0.5 * int((tmax > settings.tmax_threshold_s).sum()))
    found = distribution_of(curves, settings)[-1].hypoperfused_ml
    np.testing.assert_allclose(found, expected)
    assert min(expected) > 0
    assert max(expected) < 20


def test_healthy_tmax_is_counted_from_the_healthy_voxels_alone():
    """A later AIF moves all Tmax: anchored, the volume stays; on the scan's clock it does not."""
    curve = samples(1)[0]
    later = np.roll(curve, 3)
    for counted_from, is_same in (("healthy", True), ("absolute", False)):
        settings = Settings(tmax_reference=counted_from)
        first, second = distribution_of(np.stack([curve, later]), settings)[-1].hypoperfused_ml
        assert (abs(first - second) <= 0.5) == is_same


@pytest.mark.parametrize(
    ("core", "hypoperfused", "held"),
    [
        (70.0, 200.0, {"large_core", "ratio"}),
        (69.9, 200.0, {"ratio", "target"}),
        (10.0, 18.0, {"ratio"}),  # 8 ml of mismatch are too few
        (100.0, 179.9, {"large_core"}),
        (0.0, 0.0, set()),
        (0.0, 16.0, {"ratio", "target"}),
    ],
)
def test_decisions(core, hypoperfused, held):
    found = decisions(np.array([core]), np.array([hypoperfused]))
    assert set(found) == set(DECISIONS)
    assert {name for name, value in found.items() if value[0]} == held


def test_decisions_of_a_distribution_are_fractions_of_its_samples():
    last = distribution_of(samples(10))[-1]
    expected = decisions(last.core_ml, last.hypoperfused_ml)
    assert last.decisions == {name: np.mean(value) for name, value in expected.items()}
