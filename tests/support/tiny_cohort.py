"""A cohort of drawn heads in the layout of ISLES 2018 with its truth: small enough to train on within seconds."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np

from perfcore.io.aif_csv import write_aif_csv
from perfcore.types import Aif
from tests.support.synthetic_head import Head, draw_head

N_TIME = 40


def tiny_head(k: int) -> Head:
    """Case ``k`` from 1: sides alternate, boluses come early and late, strong and weak, in noise."""
    side, arrival_s, scale = ("right", "left")[k % 2], 9.0 + k % 4, 0.8 + 0.1 * (k % 5)
    return draw_head(48, 1, N_TIME, noise=3.0 + k % 3, seed=k, side=side, arrival_s=arrival_s, scale=scale)


def penumbra_of(head: Head, side: str) -> np.ndarray:
    """Penumbra on the grid, by the same ellipses as the head."""
    grid = head.series.grid
    world = np.indices(grid).reshape(3, -1).T @ head.series.affine[:3, :3].T + head.series.affine[:3, 3]
    x, y = world[:, 0].reshape(grid), world[:, 1].reshape(grid)
    sign = 1 if side == "right" else -1
    penumbra = (np.hypot((x - sign * 42) / 28, y / 55) < 1) & head.brain
    return penumbra & ~head.lesion


def hard_label_of(head: Head) -> np.ndarray:
    """The lesion as another scan might show it: displaced by 10 mm, and larger by a border."""
    moved = np.roll(head.lesion, 2, axis=1)
    return moved | np.roll(moved, 1, axis=0)


def save_nifti(volume: np.ndarray, affine: np.ndarray, path: Path, dt_s: float | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(volume, affine)
    image.header.set_xyzt_units("mm", "sec")
    if dt_s is not None:
        image.header["pixdim"][4] = dt_s
    nib.save(image, path)


def write_series(head: Head, scan: Path, *, lesion: bool = True) -> None:
    """Write a case folder."""
    volumes = {"CT_4DPWI": np.round(head.series.data).astype(np.int16)}
    if lesion:
        volumes["OT"] = head.lesion.astype(np.uint8)
    for modality, volume in volumes.items():
        name = f"SMIR.Brain.XX.O.{modality}.77"
        save_nifti(volume, head.series.affine, scan / name / f"{name}.nii", 1.0 if volume.ndim == 4 else None)


def write_tiny_cohort(folder: Path, n_cases: int, *, truth: bool = True, per_patient: int = 1) -> Path:
    """Write cases 1 to n, ``per_patient`` of each patient, and return the folder."""
    for k in range(1, n_cases + 1):
        head, side = tiny_head(k), ("right", "left")[k % 2]
        write_series(head, folder / "TRAINING" / f"case_{k}")
        if not truth:
            continue
        beside = folder / "truth" / f"case_{k}"
        penumbra = penumbra_of(head, side)
        for name, volume in (("core", head.lesion.astype(np.uint8)), ("penumbra", penumbra.astype(np.uint8)),
                             ("hard_label", hard_label_of(head).astype(np.uint8))):  # fmt: skip
            save_nifti(volume, head.series.affine, beside / f"{name}.nii.gz")
        write_aif_csv(Aif(head.series.time_s, head.aif), beside / "aif.csv")
        about = {"patient": f"P{(k - 1) // per_patient + 1}", "confounders": ["late artery"] if k == 2 else []}
        (beside / "case.json").write_text(json.dumps(about), encoding="utf-8")
    return folder
