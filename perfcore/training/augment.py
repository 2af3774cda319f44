"""Data augmentation: time shift, intensity scale, noise, and spatial transforms."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from perfcore.aif.network.grid_input import GridInput

SCALE: Final = (0.4, 2.0)
NOISE_HU: Final = 2.0
ROTATION_RAD: Final = 0.26
TRANSLATION_CELLS: Final = 4.0
ZOOM: Final = 0.1


@dataclass(frozen=True, eq=False)
class Batch:
    """One case as a batch of size 1.

    Attributes
    ----------
    curves
        Shape ``(1, 64, 48, 48, nz)``, HU.
    inside
        Shape ``(1, 48, 48, nz)``, bool.
    to_series
        Interpolation matrix from network frames to series frames, shape ``(n_time, 64)``.
    """

    curves: Tensor
    inside: Tensor
    to_series: Tensor

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        return Batch(self.curves.to(device), self.inside.to(device), self.to_series.to(device))


def make_batch(grid_input: GridInput, *, scan_clock: bool = False) -> Batch:
    """Return a case as a batch, without augmentation; clock as of :class:`perfcore.aif.network.models.AifNet`."""
    mapping = grid_input.mapping(scan_clock=scan_clock)
    return Batch(
        torch.from_numpy(grid_input.volume(mapping))[None],
        torch.from_numpy(grid_input.inside)[None],
        torch.from_numpy(mapping.from_network),
    )


class Augmentation:
    """Random variants of a case, reproducible by seed.

    Shift, scale and noise are our own; spatial transforms are those of MONAI (arXiv:2211.02701). The tissue of the
    loss is not augmented: the predicted AIF is shifted back in time, and the loss is invariant to its scale.

    Parameters
    ----------
    shift_s
        Maximum time shift, seconds.
    scan_clock
        As of :class:`perfcore.aif.network.models.AifNet`.
    """

    def __init__(self, shift_s: float, *, scan_clock: bool = False) -> None:
        self._shift_s, self._scan_clock = shift_s, scan_clock
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MONAI warns of missing optional libraries
            from monai.transforms import Compose, RandAffine, RandFlip  # noqa: PLC0415  (takes seconds)

        self._space: Any = Compose(
            [
                RandFlip(prob=0.5, spatial_axis=0),
                RandAffine(
                    prob=0.8,
                    rotate_range=(0.0, 0.0, ROTATION_RAD),
                    translate_range=(TRANSLATION_CELLS, TRANSLATION_CELLS, 0.0),
                    scale_range=(ZOOM, ZOOM, 0.0),
                    mode="bilinear",
                    padding_mode="zeros",
                ),
            ]
        )

    def draw(self, grid_input: GridInput, rng: np.random.Generator) -> Batch:
        """Return a random variant of a case."""
        shift = float(rng.uniform(-self._shift_s, self._shift_s))
        mapping = grid_input.mapping(scan_clock=self._scan_clock)
        frame_mapping = replace(mapping, start_s=mapping.start_s + shift)
        curves = grid_input.volume(frame_mapping)
        curves *= np.float32(np.exp(rng.uniform(*np.log(SCALE))))
        curves += (rng.uniform(0, NOISE_HU) * rng.standard_normal(curves.shape, np.float32)) * grid_input.inside
        both = np.concatenate([curves, grid_input.inside[None].astype(np.float32)])
        self._space.set_random_state(int(rng.integers(2**31)))
        moved = torch.as_tensor(self._space(torch.from_numpy(both)))
        inside = moved[-1] > 0.5
        return Batch(
            (moved[:-1] * inside)[None].contiguous(), inside[None], torch.from_numpy(frame_mapping.from_network)
        )
