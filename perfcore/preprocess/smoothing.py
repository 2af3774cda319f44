r"""Masked Gaussian smoothing in space and time, as matrix products.

.. math:: \bar c = \frac{G * (w\,c)}{G * w}

with weight *w* one inside the tissue and zero outside and in large vessels, so that skull and vessels do not bleed
into tissue (Wack et al. 2014). A constant is preserved.

With time as the last axis, a filter along any axis is a batch of matrix products. The matrix is SciPy's Gaussian
filter applied to the identity, and only its band is multiplied. The products are small enough for one BLAS thread;
the slices are distributed over threads instead, which synchronise only once.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy import ndimage

from perfcore.preprocess.slabs import MAX_PRODUCT_SIZE, map_slabs, matmul_in_blocks
from perfcore.types import BoolArray, FloatArray

TRUNCATE: Final = 4.0
THIN_SLICE_MM: Final = 3.0
"""Maximum slice spacing for smoothing across slices; thicker slices are smoothed only in the plane."""
MIN_WEIGHT: Final = 1e-3
_MIN_ROWS: Final = 8


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
    """Return σ in voxels along x, y, z; 0 along z for slices thicker than 3 mm."""
    x, y, z = spacing_mm
    return sigma_mm / x, sigma_mm / y, sigma_mm / z if z <= THIN_SLICE_MM else 0.0


def smooth_plane(plane: FloatArray, sigma_x: float, sigma_y: float) -> FloatArray:
    """Filter a slice along x and y with zeros beyond the ends.

    Parameters
    ----------
    plane
        Shape ``(nx, ny, n_time)``, C-contiguous.
    sigma_x, sigma_y
        Standard deviations in voxels; 0 is none.

    Returns
    -------
    FloatArray
        Shape ``(nx, ny, n_time)``.
    """
    for sigma, axes in ((sigma_x, (1, 0, 2)), (sigma_y, (0, 1, 2))):
        if sigma > 0:
            out = np.empty_like(plane)
            _banded(sigma, plane.transpose(axes), out.transpose(axes))
            plane = out
    return plane


def _banded(sigma: float, stack: FloatArray, out: FloatArray) -> None:
    """Filter a stack ``(n_stack, n, n_columns)`` along its middle axis into ``out``, block by block."""
    n, n_columns = stack.shape[1:]
    matrix = gaussian_matrix(n, sigma)
    reach = int(TRUNCATE * sigma + 0.5)
    rows = max(_MIN_ROWS, int(np.sqrt(MAX_PRODUCT_SIZE / n_columns + reach**2)) - reach)
    for start in range(0, n, rows):
        stop = min(n, start + rows)
        low, high = max(0, start - reach), min(n, stop + reach)
        np.matmul(matrix[start:stop, low:high], stack[:, low:high], out=out[:, start:stop])


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
    n_time = curves.shape[-1]
    matrix = gaussian_matrix(n_time, sigma_frames)
    matrix = np.ascontiguousarray((matrix / matrix.sum(axis=1, keepdims=True)).T)
    return matmul_in_blocks(curves.reshape(-1, n_time), matrix).reshape(curves.shape)


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
        Shape ``(nx, ny, nz)``: voxels to return. A voxel without contributing voxels within reach keeps its own
        curve (smoothed in time).
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
    norm = ndimage.gaussian_filter(weights, sigmas[:3], mode="constant", truncate=TRUNCATE)
    through = gaussian_matrix(weight.shape[2], sigmas[2])
    slice_of = np.nonzero(inside)[2]
    out = np.empty((len(slice_of), enhancement.shape[3]), np.float32)

    def work(part: slice) -> None:
        for z in range(part.start, part.stop):
            here, alone = inside[:, :, z], norm[:, :, z] < MIN_WEIGHT
            curves = smooth_plane(_across_slices(enhancement, weights, through[z]), sigmas[0], sigmas[1])[here]
            curves /= np.where(alone, np.float32(1), norm[:, :, z])[here, None]
            curves[alone[here]] = enhancement[:, :, z][here & alone]
            out[slice_of == z] = smooth_time(curves, sigmas[3])

    map_slabs(work, weight.shape[2])
    return out


def _across_slices(enhancement: FloatArray, weights: FloatArray, row: FloatArray) -> FloatArray:
    """Return the weighted sum over slices of the curves for one slice, shape ``(nx, ny, n_time)``."""
    plane = np.zeros(enhancement.shape[:2] + enhancement.shape[3:], np.float32)
    for k in np.flatnonzero(row):
        plane += enhancement[:, :, k] * (row[k] * weights[:, :, k, None])
    return plane
