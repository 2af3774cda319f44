"""Demonstration cases: made once, then read from the user's cache folder."""

from __future__ import annotations

import hashlib
import shutil
import threading
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

import platformdirs

import perfcore.phantom
from perfcore.aif import curves
from perfcore.errors import PerfcoreError
from perfcore.io.aif_csv import read_aif_csv
from perfcore.io.datasets.case_folders import find_cases
from perfcore.io.nifti.resampling import VolumeGrid
from perfcore.io.nifti.volumes import read_mask
from perfcore.phantom.cases import PhantomCase, make_demonstration
from perfcore.phantom.files import write_case
from perfcore.types import Aif, BoolArray, PerfusionSeries


@cache
def _code_version() -> str:
    """Return a hash of the phantom's code, so that cases of another version are not read."""
    files = [*sorted(Path(next(iter(perfcore.phantom.__path__))).glob("*.py")), Path(str(curves.__file__))]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def cache_folder() -> Path:
    """Return the folder of the demonstration cases."""
    return Path(platformdirs.user_cache_dir("aif-lab", appauthor=False)) / f"demonstrations-{_code_version()}"


def read_demonstration(name: str) -> tuple[PerfusionSeries, Aif, BoolArray]:
    """Return the series, the true AIF and the hypoperfused tissue (core and penumbra) of a demonstration.

    They are read from the cache folder; without a complete one the case is made.
    """
    folder = cache_folder() / name
    with suppress(PerfcoreError, IndexError):
        series = replace(find_cases(folder)[0].load(), case=name, warnings=())
        beside = folder / "truth" / "case_1"
        truth = read_aif_csv(beside / "aif.csv", series.time_s)
        core, penumbra = (
            read_mask(beside / f"{part}.nii.gz", VolumeGrid.of_series(series), what=part, allow_empty=True)
            for part in ("core", "penumbra")
        )
        return series, replace(truth, source_id="truth"), core | penumbra
    made = make_demonstration(name)
    # In the background: writing 60 MB would delay the first map.
    threading.Thread(target=_write, args=(made, folder), name=f"write-{name}").start()
    return made.series, replace(made.truth.aif, source_id="truth"), made.truth.core | made.truth.penumbra


def _write(made: PhantomCase, folder: Path) -> None:
    """Write a case for the next start; errors are ignored, as the cache is optional."""
    with suppress(PerfcoreError, OSError):
        if folder.exists():
            shutil.rmtree(folder)
        write_case(made, folder, 1)
