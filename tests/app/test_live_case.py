"""A case laid out for live work: previews, whole volumes, the screen's orientation, one voxel's curves."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pages.live.case import Layout, LiveCase
from pages.shared.library import demonstrations, open_case
from perfcore.deconvolution import build_operator
from perfcore.errors import InputDataError
from perfcore.pipeline import flow, tile
from perfcore.settings import Settings

SETTINGS = Settings()


@pytest.fixture(scope="module")
def case() -> LiveCase:
    return open_case(demonstrations()[0], SETTINGS)


@pytest.fixture(scope="module")
def curve(case: LiveCase) -> np.ndarray:
    return next(iter(case.sources.values())).value


def test_a_whole_volume_is_the_pipelines(case: LiveCase, curve: np.ndarray) -> None:
    live = case.volume_flow(curve, SETTINGS)
    own = flow(case.prepared, tile(case.prepared), next(iter(case.sources.values())), SETTINGS)
    np.testing.assert_array_equal(live.cbf, own.cbf.numpy()[case.order])
    np.testing.assert_array_equal(live.tmax, own.tmax.numpy()[case.order])
    assert live.reference_cbf == pytest.approx(own.reference_cbf, rel=1e-9)


def test_a_preview_errs_by_less_than_it_says_it_may(case: LiveCase, curve: np.ndarray) -> None:
    assert case.basis is not None
    assert 0 < case.basis_error < 1e-3
    exact = case.slice_flow(curve, SETTINGS, 4)
    preview = case.slice_flow(curve, SETTINGS, 4, preview=True)
    flowing = exact.cbf > 0.02 * exact.cbf.max()
    assert np.abs(preview.cbf / exact.cbf - 1)[flowing].mean() < 1e-3
    assert not np.array_equal(preview.cbf, exact.cbf)


def test_the_oscillation_index_is_never_previewed(case: LiveCase) -> None:
    assert case.tissue(Settings(regularization="oscillation"), preview=True) is case.tiles


def test_a_probe_returns_the_voxels_own_curves(case: LiveCase, curve: np.ndarray) -> None:
    voxel = tuple(int(v) for v in np.unravel_index(case.prepared.index[500], case.prepared.grid))
    found = case.probe(curve, SETTINGS, voxel)
    np.testing.assert_array_equal(found["raw"], case.prepared.enhancement[voxel])
    np.testing.assert_array_equal(found["tissue"], case.prepared.tissue[500])
    operator = build_operator(torch.from_numpy(np.array(curve)), 1.0, SETTINGS).matrix.numpy()
    np.testing.assert_allclose(found["residue"], operator @ case.prepared.tissue[500], rtol=1e-4, atol=1e-9)
    assert set(case.probe(curve, SETTINGS, (0, 0, 0))) == {"raw"}
    with pytest.raises(InputDataError, match="outside the image"):
        case.probe(curve, SETTINGS, (0, 0, 8))


@pytest.mark.parametrize("signs", [(1, 1), (-1, 1), (1, -1), (-1, -1)])
@pytest.mark.parametrize("swap", [False, True])
def test_the_screen_is_radiological_whatever_the_voxel_axes(signs: tuple[int, int], swap: bool) -> None:
    affine = np.diag([signs[0], signs[1], 5.0, 1.0])
    if swap:
        affine = affine[:, [1, 0, 2, 3]]
    x, y = np.meshgrid(np.arange(4), np.arange(6), indexing="ij")
    right = affine[0, 0] * x + affine[0, 1] * y
    front = affine[1, 0] * x + affine[1, 1] * y
    layout = Layout.of(affine)
    screen_right, screen_front = layout.apply(right), layout.apply(front)
    assert (np.diff(screen_right, axis=1) < 0).all(), "the patient's right is on the left"
    assert (np.diff(screen_front, axis=0) < 0).all(), "the front is up"
