"""Masked smoothing against a slow oracle, and its scaling with spacing and time step."""

import numpy as np
import pytest

from perfcore.preprocess.smoothing import (
    TRUNCATE,
    gaussian_matrix,
    smooth_masked,
    smooth_plane,
    smooth_time,
    spatial_sigmas,
)


def kernel(sigma: float) -> np.ndarray:
    reach = int(TRUNCATE * sigma + 0.5)
    k = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2) if sigma else np.ones(1)
    return k / k.sum()


def slow_oracle(values, weight, sigmas):
    """Normalised convolution, voxel by voxel, frame by frame, as the formula reads."""
    kx, ky, kz, kt = (kernel(s) for s in sigmas)
    rx, ry, rz, rt = (len(k) // 2 for k in (kx, ky, kz, kt))
    nx, ny, nz, n_time = values.shape
    space = np.zeros(values.shape)
    for x, y, z in np.ndindex(nx, ny, nz):
        total, norm = np.zeros(n_time), 0.0
        for i in range(max(0, x - rx), min(nx, x + rx + 1)):
            for j in range(max(0, y - ry), min(ny, y + ry + 1)):
                for k in range(max(0, z - rz), min(nz, z + rz + 1)):
                    g = kx[i - x + rx] * ky[j - y + ry] * kz[k - z + rz] * weight[i, j, k]
                    total += g * values[i, j, k]
                    norm += g
        space[x, y, z] = total / norm if norm > 1e-3 else values[x, y, z]
    out = np.zeros(values.shape)
    for t in range(n_time):
        steps = np.arange(max(0, t - rt), min(n_time, t + rt + 1))
        g = kt[steps - t + rt]
        out[..., t] = (space[..., steps] * g).sum(axis=-1) / g.sum()
    return out


@pytest.fixture
def scene():
    rng = np.random.default_rng(1)
    values = rng.standard_normal((11, 9, 4, 12)).astype(np.float32) * 10
    inside = rng.random((11, 9, 4)) < 0.7
    weight = inside & (rng.random((11, 9, 4)) < 0.8)
    return values, weight, inside


@pytest.mark.parametrize("sigmas", [(1.2, 1.2, 0, 0.8), (0.9, 1.7, 0.6, 0), (0, 0, 0, 1.5), (2.5, 2.5, 0, 1.5)])
def test_smoothing_matches_reference_loop(scene, sigmas) -> None:
    values, weight, inside = scene
    expected = slow_oracle(values, weight if max(sigmas[:3]) else inside, sigmas)[inside]
    np.testing.assert_allclose(smooth_masked(values, weight, inside, sigmas), expected, atol=2e-5)


def test_constant_is_unchanged_up_to_the_edges(scene) -> None:
    _, weight, inside = scene
    values = np.full((11, 9, 4, 12), 7.5, np.float32)
    values[~weight] = 1e4  # what does not count must not bleed in
    isolated = inside & ~weight
    out = smooth_masked(values, weight, inside, (2.0, 2.0, 1.0, 1.0))
    np.testing.assert_allclose(out, 7.5, rtol=1e-5)
    assert isolated.any()


def test_vessels_are_excluded_from_smoothing_and_filled_from_neighbours() -> None:
    values = np.full((21, 21, 1, 10), 4.0, np.float32)
    values[9:12, 9:12] = 300
    inside = np.ones((21, 21, 1), bool)
    weight = inside.copy()
    weight[9:12, 9:12] = False
    np.testing.assert_allclose(smooth_masked(values, weight, inside, (2, 2, 0, 1)), 4.0, rtol=1e-5)


def test_isolated_voxel_keeps_its_curve() -> None:
    values = np.arange(20, dtype=np.float32).reshape(20, 1, 1, 1).repeat(5, axis=3)
    inside = np.ones((20, 1, 1), bool)
    weight = inside.copy()
    weight[5:] = False
    out = smooth_masked(values, weight, inside, (1.0, 1.0, 0.0, 0.0))
    np.testing.assert_array_equal(out[15:], values[15:, 0, 0])


def test_banded_smoothing_equals_dense_product() -> None:
    plane = np.random.default_rng(0).standard_normal((150, 170, 3)).astype(np.float32)
    across, along = gaussian_matrix(150, 2.2), gaussian_matrix(170, 3.1)
    np.testing.assert_allclose(
        smooth_plane(plane, 2.2, 3.1), np.einsum("ij,jkt,lk->ilt", across, plane, along), atol=1e-5
    )


def spread(profile: np.ndarray) -> float:
    """Standard deviation of a profile in samples."""
    where = np.arange(profile.size)
    mean = (where * profile).sum() / profile.sum()
    return float(np.sqrt(((where - mean) ** 2 * profile).sum() / profile.sum()))


@pytest.mark.parametrize(("spacing", "voxels"), [(0.5, 5.0), (1.0, 2.5), (2.0, 1.25)])
def test_spatial_width_is_in_millimetres(spacing: float, voxels: float) -> None:
    point = np.zeros((81, 81, 1), np.float32)
    point[40, 40] = 1
    sigmas = spatial_sigmas(2.5, (spacing, spacing, 5.0))
    profile = smooth_plane(point, sigmas[0], sigmas[1])[:, 40, 0]
    assert spread(profile) * spacing == pytest.approx(2.5, rel=0.02)
    assert sigmas == pytest.approx((voxels, voxels, 0.0))


def test_only_thin_slices_are_smoothed_through_plane() -> None:
    assert spatial_sigmas(2.5, (1, 1, 1.25))[2] == pytest.approx(2.0)
    assert spatial_sigmas(2.5, (1, 1, 5.0))[2] == 0


@pytest.mark.parametrize("dt_s", [0.5, 1.0, 2.0])
def test_temporal_width_is_in_seconds(dt_s: float) -> None:
    curve = np.zeros((1, 101), np.float32)
    curve[0, 50] = 1
    assert spread(smooth_time(curve, 3.0 / dt_s)[0]) * dt_s == pytest.approx(3.0, rel=0.02)


def test_temporal_kernel_is_normalised_at_both_ends() -> None:
    ramp = np.tile(np.linspace(0, 1, 30, dtype=np.float32), (2, 1))
    out = smooth_time(ramp, 1.5)
    assert 0 < out[0, 0] < 0.1
    np.testing.assert_allclose(smooth_time(np.ones((1, 30), np.float32), 1.5), 1.0, rtol=1e-6)


def test_zero_width_returns_input_unchanged(scene) -> None:
    values, weight, inside = scene
    np.testing.assert_array_equal(smooth_masked(values, weight, inside, (0, 0, 0, 0)), values[inside])
