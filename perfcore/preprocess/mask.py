"""Brain mask of a CT head: soft tissue inside the skull, and the hull in which vessels are searched."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy import ndimage

from perfcore.errors import InputDataError
from perfcore.types import BoolArray, FloatArray

SOFT_TISSUE_HU: Final = (0.0, 100.0)
MAXIMUM_HU: Final = 600.0
OPENING_RADIUS: Final = 2
HULL_RADIUS: Final = 3
DENOISING_MM: Final = 1.0
CSF_HU: Final = 15.0
VESSEL_RATIO: Final = 2.5
"""Vessels have an area under the curve above this multiple of the median."""
VESSEL_SPREAD: Final = 3.0
"""And above the median by this multiple of the spread of areas: in a noisy series the area of tissue varies by
more than the median, and tissue whose baseline came out low would be taken for vessels."""
BONE_HU: Final = 200.0
BONE_MARGIN_MM: Final = 2.5
"""Distance from bone excluded from the vessel search if the head moved; otherwise one voxel."""
MIN_SLICE_FRACTION: Final = 0.02
"""Slices whose component is smaller than this fraction of the largest one contain no brain."""
_QUANTILE_30: Final = 0.524
"""Distance of the 30 % quantile from the median of a normal distribution, in standard deviations."""
_IN_PLANE: Final = np.ones((3, 3, 1), bool)

EMPTY: Final = (
    "The brain mask is empty: no soft tissue between 0 and 100 HU was found inside a skull; "
    "check that the series is in Hounsfield units, or give a mask (--mask FILE) or --units concentration."
)


def in_plane_disk(radius: int) -> BoolArray:
    """Return a disk of a radius in voxels as a structuring element of shape ``(2r+1, 2r+1, 1)``."""
    x, y = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    return np.asarray(x * x + y * y <= radius * radius)[..., None]


def in_plane_filter(volume: FloatArray, sigma_mm: float, spacing_mm: tuple[float, ...]) -> FloatArray:
    """Return a 3D volume, Gaussian-filtered in the plane by ``sigma_mm``; shape ``(nx, ny, nz)``."""
    sigma = (sigma_mm / spacing_mm[0], sigma_mm / spacing_mm[1], 0.0)
    return np.asarray(ndimage.gaussian_filter(volume, sigma, mode="nearest"), np.float32)


def brain_mask(
    baseline: FloatArray, maximum: FloatArray, spacing_mm: tuple[float, float, float]
) -> tuple[BoolArray, BoolArray]:
    """Segment the brain, slice by slice.

    Steps: 0 to 100 HU in the (lightly filtered) baseline and below 600 HU at all times; opening with a disk
    of radius 2; the largest component of each slice; holes filled; eroded by one voxel.

    Parameters
    ----------
    baseline
        Shape ``(nx, ny, nz)``, mean HU before the bolus.
    maximum
        Shape ``(nx, ny, nz)``, HU, maximum over time.
    spacing_mm
        Voxel size.

    Returns
    -------
    mask, hull
        Shapes ``(nx, ny, nz)``. ``hull`` is the brain before the erosion, dilated by 3 voxels into soft
        tissue: it includes the arteries and sinuses at the brain surface, and contains ``mask``.

    Raises
    ------
    InputDataError
        The mask is empty.
    """
    filtered = in_plane_filter(baseline, DENOISING_MM, spacing_mm)
    soft = (filtered > SOFT_TISSUE_HU[0]) & (filtered < SOFT_TISSUE_HU[1]) & (maximum < MAXIMUM_HU)
    opened = np.asarray(ndimage.binary_opening(soft, in_plane_disk(OPENING_RADIUS)))
    filled = largest_in_each_slice(opened)
    for z in range(filled.shape[2]):
        filled[..., z] = ndimage.binary_fill_holes(filled[..., z])
    mask = np.asarray(ndimage.binary_erosion(filled, _IN_PLANE))
    if not mask.any():
        raise InputDataError(EMPTY)
    hull = np.asarray(ndimage.binary_dilation(filled, in_plane_disk(HULL_RADIUS))) & soft
    return mask, hull | filled


def without_csf(mask: BoolArray, baseline: FloatArray, spacing_mm: tuple[float, float, float]) -> BoolArray:
    """Remove CSF (ventricles and cisterns) from a mask, including partial-volume voxels.

    CSF has no blood flow: it would be counted as core, and smoothing would mix it into the cortex.

    Parameters
    ----------
    mask, baseline
        Shape ``(nx, ny, nz)``.
    spacing_mm
        Voxel size.

    Raises
    ------
    InputDataError
        The mask is empty without CSF.
    """
    csf = mask & (in_plane_filter(baseline, DENOISING_MM, spacing_mm) < CSF_HU)
    tissue = mask & ~ndimage.binary_dilation(csf, in_plane_disk(1))
    if not tissue.any():
        raise InputDataError(EMPTY)
    return np.asarray(tissue)


def tissue_classes(
    baseline: FloatArray | None,
    enhancement: FloatArray,
    inside: BoolArray,
    spacing_mm: tuple[float, float, float],
) -> tuple[BoolArray, BoolArray]:
    """Classify CSF and large vessels within the brain, from lightly filtered volumes.

    Parameters
    ----------
    baseline
        Shape ``(nx, ny, nz)``, HU; None classifies no voxel as CSF.
    enhancement
        Shape ``(nx, ny, nz, n_time)``.
    inside
        Shape ``(nx, ny, nz)``, not empty.
    spacing_mm
        Voxel size.

    Returns
    -------
    csf, vessels
        Shape ``(n_inside,)``.
    """
    area = np.where(inside, np.einsum("xyzt->xyz", enhancement), 0)
    cover = in_plane_filter(inside.astype(np.float32), DENOISING_MM, spacing_mm)
    areas = in_plane_filter(area, DENOISING_MM, spacing_mm)[inside] / cover[inside]
    middle, low = (float(q) for q in np.quantile(areas, (0.5, 0.3)))
    spread = (middle - low) / _QUANTILE_30
    vessels = areas > max(VESSEL_RATIO * max(middle, 0.0), middle + VESSEL_SPREAD * spread)
    if vessels.all():
        vessels = np.zeros_like(vessels)
    if baseline is None:
        return np.zeros_like(vessels), vessels
    return in_plane_filter(baseline, DENOISING_MM, spacing_mm)[inside] < CSF_HU, vessels


def away_from_bone(
    region: BoolArray, baseline: FloatArray, spacing_mm: tuple[float, float, float], margin_mm: float
) -> BoolArray:
    """Remove voxels close to bone, where small movements look like a bolus.

    Parameters
    ----------
    region, baseline
        Shape ``(nx, ny, nz)``.
    spacing_mm
        Voxel size.
    margin_mm
        Distance from bone, at least one voxel.

    Returns
    -------
    BoolArray
        The unchanged region if no voxel would remain.
    """
    reach = max(1, round(margin_mm / max(spacing_mm[:2])))
    kept = region & ~ndimage.binary_dilation(baseline > BONE_HU, in_plane_disk(reach))
    return np.asarray(kept) if kept.any() else region


def largest_in_each_slice(volume: BoolArray) -> BoolArray:
    """Keep the largest in-plane component of each slice; slices far smaller than the largest become empty.

    Parameters
    ----------
    volume
        Shape ``(nx, ny, nz)``.

    Returns
    -------
    BoolArray
        Shape ``(nx, ny, nz)``, a new array.
    """
    flat_neighbours = np.zeros((3, 3, 3), bool)
    flat_neighbours[:, :, 1] = True
    labels, n_labels = ndimage.label(volume, flat_neighbours)
    kept = np.zeros_like(volume)
    if n_labels == 0:
        return kept
    sizes = np.bincount(labels.ravel(), minlength=n_labels + 1)
    sizes[0] = 0
    floor = MIN_SLICE_FRACTION * sizes.max()
    for z in range(volume.shape[2]):
        here = np.unique(labels[..., z])
        best = here[int(np.argmax(sizes[here]))]
        if sizes[best] >= max(floor, 1):
            kept[..., z] = labels[..., z] == best
    return kept
