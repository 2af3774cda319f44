"""Fine-tuning of one case's input function through the gradient."""

from perfcore.analysis.finetune.parametrizations import FORMS, CurveForm, NetworkForm, make_form
from perfcore.analysis.finetune.tuner import DivergedError, TuneOptions, Tuner, TuneStep

__all__ = ["FORMS", "CurveForm", "DivergedError", "NetworkForm", "TuneOptions", "TuneStep", "Tuner", "make_form"]
