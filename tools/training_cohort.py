"""Many two-slice phantom cases to train on: ``python -m tools.training_cohort --out DIR --cases N --seed S``.

The folder is one for ``python -m perfcore train --data DIR``. The cases come from the generator of the cohort,
each of another patient, with boluses that are narrower and broader than those of patients: what a network lacks is
breadth of shapes, not more of the same (:func:`perfcore.phantom.cohort.draw_training_recipe`).
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from perfcore.errors import PerfcoreError
from perfcore.phantom.cases import make_from_recipe
from perfcore.phantom.cohort import draw_training_recipe
from perfcore.phantom.files import write_case
from perfcore.runtime.progress import progress


def write_one(job: tuple[Path, int, int]) -> None:
    """Make a case and write it; ``job`` is the folder, the seed and the index of the case."""
    out, seed, index = job
    write_case(make_from_recipe(draw_training_recipe(seed, index)), out, index)


def write_training_cohort(out: Path, n_cases: int, seed: int) -> None:
    """Write the cases on all cores; the same seed writes the same bytes, whatever the number of cores."""
    out.mkdir(parents=True, exist_ok=True)
    jobs = [(out, seed, k) for k in range(1, n_cases + 1)]
    with ProcessPoolExecutor(os.cpu_count()) as pool, progress("Writing training cases") as advance:
        for done, _ in enumerate(pool.map(write_one, jobs), 1):
            advance(done, n_cases)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cases", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    try:
        write_training_cohort(given.out, given.cases, given.seed)
    except PerfcoreError as error:
        sys.exit(str(error))
    print(f"Wrote {given.cases} training cases of seed {given.seed}.")


if __name__ == "__main__":
    main()
