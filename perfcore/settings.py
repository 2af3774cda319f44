"""Analysis settings: validated, frozen, shared by the commands, the dashboard and training."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final, Literal

from perfcore.errors import ArgumentError
from perfcore.regularization import REGULARIZATIONS

Deconvolution = Literal["circulant", "causal"]
Discretization = Literal["volterra", "rectangular"]
Reference = Literal["contralateral", "brain"]
Motion = Literal["off", "in-plane", "rigid"]
TmaxReference = Literal["absolute", "healthy"]

CHOICES: Final[dict[str, dict[str, str]]] = {
    "deconvolution": {"circulant": "delay-invariant", "causal": "causal"},
    "discretization": {"volterra": "Volterra", "rectangular": "rectangular"},
    "reference": {"contralateral": "contralateral", "brain": "whole brain"},
    "tmax_reference": {"absolute": "the scan's clock", "healthy": "healthy tissue"},
    "motion": {"off": "none", "in-plane": "in the plane", "rigid": "in space (slower)"},
}
"""Values of each setting that is a choice, with their labels in the interface."""
SETTING_HELP: Final[dict[str, str]] = {
    "deconvolution": "Delay-invariant (block-circulant): a delay moves Tmax alone. Causal: tissue that the bolus "
    "reaches late loses flow, and the core grows.",
    "discretization": "How the convolution integral is summed: Volterra takes the AIF as linear between two "
    "frames, rectangular as constant.",
    "regularization": "How noise is kept out of k(t): Tikhonov damps small singular values, a truncated SVD drops "
    "them, and the oscillation index drops as many as each voxel needs.",
    "spatial_sigma_mm": "Standard deviation of the Gaussian filter in each slice, within the brain; 0 is none.",
    "temporal_sigma_s": "Standard deviation of the Gaussian filter over time; 0 is none.",
    "motion": "Realigns the frames before all else. In the plane: shift and rotation within each slice.",
    "reference": "Healthy tissue, whose mean CBF is the 1 of rCBF: the contralateral hemisphere, or the "
    "whole brain.",
    "core_threshold": "Core is tissue whose rCBF is below this fraction of healthy tissue.",
    "tmax_threshold_s": "Hypoperfused is tissue whose Tmax is above this.",
    "tmax_reference": "The scan's clock: Tmax is the delay after the AIF. Healthy tissue: Tmax is shifted so that "
    "its median there is 3.5 s, whatever the AIF.",
}
"""What each setting does, in a sentence for the interface; λ's depends on the regularisation."""
_RANGES: Final[dict[str, tuple[float, float]]] = {
    "lambda_rel": (1e-4, 1.0),
    "spatial_sigma_mm": (0.0, 20.0),
    "temporal_sigma_s": (0.0, 10.0),
    "core_threshold": (0.01, 1.0),
    "tmax_threshold_s": (0.5, 30.0),
}


