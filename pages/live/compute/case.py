"""Live case: one prepared case with slices in display order and tissue in tiles; shared by sessions, read-only."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Hashable, Sequence
from functools import cached_property
from threading import Lock
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pages.live.compute.aif_sources import AifSources, finders
from pages.live.compute.engine_data import EngineData
from pages.live.compute.flow import Flow, FlowJob, Tissue, chunk_jobs, window_flow
from pages.live.compute.static_data import static_data
from pages.server.byte_cache import ByteCache
from perfcore.aif.quality import AifQuality, CaseReference, assess, measure
from perfcore.deconvolution.fused import WIDTH, Tiles
from perfcore.deconvolution.inverse import Operator, build_operator
from perfcore.deconvolution.temporal_basis import checked_basis
from perfcore.display.slice_layout import Layout
from perfcore.errors import InputDataError, PerfcoreError
from perfcore.map_info import VoxelValues
from perfcore.maps import FlowOperator, anchor_tmax, anchored, flow_only, flow_operator
from perfcore.metric_info import LIVE
from perfcore.metrics import voxel_numbers
from perfcore.pipeline import healthy_mean, negative_tmax
from perfcore.plausibility import doubts
from perfcore.preprocess import Prepared
from perfcore.quality_flags import Flag, doubtful_first, without_codes
from perfcore.result_checks import result_measures
from perfcore.settings import Settings
from perfcore.types import Aif

MAX_SAMPLE: Final = WIDTH
"""Healthy voxels whose mean CBF and median Tmax are the reference of a single slice; a volume has all of them."""
CHUNK_TILES: Final = 8
"""Tiles in one job of a whole volume: about 4 ms, so that the visible slice of another session waits briefly."""
MAX_START_NUMBERS: Final = 32
"""Start AIFs and settings whose metrics are cached."""
DOWNLOAD_BYTES: Final = 64
"""Bytes of a voxel in `LiveCase.downloads`, at most: 32 coefficients of 2 bytes; they are compressed."""
MAX_START_FLOWS: Final = 4
"""Start AIFs and settings whose maps are cached: all users who open a case ask for the same ones."""

_SERIAL: Final = itertools.count(1)


class LiveCase:
    """One prepared case with its known AIFs.

    An edit builds one operator (`operator`); all flow of the edit is computed with it.

    Attributes
    ----------
    name
        Identifies the case between sessions; ``key`` identifies this preparation of it.
    sources
        Computed AIFs by method; the first is the default.
    offered
        All AIF sources; each is computed at its first use and is then in ``sources``.
    basis, basis_error
        Temporal basis for previews (None where it is not accurate), with its error.
    reference
        Healthy reference region in slice order, shape ``(n_voxels,)``.
    lesion_voxels
        Size of the known lesion, including voxels outside the brain mask.
    hypoperfused
        The known hypoperfused tissue with the core, in slice order; None where it is not known.
    """

    def __init__(
        self,
        name: str,
        prepared: Prepared,
        sources: dict[str, Aif],
        vof: Aif | None,
        *,
        device: torch.device,
        lesion_voxels: int = 0,
        hypoperfused: NDArray[np.bool_] | None = None,
    ) -> None:
        self.name, self.prepared, self.sources, self.vof = name, prepared, sources, vof
        self.offered = AifSources(prepared, sources, finders(vof))
        self.key = f"{name}#{next(_SERIAL)}"
        self.device = device
        grid = prepared.grid
        slice_of = prepared.index % grid[2]
        self.order: NDArray[np.int64] = np.argsort(slice_of, kind="stable")
        self.starts: NDArray[np.int64] = np.searchsorted(slice_of[self.order], np.arange(grid[2] + 1))
        self.tiles = Tiles.from_curves(torch.from_numpy(prepared.tissue[self.order]).to(self.device))
        reference = prepared.reference[self.order]
        self.reference = torch.from_numpy(reference)
        healthy = np.flatnonzero(reference)
        sample = healthy[np.linspace(0, len(healthy) - 1, min(MAX_SAMPLE, len(healthy))).astype(int)]
        self.reference_tiles = Tiles.from_curves(
            torch.from_numpy(prepared.tissue[self.order[sample]]).to(self.device)
        )
        # Previews use a temporal basis if it is accurate on this case; at rest the tissue itself is used.
        default = torch.from_numpy(np.array(next(iter(sources.values())).value)).to(device)
        self.basis, self.basis_error = checked_basis(
            self.tiles, build_operator(default, prepared.dt_s, Settings()).matrix
        )
        self.reference_basis = None if self.basis is None else self.basis.project(self.reference_tiles)
        self._start_flows: ByteCache[Flow] = ByteCache(self._start_flow_bytes, lambda flow: flow.nbytes)
        self._start_numbers_lock = Lock()
        self._doubts: dict[tuple[Settings, bytes], tuple[Flag, ...]] = {}
        self.lesion_voxels = lesion_voxels
        self.lesion = None if prepared.lesion is None else prepared.lesion[self.order]
        flat = prepared.index[self.order]
        self.hypoperfused = None if hypoperfused is None else hypoperfused.reshape(-1)[flat]

    def without_truth(self) -> LiveCase:
        """Return this case without its known lesions, for people who are to find them; the tissue is shared."""
        hidden = copy.copy(self)
        for name in ("static", "downloads", "known_start_numbers"):
            hidden.__dict__.pop(name, None)
        hidden.key = f"{self.key} without truth"
        hidden.lesion, hidden.lesion_voxels, hidden.hypoperfused = None, 0, None
        return hidden

    @property
    def n_slices(self) -> int:
        """Slices of the series."""
        return self.prepared.grid[2]

    @property
    def nbytes(self) -> int:
        """Memory in bytes, for the bounded cache."""
        p = self.prepared
        own = self.tiles.data.nbytes + self.reference_tiles.data.nbytes
        own += self._start_flow_bytes + self.tiles.n_voxels * DOWNLOAD_BYTES
        return own + p.tissue.nbytes + p.enhancement.nbytes + p.baseline.nbytes + p.tmip.nbytes

    @property
    def _start_flow_bytes(self) -> int:
        return MAX_START_FLOWS * 2 * self.tiles.n_voxels * np.dtype(np.float32).itemsize

    @cached_property
    def layout(self) -> Layout:
        """Orientation of a slice on the screen."""
        return Layout.of(self.prepared.affine)

    @cached_property
    def first_slice(self) -> int:
        """Slice shown first: the one with most of the known lesion, else the middle one."""
        counts = np.diff(self.starts)
        if self.lesion is not None and self.lesion.any():
            slice_of = np.repeat(np.arange(self.n_slices), counts)
            return int(np.bincount(slice_of[self.lesion], minlength=self.n_slices).argmax())
        return self.n_slices // 2

    def operator(self, curve: NDArray[np.float64], settings: Settings) -> FlowOperator:
        """Build the operator of an AIF, once for everything that is computed of one edit.

        Where the settings count Tmax from healthy tissue, its times are counted from the sample of healthy voxels;
        `gather` corrects a whole volume by all of them.

        Parameters
        ----------
        curve
            The AIF, shape ``(n_time,)``, enhancement.
        settings
            Deconvolution settings.

        Raises
        ------
        InputDataError
            The AIF has another number of points than the series.
        ArgumentError
            The AIF has no positive bolus.
        """
        return anchored(self._unanchored(curve, settings), self.reference_tiles, settings)

    def tmax_shift_s(self, curve: NDArray[np.float64], settings: Settings) -> float:
        """Return the shift of Tmax to the sample of healthy voxels, in seconds; 0 on the scan's clock."""
        plain = self._unanchored(curve, settings)
        return anchored(plain, self.reference_tiles, settings).start_s - plain.start_s

    def _unanchored(self, curve: NDArray[np.float64], settings: Settings) -> FlowOperator:
        if curve.size != self.prepared.n_time:
            raise InputDataError(f"The curve has {curve.size} points; the series has {self.prepared.n_time}.")
        return flow_operator(curve, self.prepared.dt_s, settings, self.device)

    def tissue(self, operator: FlowOperator, *, preview: bool) -> Tissue:
        """Return the tissue that an operator is applied to: for a preview the temporal basis, where possible."""
        if preview and self.basis is not None and isinstance(operator, Operator):
            return self.basis
        return self.tiles

    def slice_flow(self, operator: FlowOperator, z: int, *, preview: bool = False) -> Flow:
        """Return one slice, with the healthy mean of `estimated_healthy_mean`."""
        window = int(self.starts[z]), int(self.starts[z + 1])
        mean = self.estimated_healthy_mean(operator, preview=preview)
        return Flow(*window_flow(operator, self.tissue(operator, preview=preview), window), mean)

    def estimated_healthy_mean(self, operator: FlowOperator, *, preview: bool = False) -> float:
        """Return the mean CBF of `MAX_SAMPLE` healthy voxels spread over the head, ml/100 g/min.

        On the demonstration of 82,000 healthy voxels it is 0.1 % off and takes 0.5 ms, a fourteenth of a slice's
        time; all of them would take 9.5 ms, more than the slice. Tmax is counted from the same voxels.
        """
        by_basis = preview and isinstance(operator, Operator)
        tissue = (by_basis and self.reference_basis) or self.reference_tiles
        sample = flow_only(operator, tissue)
        return healthy_mean(sample, torch.ones_like(sample, dtype=torch.bool))

    def chunks(self, operator: FlowOperator, *, preview: bool = False) -> list[FlowJob]:
        """Return the whole volume as short jobs, in slice order."""
        tissue = self.tissue(operator, preview=preview)
        return chunk_jobs(operator, tissue, self.tiles.n_voxels, CHUNK_TILES * WIDTH)

    def gather(self, parts: list[tuple[Tensor, Tensor]], settings: Settings) -> Flow:
        """Join the results of `chunks`; the healthy mean and the anchor of Tmax are exact."""
        cbf = torch.cat([p[0] for p in parts]).cpu()
        tmax = torch.cat([p[1] for p in parts]).cpu()
        tmax, _ = anchor_tmax(tmax, self.reference, settings)
        return Flow(cbf.numpy(), tmax.numpy(), healthy_mean(cbf, self.reference))

    def volume_flow(self, curve: NDArray[np.float64], settings: Settings) -> Flow:
        """Return the whole volume of an AIF, computed in this thread."""
        return self.gather([job() for job in self.chunks(self.operator(curve, settings))], settings)

    def start_flow(self, start: Aif, settings: Settings) -> Flow:
        """Return the whole volume of a start AIF, computed once for all sessions; read-only."""
        key = settings, start.value.tobytes()
        return self._start_flows.get(key, lambda: self.volume_flow(start.value, settings))

    def start_numbers(self, start: Aif, settings: Settings) -> dict[str, float | None]:
        """Return the metrics of a start AIF, computed once for all sessions."""
        key = settings, start.value.tobytes()
        with self._start_numbers_lock:
            if key not in self.known_start_numbers:
                if len(self.known_start_numbers) >= MAX_START_NUMBERS:
                    self.known_start_numbers.pop(next(iter(self.known_start_numbers)))
                self.known_start_numbers[key] = self.numbers(self.start_flow(start, settings), settings)
            return self.known_start_numbers[key]

    def doubts(self, start: Aif, settings: Settings) -> tuple[Flag, ...]:
        """Return the doubtful flags of a start AIF and its result, by the sample of healthy voxels, none refused.

        Those of the series itself are in ``prepared``; a curve without a bolus has its own message.
        """
        key = settings, start.value.tobytes()
        if key not in self._doubts:
            try:
                mean = self.estimated_healthy_mean(self._unanchored(start.value, settings))
                found = doubts(result_measures(self.prepared, start, mean))
            except PerfcoreError:
                found = ()
            if len(self._doubts) >= MAX_START_NUMBERS:
                self._doubts.clear()
            self._doubts[key] = found
        return self._doubts[key]

    @cached_property
    def curve_reference(self) -> CaseReference:
        """What the quality of an AIF is measured against."""
        return CaseReference.of(self.prepared)

    def aif_quality(self, aif: Aif, settings: Settings, flow: Flow | None = None) -> AifQuality:
        """Return the quality of an AIF.

        Parameters
        ----------
        aif
            The AIF.
        settings
            Settings of its maps.
        flow
            Its whole volume; None: computed and cached, as of a start AIF. Without a bolus, Tmax is left out.
        """
        try:
            tmax = (flow or self.start_flow(aif, settings)).tmax
            share = negative_tmax(tmax, settings)
        except PerfcoreError:
            share = None
        vof = None if self.vof is None else self.vof.value
        reference = self.curve_reference
        return assess(measure(reference, aif.value, vof, share), reference.doubts)

    def flags(self, start: Aif, settings: Settings) -> tuple[Flag, ...]:
        """Return the flags of the series, a start AIF and its result, each code once, doubtful ones first."""
        found = self.aif_quality(start, settings).flags
        of_aif = without_codes(start.quality, found)
        return doubtful_first((*self.prepared.warnings, *of_aif, *self.doubts(start, settings), *found))

    def numbers(
        self, flow: Flow, settings: Settings, *, exact: bool = True, names: Sequence[str] = LIVE
    ) -> dict[str, float | None]:
        """Return metrics by id; default: those that the Lab shows."""
        found = voxel_numbers(
            flow.cbf, flow.tmax, flow.reference_cbf, settings, voxel_ml=self.prepared.voxel_ml,
            lesion=self.lesion, n_lesion=self.lesion_voxels, exact=exact,
        )  # fmt: skip
        return {name: getattr(found, name) for name in names}

    @cached_property
    def tissue_area(self) -> Tensor:
        """Area under each voxel's curve, enhancement × s, in slice order."""
        p = self.prepared
        return torch.from_numpy(p.tissue[self.order].sum(1, dtype=np.float64) * p.dt_s)

    def voxel_values(self, aif_area: float, flow: Flow, settings: Settings) -> VoxelValues:
        """Return the values that the maps of a flow are computed from, in slice order."""
        return VoxelValues(
            cbf=torch.from_numpy(np.array(flow.cbf)),
            tmax=torch.from_numpy(np.array(flow.tmax)),
            reference_cbf=flow.reference_cbf,
            tissue_area=self.tissue_area,
            aif_area=aif_area,
            ttp_s=torch.from_numpy(np.array(self.prepared.ttp_s[self.order])),
            core_threshold=settings.core_threshold,
        )

    @cached_property
    def engine_data(self) -> EngineData:
        """The case for the browser's engine."""
        return EngineData.of(self)

    @cached_property
    def known_start_numbers(self) -> dict[tuple[Settings, bytes], dict[str, float | None]]:
        """Metrics of start AIFs that have been computed, also the agreement with the truth."""
        return {}

    @cached_property
    def downloads(self) -> dict[Hashable, bytes]:
        """Compressed frames of the case, by name: see ``pages.live.server.case_route``."""
        return {}

    @cached_property
    def static(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Header and arrays that the browser receives once; see `static_data`."""
        return static_data(self)
