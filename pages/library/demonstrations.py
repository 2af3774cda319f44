"""The demonstration cases: made once, then read from the user's cache folder."""

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
from perfcore.io.nifti.volumes import read_mask
from perfcore.phantom.cases import PhantomCase, make_demonstration
from perfcore.phantom.files import write_case
from perfcore.types import Aif, BoolArray, PerfusionSeries


@cache
def _edition() -> str:
    """Name the phantom's code: what another version wrote is not read."""
    files = [*sorted(Path(next(iter(perfcore.phantom.__path__))).glob("*.py")), Path(str(curves.__file__))]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def cache_folder() -> Path:
    """Return where demonstration cases are kept."""
    return Path(platformdirs.user_cache_dir("aif-lab", appauthor=False)) / f"demonstrations-{_edition()}"


def read_demonstration(name: str) -> tuple[PerfusionSeries, Aif, BoolArray]:
    """Return a demonstration's series, true AIF and hypoperfused tissue (core and penumbra).

    They come from the cache folder where it is there and whole.
    """
    folder = cache_folder() / name
    with suppress(PerfcoreError, IndexError):
        series = replace(find_cases(folder)[0].load(), case=name, warnings=())
        beside = folder / "truth" / "case_1"
        truth = read_aif_csv(beside / "aif.csv", series.time_s)
        core, penumbra = (
            read_mask(beside / f"{part}.nii.gz", series.grid, what=part, allow_empty=True)
            for part in ("core", "penumbra")
        )
        return series, replace(truth, method="truth"), core | penumbra
    made = make_demonstration(name)
    # Writing 60 MB must not keep the first map waiting.
    threading.Thread(target=_keep, args=(made, folder), name=f"keep-{name}").start()
    return made.series, replace(made.truth.aif, method="truth"), made.truth.core | made.truth.penumbra


def _keep(made: PhantomCase, folder: Path) -> None:
    """Write a case for the next start; a cache that cannot be written is done without."""
    with suppress(PerfcoreError, OSError):
        if folder.exists():
            shutil.rmtree(folder)
        write_case(made, folder, 1)
