"""Fine-tuning of the AIF of one case by gradient descent."""

from perfcore.analysis.finetune.lesion_targets import alternate_slice_mask, replace_core
from perfcore.analysis.finetune.options import TuneOptions
from perfcore.analysis.finetune.parametrizations import (
    PARAMETRIZATIONS,
    CurveParametrization,
    NetworkParametrization,
    make_parametrization,
)
from perfcore.analysis.finetune.tuner import DivergedError, Tuner, TuneStep

__all__ = [
    "PARAMETRIZATIONS",
    "CurveParametrization",
    "DivergedError",
    "NetworkParametrization",
    "TuneOptions",
    "TuneStep",
    "Tuner",
    "alternate_slice_mask",
    "make_parametrization",
    "replace_core",
]
