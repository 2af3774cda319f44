"""What a lesson's experiments give on its case: computed when first asked for, and kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Final

from pages.live.compute.case import LiveCase
from pages.server.byte_cache import ByteCache
from pages.teaching.lesson import Lesson, Result
from perfcore.errors import InputDataError
from perfcore.teaching import ExperimentCase

KEPT_BYTES: Final = 16 << 20
_ONE_BYTES: Final = 30_000

_kept: Final[ByteCache[Result]] = ByteCache(KEPT_BYTES, lambda _: _ONE_BYTES)
"""Shared by everybody on the server: a lesson's results are the same for all."""


def experiment_case(case: LiveCase) -> ExperimentCase:
    """Return a live case as experiments see it; its tissue is not laid out again.

    Raises
    ------
    InputDataError
        Its true input function is not known.
    """
    if "truth" not in case.sources:
        raise InputDataError("A lesson needs a case whose true input function is known.")
    curves = {**case.sources, "automatic": next(iter(case.sources.values()))}
    if case.vof is not None:
        curves["vein"] = case.vof
    return ExperimentCase.of(case.prepared, curves, tiles=case.tiles, order=case.order)


class Results(Mapping[str, Any]):
    """A lesson's results and further numbers, by name; an experiment runs when its name is first asked for."""

    def __init__(self, lesson: Lesson, case: LiveCase) -> None:
        self.lesson, self._case = lesson, case

    @cached_property
    def _experiment_case(self) -> ExperimentCase:
        return experiment_case(self._case)

    def __getitem__(self, name: str) -> Any:
        """Return one result, or the value of a number."""
        if name in self.lesson.numbers:
            return self.lesson.numbers[name](self)
        experiment = self.lesson.experiments[name]
        key = (self.lesson.id, name, self._case.key)
        return _kept.get(key, lambda: experiment.run(self._experiment_case, self.lesson.own_settings))

    def __getattr__(self, name: str) -> Any:
        """Return the same, as formulas write it."""
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(name) from error

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter((*self.lesson.experiments, *self.lesson.numbers))

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.lesson.experiments) + len(self.lesson.numbers)
