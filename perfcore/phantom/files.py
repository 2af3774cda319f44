"""Phantom cases as files: series in the layout of ISLES 2018, with the ground truth in ``truth``.

A folder is written under a temporary name and then renamed, so that a failed run leaves no files.
"""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import numpy as np
from nibabel.nifti1 import Nifti1Image
from numpy.typing import NDArray

from perfcore.errors import ArgumentError, OutputError
from perfcore.phantom.cases import PhantomCase, make_case
from perfcore.phantom.templates import ANATOMY_NOTICE
from perfcore.types import Aif, DoubleArray

_IMAGE: Final[Any] = Nifti1Image
_MODALITIES: Final = ("CT_4DPWI", "CT", "OT")
_FIRST_ID: Final = 338000
NOTICE_NAME: Final = "NOTICE.txt"


def write_cohort(out: Path, n_cases: int, seed: int, progress: Callable[[int, int], None] | None = None) -> None:
    """Write a cohort in the layout of ISLES 2018.

    ``out/TRAINING/case_K/SMIR.Brain.XX.O.{CT_4DPWI,CT,OT}.<id>/<same>.nii`` and
    ``out/truth/case_K/{cbf,cbv,mtt,delay,core,penumbra,hard_label}.nii.gz, aif.csv, vof.csv, case.json``.
    The same seed writes the same bytes.

    Parameters
    ----------
    out
        Output folder, created if missing; it must not already hold these cases.
    n_cases
        Number of cases, ≥ 1.
    seed
        The cohort's seed, ≥ 0.
    progress
        Called with the number of cases done and their total.

    Raises
    ------
    ArgumentError
        ``n_cases`` or ``seed`` is out of its range.
    OutputError
        The folder cannot be written or already holds cases; no files are left.
    """
    if n_cases < 1 or seed < 0:
        raise ArgumentError(f"n_cases must be at least 1 and seed at least 0; got {n_cases} and {seed}.")
    with _staged(out) as stage:
        for k in range(1, n_cases + 1):
            _write(make_case(seed, k), stage, k)
            if progress is not None:
                progress(k, n_cases)


def write_case(case: PhantomCase, out: Path, k: int) -> None:
    """Write one case as number ``k`` (from 1) into a cohort's folder.

    Raises
    ------
    ArgumentError
        ``k`` is below 1.
    OutputError
        The folder cannot be written or already holds this case; no files are left.
    """
    if k < 1:
        raise ArgumentError(f"A case's number is at least 1; got {k}.")
    with _staged(out) as stage:
        _write(case, stage, k)


@contextmanager
def _staged(out: Path) -> Iterator[Path]:
    """Yield a temporary folder whose content is moved to ``out`` at the end, or removed on failure."""
    made: list[Path] = []
    stage: Path | None = None
    try:
        for folder in [*reversed(out.parents), out]:
            if not folder.exists():
                folder.mkdir()
                made.append(folder)
        hidden = out / f".part-{uuid4().hex}"
        hidden.mkdir()
        stage = hidden
        yield stage
        _move_in(stage, out)
        made.clear()
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise OutputError(f"The output folder cannot be written: {reason}; choose another.") from error
    finally:
        if stage is not None:
            shutil.rmtree(stage, ignore_errors=True)
        for folder in reversed(made):
            shutil.rmtree(folder, ignore_errors=True)


def _move_in(stage: Path, out: Path) -> None:
    moves = [(case, out / case.relative_to(stage)) for case in sorted(stage.glob("*/case_*"))]
    for _, target in moves:
        if target.exists():
            raise OutputError(f"The output folder already holds {target.name}; choose another or remove it.")
    done: list[Path] = []
    try:
        for source, target in moves:
            target.parent.mkdir(exist_ok=True)
            source.rename(target)
            done.append(target)
        (stage / NOTICE_NAME).replace(out / NOTICE_NAME)
    except OSError:
        for target in done:
            shutil.rmtree(target, ignore_errors=True)
        raise


def _write(case: PhantomCase, root: Path, k: int) -> None:
    series, truth = case.series, case.truth
    scan = root / "TRAINING" / f"case_{k}"
    baseline = series.data[..., : _n_baseline(truth.aif)].mean(axis=3, dtype=np.float64)
    volumes = {"CT_4DPWI": series.data, "CT": np.rint(baseline), "OT": truth.core}
    for position, modality in enumerate(_MODALITIES):
        name = f"SMIR.Brain.XX.O.{modality}.{_FIRST_ID + 3 * k + position}"
        (scan / name).mkdir(parents=True)
        data = np.asfortranarray(volumes[modality], np.int16)
        (scan / name / f"{name}.nii").write_bytes(_nifti(data, series.affine, series.dt_s))
    beside = root / "truth" / f"case_{k}"
    beside.mkdir(parents=True)
    maps: dict[str, NDArray[Any]] = {
        "cbf": truth.cbf, "cbv": truth.cbv, "mtt": truth.mtt, "delay": truth.delay_s,
        "core": truth.core.astype(np.uint8), "penumbra": truth.penumbra.astype(np.uint8),
        "hard_label": truth.hard_label.astype(np.uint8),
    }  # fmt: skip
    for name, volume in maps.items():
        packed = gzip.compress(_nifti(volume, series.affine, None), compresslevel=4, mtime=0)
        (beside / f"{name}.nii.gz").write_bytes(packed)
    (beside / "aif.csv").write_text(_csv(truth.aif), encoding="ascii", newline="\n")
    (beside / "vof.csv").write_text(_csv(truth.vof), encoding="ascii", newline="\n")
    text = json.dumps(case.description, indent=2, sort_keys=True) + "\n"
    (beside / "case.json").write_text(text, encoding="utf-8", newline="\n")
    (root / NOTICE_NAME).write_text(ANATOMY_NOTICE, encoding="ascii", newline="\n")


def _n_baseline(aif: Aif) -> int:
    """Return the number of frames before contrast, at least 1."""
    return max(int(np.argmax(aif.value > 0.02 * aif.peak)) - 1, 1)


def _nifti(data: NDArray[Any], affine: DoubleArray, dt_s: float | None) -> bytes:
    image = _IMAGE(data, affine)
    image.header.set_xyzt_units("mm", "sec" if dt_s is not None else None)
    if dt_s is not None and data.ndim == 4:
        image.header.set_zooms((*image.header.get_zooms()[:3], dt_s))
    image.set_qform(affine, code=1)
    image.set_sform(affine, code=1)
    return bytes(image.to_bytes())


def _csv(curve: Aif) -> str:
    rows = [f"{time:.6g},{value:.6f}" for time, value in zip(curve.time_s, curve.value, strict=True)]
    return "\n".join(["time_s,value", *rows]) + "\n"
