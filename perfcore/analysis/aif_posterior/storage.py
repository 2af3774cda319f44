"""The fitted posterior on disk: one safetensors file in the package, with how it was made in its header."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from perfcore.analysis.aif_posterior.posterior import AifPosterior
from perfcore.analysis.aif_posterior.vessels import Components, VesselFeatures
from perfcore.errors import InputDataError

CALIBRATION: Final = Path(__file__).with_name("calibration.safetensors")
_ARRAYS: Final = ("centre", "scale", "cases", "weights", "offset", "residuals")
_SHAPES: Final = ("tissue", "artery", "vein")


def save_posterior(posterior: AifPosterior, about: dict[str, str], path: Path = CALIBRATION) -> None:
    """Write a posterior as float32; ``about`` says how it was made."""
    shapes = {name: getattr(posterior.features, name) for name in _SHAPES} | {"family": posterior.family}
    arrays = {name: getattr(posterior, name) for name in _ARRAYS}
    for name, components in shapes.items():
        arrays |= {f"{name}.mean": components.mean, f"{name}.vectors": components.vectors}
    arrays["spread"] = np.array([posterior.spread])
    save_file({name: np.ascontiguousarray(value, np.float32) for name, value in arrays.items()}, path, about)


@cache
def load_posterior(path: Path = CALIBRATION) -> AifPosterior:
    """Return the posterior of the package, or of another file.

    Raises
    ------
    InputDataError
        The file is missing or damaged.
    """
    try:
        with safe_open(path, framework="np") as file:
            arrays = {name: np.asarray(file.get_tensor(name), np.float64) for name in file.keys()}  # noqa: SIM118
        parts = {n: Components(arrays[f"{n}.mean"], arrays[f"{n}.vectors"]) for n in (*_SHAPES, "family")}
        features = VesselFeatures(*(parts[name] for name in _SHAPES))
        spread = float(arrays["spread"][0])
        return AifPosterior(features, parts["family"], **{name: arrays[name] for name in _ARRAYS}, spread=spread)
    except (OSError, SafetensorError, KeyError) as error:
        raise InputDataError(
            "The calibration of the AIF posterior is missing or damaged; install again."
        ) from error
