"""Data of the engine: quantised coefficients give the tissue of the temporal basis, and every voxel once."""

from __future__ import annotations

import numpy as np
import pytest

from pages.library.catalog import demonstrations, open_case
from pages.live.compute.case import LiveCase
from pages.live.compute.engine_data import MAX_ENGINE_SAMPLE, basis_message
from pages.live.compute.static_data import AIR_HU, voxel_arrays, without_slices
from pages.live.server.case_route import coefficients_frame, static_frame
from perfcore.errors import InputDataError
from perfcore.settings import Settings
from tests.support.wire_frames import read


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


def test_frames_of_the_slices_hold_the_whole_case(case: LiveCase) -> None:
    header, whole = case.static
    first = without_slices(case.static)[1]
    voxel, pixel = voxel_arrays(header), ("baseline", "tmip")
    assert not set(first) & {*voxel, *pixel}
    assert {*first, *voxel, *pixel} == set(whole)
    slices = [read(static_frame(z, case))[1] for z in range(case.n_slices)]
    for name in (*voxel, *pixel):
        np.testing.assert_array_equal(np.concatenate([part[name] for part in slices]), whole[name].reshape(-1))
    for z, part in enumerate(slices):
        got = read(coefficients_frame(z, case))[1]["coefficients"]
        expected = case.engine_data.coefficients(int(case.starts[z]), int(case.starts[z + 1]))
        np.testing.assert_array_equal(got.reshape(expected.shape), expected)
        assert part["pixel"].size == expected.shape[1]


def test_area_is_sent_to_sixteen_bits(case: LiveCase) -> None:
    np.testing.assert_allclose(
        case.static[1]["area"], case.tissue_area.numpy(), rtol=2.0**-16 + 2.0**-24
    )  # and float32


def test_head_box_holds_the_head_with_a_margin(case: LiveCase) -> None:
    header, arrays = case.static
    box = header["head"]
    inside = arrays["baseline"] > AIR_HU
    rows, columns = (np.flatnonzero(inside.any(axis)) for axis in ((0, 2), (0, 1)))
    margin = 4
    assert (box["y"], box["x"]) == (max(rows[0] - margin, 0), max(columns[0] - margin, 0))
    bottom, right = min(rows[-1] + margin, inside.shape[1] - 1), min(columns[-1] + margin, inside.shape[2] - 1)
    assert (box["y"] + box["h"] - 1, box["x"] + box["w"] - 1) == (bottom, right)


@pytest.mark.parametrize("z", [-1, 8])
def test_a_slice_that_the_case_does_not_have_is_refused(case: LiveCase, z: int) -> None:
    with pytest.raises(InputDataError, match="slices 0 to 7"):
        coefficients_frame(z, case)
