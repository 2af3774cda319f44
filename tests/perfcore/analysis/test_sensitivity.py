"""Tests of sensitivity: gradients, directions and maps against finite differences; the tornado."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from perfcore.aif.edits import HANDLES, CurveEdit, edit_curve
from perfcore.analysis.sensitivity import (
    QUANTITIES,
    aif_gradient,
    directions,
    edit_direction,
    sensitivity_map,
    tornado,
    tornado_handles,
)
from perfcore.deconvolution.inverse import build_operator
from perfcore.errors import ArgumentError
from perfcore.settings import Settings
from tests.support import oracle
from tests.support.small_stroke import AIF, KINDS, TIME, dense_rcbf, small_stroke, wrong_curve


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    yield from oracle.one_thread()


@pytest.fixture(scope="module")
def target():
    return small_stroke()


def by_hand(quantity, curve, target, form, region):
    """Quantity from the inverse of the oracle; voxel volume 0.02 ml."""
    shape = oracle.Form(form, "volterra", "tikhonov")
    rcbf = dense_rcbf(curve, target, shape)
    p = 1 / (1 + np.exp(-(0.38 - rcbf) / 0.05))
    known = KINDS == 2
    if quantity == "core_ml":
        return 0.02 * p.sum()
    if quantity == "soft_dice":
        return (2 * p[known].sum() + 1) / (p.sum() + known.sum() + 1)
    if quantity == "rcbf":
        return rcbf[region].mean()
    P = oracle.inverse(curve, 1.0, shape, 0.3)
    times = np.arange(-15 if form == "circulant" else 0, len(curve))
    curves = np.concatenate([tile.T for tile in target.tissue.data.numpy()])[:40][region]
    k = np.array([oracle.rows_at(P @ c, times, 1.0) for c in curves])
    weight = np.exp((k / k.max(1, keepdims=True) - 1) / 0.05)
    return float(((weight * times).sum(1) / weight.sum(1)).mean())


# Gradients


@pytest.mark.parametrize("form", ["circulant", "causal"])
@pytest.mark.parametrize("quantity", QUANTITIES)
def test_gradient_matches_finite_difference(target, quantity, form):
    curve, region = wrong_curve(), KINDS == 1
    found = aif_gradient(curve, target, Settings(deconvolution=form), quantity, voxel_ml=0.02, region=region)
    assert found.value == pytest.approx(by_hand(quantity, curve, target, form, region), rel=1e-9)
    scale = np.abs(found.by_sample).max()
    assert scale > 0
    for i in range(36):
        step = np.zeros(36)
        step[i] = 1e-4
        high, low = (by_hand(quantity, curve + s, target, form, region) for s in (step, -step))
        assert found.by_sample[i] == pytest.approx((high - low) / 2e-4, abs=3e-6 * scale + 1e-10)


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_gradient_is_orthogonal_to_curve(target, quantity):
    """All quantities are invariant to the amplitude of the AIF."""
    curve = wrong_curve()
    by_sample = aif_gradient(curve, target, Settings(), quantity).by_sample
    assert abs(by_sample @ curve) < 1e-12 * np.linalg.norm(by_sample) * np.linalg.norm(curve)


def test_pool_does_not_change_gradient(target):
    with ThreadPoolExecutor(2) as pool:
        shared = aif_gradient(wrong_curve(), target, Settings(), "tmax", pool=pool)
    alone = aif_gradient(wrong_curve(), target, Settings(), "tmax")
    np.testing.assert_allclose(shared.by_sample, alone.by_sample, rtol=1e-10, atol=1e-15)


def test_region_defaults_to_all_voxels(target):
    everywhere = aif_gradient(wrong_curve(), target, Settings(), "rcbf", region=np.ones(40, bool))
    assert aif_gradient(wrong_curve(), target, Settings(), "rcbf").value == everywhere.value


def test_invalid_arguments_raise(target):
    with pytest.raises(ArgumentError, match="quantity must be one of core_ml, soft_dice, rcbf, tmax; got 'cbv'"):
        aif_gradient(AIF, target, Settings(), "cbv")
    with pytest.raises(ArgumentError, match="The region is empty"):
        aif_gradient(AIF, target, Settings(), "rcbf", region=np.zeros(40, bool))
    with pytest.raises(ArgumentError, match="no gradient"):
        aif_gradient(AIF, target, Settings(regularization="oscillation"), "core_ml")
    with pytest.raises(ArgumentError, match="direction must be one of amplitude, shift_s"):
        edit_direction(AIF, 1.0, "cut_s")


# Directions


@pytest.mark.parametrize("name", [n for n in directions() if n != "noise"])
def test_direction_matches_finite_difference_of_edit(name):
    """With a step ten times smaller; the edits are smooth between frames."""
    along = edit_direction(AIF, 1.0, name)
    still, step = getattr(CurveEdit(), name), HANDLES[name].derivative_step / 10

    def edited(by):
        return edit_curve(AIF, 1.0, replace(CurveEdit(), **{name: still + by}))

    low = AIF if name == "dispersion_s" else edited(-step)
    slope = (edited(step) - low) / (step if name == "dispersion_s" else 2 * step)
    assert np.abs(along - slope).max() < 1e-2 * np.abs(along).max()
    assert np.abs(along).max() > 0


def test_known_directions():
    np.testing.assert_allclose(edit_direction(AIF, 1.0, "amplitude"), AIF, atol=1e-10)
    later = edit_direction(AIF, 1.0, "shift_s")
    inner = slice(1, -1)
    np.testing.assert_allclose(later[inner], -(AIF[2:] - AIF[:-2]) / 2, atol=1e-9)
    assert abs(edit_direction(AIF, 1.0, "dispersion_s").sum()) < 1e-2 * AIF.sum(), "dispersion keeps the area"
    noise = edit_direction(AIF, 1.0, "noise")
    np.testing.assert_array_equal(noise, edit_direction(AIF, 1.0, "noise"))
    assert noise.std() == pytest.approx(0.01 * AIF.max(), rel=0.4)


# Maps


@pytest.mark.parametrize("form", ["circulant", "causal"])
@pytest.mark.parametrize("name", directions())
def test_map_matches_finite_difference_of_rcbf(target, name, form):
    curve, settings = wrong_curve(), Settings(deconvolution=form)
    along = edit_direction(curve, 1.0, name)
    found = sensitivity_map(curve, along, target, settings)
    step = 1e-5 / max(np.abs(along).max() / curve.max(), 1e-3)
    shape = oracle.Form(form, "volterra", "tikhonov")
    high, low = (dense_rcbf(curve + s * along, target, shape) for s in (step, -step))
    expected = (high - low) / (2 * step)
    np.testing.assert_allclose(found, expected, atol=1e-5 * max(np.abs(expected).max(), 0.1))
    if name == "amplitude":
        assert np.abs(found).max() < 1e-7
    else:
        assert np.abs(found).max() > 1e-3


def test_mean_of_map_equals_gradient_along_direction(target):
    """The mean of the map over a region equals the gradient of the regional mean along the direction."""
    curve, region = wrong_curve(), KINDS == 2
    for name in directions():
        along = edit_direction(curve, 1.0, name)
        change = sensitivity_map(curve, along, target, Settings())[region].mean()
        by_sample = aif_gradient(curve, target, Settings(), "rcbf", region=region).by_sample
        assert change == pytest.approx(by_sample @ along, abs=1e-6)


def test_pool_does_not_change_map(target):
    along = edit_direction(AIF, 1.0, "tail")
    with ThreadPoolExecutor(2) as pool:
        shared = sensitivity_map(wrong_curve(), along, target, Settings(), pool)
    np.testing.assert_array_equal(shared, sensitivity_map(wrong_curve(), along, target, Settings()))


def test_truncated_svd_map_matches_finite_difference(target):
    settings = Settings(regularization="tsvd", lambda_rel=0.15)
    curve, along = wrong_curve(), edit_direction(wrong_curve(), 1.0, "width")
    found = sensitivity_map(curve, along, target, settings)
    step = 1e-6

    def rcbf(a):
        k = build_operator(torch.tensor(a), 1.0, settings).matrix @ target.tissue.data
        top = k.amax(1).reshape(-1)[:40]
        return (top / top[target.reference].mean()).numpy()

    expected = (rcbf(curve + step * along) - rcbf(curve - step * along)) / (2 * step)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


# The tornado


def test_tornado_applies_handle_settings():
    asked = []

    def figures(curve):
        asked.append(curve)
        return {"top": float(curve.max()), "area": float(curve.sum())}

    swings = list(tornado(AIF, 1.0, figures))
    assert [s.handle for s in swings] == list(tornado_handles())
    assert len(asked) == 2 * len(tornado_handles())
    for swing, low, high in zip(swings, asked[::2], asked[1::2], strict=True):
        settings = tornado_handles()[swing.handle]
        for side, curve, value in zip((swing.low, swing.high), (low, high), settings, strict=True):
            expected = edit_curve(AIF, 1.0, replace(CurveEdit(), **{swing.handle: value}))
            np.testing.assert_array_equal(curve, expected)
            assert side == {"top": expected.max(), "area": expected.sum()}
    by_name = {s.handle: s for s in swings}
    assert by_name["amplitude"].low["top"] == pytest.approx(0.5 * AIF.max())
    assert by_name["amplitude"].high["top"] == pytest.approx(2 * AIF.max())


def test_edit_without_bolus_gives_none():
    late = np.where(TIME >= 34, 50.0, 0.0)
    swings = {s.handle: s for s in tornado(late, 1.0, lambda curve: {"top": float(curve.max())})}
    assert swings["shift_s"].high is None, "three seconds later nothing of it is left in the scan"
    assert swings["shift_s"].low == {"top": 50.0}
