r"""Masked Gaussian smoothing in space and time, as matrix products.

.. math:: \bar c = \frac{G * (w\,c)}{G * w}

with the weight *w* one inside the tissue and zero outside it and in large vessels, so that neither skull nor
vessels bleed into tissue (Wack et al. 2014). A constant stays that constant.

With time as the last axis, a filter along x is one matrix product, along y one per row, along time one. The
matrix is scipy's own Gaussian filter of the identity, and only its band is multiplied.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy import ndimage

from perfcore.types import BoolArray, FloatArray

TRUNCATE: Final = 4.0
THIN_SLICE_MM: Final = 3.0
"""Slices up to this spacing are smoothed across as well; thicker ones only within."""
SMALLEST_WEIGHT: Final = 1e-3
_BLOCK: Final = 64


def gaussian_matrix(n: int, sigma: float) -> FloatArray:
    """Return the Gaussian filter of ``n`` samples as a matrix, zero beyond the ends.

    Parameters
    ----------
    n
        Number of samples.
    sigma
        Standard deviation in samples, ≥ 0; 0 gives the identity.

    Returns
    -------
    FloatArray
        Shape ``(n, n)``, symmetric, banded (4 σ on each side).
    """
    identity = np.eye(n)
    if sigma <= 0:
        return identity.astype(np.float32)
    filtered = ndimage.gaussian_filter1d(identity, sigma, axis=0, mode="constant", truncate=TRUNCATE)
    return np.asarray(filtered, np.float32)


def spatial_sigmas(sigma_mm: float, spacing_mm: tuple[float, float, float]) -> tuple[float, float, float]:
    """Return σ in voxels along x, y, z; 0 along z where slices are thicker than 3 mm."""
    x, y, z = spacing_mm
    return sigma_mm / x, sigma_mm / y, sigma_mm / z if z <= THIN_SLICE_MM else 0.0


def smooth_space(volume: FloatArray, sigmas: tuple[float, float, float]) -> FloatArray:
    """Filter along x, y and z with zeros beyond the ends.

    Parameters
    ----------
    volume
        Shape ``(nx, ny, nz, n)``, C-contiguous.
    sigmas
        Standard deviations in voxels; 0 is none.

    Returns
    -------
    FloatArray
        Shape ``(nx, ny, nz, n)``.
    """
    nx, ny, nz, n = volume.shape
    out = volume
    for axis, shape in ((0, (1, nx, ny * nz * n)), (1, (nx, ny, nz * n)), (2, (nx * ny, nz, n))):
        if sigmas[axis] > 0 and volume.shape[axis] > 1:
            out = _banded(sigmas[axis], out.reshape(shape))
    return out.reshape(volume.shape)


def _banded(sigma: float, stack: FloatArray) -> FloatArray:
    """Filter a stack ``(n_stack, n, n_columns)`` along its middle axis, block by block of the band."""
    n = stack.shape[1]
    matrix = gaussian_matrix(n, sigma)
    reach = int(TRUNCATE * sigma + 0.5)
    out = np.empty_like(stack)
    for start in range(0, n, _BLOCK):
        stop = min(n, start + _BLOCK)
        low, high = max(0, start - reach), min(n, stop + reach)
        np.matmul(matrix[start:stop, low:high], stack[:, low:high], out=out[:, start:stop])
    return out


def smooth_time(curves: FloatArray, sigma_frames: float) -> FloatArray:
    """Filter curves along time, normalised at both ends.

    Parameters
    ----------
    curves
        Shape ``(..., n_time)``.
    sigma_frames
        Standard deviation in frames; 0 is none.

    Returns
    -------
    FloatArray
        Shape ``(..., n_time)``.
    """
    if sigma_frames <= 0:
        return curves
    matrix = gaussian_matrix(curves.shape[-1], sigma_frames)
    return np.asarray(curves @ (matrix / matrix.sum(axis=1, keepdims=True)).T, np.float32)


def smooth_masked(
    enhancement: FloatArray, weight: BoolArray, inside: BoolArray, sigmas: tuple[float, float, float, float]
) -> FloatArray:
    """Smooth curves in space and time and return those of the voxels ``inside``.

    Parameters
    ----------
    enhancement
        Shape ``(nx, ny, nz, n_time)``.
    weight
        Shape ``(nx, ny, nz)``: voxels that contribute.
    inside
        Shape ``(nx, ny, nz)``: voxels that are wanted. One without any contributing voxel within reach keeps
        its own curve (smoothed in time).
    sigmas
        Standard deviations in voxels along x, y, z and in frames along time.

    Returns
    -------
    FloatArray
        Shape ``(n_inside, n_time)``, C-contiguous.
    """
    if max(sigmas[:3]) <= 0:
        return smooth_time(np.ascontiguousarray(enhancement[inside]), sigmas[3])
    weights = weight.astype(np.float32)
    total = smooth_space(np.ascontiguousarray(weights[..., None]), sigmas[:3])[..., 0][inside]
    weighted = np.empty(enhancement.shape, np.float32)
    np.multiply(enhancement, weights[..., None], out=weighted)
    curves = smooth_space(weighted, sigmas[:3])[inside]
    alone = total < SMALLEST_WEIGHT
    curves /= np.where(alone, np.float32(1), total)[:, None]
    if alone.any():
        curves[alone] = enhancement[inside][alone]
    return np.ascontiguousarray(smooth_time(curves, sigmas[3]))
