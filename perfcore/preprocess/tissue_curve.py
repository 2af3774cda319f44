"""Mean unsmoothed curve of a region, from an even sample of its voxels."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from perfcore.types import FloatArray

N_SAMPLES: Final = 8_000


def mean_curve_of(enhancement: FloatArray, flat: NDArray[np.int64]) -> FloatArray:
    """Return the mean curve of voxels, shape ``(n_time,)``; thousands of them leave negligible noise.

    Parameters
    ----------
    enhancement
        Shape ``(nx, ny, nz, n_time)``.
    flat
        Flat voxel indices, at least one.
    """
    some = flat[:: max(1, len(flat) // N_SAMPLES)]
    curves = enhancement.reshape(-1, enhancement.shape[3])[some]
    return np.asarray(curves.mean(axis=0, dtype=np.float64), np.float32)
