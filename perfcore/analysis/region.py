"""Region of interest: a polygon in one slice, its mirror over the midline, and the statistics of both.

>>> from perfcore.analysis.region import Region, region_statistics
>>> square = Region(0, [[0.5, 0.5], [3.5, 0.5], [3.5, 2.5], [0.5, 2.5]])
>>> brain, cbf = np.ones((8, 8, 1), bool), np.arange(64.0).reshape(8, 8, 1)
>>> region_statistics(cbf.reshape(-1)[square.voxels(brain)])
RegionStatistics(n_voxels=6, mean=17.5, sd=7.176350047203662, median=17.5)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perfcore.aif.select.candidates import voxel_curves
from perfcore.errors import ArgumentError
from perfcore.preprocess import Prepared
from perfcore.preprocess.hemispheres import Midplane
from perfcore.types import BoolArray, DoubleArray

MAX_VERTICES: Final = 256
MAX_COORDINATE: Final = 1e5
"""Maximum magnitude of a vertex; the largest image is far smaller."""


@dataclass(frozen=True, eq=False)
class Region:
    """A polygon in one slice, closed from its last vertex to its first.

    Attributes
    ----------
    slice_index
        Index along the third axis.
    vertices
        Shape ``(n, 2)``, 3 ≤ n ≤ 256: in-plane voxel indices, not rounded; whole numbers are centres of voxels.
    """

    slice_index: int
    vertices: DoubleArray

    def __init__(self, slice_index: int, vertices: ArrayLike) -> None:
        """Check the vertices.

        Raises
        ------
        ArgumentError
            They are not between 3 and 256 finite pairs, or far outside every image.
        """
        points = np.array(vertices, np.float64)
        if points.ndim != 2 or points.shape[1] != 2 or not 3 <= len(points) <= MAX_VERTICES:
            raise ArgumentError(
                f"A region has between 3 and {MAX_VERTICES} vertices of 2 coordinates; got shape {points.shape}."
            )
        if not (np.abs(points) <= MAX_COORDINATE).all():  # False for NaN
            raise ArgumentError("A vertex of the region lies outside every image; give finite voxel indices.")
        points.flags.writeable = False
        object.__setattr__(self, "slice_index", slice_index)
        object.__setattr__(self, "vertices", points)

    def mirrored(self, midplane: Midplane, affine: DoubleArray) -> Region | None:
        """Return the mirror image over the midline of the slice, None where the slice has none.

        See :meth:`perfcore.preprocess.hemispheres.Midplane.mirror_in_slice`.
        """
        image = midplane.mirror_in_slice(affine, self.slice_index)
        return None if image is None else Region(self.slice_index, self.vertices @ image[:, :2].T + image[:, 2])

    def voxels(self, mask: BoolArray) -> NDArray[np.int64]:
        """Return the voxels of a mask whose centre lies inside, as flat indices (C order), increasing.

        Parameters
        ----------
        mask
            Shape ``(nx, ny, nz)``; ``slice_index`` is one of its slices.
        """
        inside = polygon_mask(self.vertices, mask.shape[:2]) & mask[..., self.slice_index]
        return np.asarray(np.flatnonzero(inside) * mask.shape[2] + self.slice_index, np.int64)


@dataclass(frozen=True)
class RegionStatistics:
    """Statistics of the values in a region.

    Attributes
    ----------
    n_voxels
        Voxels that have a value.
    mean, median
        NaN without a voxel.
    sd
        Sample standard deviation (n − 1); NaN for fewer than two voxels.
    """

    n_voxels: int
    mean: float
    sd: float
    median: float


def region_statistics(values: NDArray[Any]) -> RegionStatistics:
    """Return the statistics of values; those that are not finite are left out.

    Parameters
    ----------
    values
        Values of one map in the voxels of a region, of any shape.
    """
    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known)]
    n = known.size
    return RegionStatistics(
        n_voxels=n,
        mean=float(known.mean()) if n else np.nan,
        sd=float(known.std(ddof=1)) if n > 1 else np.nan,
        median=float(np.median(known)) if n else np.nan,
    )


def region_curve(prepared: Prepared, voxels: NDArray[np.int64]) -> DoubleArray:
    """Return the mean enhancement over time, without spatial or temporal smoothing, shape ``(n_time,)``.

    Parameters
    ----------
    prepared
        The case.
    voxels
        Flat indices, shape ``(n,)``, n ≥ 1.

    Raises
    ------
    ArgumentError
        There is no voxel.
    """
    if not len(voxels):
        raise ArgumentError("The region holds no voxel; draw it inside the brain.")
    return np.asarray(voxel_curves(prepared, voxels).mean(axis=0, dtype=np.float64))


def polygon_mask(vertices: DoubleArray, shape: tuple[int, ...]) -> BoolArray:
    """Return which pixel centres lie inside a polygon, by the even–odd rule.

    Source: Shimrat 1962, doi:10.1145/368637.368653.

    Parameters
    ----------
    vertices
        Shape ``(n, 2)``, pixel indices; the polygon may cross itself and leave the image.
    shape
        ``(nx, ny)``.

    Returns
    -------
    ndarray
        Shape ``(nx, ny)``.
    """
    inside = np.zeros(shape, bool)
    columns = np.arange(shape[1])
    for start, end in zip(vertices, np.roll(vertices, -1, axis=0), strict=True):
        (x0, y0), (x1, y1) = (start, end) if start[0] <= end[0] else (end, start)
        # Rows from x0 (not included) to x1: a row through a vertex counts one of the two edges that meet there.
        first, last = (int(np.clip(np.floor(x) + 1, 0, shape[0])) for x in (x0, x1))
        if first == last:
            continue
        crossing = y0 + (np.arange(first, last) - x0) * ((y1 - y0) / (x1 - x0))
        inside[first:last] ^= columns < crossing[:, None]
    return inside
