"""Training cases: network input, tissue of the loss and known lesions of one case.

Each case is prepared once and stored as safetensors, so that no epoch reads a series again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from perfcore.aif.network.grid_input import FrameMapping, GridInput, make_grid_input
from perfcore.deconvolution.fused import WIDTH, Tiles
from perfcore.errors import InputDataError
from perfcore.io.atomic_write import write_file
from perfcore.io.cohort import CohortCase, fingerprint
from perfcore.losses import Target
from perfcore.preprocess import prepare
from perfcore.settings import Settings
from perfcore.types import BoolArray, FloatArray

N_TISSUE: Final = 2 * WIDTH
"""Maximum number of voxels of the loss, evenly sampled from the brain."""


@dataclass(frozen=True, eq=False)
class TrainingCase:
    """Network input and target of one case.

    Attributes
    ----------
    name, fingerprint
        Name of the case, and hash of its voxels.
    grid_input
        Input of the network.
    tissue
        Smoothed enhancement, shape ``(n, n_time)``, at most 8192 voxels.
    reference, core, hypoperfused
        Masks, shape ``(n,)``; ``hypoperfused`` is None if it is unknown.
    """

    name: str
    fingerprint: str
    grid_input: GridInput
    tissue: FloatArray
    reference: BoolArray
    core: BoolArray
    hypoperfused: BoolArray | None

    def target(self, device: torch.device) -> Target:
        """Return tissue and target lesions of the loss on a device."""

        def label(values: BoolArray) -> torch.Tensor:
            return torch.from_numpy(values.astype(np.float32)).to(device)

        return Target(
            Tiles.from_curves(torch.from_numpy(self.tissue).to(device)),
            self.grid_input.frame_mapping.dt_s,
            torch.from_numpy(self.reference).to(device),
            label(self.core),
            None if self.hypoperfused is None else label(self.hypoperfused),
        )


def make_training_case(case: CohortCase) -> TrainingCase:
    """Read and prepare a case.

    Raises
    ------
    InputDataError
        The case cannot be read, or its lesion is unknown.
    """
    series = case.load()
    truth = case.load_truth(series)
    prepared = prepare(series, Settings())
    pick = np.arange(0, prepared.n_voxels, -(-prepared.n_voxels // N_TISSUE))
    lesion = prepared.lesion
    assert lesion is not None
    low = None if truth.hypoperfused is None else truth.hypoperfused.reshape(-1)[prepared.index[pick]]
    return TrainingCase(
        case.name,
        fingerprint(series),
        make_grid_input(prepared),
        np.ascontiguousarray(prepared.tissue[pick]),
        prepared.reference[pick],
        lesion[pick],
        low,
    )


def file_signature(case: CohortCase) -> str:
    """Return a signature of the files of a case (sizes and modification times), to detect changes.

    Raises
    ------
    InputDataError
        The case has no series, more than one, or another known problem.
    """
    if case.problem is not None:
        raise InputDataError(case.problem)
    files = [case.case.series_file(), case.case.lesion_file()]
    if case.truth is not None:
        files += [case.truth / f"{name}.nii.gz" for name in ("core", "penumbra")]
    found = [file.stat() for file in files if file is not None and file.exists()]
    return " ".join(f"{about.st_size}:{about.st_mtime_ns}" for about in found)


def is_prepared(path: Path, signature: str) -> bool:
    """Return whether a file holds a case prepared from files of this signature, or has no signature."""
    try:
        with safe_open(path, "numpy") as file:
            return bool((file.metadata() or {}).get("source", signature) == signature)
    except (OSError, SafetensorError):
        return False


def write_training_case(case: TrainingCase, path: Path, signature: str = "") -> None:
    """Write a case with the signature of :func:`file_signature`; the write is atomic."""
    arrays = {
        "curves": case.grid_input.curves.astype(np.float16),
        "cell": case.grid_input.cell,
        "tissue": case.tissue,
        "reference": case.reference,
        "core": case.core,
    }
    if case.hypoperfused is not None:
        arrays["hypoperfused"] = case.hypoperfused
    about = {
        "name": case.name,
        "fingerprint": case.fingerprint,
        "n_slices": str(case.grid_input.shape[2]),
        "dt_s": repr(case.grid_input.frame_mapping.dt_s),
        "start_s": repr(case.grid_input.frame_mapping.start_s),
        "source": signature,
    }
    write_file(path, save({name: np.ascontiguousarray(value) for name, value in arrays.items()}, about))


def read_training_case(path: Path) -> TrainingCase:
    """Read a case written by :func:`write_training_case`."""
    with safe_open(path, "numpy") as file:
        about = file.metadata()
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    curves = arrays["curves"].astype(np.float32)
    grid_shape = GridInput.grid_shape(int(about["n_slices"]))
    frame_mapping = FrameMapping(curves.shape[1], float(about["dt_s"]), float(about["start_s"]))
    return TrainingCase(
        about["name"],
        about["fingerprint"],
        GridInput(curves, arrays["cell"], grid_shape, frame_mapping),
        arrays["tissue"],
        arrays["reference"],
        arrays["core"],
        arrays.get("hypoperfused"),
    )
