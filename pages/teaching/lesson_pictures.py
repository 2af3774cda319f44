"""Pictures of a lesson: one map of its case before and after, at the slice where the two differ most."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from pages.comparison.map_images import CORE, HYPOPERFUSED, TRUTH, Outline, Slice, paint_map
from pages.server.byte_cache import ByteCache
from pages.teaching.lesson import Lesson, Picture
from pages.teaching.lesson_results import LessonResults
from perfcore.display.colours import LUTS
from perfcore.map_info import MAPS
from perfcore.teaching import CurveMaps
from perfcore.types import DoubleArray

CACHE_BYTES: Final = 8 << 20


@dataclass(frozen=True, eq=False)
class PairOfMaps:
    """One slice of a map before and after, as PNG, in the colours and the window of the Lab.

    Attributes
    ----------
    slice_index, n_slices
        The slice, from 0, and how many the case has.
    before, after
        The pictures.
    divider
        Place between the left side of the picture, 0, and the right, 1, where both sides show the difference.
    """

    slice_index: int
    n_slices: int
    before: bytes
    after: bytes
    divider: float


_cache: Final[ByteCache[PairOfMaps]] = ByteCache(CACHE_BYTES, lambda pair: len(pair.before) + len(pair.after))
"""Shared by all sessions: the pictures of a lesson do not depend on the user."""


def pair_of_maps(results: LessonResults) -> PairOfMaps:
    """Return the pictures of a lesson, painted at first use.

    Raises
    ------
    PerfcoreError
        An experiment cannot be computed on the case.
    """
    return _cache.get((results.lesson.id, results.live_case.key), lambda: _paint(results))


def _paint(results: LessonResults) -> PairOfMaps:
    case, picture = results.live_case, results.lesson.picture
    before, after = results.maps_of(picture.before), results.maps_of(picture.after)
    differences = voxel_differences(before, after, picture)
    slice_of = np.repeat(np.arange(case.n_slices), np.diff(case.starts))
    z = int(np.bincount(slice_of, differences, case.n_slices).argmax())
    here = Slice.of(case, z)

    def png(maps: CurveMaps) -> bytes:
        outlines: list[Outline] = [(maps.hypoperfused, HYPOPERFUSED, False), (maps.core, CORE, False)]
        if picture.differ_by == "core" and case.lesion is not None:
            outlines.append((case.lesion, TRUTH, True))
        return paint_map(here, maps.map(picture.map), picture.map, outlines)

    return PairOfMaps(z, case.n_slices, png(before), png(after), middle_column(here.plane(differences, 0.0)))


def voxel_differences(before: CurveMaps, after: CurveMaps, picture: Picture) -> DoubleArray:
    """Return how much two results differ, of all voxels in slice order.

    The absolute difference of the map, both values clipped to its window; or 1 for the voxels of which one result
    alone makes a lesion.
    """
    if picture.differ_by == "map":
        low, high = MAPS[picture.map].window
        first, second = (np.clip(maps.map(picture.map), low, high) for maps in (before, after))
        differences = np.nan_to_num(np.abs(first - second), nan=0.0)
    else:
        differences = getattr(before, picture.differ_by) != getattr(after, picture.differ_by)
    found: DoubleArray = np.asarray(differences, np.float64)
    return found


def middle_column(differences: DoubleArray) -> float:
    """Return the mean column of the pixels that differ by at least half the largest difference.

    Parameters
    ----------
    differences
        At least 0, shape ``(rows, columns)``.

    Returns
    -------
    float
        From 0, the left side, to 1, the right; 0.5 without any difference.
    """
    most = differences.max()
    columns = np.nonzero(differences >= most / 2)[1] if most > 0 else np.empty(0)
    return float((columns.mean() + 0.5) / differences.shape[1]) if columns.size else 0.5


def picture_data(lesson: Lesson, results: LessonResults, *, reveals: bool) -> dict[str, Any]:
    """Return the data of the component `pages.teaching.before_after`.

    Parameters
    ----------
    lesson
        The lesson.
    results
        Its results.
    reveals
        Whether the picture after is shown, too; before the prediction only the one before is.
    """
    picture, pair = lesson.picture, pair_of_maps(results)
    info = MAPS[picture.map]
    low, high = info.window

    def side(name: str, png: bytes) -> dict[str, str]:
        number = picture.number(results.volume_result(name))
        return {
            "name": lesson.experiments[name].label,
            "number": f"{number:.{picture.digits}f}".replace("-", "−") if number else "0",
            "src": "data:image/png;base64," + base64.b64encode(png).decode(),
        }

    stops = LUTS[info.scale].reshape(256, 3)[::15]
    return {
        "map": info.label,
        "label": picture.label,
        "divider": pair.divider,
        "place": f"slice {pair.slice_index + 1} of {pair.n_slices}",
        "low": f"{low:g}",
        "high": f"{high:g} {info.unit}".strip(),
        "colours": ", ".join(f"rgb({r} {g} {b})" for r, g, b in stops),
        "before": side(picture.before, pair.before),
        "after": side(picture.after, pair.after) if reveals else None,
    }
