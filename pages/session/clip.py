"""Clip of a morph through snapshots: two maps, the AIF and the volumes, as an animated WebP."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pages.live.compute.case import LiveCase
from pages.live.compute.flow import Flow
from pages.live.handlers.viewport import run_parallel
from perfcore.display.colours import OUTLINES
from perfcore.errors import InputDataError
from perfcore.map_info import MAPS
from perfcore.maps import is_core, is_hypoperfused, relative_cbf
from perfcore.report.pictures import SliceFrame, map_index, map_palette
from perfcore.settings import Settings
from perfcore.types import DoubleArray

CLIP_FILE: Final = "clip.webp"
FRAMES_PER_MORPH: Final = 14
FRAMES_OF_REST: Final = 10
MAX_FRAMES: Final = 160
"""Of all morphs; many snapshots follow each other faster. A frame takes about 60 ms to make."""
FRAME_MS: Final = 60
QUALITY: Final = 82

_SIZE: Final = (960, 800)
_MAPS: Final = ("rcbf", "tmax")
_MAP_BOX: Final = (440, 480)
_MAP_TOP: Final = 64
_CURVE: Final = (60, 588, 920, 742)
_PAPER, _INK, _SOFT, _GHOST = "#0e1117", "#e8eaed", "#9aa0a6", "#4a505c"
_NOTE: Final = "AIF Lab · research and teaching, not for clinical use"


@dataclass(frozen=True, eq=False)
class Station:
    """A curve that the clip rests at: name, and enhancement of shape ``(n_time,)``."""

    name: str
    curve: DoubleArray


def morph(stations: Sequence[Station]) -> Iterator[tuple[DoubleArray, str]]:
    """Yield the curve and the caption of each frame: a rest at each station, and eased steps to the next one.

    The curves of a step lie between those of its two stations: the area changes evenly, too.
    """
    n = max(3, min(FRAMES_PER_MORPH, MAX_FRAMES // max(len(stations) - 1, 1)))
    share = (np.arange(n) + 1) / (n + 1)
    eased = share * share * (3 - 2 * share)
    for i, station in enumerate(stations):
        yield from ((station.curve, station.name) for _ in range(FRAMES_OF_REST))
        if i + 1 < len(stations):
            after = stations[i + 1]
            for part in eased:
                yield (1 - part) * station.curve + part * after.curve, f"{station.name} → {after.name}"


def make_clip(case: LiveCase, settings: Settings, stations: Sequence[Station]) -> bytes:
    """Return the clip of a morph through curves on one case.

    Parameters
    ----------
    case, settings
        The case, and the settings of all its maps.
    stations
        At least two curves.

    Raises
    ------
    InputDataError
        There are fewer than two curves.
    """
    if len(stations) < 2:
        raise InputDataError("A clip needs two snapshots of this case; save another one.")
    painter = _Painter(case, settings, tuple(stations))
    frames: list[Image.Image] = []
    durations: list[int] = []
    before: DoubleArray | None = None
    for curve, caption in morph(stations):
        if before is curve:  # a rest is one long frame
            durations[-1] += FRAME_MS
            continue
        before = curve
        frames.append(painter.frame(curve, caption))
        durations.append(FRAME_MS)
    out = io.BytesIO()
    frames[0].save(
        out, "WEBP", save_all=True, append_images=frames[1:], duration=durations, loop=0, quality=QUALITY, method=2
    )
    return out.getvalue()


@dataclass(frozen=True, eq=False)
class _Painter:
    case: LiveCase
    settings: Settings
    stations: tuple[Station, ...]

    @cached_property
    def cut(self) -> SliceFrame:
        return SliceFrame.around(self.case.prepared.mask, self.case.prepared.affine)

    @cached_property
    def span(self) -> tuple[float, float]:
        curves = np.stack([station.curve for station in self.stations])
        low, high = min(float(curves.min()), 0.0), float(curves.max())
        return low - 0.05 * (high - low), high + 0.08 * (high - low)

    def volume(self, values: NDArray[Any], empty: float) -> NDArray[Any]:
        """Return the first slice shown as a volume of one slice, of the case's grid."""
        case, z = self.case, self.case.first_slice
        voxels = slice(int(case.starts[z]), int(case.starts[z + 1]))
        plane = np.full(case.prepared.grid, empty, values.dtype)
        plane.reshape(-1)[case.prepared.index[case.order[voxels]]] = values[voxels]
        return plane

    def frame(self, curve: DoubleArray, caption: str) -> Image.Image:
        jobs = self.case.chunks(self.case.operator(curve, self.settings), preview=True)
        flow = self.case.gather(run_parallel(jobs), self.settings)
        image = Image.new("RGB", _SIZE, _PAPER)
        draw = ImageDraw.Draw(image)
        self._maps(image, draw, flow)
        self._curve(draw, curve)
        numbers = self.case.numbers(flow, self.settings, exact=False)
        draw.text((24, 14), caption, _INK, _font(24))
        volumes = f"core {numbers['core_ml']:.1f} ml    hypoperfused {numbers['hypoperfused_ml']:.1f} ml"
        draw.text((_SIZE[0] - 24, 18), volumes, _INK, _font(20), anchor="ra")
        draw.text((24, _SIZE[1] - 24), _NOTE, _SOFT, _font(13))
        return image

    def _maps(self, image: Image.Image, draw: ImageDraw.ImageDraw, flow: Flow) -> None:
        z = self.case.first_slice
        rcbf = relative_cbf(flow.cbf, flow.reference_cbf)
        regions = {
            "core": is_core(rcbf, self.settings.core_threshold),
            "hypoperfused": is_hypoperfused(flow.tmax, self.settings.tmax_threshold_s),
        }
        outlines = {
            name: self.cut.outline(self.volume(region, empty=False), z) for name, region in regions.items()
        }
        width_mm, height_mm = self.cut.size_mm(self.case.prepared.grid)
        per_mm = min(_MAP_BOX[0] / width_mm, _MAP_BOX[1] / height_mm)
        size = round(width_mm * per_mm), round(height_mm * per_mm)
        for column, name in enumerate(_MAPS):
            left = 24 + column * (_SIZE[0] - 24) // 2 + (_MAP_BOX[0] - size[0]) // 2
            info = MAPS[name]
            plane = self.cut.cut(self.volume(rcbf if name == "rcbf" else flow.tmax, empty=np.nan), z)
            pixels = map_palette(info)[map_index(plane, info.window)]
            image.paste(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC), (left, _MAP_TOP))
            for kind, lines in outlines.items():
                for line in lines:
                    points = [(left + x * per_mm, _MAP_TOP + y * per_mm) for x, y in line]
                    draw.line(points, OUTLINES[kind], width=2, joint="curve")
            draw.text((left + 8, _MAP_TOP + 6), info.label, _INK, _font(17))

    def _curve(self, draw: ImageDraw.ImageDraw, curve: DoubleArray) -> None:
        left, top, right, bottom = _CURVE
        low, high = self.span
        time = self.case.prepared.time_s

        def points(values: DoubleArray) -> list[tuple[float, float]]:
            x = left + (right - left) * (time - time[0]) / (time[-1] - time[0])
            y = bottom - (bottom - top) * (values - low) / (high - low)
            return list(zip(x.tolist(), y.tolist(), strict=True))

        zero = points(np.zeros_like(curve))
        draw.line([zero[0], zero[-1]], _GHOST)
        for station in self.stations:
            draw.line(points(station.curve), _GHOST, width=2, joint="curve")
        draw.line(points(curve), OUTLINES["aif"], width=4, joint="curve")
        draw.text((left, top - 22), "arterial input function, enhancement over time", _SOFT, _font(14))
        draw.text((left, bottom + 6), f"{time[0]:.0f} s", _SOFT, _font(14))
        draw.text((right, bottom + 6), f"{time[-1]:.0f} s", _SOFT, _font(14), anchor="ra")


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont:
    # matplotlib brings the font of the reports; it takes half a second to import.
    from matplotlib.font_manager import findfont  # noqa: PLC0415

    from perfcore.report.typography import font  # noqa: PLC0415

    return ImageFont.truetype(findfont(font()), size)
