"""Data of the engine: quantised coefficients give the tissue of the temporal basis, and every voxel once."""

from __future__ import annotations

import numpy as np
import pytest

from pages.library.catalog import demonstrations, open_case
from pages.live.compute.case import LiveCase
from pages.live.compute.engine_data import MAX_ENGINE_SAMPLE, basis_message
from pages.live.server.engine_route import coefficients_frame
from perfcore.errors import InputDataError
from perfcore.settings import Settings


@pytest.fixture(scope="module")
def case() -> LiveCase:
    return open_case(demonstrations()[0], Settings())


def test_coefficients_are_those_of_the_basis_to_half_a_step(case: LiveCase) -> None:
    data, basis = case.engine_data, case.basis
    assert basis is not None
    q = len(data.steps)
    exact = basis.tiles.data.transpose(0, 1).reshape(q, -1)[:, : case.tiles.n_voxels].numpy()
    found = np.concatenate(
        [data.coefficients(*map(int, case.starts[z : z + 2])) for z in range(case.n_slices)], axis=1
    )
    assert found.shape == exact.shape
    assert found.dtype == np.int16
    rounding = 0.004  # of a step: 32,767 steps in float32
    assert (np.abs(found * data.steps[:, None] - exact) <= (0.5 + rounding) * data.steps[:, None]).all()
    np.testing.assert_allclose(data.vectors, basis.vectors.numpy() * data.steps[:, None])


def test_sample_is_of_healthy_voxels_and_spread_over_them(case: LiveCase) -> None:
    header, arrays = basis_message(case)
    data = case.engine_data
    assert case.reference.numpy()[data.sample].all()
    assert len(data.sample) == len(set(data.sample)) == MAX_ENGINE_SAMPLE
    per_slice = np.histogram(data.sample, case.starts)[0] / np.maximum(
        np.histogram(np.flatnonzero(case.reference), case.starts)[0], 1
    )
    assert np.ptp(per_slice) < 0.01
    np.testing.assert_array_equal(
        arrays["sample"].reshape(header["q"], -1)[:, :3],
        np.concatenate([data.coefficients(int(at), int(at) + 1) for at in data.sample[:3]], axis=1),
    )


def test_a_case_without_an_accurate_basis_keeps_every_frame(
    case: LiveCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(case, "basis", None)
    data = type(case.engine_data).of(case)
    assert data.vectors.shape == (case.prepared.n_time, case.prepared.n_time)
    tissue = data.coefficients(0, 50).T.astype(float) @ data.vectors
    expected = case.prepared.tissue[case.order[:50]]
    np.testing.assert_allclose(tissue, expected, atol=2e-3 * np.abs(expected).max())


@pytest.mark.parametrize("z", [-1, 8])
def test_a_slice_that_the_case_does_not_have_is_refused(case: LiveCase, z: int) -> None:
    with pytest.raises(InputDataError, match="slices 0 to 7"):
        coefficients_frame(z, case)
