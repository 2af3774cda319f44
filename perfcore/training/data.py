"""A case as training needs it: what the network sees, tissue to deconvolve, and the known lesions.

Written once per case as safetensors; an epoch then reads no series again.
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
"""Voxels of a case that the loss sees: evenly drawn from its brain."""


@dataclass(frozen=True, eq=False)
class TrainingCase:
    """What is learned from one case.

    Attributes
    ----------
    name, fingerprint
        Which case it is, by name and by its voxels.
    view
        What the network sees.
    tissue
        Smoothed enhancement, shape ``(n, n_time)``, at most 8192 voxels.
    reference, core, hypoperfused
        Shape ``(n,)``; the last is None where it is not known.
    """

    name: str
    fingerprint: str
    grid_input: GridInput
    tissue: FloatArray
    reference: BoolArray
    core: BoolArray
    hypoperfused: BoolArray | None

    def target(self, device: torch.device) -> Target:
        """Return tissue and lesions for the loss."""

        def label(values: BoolArray) -> torch.Tensor:
            return torch.from_numpy(values.astype(np.float32)).to(device)

        return Target(
            Tiles.of(torch.from_numpy(self.tissue).to(device)),
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
        It is refused, or its lesion is not known.
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


def source_of(case: CohortCase) -> str:
    """Return what tells whether a case's files are still those that were prepared: their sizes and times.

    Raises
    ------
    InputDataError
        The case has no series, or more than one, or is known not to serve.
    """
    if case.problem is not None:
        raise InputDataError(case.problem)
    files = [case.case.series_file(), case.case.lesion_file()]
    if case.truth is not None:
        files += [case.truth / f"{name}.nii.gz" for name in ("core", "penumbra")]
    found = [file.stat() for file in files if file is not None and file.exists()]
    return " ".join(f"{about.st_size}:{about.st_mtime_ns}" for about in found)


def is_prepared(path: Path, source: str) -> bool:
    """Say whether a file holds a case prepared from these files (or does not say from which)."""
    try:
        with safe_open(path, "numpy") as file:
            return bool((file.metadata() or {}).get("source", source) == source)
    except (OSError, SafetensorError):
        return False


def write_training_case(case: TrainingCase, path: Path, source: str = "") -> None:
    """Write a case with what :func:`source_of` says of it, whole or not at all."""
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
        "source": source,
    }
    write_file(path, save({name: np.ascontiguousarray(value) for name, value in arrays.items()}, about))


def read_training_case(path: Path) -> TrainingCase:
    """Read what :func:`write_training_case` wrote."""
    with safe_open(path, "numpy") as file:
        about = file.metadata()
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    curves = arrays["curves"].astype(np.float32)
    side_shape = GridInput.grid_shape(int(about["n_slices"]))
    frame_mapping = FrameMapping(curves.shape[1], float(about["dt_s"]), float(about["start_s"]))
    return TrainingCase(
        about["name"],
        about["fingerprint"],
        GridInput(curves, arrays["cell"], side_shape, frame_mapping),
        arrays["tissue"],
        arrays["reference"],
        arrays["core"],
        arrays.get("hypoperfused"),
    )
