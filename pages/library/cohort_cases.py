"""Cases of the cohort of the included evaluation: phantoms, made when they are opened."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

from pages.library import case_summary
from pages.library.catalog import CatalogEntry, LoadedCase
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
    """Return the cohort of the command under ``evaluation`` in a manifest, or None."""
    command = str(manifest.get("evaluation", ""))
    seed, cases = _SEED.search(command), _CASES.search(command)
    return Cohort(seed=int(seed[1]), n_cases=int(cases[1])) if seed and cases else None


@cache
def included_cohort() -> Cohort | None:
    """Return the cohort on which the included networks were evaluated, or None."""
    try:
        return cohort_of(read_manifest())
    except PerfcoreError:
        return None


@lru_cache(maxsize=256)
def _recipe(seed: int, index: int) -> Recipe:
    return draw_recipe(seed, index)


def key_of(case: str, n_slices: int) -> str | None:
    """Return the catalog key of a case of the evaluation (``case_12``); None for a case of another cohort."""
    found, number = included_cohort(), case.removeprefix("case_")
    if found is None or not number.isascii() or not number.isdigit() or not 1 <= int(number) <= found.n_cases:
        return None
    index = int(number)
    return f"cohort-{found.seed}-{index}" if _recipe(found.seed, index).n_slices == n_slices else None


def cohort_entry(key: str) -> CatalogEntry | None:
    """Return a case of the included cohort by its catalog key, or None."""
    match, found = _KEY.fullmatch(key), included_cohort()
    if match is None or found is None or int(match[1]) != found.seed or not 1 <= int(match[2]) <= found.n_cases:
        return None
    seed, index = int(match[1]), int(match[2])
    recipe = _recipe(seed, index)

    def read() -> LoadedCase:
        made = make_case(seed, index)
        return LoadedCase(made.series, made.truth.aif, made.truth.core | made.truth.penumbra)

    title = f"case_{index} (evaluation)"
    return CatalogEntry(
        f"cohort-{seed}-{index}", title, recipe.lesson, read, summary=case_summary.summary_of_recipe(recipe)
    )
