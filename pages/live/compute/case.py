"""A case laid out for live work: slices in display order, tissue in tiles. Shared between sessions, read-only."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from threading import Lock
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pages.live.compute.aif_sources import Sources, finders
from pages.live.compute.display_layout import Layout
from pages.live.compute.preview_grid import MAX_PREVIEW_ERROR, PreviewGrid
from perfcore.deconvolution.fused import WIDTH, Tiles
from perfcore.deconvolution.inverse import Operator, build_operator
from perfcore.deconvolution.temporal_basis import TemporalBasis, checked_basis
from perfcore.errors import InputDataError
from perfcore.map_info import MAPS, VoxelValues
from perfcore.maps import FlowOperator, flow_and_delay, flow_only, flow_operator
from perfcore.metrics import LIVE, voxel_numbers
from perfcore.pipeline import healthy_mean
from perfcore.preprocess import Prepared
from perfcore.settings import Settings
from perfcore.types import Aif
from perfcore.units import CBV_PER_RATIO

REFERENCE_SAMPLE: Final = WIDTH
"""Healthy voxels that stand for all of them while the hand moves; at rest every one counts."""
CHUNK_TILES: Final = 8
"""Tiles per turn of a whole volume: about 4 ms, so that nobody's visible slice waits long."""
KEPT_STARTS: Final = 32
"""Starting curves and settings whose figures are remembered."""

_SERIAL: Final = itertools.count(1)


@dataclass(frozen=True)
class Flow:
    """CBF and Tmax of a run of voxels in slice order, with the healthy mean."""

    cbf: NDArray[np.float32]
    tmax: NDArray[np.float32]
    reference_cbf: float


