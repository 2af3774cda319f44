"""Vessels of a case: what is measured of artery, vein and healthy tissue, and the features made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from perfcore.aif.select.candidates import frame_noise, healthy_curve, voxel_curves
from perfcore.aif.select.selection import require_tissue_bolus
from perfcore.analysis.aif_posterior.bolus_shape import BolusShape, measure_bolus
from perfcore.errors import ArgumentError, NoArteryError
from perfcore.preprocess import Prepared
from perfcore.types import Aif, DoubleArray

TISSUE_SMOOTHING_S: Final = 0.8
VESSEL_SMOOTHING_S: Final = 0.5
MIN_TISSUE_WIDTH_S: Final = 3.0
"""A narrower peak of the healthy tissue is noise: its transit time alone is longer."""
MAX_SCAN_WIDTHS: Final = 4.0
N_COMPONENTS: Final = {"tissue": 8, "artery": 5, "vein": 3}
"""Principal components of each shape among the features."""
N_EARLY: Final = 81
"""Points of a measured shape that serve as features; most scans end before the others."""


@dataclass(frozen=True, eq=False)
class Vessels:
    """Measured bolus of the healthy tissue, the artery and the vein of a case.

    Attributes
    ----------
    tissue, artery, vein
        The bolus in each; the vein is None where none was found.
    n_voxels
        Voxels of the artery, ≥ 1.
    noise
        Noise of the artery's mean curve over its height.
    scan_end_s
        Time of the last frame, seconds.
    """

    tissue: BolusShape
    artery: BolusShape
    vein: BolusShape | None
    n_voxels: int
    noise: float
    scan_end_s: float


def measure_tissue(curve: DoubleArray, dt_s: float) -> BolusShape:
    """Measure the mean curve of healthy tissue, shape ``(n_time,)``; ArgumentError where it has no bolus."""
    found = measure_bolus(curve, dt_s, TISSUE_SMOOTHING_S)
    if found.width_s < MIN_TISSUE_WIDTH_S:
        raise ArgumentError(f"The peak of the healthy tissue is {found.width_s:.1f} s wide, which is no bolus.")
    return found


def measure_vessels(prepared: Prepared, artery: Aif, vein: Aif | None) -> Vessels:
    """Measure the vessels of a case.

    Parameters
    ----------
    prepared
        The case.
    artery
        The AIF of a selector; its voxels are used, not its values, which may be corrected for partial volume.
    vein
        The venous output function, or None.

    Raises
    ------
    NoArteryError
        The artery has no voxels, or artery or tissue show no bolus.
    """
    if not artery.voxels:
        raise NoArteryError("The AIF posterior needs the voxels of an artery; no selector found one in this case.")
    require_tissue_bolus(prepared)
    curves = voxel_curves(prepared, np.ravel_multi_index(np.array(artery.voxels).T, prepared.grid))
    mean = curves.mean(axis=0, dtype=np.float64)
    try:
        tissue = measure_tissue(np.asarray(healthy_curve(prepared), np.float64), prepared.dt_s)
        found = measure_bolus(mean, prepared.dt_s, VESSEL_SMOOTHING_S)
        venous = None if vein is None else measure_bolus(vein.value, prepared.dt_s, VESSEL_SMOOTHING_S)
    except ArgumentError:
        raise NoArteryError(
            "The healthy tissue or the vessels show no bolus; the AIF posterior needs one."
        ) from None
    noise = float(frame_noise(np.asarray(mean, np.float32)[None])[0]) / found.height
    return Vessels(tissue, found, venous, len(curves), noise, float(prepared.time_s[-1]))


@dataclass(frozen=True, eq=False)
class Components:
    """Principal components of shapes: ``mean`` of shape ``(n_points,)``, ``vectors`` ``(n, n_points)``."""

    mean: DoubleArray
    vectors: DoubleArray

    @classmethod
    def of(cls, shapes: Sequence[DoubleArray], n: int) -> Components:
        """Return the first ``n`` principal components of shapes."""
        values = np.stack(shapes)
        mean = values.mean(axis=0)
        return cls(mean, np.linalg.svd(values - mean, full_matrices=False)[2][:n])

    def project(self, shape: DoubleArray) -> DoubleArray:
        """Return the coefficients of a shape, shape ``(n,)``."""
        return np.asarray(self.vectors @ (shape - self.mean), np.float64)

    def shapes(self, coefficients: DoubleArray) -> DoubleArray:
        """Return the shapes of coefficients, ``(m, n)`` → ``(m, n_points)``."""
        return np.asarray(self.mean + coefficients @ self.vectors, np.float64)


@dataclass(frozen=True, eq=False)
class VesselFeatures:
    """Features of the vessels: times in units of the tissue's width after its arrival, and shapes.

    None depends on the unit of the enhancement or on the start of the scan.
    """

    tissue: Components
    artery: Components
    vein: Components

    @classmethod
    def of(cls, cases: Sequence[Vessels]) -> VesselFeatures:
        """Return the features whose components are those of some cases."""
        return cls(
            Components.of([case.tissue.shape[:N_EARLY] for case in cases], N_COMPONENTS["tissue"]),
            Components.of([case.artery.shape[:N_EARLY] for case in cases], N_COMPONENTS["artery"]),
            Components.of(
                [case.vein.shape[:N_EARLY] for case in cases if case.vein is not None], N_COMPONENTS["vein"]
            ),
        )

    def values(self, vessels: Vessels) -> DoubleArray:
        """Return the features, shape ``(n_features,)``; those of a missing vein are NaN."""
        tissue, artery, vein = vessels.tissue, vessels.artery, vessels.vein
        venous = (
            np.full(2 + len(self.vein.vectors), np.nan)
            if vein is None
            else np.concatenate([relative_times(vein, tissue), self.vein.project(vein.shape[:N_EARLY])])
        )
        scan = min((vessels.scan_end_s - tissue.arrival_s) / tissue.width_s, MAX_SCAN_WIDTHS)
        return np.concatenate([
            [np.log(tissue.width_s), scan],
            self.tissue.project(tissue.shape[:N_EARLY]),
            relative_times(artery, tissue),
            self.artery.project(artery.shape[:N_EARLY]),
            [np.log(artery.height / tissue.height), np.log(vessels.n_voxels), np.log(vessels.noise + 1e-3)],
            venous,
            [float(vein is not None)],
        ])  # fmt: skip


def relative_times(bolus: BolusShape, tissue: BolusShape) -> DoubleArray:
    """Return arrival after the tissue over its width, and the logarithm of the widths' ratio, shape ``(2,)``."""
    return np.array(
        [(bolus.arrival_s - tissue.arrival_s) / tissue.width_s, np.log(bolus.width_s / tissue.width_s)]
    )
