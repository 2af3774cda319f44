"""Targets of fine-tuning: held-out slices and another lesion for the same tissue."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from perfcore.losses import Target
from perfcore.types import BoolArray


def alternate_slice_mask(slice_of: NDArray[np.int64], lesion: BoolArray) -> BoolArray | None:
    """Return a mask that leaves out every other lesion slice, shape ``(n_voxels,)``; None with fewer than two.

    Parameters
    ----------
    slice_of
        Slice of each voxel, shape ``(n_voxels,)``.
    lesion
        Lesion mask, shape ``(n_voxels,)``.
    """
    with_lesion = np.unique(slice_of[lesion])
    if len(with_lesion) < 2:
        return None
    return np.asarray(~np.isin(slice_of, with_lesion[1::2]), bool)


def replace_core(target: Target, core: BoolArray) -> Target:
    """Return the target with another core, shape ``(n_voxels,)``."""
    return replace(target, core=torch.from_numpy(core.astype(np.float32)).to(target.core.device))
