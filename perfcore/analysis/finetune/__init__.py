"""Fine-tuning of one case's input function through the gradient."""

from perfcore.analysis.finetune.parametrizations import (
    PARAMETRIZATIONS,
    CurveParametrization,
    NetworkParametrization,
    make_parametrization,
)
from perfcore.analysis.finetune.tuner import DivergedError, TuneOptions, Tuner, TuneStep

__all__ = [
    "PARAMETRIZATIONS",
    "CurveParametrization",
    "DivergedError",
    "NetworkParametrization",
    "TuneOptions",
    "TuneStep",
    "Tuner",
    "make_parametrization",
]
