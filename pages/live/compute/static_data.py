"""Static data of a case: header and arrays that the browser receives once, in the order of the screen.

The arrays over voxels and pixels come slice by slice, the visible one first; the header and the rest come before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pages.live.compute.flow import Flow
from perfcore.aif.network.grid_input import hu_factor
from perfcore.aif.quality import SERIES_CAUSES
from perfcore.map_info import MAPS
from perfcore.settings import Settings
from perfcore.units import CBV_PER_RATIO

if TYPE_CHECKING:
    from pages.live.compute.case import LiveCase

MIN_HU, MAX_HU = -1024, 3071
AIR_HU = -200
HEAD_MARGIN = 4
"""Pixels around the head that the browser shows."""
STACKS = ("baseline", "tmip")
"""Arrays over the pixels of all slices; arrays over voxels are those of `voxel_arrays`."""
AREA_BITS = 0xFFFFFF00
"""Bits of the area's float32 that are sent: relative error 2⁻¹⁶."""


StaticData = tuple[dict[str, Any], dict[str, NDArray[Any]]]


def static_data(case: LiveCase) -> StaticData:
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
        "curveReference": {
            "inHu": case.curve_reference.in_hu,
            "tissueArrivalS": case.curve_reference.tissue_arrival_s,
            "tissuePeak": case.curve_reference.tissue_peak,
            "doubts": [
                {"cause": SERIES_CAUSES[flag.code], "sentence": flag.sentence}
                for flag in case.curve_reference.doubts
            ],
        },
        "staticMaps": list(static_maps := _static_maps(case)),
    }
    arrays: dict[str, NDArray[Any]] = {
        "starts": case.starts.astype(np.uint32),
        "pixel": pixel.reshape(-1)[in_plane],
        "area": _shortened(case.tissue_area.numpy().astype(np.float32)),
        **static_maps,
        "baseline": _screen_stack(case, p.baseline),
        "tmip": _screen_stack(case, p.tmip * np.float32(hu_factor(p))),
    }
    header["head"] = _head_box(arrays["baseline"] > AIR_HU if header["hasBaseline"] else arrays["tmip"] > 0)
    mirrors = [p.midplane.mirror_in_slice(p.affine, z) for z in range(case.n_slices)]
    found = [mirror for mirror in mirrors if mirror is not None]
    if len(found) == case.n_slices:  # slices are parallel: all of them have a mirror, or none
        arrays["mirror"] = np.stack(found).astype(np.float32)
    if case.vof is not None:
        arrays["vof"] = case.vof.value.astype(np.float32)
    if case.lesion is not None:
        arrays["lesion"] = case.lesion.astype(np.uint8)
    return header, arrays


def voxel_arrays(header: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the arrays over voxels, which are sent slice by slice."""
    return ("pixel", "area", *header["staticMaps"], *(["lesion"] if header["hasLesion"] else []))


def without_slices(data: StaticData) -> StaticData:
    """Return header and arrays of what is sent before the slices."""
    header, arrays = data
    sliced = {*voxel_arrays(header), *STACKS}
    return header, {name: array for name, array in arrays.items() if name not in sliced}


def slice_data(data: StaticData, z: int) -> dict[str, NDArray[Any]]:
    """Return the arrays of one slice."""
    header, arrays = data
    voxels = slice(*map(int, arrays["starts"][z : z + 2]))
    return {name: arrays[name][voxels] for name in voxel_arrays(header)} | {
        name: arrays[name][z].reshape(-1) for name in STACKS
    }


def _shortened(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Round to the bits of a float32 that are sent."""
    bits = values.view(np.uint32)
    return ((bits + np.uint32(~AREA_BITS & 0xFFFFFFFF) // 2 + 1) & np.uint32(AREA_BITS)).view(np.float32)


def _head_box(inside: NDArray[np.bool_]) -> dict[str, int]:
    """Return the part of the slices, shape ``(n_slices, rows, columns)``, that holds the head, in pixels."""
    rows, columns = inside.shape[1:]
    y, x = np.flatnonzero(inside.any((0, 2))), np.flatnonzero(inside.any((0, 1)))
    if not y.size:
        return {"x": 0, "y": 0, "w": columns, "h": rows}
    x0, y0 = max(int(x[0]) - HEAD_MARGIN, 0), max(int(y[0]) - HEAD_MARGIN, 0)
    x1, y1 = min(int(x[-1]) + HEAD_MARGIN, columns - 1), min(int(y[-1]) + HEAD_MARGIN, rows - 1)
    return {"x": x0, "y": y0, "w": x1 - x0 + 1, "h": y1 - y0 + 1}


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
