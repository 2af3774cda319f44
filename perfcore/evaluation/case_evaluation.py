"""Evaluation of one case: lesions of every AIF method against the known lesions."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from perfcore.aif.select import is_fallback
from perfcore.deconvolution.fused import Tiles
from perfcore.errors import ArgumentError, InputDataError
from perfcore.evaluation.figures import KnownCase, dice_sweep, figures, figures_of_failure, roc
from perfcore.evaluation.methods import Method, NetworkSource, NotEvaluatedError, OwnCurve, methods_of
from perfcore.io.cohort import CohortCase, fingerprint
from perfcore.maps import PerfusionMaps
from perfcore.pipeline import make_maps, tile
from perfcore.preprocess import prepare
from perfcore.settings import Settings
from perfcore.types import Aif, BoolArray, DoubleArray, FloatArray, PerfusionSeries


@dataclass(frozen=True)
class EvaluationJob:
    """A case and the methods to evaluate on it."""

    case: CohortCase
    selectors: tuple[str, ...]
    networks: tuple[NetworkSource, ...]
    expert: Path | None = None
    own: tuple[OwnCurve, ...] = ()
    with_example: bool = False


@dataclass(frozen=True, eq=False)
class ExampleSlice:
    """One slice by one method, rows downward: rCBF (NaN outside the brain), core, known lesion, and the AIF."""

    rcbf: FloatArray
    core: BoolArray
    lesion: BoolArray
    dice: float | None
    time_s: DoubleArray
    aif: DoubleArray


@dataclass(frozen=True, eq=False)
class CaseEvaluation:
    """Results of one case.

    Attributes
    ----------
    rows
        One row of figures per method; None for an undefined figure.
    roc
        ROC curve of rCBF at `figures.FPR` per method, shape ``(101,)``; empty without a lesion.
    sweep
        Dice of the core at `figures.THRESHOLDS` per method, shape ``(21,)``; empty without a lesion.
    example_slices
        Example slice per method, if requested.
    problem
        Reason why the case cannot be evaluated, as a sentence.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    roc: dict[str, DoubleArray] = field(default_factory=dict)
    sweep: dict[str, DoubleArray] = field(default_factory=dict)
    example_slices: dict[str, ExampleSlice] = field(default_factory=dict)
    problem: str | None = None


OnMethod = Callable[[str, str, int, int], None]
"""Called before a method is evaluated: names of case and method, number of methods that are done, and of all."""


def evaluate_case(job: EvaluationJob, on_method: OnMethod | None = None) -> CaseEvaluation:
    """Evaluate every method on one case; an unreadable case gives a ``problem`` in place of an exception."""
    try:
        known, tiles = _known_case(job.case)
    except InputDataError as error:
        return CaseEvaluation(problem=str(error))
    result = CaseEvaluation()
    methods = list(
        methods_of(
            known.prepared,
            fingerprint(known.series),
            true_aif=known.truth.aif,
            expert=job.expert,
            selectors=job.selectors,
            networks=job.networks,
            own=job.own,
        )
    )
    for place, method in enumerate(methods):
        if on_method is not None:
            on_method(job.case.name, method.name, place, len(methods))
        _evaluate_method(job, method, known, tiles, result)
    return result


def _known_case(case: CohortCase) -> tuple[KnownCase, Tiles]:
    """Return a case with what is known of it, and its tissue for the deconvolution."""
    series = case.load()
    truth, hard_label = case.load_truth(series), case.load_hard_label(series)
    prepared = prepare(series, Settings())
    tiles, tmax = tile(prepared), None
    if truth.aif is not None:
        try:
            tmax = make_maps(prepared, tiles, truth.aif, Settings()).tmax
        except (InputDataError, ArgumentError):  # a true AIF that cannot be inverted has failed as a method
            tmax = None
    return KnownCase(series, prepared, truth, hard_label, tmax), tiles


def _evaluate_method(
    job: EvaluationJob, method: Method, known: KnownCase, tiles: Tiles, result: CaseEvaluation
) -> None:
    """Add the row, the ROC curve and the sweep of a method to the results.

    ``failed``: the method found no curve, or one that cannot be inverted; it has the figures of
    `figures_of_failure`. Neither ``found`` nor ``failed``: the method was not asked, the note says why.
    """
    start = time.perf_counter()
    row: dict[str, Any] = {
        "case": job.case.name, "patient": job.case.patient, "confounders": " ".join(job.case.confounders),
        "n_slices": known.series.grid[2], "method": method.name, "fold": method.fold,
        "found": False, "failed": False, "fallback": False,
    }  # fmt: skip
    result.rows.append(row)
    maps: PerfusionMaps | None = None
    try:
        aif = method.find()
        maps = make_maps(known.prepared, tiles, aif, Settings())
    except NotEvaluatedError as error:
        row["note"] = str(error)
        return
    except (InputDataError, ArgumentError) as error:  # no artery, or an AIF that cannot be inverted
        row |= {"failed": True, "note": str(error), **figures_of_failure(known)}
    else:
        row |= {"found": True, "seconds": time.perf_counter() - start, "fallback": is_fallback(aif)}
        row |= figures(maps, aif, known)
        if row["fallback"]:  # counted, and said
            row["note"] = " ".join(flag.sentence for flag in aif.quality if flag.code == "aif_fallback")
        if job.with_example:
            result.example_slices[method.name] = _example_slice(maps, known.series, aif, row["dice"])
    for kept, curve in ((result.roc, roc(maps, known)), (result.sweep, dice_sweep(maps, known))):
        if curve is not None:
            kept[method.name] = curve


def _example_slice(maps: PerfusionMaps, series: PerfusionSeries, aif: Aif, overlap: float | None) -> ExampleSlice:
    lesion = series.lesion
    assert lesion is not None
    z = int(lesion.sum((0, 1)).argmax())
    x, y = (np.flatnonzero(np.isfinite(maps.rcbf).any(axis=axes)) for axes in ((1, 2), (0, 2)))

    def upright(volume: Any) -> Any:
        plane = volume[x[0] : x[-1] + 1, y[0] : y[-1] + 1, z].T
        return np.ascontiguousarray(plane[::-1] if series.affine[1, 1] > 0 else plane)

    return ExampleSlice(
        upright(maps.rcbf), upright(maps.core), upright(lesion), overlap, np.array(aif.time_s), np.array(aif.value)
    )