class LiveCase:
    """One prepared case with the curves that were found or are known for it.

    Attributes
    ----------
    name
        Names the case between sessions; ``key`` names this preparation of it.
    sources
        Curves to start from that are here, by method; the first is the default.
    offered
        These and all others, found when somebody first asks for them; then they are among ``sources``.
    lesion_voxels
        Size of the known lesion, with what lies outside the brain mask.
    hypoperfused
        The known hypoperfused tissue, core included, in slice order; None where it is not known.
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
        self.offered = Sources(prepared, sources, finders(vof))
        self.key = f"{name}#{next(_SERIAL)}"
        self.device = device
        grid = prepared.grid
        slice_of = prepared.index % grid[2]
        self.order: NDArray[np.int64] = np.argsort(slice_of, kind="stable")
        self.starts: NDArray[np.int64] = np.searchsorted(slice_of[self.order], np.arange(grid[2] + 1))
        self.tiles = Tiles.of(torch.from_numpy(prepared.tissue[self.order]).to(self.device))
        reference = prepared.reference[self.order]
        self.reference = torch.from_numpy(reference)
        where = np.flatnonzero(reference)
        sample = where[np.linspace(0, len(where) - 1, min(REFERENCE_SAMPLE, len(where))).astype(int)]
        self.reference_tiles = Tiles.of(torch.from_numpy(prepared.tissue[self.order[sample]]).to(self.device))
        # Previews go by a temporal basis where it is exact enough on this case; at rest the tissue itself counts.
        first = torch.from_numpy(np.array(next(iter(sources.values())).value)).to(device)
        self.basis, self.basis_error = checked_basis(
            self.tiles, build_operator(first, prepared.dt_s, Settings()).matrix
        )
        self.reference_basis = None if self.basis is None else self.basis.of_others(self.reference_tiles)
        self._start_numbers: dict[tuple[Settings, bytes], dict[str, float | None]] = {}
        self._starting = Lock()
        self.lesion_voxels = lesion_voxels
        self.lesion = None if prepared.lesion is None else prepared.lesion[self.order]
        flat = prepared.index[self.order]
        self.hypoperfused = None if hypoperfused is None else hypoperfused.reshape(-1)[flat]

    @property
    def n_slices(self) -> int:
        """Slices of the series."""
        return self.prepared.grid[2]

    @property
    def nbytes(self) -> int:
        """Memory held, for the bounded cache."""
        p = self.prepared
        own = self.tiles.data.nbytes + self.reference_tiles.data.nbytes
        return own + p.tissue.nbytes + p.enhancement.nbytes + p.baseline.nbytes + p.tmip.nbytes

    @cached_property
    def layout(self) -> Layout:
        """How its slices lie on the screen."""
        return Layout.of(self.prepared.affine)

    @cached_property
    def first_slice(self) -> int:
        """Slice to open with: the largest known lesion, else the middle."""
        counts = np.diff(self.starts)
        if self.lesion is not None and self.lesion.any():
            slice_of = np.repeat(np.arange(self.n_slices), counts)
            return int(np.bincount(slice_of[self.lesion], minlength=self.n_slices).argmax())
        return self.n_slices // 2

    def _operator(
        self, curve: NDArray[np.float64], settings: Settings, device: torch.device | None = None
    ) -> FlowOperator:
        if curve.size != self.prepared.n_time:
            raise InputDataError(f"The curve has {curve.size} points; the series has {self.prepared.n_time}.")
        return flow_operator(curve, self.prepared.dt_s, settings, device or self.device)

    def tissue(self, settings: Settings, *, preview: bool) -> Tiles | TemporalBasis:
        """Return what is deconvolved: for a preview the basis, where it serves."""
        if preview and self.basis is not None and settings.is_linear:
            return self.basis
        return self.tiles

    def slice_flow(
        self, curve: NDArray[np.float64], settings: Settings, z: int, *, scale: float = 1.0, preview: bool = False
    ) -> Flow:
        """Return one slice at once; the healthy mean comes from a sample, times ``scale``."""
        window = int(self.starts[z]), int(self.starts[z + 1])
        mean = self.sample_mean(curve, settings, preview=preview) * scale
        return Flow(*self._between(window, self.tissue(settings, preview=preview), curve, settings), mean)

    def _between(
        self,
        window: tuple[int, int],
        tissue: Tiles | TemporalBasis,
        curve: NDArray[np.float64],
        settings: Settings,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return CBF and Tmax of some voxels of a tissue."""
        if window[0] == window[1]:
            return np.zeros(0, np.float32), np.zeros(0, np.float32)
        part, inside = tissue.window(*window)
        cbf, tmax = flow_and_delay(self._operator(curve, settings), part)
        return cbf[inside].cpu().numpy(), tmax[inside].cpu().numpy()

    def sample_mean(self, curve: NDArray[np.float64], settings: Settings, *, preview: bool = False) -> float:
        """Return the healthy mean CBF of the sample alone."""
        by_basis = preview and settings.is_linear
        tissue = (by_basis and self.reference_basis) or self.reference_tiles
        sample = flow_only(self._operator(curve, settings), tissue)
        return healthy_mean(sample, torch.ones_like(sample, dtype=torch.bool))

    def chunks(
        self, curve: NDArray[np.float64], settings: Settings, *, preview: bool = False
    ) -> list[Callable[[], tuple[Tensor, Tensor]]]:
        """Return the whole volume as a list of short jobs, in slice order."""
        operator = self._operator(curve, settings)
        tissue, n_voxels = self.tissue(settings, preview=preview), self.tiles.n_voxels
        step = CHUNK_TILES * WIDTH
        parts = [tissue.window(start, min(start + step, n_voxels))[0] for start in range(0, n_voxels, step)]
        return [partial(flow_and_delay, operator, part) for part in parts]

    @cached_property
    def preview_grid(self) -> PreviewGrid:
        """The voxels that are computed while all slices move."""
        voxels = np.stack(np.unravel_index(self.prepared.index[self.order], self.prepared.grid), 1)
        return PreviewGrid.of(voxels, self.prepared.grid)

    @cached_property
    def preview_error(self) -> float:
        """Mean relative error of CBF where only those are computed, for the default curve."""
        first = next(iter(self.sources.values())).value
        return self.preview_grid.error(self.volume_flow(first, Settings()).cbf)

    @cached_property
    def _preview_tissue(self) -> tuple[Tiles, TemporalBasis | None]:
        kept = self.order[self.preview_grid.kept]
        # Narrow tiles: a slice has few voxels here, and lies in few tiles that hold others as well.
        tiles = Tiles.of(torch.from_numpy(self.prepared.tissue[kept]).to(self.device), WIDTH // 2)
        return tiles, None if self.basis is None else self.basis.of_others(tiles)

    @cached_property
    def _preview_starts(self) -> list[int]:
        """Where each slice begins among the computed voxels."""
        return [int(n) for n in np.concatenate([[0], np.cumsum(self.preview_grid.kept)])[self.starts]]

    @property
    def preview_tiles(self) -> Tiles:
        """The tissue of the voxels that are computed while all slices move."""
        return self._preview_tissue[0]

    def preview_slice_flow(
        self, curve: NDArray[np.float64], settings: Settings, z: int, *, scale: float = 1.0
    ) -> Flow:
        """Return the voxels of one slice that lie on the preview grid; the mean is that of `slice_flow`."""
        mean = self.sample_mean(curve, settings, preview=True) * scale
        window = self._preview_starts[z], self._preview_starts[z + 1]
        return Flow(*self._between(window, self._preview_preview(settings), curve, settings), mean)

    def _preview_preview(self, settings: Settings) -> Tiles | TemporalBasis:
        tiles, basis = self._preview_tissue
        return tiles if basis is None or not settings.is_linear else basis

    def preview_chunks(
        self, curve: NDArray[np.float64], settings: Settings, n_jobs: int
    ) -> list[Callable[[], tuple[Tensor, Tensor]]]:
        """Return the preview-grid voxels of all slices as jobs of about the same size."""
        operator = self._operator(curve, settings)
        tissue, tiles = self._preview_preview(settings), self.preview_tiles
        step = -(-len(tiles.data) // n_jobs) * tiles.data.shape[-1]
        parts = [tissue.window(i, min(i + step, tiles.n_voxels))[0] for i in range(0, tiles.n_voxels, step)]
        return [partial(flow_and_delay, operator, part) for part in parts]

    def gather_preview(self, parts: list[tuple[Tensor, Tensor]], sample_mean: float) -> Flow:
        """Join the results of `preview_chunks`; the healthy mean is a sample's."""
        cbf, tmax = (torch.cat([part[i] for part in parts]).cpu().numpy() for i in (0, 1))
        return Flow(cbf, tmax, sample_mean)

    def interpolate(self, coarse: Flow) -> Flow:
        """Return all voxels from every second one, as the browser fills them in."""
        fill = self.preview_grid.interpolate
        return Flow(fill(coarse.cbf), fill(coarse.tmax), coarse.reference_cbf)

    def start_numbers(self, start: Aif, settings: Settings) -> dict[str, float | None]:
        """Return the figures of a starting curve, computed once for everybody who starts from it."""
        key = settings, start.value.tobytes()
        with self._starting:
            if key not in self._start_numbers:
                if len(self._start_numbers) >= KEPT_STARTS:
                    self._start_numbers.pop(next(iter(self._start_numbers)))
                self._start_numbers[key] = self.numbers(self.volume_flow(start.value, settings), settings)
            return self._start_numbers[key]

    def gather(self, parts: list[tuple[Tensor, Tensor]]) -> Flow:
        """Join the results of `chunks`; the healthy mean is exact."""
        cbf = torch.cat([p[0] for p in parts]).cpu()
        tmax = torch.cat([p[1] for p in parts]).cpu()
        return Flow(cbf.numpy(), tmax.numpy(), healthy_mean(cbf, self.reference))

    def volume_flow(self, curve: NDArray[np.float64], settings: Settings) -> Flow:
        """Return the whole volume in one go."""
        return self.gather([job() for job in self.chunks(curve, settings)])

    def numbers(self, flow: Flow, settings: Settings, *, exact: bool = True) -> dict[str, float | None]:
        """Return the metrics that the Lab shows, by id."""
        found = voxel_numbers(
            flow.cbf, flow.tmax, flow.reference_cbf, settings, voxel_ml=self.prepared.voxel_ml,
            lesion=self.lesion, n_lesion=self.lesion_voxels, exact=exact,
        )  # fmt: skip
        return {name: getattr(found, name) for name in LIVE}

    def probe(
        self, curve: NDArray[np.float64], settings: Settings, voxel: tuple[int, int, int]
    ) -> dict[str, NDArray[np.float32]]:
        """Return a voxel's own time curve, the smoothed one, and its k(t) with the times of its rows.

        Raises
        ------
        InputDataError
            The voxel is outside the grid.
        """
        p = self.prepared
        if not all(0 <= v < n for v, n in zip(voxel, p.grid, strict=True)):
            raise InputDataError("That point is outside the image.")
        found: dict[str, NDArray[np.float32]] = {"raw": p.enhancement[voxel]}
        flat = int(np.ravel_multi_index(voxel, p.grid))
        place = int(np.searchsorted(p.index, flat))
        if place < len(p.index) and p.index[place] == flat:
            found["tissue"] = p.tissue[place]
            operator = self._operator(curve, settings, torch.device("cpu"))
            if isinstance(operator, Operator):
                residue = operator.apply(torch.from_numpy(np.array(p.tissue[place], np.float64)))
                found["residue"] = residue.numpy().astype(np.float32)
                found["residue_time"] = operator.time_s.numpy().astype(np.float32)
        return found

    @cached_property
    def _tissue_area(self) -> Tensor:
        """Area under each voxel's curve, enhancement × s, in slice order."""
        p = self.prepared
        return torch.from_numpy(p.tissue[self.order].sum(1, dtype=np.float64) * p.dt_s)

    def voxel_values(self, aif_area: float, flow: Flow, settings: Settings) -> VoxelValues:
        """Return what the maps of a flow are computed from, in slice order."""
        return VoxelValues(
            cbf=torch.from_numpy(np.array(flow.cbf)),
            tmax=torch.from_numpy(np.array(flow.tmax)),
            reference_cbf=flow.reference_cbf,
            tissue_area=self._tissue_area,
            aif_area=aif_area,
            ttp_s=torch.from_numpy(np.array(self.prepared.ttp_s[self.order])),
            core_threshold=settings.core_threshold,
        )

    @cached_property
    def _static_maps(self) -> dict[str, NDArray[np.float32]]:
        """Maps that are the same for every AIF, by id, in slice order."""
        first = next(iter(self.sources.values()))
        nothing = np.zeros(len(self.order), np.float32)
        values = self.voxel_values(first.area, Flow(nothing, nothing, 1.0), Settings())
        return {
            name: np.asarray(info.compute(values).numpy(), np.float32)
            for name, info in MAPS.items()
            if info.is_static and info.compute is not None
        }

    @cached_property
    def static(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """What the browser needs once per case: header and arrays, all in screen order."""
        p, layout = self.prepared, self.layout
        rows, columns = layout.apply(np.empty(p.grid[:2])).shape
        plane = np.arange(rows * columns, dtype=np.uint32).reshape(rows, columns)
        # Screen pixel of each voxel of a slice: the inverse of the layout.
        pixel = np.empty(p.grid[:2], np.uint32)
        layout.apply(pixel)[...] = plane
        in_plane = p.index[self.order] // p.grid[2]
        stack = [layout.apply(p.baseline[..., z]) for z in range(self.n_slices)]
        maxima = [layout.apply(p.tmip[..., z]) for z in range(self.n_slices)]
        spacing = (p.spacing_mm[1], p.spacing_mm[0]) if layout.swap else (p.spacing_mm[0], p.spacing_mm[1])
        header = {
            "name": self.name,
            "rows": rows,
            "columns": columns,
            "slices": self.n_slices,
            "firstSlice": self.first_slice,
            "grid": list(p.grid),
            "swap": layout.swap,
            "flipX": layout.flip_x,
            "flipY": layout.flip_y,
            "pixelMm": list(spacing),
            "dt": p.dt_s,
            "cbvPerRatio": CBV_PER_RATIO,
            "vofVoxels": [] if self.vof is None else [list(v) for v in self.vof.voxels],
            "hasLesion": self.lesion is not None,
            "hasHypoperfused": self.hypoperfused is not None,
            "hasBaseline": bool(np.any(p.baseline)),
        }
        arrays: dict[str, NDArray[Any]] = {
            "starts": self.starts.astype(np.uint32),
            "pixel": pixel.reshape(-1)[in_plane],
            "area": self._tissue_area.numpy().astype(np.float32),
            **self._static_maps,
            "baseline": np.stack(stack).round().clip(-1024, 3071).astype(np.int16),
            "tmip": np.stack(maxima).round().clip(-1024, 3071).astype(np.int16),
        }
        if self.vof is not None:
            arrays["vof"] = self.vof.value.astype(np.float32)
        if self.preview_error <= MAX_PREVIEW_ERROR:
            arrays["kept"] = self.preview_grid.kept.astype(np.uint8)
        if self.lesion is not None:
            arrays["lesion"] = self.lesion.astype(np.uint8)
        return header, arrays
