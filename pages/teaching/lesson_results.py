"""Results of a lesson's experiments on its case, computed at first access and cached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Final

from pages.live.compute.case import LiveCase
from pages.server.byte_cache import ByteCache
from pages.teaching.lesson import Lesson, Result, volume_of
from perfcore.errors import InputDataError
from perfcore.settings import Settings
from perfcore.teaching import CurveMaps, CurveResult, ExperimentCase, SweepExperiment, curve_maps

CACHE_BYTES: Final = 16 << 20
_RESULT_BYTES: Final = 30_000

_cache: Final[ByteCache[Result]] = ByteCache(CACHE_BYTES, lambda _: _RESULT_BYTES)
"""Shared by all sessions: a lesson's results do not depend on the user."""


def experiment_case(case: LiveCase) -> ExperimentCase:
    """Return a live case as input of experiments; its tissue is shared, not copied.

    Raises
    ------
    InputDataError
        The case has no true AIF.
    """
    if "truth" not in case.sources:
        raise InputDataError("A lesson needs a case with a true AIF.")
    curves = {**case.sources, "automatic": next(iter(case.sources.values()))}
    if case.vof is not None:
        curves["vein"] = case.vof
    return ExperimentCase.of(
        case.prepared, curves, tiles=case.tiles, order=case.order, n_lesion=case.lesion_voxels
    )


class LessonResults(Mapping[str, Any]):
    """Results and derived numbers of a lesson, by name; an experiment runs at the first access to its name."""

    def __init__(self, lesson: Lesson, case: LiveCase) -> None:
        self.lesson, self.live_case = lesson, case

    @cached_property
    def _experiment_case(self) -> ExperimentCase:
        return experiment_case(self.live_case)

    def __getitem__(self, name: str) -> Any:
        """Return the result of an experiment, or the value of a number."""
        if name in self.lesson.numbers:
            return self.lesson.numbers[name](self)
        experiment = self.lesson.experiments[name]
        key = (self.lesson.id, name, self.live_case.key)
        return _cache.get(key, lambda: experiment.run(self._experiment_case, self.lesson.own_settings))

    def settings_of(self, name: str) -> Settings:
        """Return the settings of an experiment."""
        return self.lesson.own_settings.replace(**self.lesson.experiments[name].settings)

    def volume_result(self, name: str) -> CurveResult:
        """Return the results of an experiment with a curve, given or tuned, on all voxels."""
        return volume_of(self[name])

    def maps_of(self, name: str) -> CurveMaps:
        """Compute the maps of an experiment with a curve, given or tuned; voxels are in slice order."""
        experiment = self.lesson.experiments[name]
        assert not isinstance(experiment, SweepExperiment), "simulated tissue has no maps"
        case, settings = experiment.inputs(self._experiment_case, self.lesson.own_settings)
        return curve_maps(case, self[name].curve, settings)

    def __getattr__(self, name: str) -> Any:
        """Return ``self[name]``, for short formulas."""
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
        """Return the number of names."""
        return len(self.lesson.experiments) + len(self.lesson.numbers)
