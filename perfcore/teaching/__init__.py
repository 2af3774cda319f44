"""Teaching experiments: effect of an AIF edit, a setting or the scan duration on the results."""

from perfcore.teaching.experiment import CurveExperiment, CurveMaps, CurveResult, curve_maps, measure_curve
from perfcore.teaching.experiment_case import ExperimentCase
from perfcore.teaching.finetune_experiment import FinetuneExperiment, FinetuneResult
from perfcore.teaching.sweep import SweepExperiment, SweepResult

__all__ = [
    "CurveExperiment",
    "CurveMaps",
    "CurveResult",
    "ExperimentCase",
    "FinetuneExperiment",
    "FinetuneResult",
    "SweepExperiment",
    "SweepResult",
    "curve_maps",
    "measure_curve",
]
