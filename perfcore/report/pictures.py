"""Pictures of the report: slices of the maps in radiological orientation, a pixel a voxel, and outlines in mm."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import contourpy
import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from perfcore.display.colours import LUTS, outline_rgb
from perfcore.display.slice_layout import Layout
from perfcore.map_info import MAPS, MapInfo
from perfcore.types import BoolArray, DoubleArray, FloatArray, Voxel

if TYPE_CHECKING:
    from perfcore.pipeline import Analysis

MAP_IDS: Final = ("rcbf", "cbf", "cbv", "mtt", "tmax")
MAX_SLICES: Final = 8
MAX_PIXELS: Final = 256
"""Of an edge; a larger slice is sampled, since the pictures are printed a few centimetres wide."""
MARGIN_MM: Final = 8.0
"""Around the brain, so that the skull is seen on the CT."""
GREYS: Final = 85
"""Levels of grey below the lesions' colours: three colours of each and black fit into a palette."""
OPACITY: Final = {"hypoperfused": 0.5, "core": 0.7}

RING_MM: Final = 4.0

Outline = tuple[DoubleArray, ...]
"""Closed lines, each of shape ``(n, 2)``: mm from the left and the top edge of the picture."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A slice as a picture with a palette.

    Attributes
    ----------
    index
        Shape ``(rows, columns)``: entry of the palette.
    palette
        Shape ``(256, 3)``.
    """

    index: NDArray[np.uint8]
    palette: NDArray[np.uint8]

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """Shape ``(rows, columns, 3)``."""
        return self.palette[self.index]

    def png(self) -> bytes:
        """Return a PNG file; the same picture gives the same bytes."""
        image = Image.fromarray(self.index, "P")
        image.putpalette(self.palette.tobytes())
        out = io.BytesIO()
        image.save(out, "PNG", compress_level=9)
        return out.getvalue()


@dataclass(frozen=True, eq=False)
class SliceFrame:
    """Where a slice is cut out of a volume: the same rectangle around the brain for every slice.

    Attributes
    ----------
    layout
        Orientation.
    rows, columns
        Part of the oriented slice.
    pixel_mm
        Width and height of a pixel.
    """

    layout: Layout
    rows: slice
    columns: slice
    pixel_mm: tuple[float, float]

    @classmethod
    def around(cls, mask: BoolArray, affine: DoubleArray) -> SliceFrame:
        """Return the frame around a mask."""
        layout = Layout.of(affine)
        spacing = np.linalg.norm(affine[:3, :3], axis=0)
        x_mm, y_mm = (spacing[1], spacing[0]) if layout.swap else (spacing[0], spacing[1])
        shadow = layout.apply(np.asarray(mask.any(axis=2)))
        rows, step_y = _span(np.asarray(shadow.any(axis=1)), y_mm)
        columns, step_x = _span(np.asarray(shadow.any(axis=0)), x_mm)
        return cls(layout, rows, columns, (float(x_mm) * step_x, float(y_mm) * step_y))

    def cut(self, volume: NDArray[Any], z: int) -> NDArray[Any]:
        """Return a slice of a volume as it is shown."""
        return self.layout.apply(volume[..., z])[self.rows, self.columns]

    def size_mm(self, volume_shape: tuple[int, ...]) -> tuple[float, float]:
        """Return width and height of the pictures."""
        rows, columns = self.cut(np.empty(volume_shape[:3], bool), 0).shape
        return columns * self.pixel_mm[0], rows * self.pixel_mm[1]

    def outline(self, region: BoolArray, z: int) -> Outline:
        """Return the outline of a region in a slice."""
        plane = np.pad(self.cut(region, z), 1).astype(np.float32)
        lines = contourpy.contour_generator(z=plane).lines(0.5)
        # Pixel centres lie half a pixel inside the edge, and the padding adds one pixel.
        return tuple((np.asarray(line) - 0.5) * self.pixel_mm for line in lines)


