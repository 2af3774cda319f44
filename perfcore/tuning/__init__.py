"""Fine-tuning of one case's input function through the gradient."""

from perfcore.tuning.forms import FORMS, CurveForm, NetworkForm, make_form
from perfcore.tuning.tuner import DivergedError, TuneOptions, Tuner, TuneStep

__all__ = ["FORMS", "CurveForm", "DivergedError", "NetworkForm", "TuneOptions", "TuneStep", "Tuner", "make_form"]