@dataclass(frozen=True)
class Settings:
    """Settings of an analysis, from preprocessing to thresholds.

    Attributes
    ----------
    deconvolution
        ``circulant``: delay-invariant, zero-padded block-circulant (Wu 2003, doi:10.1002/mrm.10522);
        ``causal``: lower triangular.
    discretization
        ``volterra`` (Sourbron 2007, doi:10.1088/0031-9155/52/22/014) or ``rectangular``.
    regularization
        A key of `perfcore.regularization.REGULARIZATIONS`: ``tikhonov`` (λ = lambda_rel·σ_max), ``tsvd`` (cut-off
        lambda_rel·σ_max) or ``oscillation`` (limit of the oscillation index).
    lambda_rel
        In (0, 1]; None uses the default of the regularisation.
    spatial_sigma_mm, temporal_sigma_s
        Standard deviations of the masked Gaussian smoothing; 0 is none.
    motion
        Realignment of frames: ``off``, ``in-plane`` (shift and rotation within the slices) or ``rigid`` (3D,
        slower; a series of fewer than 4 slices is realigned in the plane).
    reference
        Region of the healthy mean CBF: the ``contralateral`` hemisphere or the whole ``brain``.
    core_threshold
        Core is where rCBF is below this fraction.
    tmax_threshold_s
        Hypoperfused is where Tmax is above this, in seconds.
    tmax_reference
        Where Tmax is counted from: the AIF on the scan's clock (``absolute``), or healthy tissue (``healthy``), so
        that the median of the region of ``reference`` is `perfcore.maps.HEALTHY_TMAX_S`.

    Raises
    ------
    ArgumentError
        A value is not one of its choices or is out of its range.
    """

    deconvolution: Deconvolution = "circulant"
    discretization: Discretization = "volterra"
    regularization: str = "tikhonov"
    lambda_rel: float | None = None
    spatial_sigma_mm: float = 2.5
    temporal_sigma_s: float = 1.5
    reference: Reference = "contralateral"
    motion: Motion = "in-plane"
    core_threshold: float = 0.38
    tmax_threshold_s: float = 6.0
    tmax_reference: TmaxReference = "absolute"

    def __post_init__(self) -> None:
        allowed: dict[str, Collection[str]] = {**CHOICES, "regularization": REGULARIZATIONS}
        for name, choices in allowed.items():
            value = getattr(self, name)
            if value not in choices:
                raise ArgumentError(f"{name} must be one of {', '.join(choices)}; got {value!r}.")
        if self.lambda_rel is None:
            object.__setattr__(self, "lambda_rel", REGULARIZATIONS[self.regularization].default_lambda)
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not (isinstance(value, (int, float)) and low <= value <= high):
                raise ArgumentError(f"{name} must lie between {low:g} and {high:g}; got {value}.")
            object.__setattr__(self, name, float(value))

    @property
    def lam(self) -> float:
        """``lambda_rel`` as a float, never None."""
        assert self.lambda_rel is not None
        return self.lambda_rel

    @property
    def is_linear(self) -> bool:
        """Whether the deconvolution is one linear operator."""
        return REGULARIZATIONS[self.regularization].is_linear

    @classmethod
    def preset(cls, name: str, **overrides: Any) -> Settings:
        """Return a named preset, with single settings overridden (None overrides nothing)."""
        if name not in PRESETS:
            raise ArgumentError(f"preset must be one of {', '.join(PRESETS)}; got {name!r}.")
        return PRESETS[name].replace(**overrides)

    def replace(self, **overrides: Any) -> Settings:
        """Return a copy with some values changed (None changes nothing).

        A new regularisation sets its default ``lambda_rel`` unless one is given.
        """
        given = {key: value for key, value in overrides.items() if value is not None}
        unknown = set(given) - {f.name for f in fields(self)}
        if unknown:
            raise ArgumentError(f"Unknown setting: {', '.join(sorted(unknown))}.")
        if given.get("regularization", self.regularization) != self.regularization:
            info = REGULARIZATIONS.get(given["regularization"])
            given.setdefault("lambda_rel", None if info is None else info.default_lambda)
        return replace(self, **given)

    def differences(self, preset: str) -> dict[str, Any]:
        """Return the overrides that turn a preset into these settings: ``preset(name, **differences) == self``."""
        base = Settings.preset(preset)
        found = {key: value for key, value in asdict(self).items() if value != getattr(base, key)}
        if "regularization" in found:
            # A new regularisation brings its own strength, which may be the preset's or not.
            found.pop("lambda_rel", None)
            if self.lambda_rel != REGULARIZATIONS[self.regularization].default_lambda:
                found["lambda_rel"] = self.lambda_rel
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


PRESETS: Final[dict[str, Settings]] = {
    "paper": Settings(),
    "vendor": Settings(regularization="tsvd", core_threshold=0.30, spatial_sigma_mm=1.5, temporal_sigma_s=0.0),
}
