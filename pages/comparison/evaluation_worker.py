"""Process that evaluates chosen cases: ``python -m pages.comparison.evaluation_worker OUT``.

Reads one line of JSON (folder, cases and own curves) and writes lines of JSON with the progress. The process exits
at once when its input is closed.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from pages.library.demonstrations import cache_folder
from perfcore.aif.sources import source_label
from perfcore.errors import PerfcoreError
from perfcore.evaluation.methods import OwnCurve
from perfcore.evaluation.run import evaluate_cases
from perfcore.io.cohort import CohortCase, find_cohort
from perfcore.phantom.cases import PhantomCase, make_case, make_demonstration
from perfcore.phantom.files import write_case


def _report(**progress: Any) -> None:
    sys.stdout.write(json.dumps(progress) + "\n")
    sys.stdout.flush()


def _exit_at_end_of_input() -> None:
    sys.stdin.read()
    os._exit(1)


def _renamed(case: CohortCase, name: str) -> CohortCase:
    return replace(case, case=replace(case.case, name=name))


def _phantom(made: PhantomCase, folder: Path) -> CohortCase:
    write_case(made, folder, 1)
    return find_cohort(folder)[0]


def case_of(key: str, name: str, folder: Path | None, work: Path) -> CohortCase:
    """Return a case by its catalog key, with its truth; a phantom that is not in the cache is made.

    Raises
    ------
    PerfcoreError
        The case does not exist.
    """
    kind, _, rest = key.partition("-")
    if kind == "demo":
        with suppress(PerfcoreError, IndexError):
            found = find_cohort(cache_folder() / rest)[0]
            if found.truth is not None:
                return _renamed(found, name)
        return _renamed(_phantom(make_demonstration(rest), work / key), name)
    if kind == "cohort":
        seed, _, index = rest.partition("-")
        return _renamed(_phantom(make_case(int(seed), int(index)), work / key), name)
    cases = {case.name: case for case in find_cohort(folder)} if folder is not None else {}
    if rest not in cases:
        raise PerfcoreError(f"{name} is not in the server's folder any more.")
    return _renamed(cases[rest], name)


def _own_curves(given: list[Any]) -> dict[str, list[OwnCurve]]:
    """Return the user's curves by case, from rows of case, name and values."""
    found: dict[str, list[OwnCurve]] = {}
    for case, name, values in given:
        found.setdefault(case, []).append(OwnCurve(name, tuple(values)))
    return found


def _report_method(case: str, method: str, done: int, total: int) -> None:
    _report(part=done / total, now=f"{case}, {source_label(method)}")


def main() -> None:
    """Run one evaluation."""
    out = Path(sys.argv[1])
    wanted = json.loads(sys.stdin.readline())
    threading.Thread(target=_exit_at_end_of_input, daemon=True).start()
    os.nice(10)  # interactive sessions have priority
    torch.set_num_threads(1)
    folder = None if wanted["folder"] is None else Path(wanted["folder"])
    try:
        cases = []
        for place, (key, name) in enumerate(wanted["cases"], start=1):
            _report(now=f"reading case {place} of {len(wanted['cases'])}")
            cases.append(case_of(key, name, folder, out / "cases"))
        evaluate_cases(
            cases, out, workers=1, own=_own_curves(wanted["own"]), on_method=_report_method,
            progress=lambda done, total: _report(done=done, total=total, part=0.0),
        )  # fmt: skip
        _report(finished=True)
    except PerfcoreError as error:
        _report(problem=str(error))


if __name__ == "__main__":
    main()
