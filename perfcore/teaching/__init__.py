"""Experiments for teaching: what one change to an input function, a setting or a scan does, in numbers."""

from perfcore.teaching.experiment import CurveExperiment, CurveResult
from perfcore.teaching.experiment_case import ExperimentCase
from perfcore.teaching.finetune_experiment import FinetuneExperiment, FinetuneResult
from perfcore.teaching.sweep import SweepExperiment, SweepResult

__all__ = [
    "CurveExperiment",
    "CurveResult",
    "ExperimentCase",
    "FinetuneExperiment",
    "FinetuneResult",
    "SweepExperiment",
    "SweepResult",
]