def _span(used: BoolArray, pixel_mm: float) -> tuple[slice, int]:
    """Return the part of an axis that is shown, and the step by which it is sampled."""
    margin = round(MARGIN_MM / pixel_mm)
    at = np.flatnonzero(used)
    first, last = max(int(at[0]) - margin, 0), min(int(at[-1]) + margin + 1, len(used))
    step = -(-(last - first) // MAX_PIXELS)
    return slice(first, last, step), step


@dataclass(frozen=True, eq=False)
class Scale:
    """Colour bar of a map: palette, values of its ends, and the value of a threshold, or None."""

    palette: NDArray[np.uint8]
    window: tuple[float, float]
    threshold: float | None


@dataclass(frozen=True, eq=False)
class Block:
    """One map over all slices that are shown.

    Attributes
    ----------
    id, name, unit, title
        Of the map; ``lesions`` for the lesions on the CT.
    pictures
        One for each slice.
    scale
        Its colour bar; None for the lesions.
    outlines
        Of the known lesion, one for each slice; empty where none is drawn.
    """

    id: str
    name: str
    unit: str
    title: str
    pictures: tuple[Picture, ...]
    scale: Scale | None
    outlines: tuple[Outline, ...] = ()


@dataclass(frozen=True, eq=False)
class VesselPicture:
    """A slice of the temporal maximum; ``outlines`` run `RING_MM` around the voxels of ``aif`` and ``vof``."""

    z: int
    picture: Picture
    outlines: dict[str, Outline]


@dataclass(frozen=True, eq=False)
class Pictures:
    """All pictures of a report.

    Attributes
    ----------
    slices
        Slices that are shown, from the feet to the head, counted from 0.
    n_slices
        Slices with brain, of which these are some.
    size_mm
        Width and height of a picture.
    sides
        Letters of its left and right edge.
    blocks
        Lesions, then maps.
    vessels
        The slices of AIF and VOF, one or two; empty where the curves have no voxels.
    vessel_slices
        Slices with voxels of each, by ``aif`` and ``vof``.
    """

    slices: tuple[int, ...]
    n_slices: int
    size_mm: tuple[float, float]
    sides: tuple[str, str]
    blocks: tuple[Block, ...]
    vessels: tuple[VesselPicture, ...]
    vessel_slices: dict[str, frozenset[int]]


@dataclass(frozen=True, eq=False)
class _Painter:
    """Paints the pictures of one analysis."""

    analysis: Analysis

    @cached_property
    def frame(self) -> SliceFrame:
        return SliceFrame.around(self.analysis.prepared.mask, self.analysis.series.affine)

    @cached_property
    def slices(self) -> tuple[int, ...]:
        return shown_slices(self.analysis.prepared.mask, self.analysis.series.affine)

    def map_block(self, info: MapInfo) -> Block:
        settings, mask = self.analysis.settings, self.analysis.prepared.mask
        palette = map_palette(info)
        thresholds = {"rcbf": settings.core_threshold, "tmax": settings.tmax_threshold_s}
        values = np.where(mask, self.analysis.maps.volume(info.id), np.nan)
        pictures = tuple(Picture(map_index(self.frame.cut(values, z), info.window), palette) for z in self.slices)
        scale = Scale(palette[1:], info.window, thresholds.get(info.id))
        return Block(info.id, info.label, info.unit, info.title, pictures, scale)

    def lesion_block(self) -> Block:
        maps, prepared, lesion = self.analysis.maps, self.analysis.prepared, self.analysis.series.lesion
        is_ct = self.analysis.series.units == "hu"
        ground = prepared.baseline if prepared.baseline.any() else prepared.tmip
        window = MAPS["baseline"].window if is_ct else _range(ground[prepared.mask], 95)
        grey = (1 + grey_level(ground, window, GREYS)).astype(np.uint8)
        index = grey + np.uint8(GREYS) * np.where(maps.core, 2, maps.hypoperfused).astype(np.uint8)
        palette = lesion_palette()
        pictures = tuple(Picture(self.frame.cut(index, z), palette) for z in self.slices)
        outlines = () if lesion is None else tuple(self.frame.outline(lesion, z) for z in self.slices)
        unit = "on the CT" if is_ct else "on the first frames" if prepared.baseline.any() else "on the MIP"
        return Block("lesions", "Lesions", unit, "Core and hypoperfused tissue", pictures, None, outlines)

    def vessel_pictures(self, voxels: dict[str, tuple[Voxel, ...]]) -> tuple[VesselPicture, ...]:
        prepared, series = self.analysis.prepared, self.analysis.series
        window = MAPS["tmip"].window if series.units == "hu" else _range(prepared.tmip[prepared.mask], 99.5)
        grey = grey_level(prepared.tmip, window, 256).astype(np.uint8)
        palette = LUTS["grey"].reshape(256, 3)
        around = {name: _around(own, series.grid, series.spacing_mm) for name, own in voxels.items() if own}
        slices = vessel_slices(voxels)
        return tuple(
            VesselPicture(
                z,
                Picture(self.frame.cut(grey, z), palette),
                {name: self.frame.outline(region, z) for name, region in around.items()},
            )
            for z in slices
        )


def make_pictures(analysis: Analysis) -> Pictures:
    """Paint the pictures of a report."""
    painter = _Painter(analysis)
    voxels = {"aif": analysis.aif.voxels, "vof": analysis.vof.voxels if analysis.vof else ()}
    maps = [painter.map_block(MAPS[name]) for name in MAP_IDS]
    return Pictures(
        slices=painter.slices,
        n_slices=int(np.count_nonzero(analysis.prepared.mask.any(axis=(0, 1)))),
        size_mm=painter.frame.size_mm(analysis.prepared.grid),
        sides=painter.frame.layout.marks,
        blocks=(painter.lesion_block(), *maps),
        vessels=painter.vessel_pictures(voxels),
        vessel_slices={name: frozenset(z for _, _, z in own) for name, own in voxels.items()},
    )


def shown_slices(mask: BoolArray, affine: DoubleArray) -> tuple[int, ...]:
    """Return at most `MAX_SLICES` evenly spaced slices with brain, from the feet to the head."""
    used = np.flatnonzero(mask.any(axis=(0, 1)))
    n = min(MAX_SLICES, len(used))
    middle = ((np.arange(n) + 0.5) * len(used) / n).astype(int)
    upwards = nib.orientations.aff2axcodes(affine)[2] != "I"  # type: ignore[no-untyped-call]
    chosen = used[middle] if upwards else used[middle][::-1]
    return tuple(int(z) for z in chosen)


def vessel_slices(voxels: dict[str, tuple[Voxel, ...]]) -> tuple[int, ...]:
    """Return the slices that show each curve's voxels: those with most of them, one where it shows both."""
    shown: list[int] = []
    for own in voxels.values():
        held = [z for _, _, z in own]
        if held and not set(held) & set(shown):
            shown.append(int(np.bincount(held).argmax()))
    return tuple(shown)


def map_palette(info: MapInfo) -> NDArray[np.uint8]:
    """Return black for no value, then the map's colours but the lowest, which looks as its neighbour does."""
    palette = LUTS[info.scale].reshape(256, 3).copy()
    palette[0] = 0
    return palette


def map_index(values: FloatArray, window: tuple[float, float]) -> NDArray[np.uint8]:
    """Return the palette's entry of each value; 0 for NaN."""
    level = np.maximum(grey_level(values, window, 256), 1)
    return np.where(np.isfinite(values), level, 0).astype(np.uint8)


def grey_level(values: FloatArray, window: tuple[float, float], n: int) -> NDArray[np.int64]:
    """Return the level of each value in a window, 0 to ``n − 1``; NaN is 0."""
    low, high = window
    share = np.nan_to_num((np.asarray(values, np.float64) - low) / (high - low), nan=0.0)
    return (share.clip(0, 1) * (n - 1)).astype(np.int64)


def lesion_palette() -> NDArray[np.uint8]:
    """Return black, then greys, greys under hypoperfused tissue, and greys under the core."""
    grey = np.linspace(0, 255, GREYS)[:, None].repeat(3, 1)
    tinted = [(1 - share) * grey + share * np.array(outline_rgb(name)) for name, share in OPACITY.items()]
    return np.concatenate([np.zeros((1, 3)), grey, *tinted]).round().astype(np.uint8)


def _around(voxels: tuple[Voxel, ...], shape: tuple[int, ...], spacing_mm: tuple[float, ...]) -> BoolArray:
    """Return the region within `RING_MM` of voxels in their slices."""
    outside = np.ones(shape, bool)
    outside[tuple(np.array(voxels).T)] = False
    region = np.zeros(shape, bool)
    for z in {z for _, _, z in voxels}:
        region[..., z] = ndimage.distance_transform_edt(outside[..., z], sampling=spacing_mm[:2]) <= RING_MM
    return region


def _range(values: FloatArray, percentile: float) -> tuple[float, float]:
    """Return a window of values in units that are not known, from 0 to a percentile."""
    high = float(np.percentile(values, percentile))
    return 0.0, high if high > 0 else 1.0
