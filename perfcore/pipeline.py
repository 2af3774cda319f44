"""Analysis pipeline: from a case to maps, for commands, pages and evaluation.

>>> from perfcore.phantom.cases import make_demonstration
>>> from perfcore.pipeline import analyse
>>> result = analyse(make_demonstration("m1-occlusion").series)
>>> result.numbers.core_ml > 10
True
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from perfcore.aif.network.inference import predict_aif
from perfcore.aif.network.weights import load_network
from perfcore.aif.quality import AifQuality, aif_quality, negative_share
from perfcore.aif.select import select
from perfcore.aif.select.selection import Selection
from perfcore.aif.sources import NETWORK, is_network
from perfcore.deconvolution.fused import Tiles
from perfcore.errors import ArgumentError, InputDataError
from perfcore.map_info import VoxelValues, computed_maps
from perfcore.maps import (
    HEALTHY_TMAX_S,
    PerfusionMaps,
    anchor_tmax,
    flow_and_delay,
    flow_operator,
    is_core,
    is_hypoperfused,
)
from perfcore.metrics import Numbers, lesion_numbers
from perfcore.plausibility import doubts, judge_all
from perfcore.preprocess import Prepared, prepare
from perfcore.quality_flags import Flag, doubtful_first, make_flag, without_codes
from perfcore.result_checks import aif_measures, result_measures
from perfcore.runtime.device import resolve_device
from perfcore.settings import Settings
from perfcore.types import Aif, BoolArray, FloatArray, PerfusionSeries

GIVEN: Final = "The curve was given."
EDITED: Final = "edited"
"""Source id of a curve that a person shaped."""
LARGE_SHIFT_S: Final = 2.0
"""Shift of Tmax to healthy tissue that raises a flag."""


@dataclass(frozen=True, eq=False)
class Analysis:
    """Result of an analysis: maps, lesions and figures, with the case, the settings and the AIF.

    Attributes
    ----------
    aif, vof
        The input function that made the maps, and the vein where one was found.
    selection
        How the AIF was found: why, how good it is, and its partial volume; its own AIF is not corrected for that.
    corrected
        Whether ``aif`` was enlarged to the area of the vein.
    aif_quality
        How far ``aif`` is that of an artery, with ``vof`` and Tmax.
    doubts
        Flags of the plausibility checks of a given AIF and of the result; those of the series are in ``prepared``.
    seconds
        Time spent in ``preprocess``, ``aif``, ``deconvolution`` (from prepared tissue to all maps) and
        ``total``; the command line adds ``load``, the time to read the files.
    """

    series: PerfusionSeries
    prepared: Prepared
    settings: Settings
    aif: Aif
    vof: Aif | None
    maps: PerfusionMaps
    numbers: Numbers
    selection: Selection
    corrected: bool
    seconds: dict[str, float]
    aif_quality: AifQuality
    doubts: tuple[Flag, ...] = ()

    @property
    def quality(self) -> tuple[Flag, ...]:
        """Quality flags of the reader, the preparation, the AIF and the maps, each once, doubtful ones first."""
        found = self.aif_quality.flags
        of_selection = without_codes(self.aif.quality, found)
        flags = (*self.series.warnings, *self.prepared.warnings, *of_selection, *self.doubts, *found)
        return doubtful_first((*flags, *shift_flags(self.maps.tmax_shift_s)))


@dataclass(frozen=True, eq=False)
class VoxelFlow:
    """CBF and Tmax of prepared tissue for one AIF, per voxel of the mask.

    ``cbf`` [ml/100 g/min], ``tmax`` [s], shape ``(n_voxels,)``; ``reference_cbf`` is the healthy mean,
    ``tmax_shift_s`` what was added to Tmax.
    """

    cbf: Tensor
    tmax: Tensor
    reference_cbf: float
    tmax_shift_s: float


def shift_flags(shift_s: float) -> tuple[Flag, ...]:
    """Return a flag where Tmax was shifted by more than `LARGE_SHIFT_S` to healthy tissue."""
    if abs(shift_s) <= LARGE_SHIFT_S:
        return ()
    cause = (
        "the AIF is late"
        if shift_s > 0
        else "the AIF is early, or the healthy side is late itself and the hypoperfused volume is too small"
    )
    sentence = f"Tmax was shifted by {shift_s:+.1f} s so that healthy tissue has {HEALTHY_TMAX_S:g} s: {cause}."
    return (make_flag("tmax_shifted", sentence.replace("-", "−")),)


def tile(prepared: Prepared, device: torch.device | None = None) -> Tiles:
    """Arrange the tissue of a case in tiles for the fused deconvolution."""
    return Tiles.from_curves(torch.from_numpy(np.array(prepared.tissue)).to(device or torch.device("cpu")))


def negative_tmax(tmax_s: FloatArray, settings: Settings) -> float | None:
    """Return the share of voxels with Tmax < 0; None with the causal deconvolution, whose Tmax is at least 0."""
    return None if settings.deconvolution == "causal" else negative_share(tmax_s)


def healthy_mean(cbf: Tensor, reference: Tensor) -> float:
    """Return the mean CBF of the reference voxels, the denominator of rCBF.

    Raises
    ------
    InputDataError
        The healthy tissue has no flow: the AIF does not explain the tissue.
    """
    mean = float(cbf[reference].mean(dtype=torch.float64))
    if not 0 < mean < math.inf:
        raise InputDataError(
            f"The healthy tissue has a mean CBF of {mean:g}: this AIF does not explain the tissue; give another."
        )
    return mean


def find_curve(prepared: Prepared, method: str = "auto") -> Selection:
    """Find an input function with any method, classical or learned.

    Parameters
    ----------
    prepared
        The case.
    method
        ``auto``, a classical selector, ``cnn`` for the best network, or a network's name.

    Raises
    ------
    NoArteryError
        None was found.
    InputDataError
        There are no weights for that network, or not those that the manifest names.
    ArgumentError
        There is no such method.
    """
    if method == NETWORK or is_network(method):
        return predict_aif(prepared, load_network(method))
    return select(prepared, method)


def flow(prepared: Prepared, tiles: Tiles, aif: Aif, settings: Settings) -> VoxelFlow:
    """Deconvolve prepared tissue with one AIF."""
    if aif.value.size != prepared.n_time:
        raise ArgumentError(f"The AIF has {aif.value.size} time points; the series has {prepared.n_time}.")
    operator = flow_operator(aif.value, prepared.dt_s, settings, tiles.data.device)
    cbf, tmax = flow_and_delay(operator, tiles)
    cbf, reference = cbf.cpu(), torch.from_numpy(np.array(prepared.reference))
    tmax, shift = anchor_tmax(tmax.cpu(), reference, settings)
    return VoxelFlow(cbf, tmax, healthy_mean(cbf, reference), float(shift))


def _volume(prepared: Prepared, values: Tensor | NDArray[np.float32]) -> FloatArray:
    volume = np.full(int(np.prod(prepared.grid)), np.nan, np.float32)
    volume[prepared.index] = np.asarray(values, np.float32)
    return volume.reshape(prepared.grid)


def make_maps(prepared: Prepared, tiles: Tiles, aif: Aif, settings: Settings) -> PerfusionMaps:
    """Return all maps of a prepared case for one AIF."""
    result = flow(prepared, tiles, aif, settings)
    values = VoxelValues(
        cbf=result.cbf,
        tmax=result.tmax,
        reference_cbf=result.reference_cbf,
        tissue_area=torch.from_numpy(prepared.tissue.sum(1, dtype=np.float64)) * prepared.dt_s,
        aif_area=aif.area,
        ttp_s=torch.from_numpy(np.array(prepared.ttp_s)),
        core_threshold=settings.core_threshold,
    )
    volumes = {name: _volume(prepared, compute(values)) for name, compute in computed_maps().items()}
    core: BoolArray = is_core(volumes["rcbf"], settings.core_threshold)
    hypoperfused: BoolArray = is_hypoperfused(volumes["tmax"], settings.tmax_threshold_s)
    named = {field.name: volumes.pop(field.name) for field in fields(PerfusionMaps) if field.name in volumes}
    return PerfusionMaps(
        **named, core=core, hypoperfused=hypoperfused, reference_cbf=result.reference_cbf,
        tmax_shift_s=result.tmax_shift_s, others=volumes,
    )  # fmt: skip


def analyse(
    series: PerfusionSeries,
    aif: str | Aif = "auto",
    settings: Settings | None = None,
    device: str = "auto",
    *,
    prepared: Prepared | None = None,
    partial_volume: bool = True,
) -> Analysis:
    """Go from a case to maps.

    Parameters
    ----------
    series
        The case.
    aif
        A method's name (see :func:`find_curve`; ``auto`` is the best classical selector) or a curve of the series'
        length.
    settings
        Default: the ``paper`` preset.
    device
        ``auto``, ``cpu`` or ``cuda``.
    prepared
        The case prepared with the same settings; None: prepared here.
    partial_volume
        Whether a selector's curve is enlarged to the area of the vein where one was found, which changes absolute
        CBF, CBV and nothing else. A network's curve has that area already; a given curve is used as it is.

    Raises
    ------
    InputDataError, NoArteryError
        The case has no brain, no artery was found, or the series, the AIF or the result cannot be (see
        :mod:`perfcore.plausibility`; a curve that was edited is never refused).
    ArgumentError, DeviceError
        A setting, the AIF's length or the device does not fit.
    """
    settings = settings or Settings()
    target = resolve_device(device)
    seconds: dict[str, float] = {}

    @contextmanager
    def timed(name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        seconds[name] = time.perf_counter() - start

    with timed("total"):
        with timed("preprocess"):
            prepared = prepared or prepare(series, settings)
            tiles = tile(prepared, target)
        with timed("aif"):
            chosen = find_curve(prepared, aif) if isinstance(aif, str) else Selection(aif, None, GIVEN)
            wanted = partial_volume and isinstance(aif, str)
            curve = chosen.corrected() if wanted else chosen.aif
            judged = doubts if curve.source_id == EDITED else judge_all
            said = () if isinstance(aif, str) else judged(aif_measures(prepared, curve))
        with timed("deconvolution"):
            maps = make_maps(prepared, tiles, curve, settings)
        said += judged(result_measures(prepared, curve, maps.reference_cbf))
        right = prepared.right_hemisphere()
        numbers = lesion_numbers(maps, series.lesion, series.voxel_ml, series.spacing_mm, right)
    corrected = wanted and chosen.partial_volume is not None
    return Analysis(
        series, prepared, settings, curve, chosen.vof, maps, numbers, chosen, corrected, seconds,
        aif_quality(prepared, curve, chosen.vof, negative_tmax(maps.tmax[prepared.mask], settings)), said,
    )  # fmt: skip
