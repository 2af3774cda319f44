"""Experiments for teaching: what one change to an input function, a setting or a scan does, in numbers."""

from perfcore.teaching.experiment import Outcome, Trial
from perfcore.teaching.experiment_case import Bench
from perfcore.teaching.finetune_experiment import Tuned, Tuning
from perfcore.teaching.sweep import Sweep, Swept

__all__ = ["Bench", "Outcome", "Sweep", "Swept", "Trial", "Tuned", "Tuning"]
