"""Cases of the cohort that the evaluation which ships was made on: phantoms, made when somebody opens one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

from pages.library import case_summary
from pages.library.catalog import Entry, Source
from perfcore.aif.network.weights import read_manifest
from perfcore.errors import PerfcoreError
from perfcore.phantom.cases import make_case
from perfcore.phantom.cohort import draw_recipe
from perfcore.phantom.recipe import Recipe

_CASES: Final = re.compile(r"phantom\b.*--cases[ =](\d{1,4})\b")
_SEED: Final = re.compile(r"phantom\b.*--seed[ =](\d{1,9})\b")
_KEY: Final = re.compile(r"cohort-(\d{1,9})-(\d{1,4})")


class Cohort(NamedTuple):
    """A phantom cohort: its seed and its number of cases."""

    seed: int
    n_cases: int


def cohort_of(manifest: Mapping[str, Any]) -> Cohort | None:
    """Return the cohort whose command a manifest names."""
    for entry in manifest.get("networks", {}).values():
        command = str(entry.get("data", ""))
        seed, cases = _SEED.search(command), _CASES.search(command)
        if seed and cases:
            return Cohort(seed=int(seed[1]), n_cases=int(cases[1]))
    return None


@cache
def shipped_cohort() -> Cohort | None:
    """Return the cohort that the networks which ship were judged on, where one is known."""
    try:
        return cohort_of(read_manifest())
    except PerfcoreError:
        return None


@lru_cache(maxsize=256)
def _recipe(seed: int, index: int) -> Recipe:
    return draw_recipe(seed, index)


def key_of(case: str, n_slices: int) -> str | None:
    """Return the key of a case of the evaluation (``case_12``), if it can be made; None where it is another's."""
    found, number = shipped_cohort(), case.removeprefix("case_")
    if found is None or not number.isascii() or not number.isdigit() or not 1 <= int(number) <= found.n_cases:
        return None
    index = int(number)
    return f"cohort-{found.seed}-{index}" if _recipe(found.seed, index).n_slices == n_slices else None


def cohort_entry(key: str) -> Entry | None:
    """Return a case of the cohort that ships by its key; None for any other key."""
    match, found = _KEY.fullmatch(key), shipped_cohort()
    if match is None or found is None or int(match[1]) != found.seed or not 1 <= int(match[2]) <= found.n_cases:
        return None
    seed, index = int(match[1]), int(match[2])
    recipe = _recipe(seed, index)

    def read() -> Source:
        made = make_case(seed, index)
        return Source(made.series, made.truth.aif, made.truth.core | made.truth.penumbra)

    title = f"Evaluation, case {index}"
    return Entry(f"cohort-{seed}-{index}", title, recipe.lesson, read, facts=case_summary.of_recipe(recipe))
