"""Static data of a case: header and arrays that the browser receives once, in the order of the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pages.live.compute.flow import Flow
from perfcore.aif.network.grid_input import hu_factor
from perfcore.map_info import MAPS
from perfcore.settings import Settings
from perfcore.units import CBV_PER_RATIO

if TYPE_CHECKING:
    from pages.live.compute.case import LiveCase

MIN_HU, MAX_HU = -1024, 3071


def static_data(case: LiveCase) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return header and arrays; their names are those of ``frontend/types.d.ts``."""
    p, layout = case.prepared, case.layout
    rows, columns = layout.apply(np.empty(p.grid[:2])).shape
    # Screen pixel of each voxel of a slice: the inverse of the layout.
    pixel = np.empty(p.grid[:2], np.uint32)
    layout.apply(pixel)[...] = np.arange(rows * columns, dtype=np.uint32).reshape(rows, columns)
    in_plane = p.index[case.order] // p.grid[2]
    spacing = (p.spacing_mm[1], p.spacing_mm[0]) if layout.swap else (p.spacing_mm[0], p.spacing_mm[1])
    header = {
        "name": case.name,
        "rows": rows,
        "columns": columns,
        "slices": case.n_slices,
        "firstSlice": case.first_slice,
        "grid": list(p.grid),
        "swap": layout.swap,
        "flipX": layout.flip_x,
        "flipY": layout.flip_y,
        "pixelMm": list(spacing),
        "dt": p.dt_s,
        "cbvPerRatio": CBV_PER_RATIO,
        "vofVoxels": [] if case.vof is None else [list(v) for v in case.vof.voxels],
        "hasLesion": case.lesion is not None,
        "hasHypoperfused": case.hypoperfused is not None,
        "hasBaseline": bool(np.any(p.baseline)),
        "enhancementUnit": p.enhancement_unit,
    }
    arrays: dict[str, NDArray[Any]] = {
        "starts": case.starts.astype(np.uint32),
        "pixel": pixel.reshape(-1)[in_plane],
        "area": case.tissue_area.numpy().astype(np.float32),
        **_static_maps(case),
        "baseline": _screen_stack(case, p.baseline),
        "tmip": _screen_stack(case, p.tmip * np.float32(hu_factor(p))),
    }
    mirrors = [p.midplane.mirror_in_slice(p.affine, z) for z in range(case.n_slices)]
    found = [mirror for mirror in mirrors if mirror is not None]
    if len(found) == case.n_slices:  # slices are parallel: all of them have a mirror, or none
        arrays["mirror"] = np.stack(found).astype(np.float32)
    if case.vof is not None:
        arrays["vof"] = case.vof.value.astype(np.float32)
    if case.lesion is not None:
        arrays["lesion"] = case.lesion.astype(np.uint8)
    return header, arrays


def _screen_stack(case: LiveCase, volume: NDArray[Any]) -> NDArray[np.int16]:
    """Return a volume in HU as int16, shape ``(n_slices, rows, columns)``."""
    stack = np.stack([case.layout.apply(volume[..., z]) for z in range(case.n_slices)])
    return stack.round().clip(MIN_HU, MAX_HU).astype(np.int16)


def _static_maps(case: LiveCase) -> dict[str, NDArray[np.float32]]:
    """Return the maps that are the same for every AIF, by id, in slice order."""
    default = next(iter(case.sources.values()))
    zeros = np.zeros(len(case.order), np.float32)
    values = case.voxel_values(default.area, Flow(zeros, zeros, 1.0), Settings())
    return {
        name: np.asarray(info.compute(values).numpy(), np.float32)
        for name, info in MAPS.items()
        if info.is_static and info.compute is not None
    }
