"""A cohort as varied as ISLES 2018: which patient a case shows, and what that patient has."""

from __future__ import annotations

from perfcore.errors import ArgumentError
from perfcore.phantom.recipe import Recipe


def draw_recipe(seed: int, index: int) -> Recipe:
    """Return the recipe of case ``index`` (from 1)."""
    if seed < 0 or index < 1:
        raise ArgumentError(f"seed must be at least 0 and index at least 1; got {seed} and {index}.")
    return Recipe(
        name=f"case_{index}", title=f"Case {index}", lesson="", patient=f"P{index:04d}",
        patient_seed=(seed, index), scan_seed=(seed, index, 1),
    )  # fmt: skip
