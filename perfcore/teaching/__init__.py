"""Experiments for teaching: what one change to an input function, a setting or a scan does, in numbers."""

from perfcore.teaching.bench import Bench
from perfcore.teaching.sweep import Sweep, Swept
from perfcore.teaching.trial import Outcome, Trial
from perfcore.teaching.tune import Tuned, Tuning

__all__ = ["Bench", "Outcome", "Sweep", "Swept", "Trial", "Tuned", "Tuning"]
