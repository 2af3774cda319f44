"""Data of a case for the browser's engine: tissue in a temporal basis, quantised to 16 bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from perfcore.deconvolution.temporal_basis import TemporalBasis
from perfcore.units import CBF_PER_K

if TYPE_CHECKING:
    from pages.live.compute.case import LiveCase

MAX_ENGINE_SAMPLE: Final = 2048
"""Healthy voxels whose mean CBF is the reference of a slice during a drag; the whole head's mean corrects it."""
LEAST_STEP: Final = 1 / 32
"""Least step of a coefficient, of the largest step: finer ones add bytes and less than 2 % of accuracy."""
_LARGEST: Final = np.iinfo(np.int16).max


@dataclass(frozen=True, eq=False)
class EngineData:
    """Coefficients of a case for the engine.

    Attributes
    ----------
    vectors
        Shape ``(q, n_time)``, float32: the basis, each vector times the step of its coefficients.
    basis
        The tissue in the basis.
    steps
        Shape ``(q,)``: the value of one step of each coefficient.
    sample
        Positions in slice order of the sample of healthy voxels.
    """

    vectors: NDArray[np.float32]
    basis: TemporalBasis
    steps: NDArray[np.float32]
    sample: NDArray[np.int64]

    @classmethod
    def of(cls, case: LiveCase) -> EngineData:
        """Quantise the temporal basis of a case; all frames where a shorter basis is not accurate."""
        basis = case.basis or TemporalBasis.from_tissue(case.tiles, case.prepared.n_time)
        largest = basis.tiles.data.abs().amax((0, 2)).cpu().numpy()
        steps = np.maximum(largest / _LARGEST, np.finfo(np.float32).tiny)
        steps = np.maximum(steps, LEAST_STEP * steps.max()).astype(np.float32)
        healthy = np.flatnonzero(case.reference.numpy())
        places = np.linspace(0, len(healthy) - 1, min(MAX_ENGINE_SAMPLE, len(healthy))).astype(int)
        return cls(basis.vectors.cpu().numpy() * steps[:, None], basis, steps, healthy[places])

    def coefficients(self, start: int, stop: int) -> NDArray[np.int16]:
        """Return the coefficients of voxels ``start:stop`` in slice order, shape ``(q, stop - start)``."""
        if start == stop:
            return np.zeros((len(self.steps), 0), np.int16)
        part, inside = self.basis.window(start, stop)
        flat = part.tiles.data.transpose(0, 1).reshape(len(self.steps), -1)[:, inside]
        return self._quantised(flat)

    def sample_coefficients(self) -> NDArray[np.int16]:
        """Return the coefficients of the sample of healthy voxels, shape ``(q, n)``."""
        width = self.basis.tiles.data.shape[-1]
        at = torch.from_numpy(self.sample).to(self.basis.tiles.data.device)
        return self._quantised(self.basis.tiles.data[at // width, :, at % width].mT)

    def _quantised(self, values: torch.Tensor) -> NDArray[np.int16]:
        return np.rint(values.cpu().numpy() / self.steps[:, None]).astype(np.int16)


def basis_message(case: LiveCase) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return header and arrays of what the engine needs of a case beside the coefficients of its slices."""
    data = case.engine_data
    header = {
        "q": len(data.steps),
        "cbfPerK": CBF_PER_K,
        "voxelMl": case.prepared.voxel_ml,
        "lesionVoxels": case.lesion_voxels,
    }
    arrays: dict[str, NDArray[Any]] = {
        "vectors": data.vectors.reshape(-1),
        "reference": case.reference.numpy().astype(np.uint8),
        "sample": data.sample_coefficients().reshape(-1),
    }
    return header, arrays
