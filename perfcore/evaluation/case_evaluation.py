"""Evaluation of one case: lesions of every AIF method against the known lesions."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from perfcore.aif.network.inference import predict_aif
from perfcore.aif.network.weights import Network, load_network, read_network
from perfcore.aif.select import is_fallback
from perfcore.errors import ArgumentError, InputDataError
from perfcore.io.aif_csv import read_aif_csv
from perfcore.io.cohort import CohortCase, GroundTruth, fingerprint
from perfcore.maps import PerfusionMaps
from perfcore.metrics import dice, lesion_numbers, roc_below
from perfcore.pipeline import find_curve, make_maps, tile
from perfcore.preprocess import Prepared, prepare
from perfcore.settings import Settings
from perfcore.types import Aif, BoolArray, DoubleArray, FloatArray, PerfusionSeries

FPR: Final[DoubleArray] = np.linspace(0.0, 1.0, 101)
"""False positive rates at which ROC curves are sampled and averaged."""


@dataclass(frozen=True)
class NetworkSource:
    """Location of the weights of a network and of its cross-validation folds.

    Attributes
    ----------
    method
        Method name.
    kind, loss
        ``regression`` or ``weighting``; ``core`` or ``core+tmax``.
    folds
        Fold that held out each training case, by fingerprint; 0: no fold did.
    folder
        Folder with ``fold_K/`` and ``all/``; None for the installed networks.
    """

    method: str
    kind: str
    loss: str
    folds: dict[str, int]
    folder: Path | None

    def for_case(self, case_fingerprint: str) -> Network:
        """Load the network that was not trained on a case.

        Raises
        ------
        InputDataError
            Every network was trained on the case, or the weights cannot be read.
        """
        fold = self.folds.get(case_fingerprint)
        if fold == 0:
            raise InputDataError(
                f"{self.method} was trained on this case; give --weights of a training with folds."
            )
        if self.folder is None:
            return load_network(self.method)
        path = self.folder / (f"fold_{fold}" if fold else "all") / "weights.safetensors"
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InputDataError(
                f"The training of {self.method} is incomplete: {path.parent.name} has no weights."
            ) from error
        return Network(self.method, read_network(content, self.kind), self.loss, {})


@dataclass(frozen=True)
class EvaluationJob:
    """A case and the methods to evaluate on it."""

    case: CohortCase
    selectors: tuple[str, ...]
    networks: tuple[NetworkSource, ...]
    expert: Path | None = None
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
        ROC curve of rCBF at ``FPR`` per method, shape ``(101,)``; empty without a lesion.
    example_slices
        Example slice per method, if requested.
    problem
        Reason why the case cannot be evaluated, as a sentence.
    """

    rows: tuple[dict[str, Any], ...]
    roc: dict[str, DoubleArray]
    example_slices: dict[str, ExampleSlice]
    problem: str | None = None


def evaluate_case(job: EvaluationJob) -> CaseEvaluation:
    """Evaluate every method on one case; an unreadable case gives a ``problem`` in place of an exception."""
    try:
        series = job.case.load()
        truth = job.case.load_truth(series)
        prepared = prepare(series, Settings())
    except InputDataError as error:
        return CaseEvaluation((), {}, {}, str(error))
    tiles = tile(prepared)
    case_fingerprint = fingerprint(series)
    rows, roc, example_slices = [], {}, {}
    for method in _methods(job, truth):
        start = time.perf_counter()
        row: dict[str, Any] = {
            "case": job.case.name, "patient": job.case.patient, "method": method,
            "confounders": " ".join(job.case.confounders), "n_slices": series.grid[2],
        }  # fmt: skip
        try:
            aif, fold = _curve(job, method, prepared, truth, case_fingerprint)
            maps = make_maps(prepared, tiles, aif, Settings())
        except (InputDataError, ArgumentError) as error:  # no artery, or an AIF that cannot be inverted
            rows.append({**row, "found": False, "note": str(error)})
            continue
        if is_fallback(aif):  # counted, and said
            row["note"] = " ".join(flag.sentence for flag in aif.quality if flag.code == "aif_fallback")
        row |= {"found": True, "fold": fold, "seconds": time.perf_counter() - start}
        row |= _figures(maps, series, prepared, truth)
        rows.append(row)
        assert series.lesion is not None
        if row["auc"] is not None:  # no ROC curve for a lesion outside the brain
            roc[method] = roc_below(maps.rcbf.ravel(), series.lesion.ravel(), FPR)
        if job.with_example:
            example_slices[method] = _example_slice(maps, series, aif, row["dice"])
    return CaseEvaluation(tuple(rows), roc, example_slices)


def _methods(job: EvaluationJob, truth: GroundTruth) -> list[str]:
    methods = ["expert"] if job.expert is not None else []
    methods += ["truth"] if truth.aif is not None else []
    return [*methods, *job.selectors, *(network.method for network in job.networks)]


def _curve(
    job: EvaluationJob, method: str, prepared: Prepared, truth: GroundTruth, case_fingerprint: str
) -> tuple[Aif, int | None]:
    """Return the AIF of a method, and the fold of the network that predicted it."""
    if method == "expert" and job.expert is not None:
        return read_aif_csv(job.expert, prepared.time_s), None
    if method == "truth" and truth.aif is not None:
        return truth.aif, None
    for network in job.networks:
        if network.method == method:
            fold = network.folds.get(case_fingerprint)
            return predict_aif(prepared, network.for_case(case_fingerprint)).aif, fold
    return find_curve(prepared, method).corrected(), None


def _figures(
    maps: PerfusionMaps, series: PerfusionSeries, prepared: Prepared, truth: GroundTruth
) -> dict[str, Any]:
    numbers = lesion_numbers(maps, series.lesion, series.voxel_ml, series.spacing_mm)
    figures = asdict(numbers)
    figures["volume_bias_ml"] = numbers.core_ml - (numbers.lesion_ml or 0.0)
    low, delay = truth.hypoperfused, truth.delay_s
    figures["hypoperfused_dice"] = None if low is None else dice(maps.hypoperfused, low)
    tissue = None if delay is None else prepared.mask & (delay > 0) & np.isfinite(maps.tmax)
    figures["tmax_error_s"] = (
        None if tissue is None or delay is None else float(np.abs(maps.tmax[tissue] - delay[tissue]).mean())
    )
    return figures


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
