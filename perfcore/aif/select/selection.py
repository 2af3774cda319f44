"""What a selector returns, and how a set of voxels becomes an input function."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perfcore.aif.select.flags import artery_flags
from perfcore.errors import NoArteryError
from perfcore.preprocess import Prepared
from perfcore.types import Aif, FloatArray, Voxel


@dataclass(frozen=True, eq=False)
class Selection:
    """An input function with its reasons.

    Attributes
    ----------
    aif
        The arterial input function, enhancement in the units of the series.
    vof
        The venous output function, or None where no vein was found.
    why
        One or two sentences for people: which voxels these are and what made them the choice.
    """

    aif: Aif
    vof: Aif | None
    why: str


def no_artery(reason: str) -> NoArteryError:
    """Return the error for a series in which no artery is found; ``reason`` is a clause."""
    return NoArteryError(
        f"No artery was found: {reason}; give an input function (--aif FILE.csv) or click voxels of an artery."
    )


def candidate_region(prepared: Prepared) -> NDArray[np.int64]:
    """Return flat indices of the voxels in which vessels are sought: the hull, or the mask without one."""
    region = prepared.mask if prepared.hull is None else prepared.hull
    return np.flatnonzero(region)


def curves_of(prepared: Prepared, flat: NDArray[np.int64]) -> FloatArray:
    """Return unsmoothed curves of flat voxel indices, shape ``(n, n_time)``."""
    return prepared.enhancement.reshape(-1, prepared.n_time)[flat]


def as_aif(prepared: Prepared, flat: NDArray[np.int64], method: str, *, arterial: bool = True) -> Aif:
    """Return the mean unsmoothed curve of voxels as an input function with its quality flags.

    Parameters
    ----------
    prepared
        The case.
    flat
        Shape ``(n,)``, flat voxel indices, n ≥ 1.
    method
        Name of the selector.
    arterial
        Whether the flags of an artery apply.
    """
    value = curves_of(prepared, flat).mean(axis=0, dtype=np.float64)
    places = np.stack(np.unravel_index(flat, prepared.grid), axis=1)
    voxels: tuple[Voxel, ...] = tuple((int(x), int(y), int(z)) for x, y, z in places)
    flags = artery_flags(prepared, value) if arterial else ()
    return Aif(prepared.time_s, value, method=method, voxels=voxels, quality=flags)
