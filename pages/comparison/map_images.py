"""Images of one slice: a map over the dimmed CT, or its difference to another column, with outlines."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from pages.comparison.columns import Column
from pages.live.compute.case import LiveCase
from perfcore.display.colours import DIFFERENCES, LUTS, outline_rgb
from perfcore.map_info import MAPS, MapInfo
from perfcore.types import BoolArray, FloatArray

SCALE: Final = 3
"""Pixels per voxel, so that outlines are thin."""
MARGIN: Final = 4
DIM: Final = 0.45
BRAIN_HU: Final = (0.0, 80.0)
CORE, TRUTH, HYPOPERFUSED = (outline_rgb(name) for name in ("core", "truth", "hypoperfused"))
FIRST: Final = (24, 28, 36)
"""Outline of the first column's core in a difference: dark, on the light grey of no difference."""
Outline = tuple[BoolArray, tuple[int, int, int], bool]
"""Region in slice order, colour, and whether its outline is dashed."""
DIVERGING: Final[NDArray[np.uint8]] = DIFFERENCES.reshape(256, 3)
"""Colour scale of differences, as in the Lab: blue is lower, light grey is equal, red is higher."""


@dataclass(frozen=True, eq=False)
class Slice:
    """One slice of a case in display orientation.

    Attributes
    ----------
    pixel
        Display pixel of each voxel of the slice.
    voxels
        Position of the voxels in slice order.
    shape
        Rows and columns of the display.
    box
        The part that is shown, around the brain.
    head
        The dimmed CT behind the map, shape ``(rows, columns, 3)``, 0 to 255.
    """

    pixel: NDArray[np.uint32]
    voxels: slice
    shape: tuple[int, int]
    box: tuple[slice, slice]
    head: FloatArray

    @classmethod
    def of(cls, case: LiveCase, z: int) -> Slice:
        """Return slice ``z``, cropped to the brain of all slices."""
        header, arrays = case.static
        rows, columns = int(header["rows"]), int(header["columns"])
        every = np.zeros(rows * columns, bool)
        every[arrays["pixel"]] = True
        box = _box(every.reshape(rows, columns))
        voxels = slice(int(case.starts[z]), int(case.starts[z + 1]))
        low, high = BRAIN_HU
        grey = np.clip((arrays["baseline"][z].astype(np.float32) - low) / (high - low), 0, 1) * 255 * DIM
        return cls(arrays["pixel"][voxels], voxels, (rows, columns), box, np.repeat(grey[..., None], 3, 2))

    def plane(self, values: NDArray[Any], fill: Any) -> NDArray[Any]:
        """Return this slice of values in slice order as a cropped image."""
        flat = np.full(self.shape[0] * self.shape[1], fill, values.dtype)
        flat[self.pixel] = values[self.voxels]
        return flat.reshape(self.shape)[self.box]


def _box(inside: BoolArray) -> tuple[slice, slice]:
    spans = [np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0)]
    if not spans[0].size:
        return slice(None), slice(None)
    low_high = [(max(int(s[0]) - MARGIN, 0), int(s[-1]) + MARGIN + 1) for s in spans]
    return slice(*low_high[0]), slice(*low_high[1])


def compared_maps() -> dict[str, MapInfo]:
    """Return the maps that columns can show, by id."""
    return {name: info for name, info in MAPS.items() if info.difference is not None}


def values_of(column: Column, name: str) -> FloatArray:
    """Return a map's values in slice order."""
    compute = MAPS[name].compute
    assert column.values is not None and compute is not None
    return np.asarray(compute(column.values).numpy(), np.float32)


def map_picture(here: Slice, column: Column, name: str, lesion: BoolArray | None) -> bytes:
    """Return a map as PNG, with the outline of the core, and of the known lesion (dashed).

    Parameters
    ----------
    here
        The slice.
    column
        A column that has maps.
    name
        Id of one of `compared_maps`.
    lesion
        In slice order, or None.
    """
    assert column.flow is not None and column.core is not None
    outlines = [(column.core, CORE, False)] + ([(lesion, TRUTH, True)] if lesion is not None else [])
    return paint_map(here, values_of(column, name), name, outlines)


def difference_picture(here: Slice, column: Column, first: Column, name: str) -> bytes:
    """Return the difference of a map to the first column's as PNG, with the outlines of both cores."""
    assert column.flow is not None and first.flow is not None
    assert column.core is not None and first.core is not None
    values = values_of(column, name) - values_of(first, name)
    return paint_difference(here, values, name, [(column.core, CORE, False), (first.core, FIRST, True)])


def paint_map(here: Slice, values: FloatArray, name: str, outlines: list[Outline]) -> bytes:
    """Return values in slice order as PNG, in the colours and the window of a map."""
    return _paint(here, values, MAPS[name].window, LUTS[MAPS[name].scale].reshape(256, 3), outlines)


def paint_difference(here: Slice, values: FloatArray, name: str, outlines: list[Outline]) -> bytes:
    """Return differences in slice order as PNG, in a window that is symmetric about 0."""
    most = difference_window(MAPS[name])
    return _paint(here, values, (-most, most), DIVERGING, outlines)


def difference_window(info: MapInfo) -> float:
    """Return half the window of a difference: the map's own, or a third of its window."""
    return info.difference or (info.window[1] - info.window[0]) / 3


def scale_bars(name: str) -> tuple[str, str]:
    """Return the colour bars of a map and of its differences as HTML."""
    info = MAPS[name]
    (low, high), most = info.window, difference_window(info)
    title = f"<b>{info.label}</b>" + (f", {info.unit}" if info.unit else "")
    of_map = bar(LUTS[info.scale], f"{low:g}", f"{high:g}", title)
    return of_map, bar(DIVERGING, f"−{most:.3g}", f"+{most:.3g}", "below: difference")


def _paint(
    here: Slice,
    values: FloatArray,
    window: tuple[float, float],
    lut: NDArray[np.uint8],
    outlines: list[Outline],
) -> bytes:
    low, high = window
    plane = here.plane(values, np.nan)
    colours = here.head[here.box].copy()
    inside = np.isfinite(plane)
    colours[inside] = lut[(255 * np.clip((plane[inside] - low) / (high - low), 0, 1)).astype(int)]
    large = colours.round().astype(np.uint8).repeat(SCALE, 0).repeat(SCALE, 1)
    for region, colour, dashed in outlines:
        border = _border(here.plane(region, False))
        if dashed:
            rows, columns = np.indices(border.shape)
            border &= (rows + columns) // (3 * SCALE) % 2 == 0
        large[border] = colour
    out = io.BytesIO()
    Image.fromarray(large).save(out, "PNG", compress_level=4)
    return out.getvalue()


def _border(region: BoolArray) -> BoolArray:
    large = region.repeat(SCALE, 0).repeat(SCALE, 1)
    border: BoolArray = large & ~ndimage.binary_erosion(large, iterations=SCALE - 1, border_value=0)
    return border


def bar(lut: NDArray[np.uint8], low: str, high: str, title: str) -> str:
    """Return a colour bar as HTML: title, lowest value, colours, highest value."""
    stops = ", ".join(f"rgb({r} {g} {b})" for r, g, b in lut.reshape(256, 3)[::15])
    return (
        '<div style="display:flex;gap:.5rem;align-items:center;font-size:.85rem;'
        f'font-variant-numeric:tabular-nums"><span>{title}</span><span>{low}</span>'
        '<span style="width:9rem;height:.7rem;border-radius:3px;'
        f'background:linear-gradient(90deg,{stops})"></span>'
        f"<span>{high}</span></div>"
    )
