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
from perfcore.io.curves import read_aif_csv
from perfcore.io.isles import find_cases
from perfcore.phantom.cases import PhantomCase, make_demonstration
from perfcore.phantom.files import write_case
from perfcore.types import Aif, PerfusionSeries


@cache
def _edition() -> str:
    """Name the phantom's code: what another version wrote is not read."""
    files = [*sorted(Path(next(iter(perfcore.phantom.__path__))).glob("*.py")), Path(str(curves.__file__))]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def cache_folder() -> Path:
    """Return where demonstration cases are kept."""
    return Path(platformdirs.user_cache_dir("aif-lab", appauthor=False)) / f"demonstrations-{_edition()}"


def read_demonstration(name: str) -> tuple[PerfusionSeries, Aif]:
    """Return a demonstration's series and true AIF, from the cache folder where it is there and whole."""
    folder = cache_folder() / name
    with suppress(PerfcoreError, IndexError):
        series = replace(find_cases(folder)[0].load(), case=name, warnings=())
        truth = read_aif_csv(folder / "truth" / "case_1" / "aif.csv", series.time_s)
        return series, replace(truth, method="truth")
    made = make_demonstration(name)
    # Writing 60 MB must not keep the first map waiting.
    threading.Thread(target=_keep, args=(made, folder), name=f"keep-{name}").start()
    return made.series, replace(made.truth.aif, method="truth")


def _keep(made: PhantomCase, folder: Path) -> None:
    """Write a case for the next start; a cache that cannot be written is done without."""
    with suppress(PerfcoreError, OSError):
        if folder.exists():
            shutil.rmtree(folder)
        write_case(made, folder, 1)
