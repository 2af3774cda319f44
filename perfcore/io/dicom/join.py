"""DICOM series that are parts of one scan: phases, volumes or slabs stored as series of their own.

Parts are joined only if patient, study, frame of reference, modality, geometry and reconstruction are equal, and
their times (phases, volumes) or positions (slabs) complete each other without overlap.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final, Literal

import numpy as np

from perfcore.io.dicom.clocks import CLOCKS
from perfcore.io.dicom.header import DicomImage
from perfcore.io.dicom.stack import POSITION_TOLERANCE_MM, group_slices
from perfcore.io.nifti.reader import MIN_FRAMES
from perfcore.types import DoubleArray

Joining = Literal["phases", "volumes", "slabs"]

_TIMES_OF_DAY: Final = tuple(
    CLOCKS.index(name)
    for name in (
        "frame acquisition time", "frame reference time", "acquisition date and time", "acquisition time",
    )
)  # fmt: skip
"""Indices of the clocks of acquisition that run on from series to series; others may start anew in each."""
MAX_PAUSE_S: Final = 30.0
"""Maximum pause between phases or volumes of one scan; late frames of two-phase protocols are up to 30 s apart."""
_MAX_STEPS: Final = 2.0
"""Maximum pause between phases in time steps where other series were taken at the same time."""
_MAX_LINKED: Final = 1000
"""Maximum number of parts of which each is compared with each."""
_STEP_TOLERANCE: Final = 0.05
_HALF_DAY_S: Final = 43_200.0


@dataclass(frozen=True)
class Group:
    """Images that belong together by their headers.

    Attributes
    ----------
    images
        All images, in no order.
    joining
        How the series were joined; empty if all images are of one series.
    """

    images: tuple[DicomImage, ...]
    joining: tuple[Joining, ...] = ()

    @property
    def n_series(self) -> int:
        """Number of series that the images come from."""
        return len({image.series for image in self.images})


@dataclass(frozen=True, eq=False)
class _Part:
    """Series, or joined series.

    Attributes
    ----------
    origins, heights
        First position of each slice (LPS+, mm), and its height along the normal.
    step
        Vector from slice to slice, mm.
    start_s, end_s
        Times of the first and last image.
    """

    images: tuple[DicomImage, ...]
    joining: tuple[Joining, ...]
    origins: DoubleArray
    heights: DoubleArray
    step: DoubleArray
    n_frames: int
    start_s: float
    end_s: float

    @cached_property
    def bottom(self) -> float:
        """Height of the lowest slice, mm."""
        return float(self.heights[0])

    @cached_property
    def top(self) -> float:
        """Height of the highest slice, mm."""
        return float(self.heights[-1])

    @cached_property
    def step_mm(self) -> float:
        """Distance from slice to slice, mm."""
        return float(np.linalg.norm(self.step))


def join_series(images: Sequence[DicomImage]) -> list[Group]:
    """Group the images of a DICOM export by scan."""
    families: defaultdict[Hashable, defaultdict[str, list[DicomImage]]] = defaultdict(lambda: defaultdict(list))
    for image in images:
        families[_family_key(image)][image.series].append(image)
    groups: list[Group] = []
    for family in families.values():
        series = list(family.values())
        timed, clock = _timed(series)
        joinable = {id(own) for own in timed}
        groups += [Group(tuple(own)) for own in series if id(own) not in joinable]
        groups += [Group(part.images, part.joining) for part in _joined([_part(own, *clock) for own in timed])]
    return groups


def _family_key(image: DicomImage) -> Hashable:
    tags = image.tags
    return (
        tags.patient, tags.study, tags.frame_of_reference, image.modality, tags.reconstruction,
        image.rows, image.columns,
        tuple(round(value, 3) for value in image.orientation),
        tuple(float(f"{value:.4g}") for value in image.pixel_mm),
    )  # fmt: skip


def _timed(series: Sequence[list[DicomImage]]) -> tuple[list[list[DicomImage]], tuple[int, float]]:
    """Return the series that the time of day with the most values orders, and that clock.

    The clock is its index and the time of day in s before which midnight has passed.
    """
    best: tuple[list[list[DicomImage]], tuple[int, float]] = [], (0, 0.0)
    most = 1
    for at in _TIMES_OF_DAY if len(series) > 1 else ():
        timed = [own for own in series if all(image.clocks[at] is not None for image in own)]
        times = {image.clocks[at] or 0.0 for own in timed for image in own}
        if len(times) > most:
            most = len(times)
            best = timed, (at, _HALF_DAY_S if max(times) - min(times) > _HALF_DAY_S else 0.0)
    return best


def _part(images: Sequence[DicomImage], at: int, midnight: float, joining: tuple[Joining, ...] = ()) -> _Part:
    slices = group_slices(images)
    along, across = np.array(images[0].orientation).reshape(2, 3)
    normal = np.cross(along, across)
    origins = np.array([own[0].position for own in slices])
    times = [
        time + (86_400.0 if time < midnight else 0.0) for time in (image.clocks[at] or 0.0 for image in images)
    ]
    return _Part(
        images=tuple(images),
        joining=joining,
        origins=origins,
        heights=origins @ normal,
        step=_step(origins, normal, images[0]),
        n_frames=max(len(own) for own in slices),
        start_s=min(times),
        end_s=max(times),
    )


def _joined(parts: Sequence[_Part]) -> list[_Part]:
    """Join the parts of one family in time, then along the normal."""
    in_time = [joined for bucket in _same_positions(parts) for joined in _join_in_time(bucket)]
    return _join_slabs(in_time)


def _merged(parts: Sequence[_Part], how: Joining) -> _Part:
    if len(parts) == 1:
        return parts[0]
    longest = max(parts, key=lambda part: len(part.heights))
    ordered = sorted(parts, key=lambda part: part.bottom)
    as_slabs = how == "slabs"
    return _Part(
        images=tuple(image for part in parts for image in part.images),
        joining=tuple(dict.fromkeys([*(name for part in parts for name in part.joining), how])),
        origins=np.concatenate([part.origins for part in ordered]) if as_slabs else longest.origins,
        heights=np.concatenate([part.heights for part in ordered]) if as_slabs else longest.heights,
        step=longest.step,
        n_frames=max(part.n_frames for part in parts) if as_slabs else sum(part.n_frames for part in parts),
        start_s=min(part.start_s for part in parts),
        end_s=max(part.end_s for part in parts),
    )


def _same_positions(parts: Iterable[_Part]) -> list[list[_Part]]:
    """Group parts by slice positions; a part may lack some of the positions of the others."""
    buckets: list[list[_Part]] = []
    at_height: defaultdict[int, list[int]] = defaultdict(list)
    for part in sorted(parts, key=lambda part: -len(part.heights)):
        place = round(part.bottom)
        near = dict.fromkeys(number for mm in (-1, 0, 1) for number in at_height[place + mm])
        for number in near:
            if _lies_on(part, buckets[number][0]):
                buckets[number].append(part)
                break
        else:
            for height in part.heights:
                at_height[round(float(height))].append(len(buckets))
            buckets.append([part])
    return buckets


def _lies_on(part: _Part, other: _Part) -> bool:
    """Return whether each slice of a part is one of another part, and it has more than half of them."""
    if 2 * len(part.heights) <= len(other.heights):
        return False
    after = np.searchsorted(other.heights, part.heights - POSITION_TOLERANCE_MM).clip(max=len(other.heights) - 1)
    return bool((np.abs(other.origins[after] - part.origins) <= POSITION_TOLERANCE_MM).all())


def _join_in_time(parts: Sequence[_Part]) -> list[_Part]:
    """Join parts of equal positions that follow each other in time without overlap."""
    runs: list[list[_Part]] = []
    end_s = -math.inf
    for part in sorted(parts, key=lambda part: (part.start_s, part.end_s)):
        if part.start_s - end_s > MAX_PAUSE_S:
            runs.append([])
        runs[-1].append(part)
        end_s = max(end_s, part.end_s)
    joined: list[_Part] = []
    for run in runs:
        are_volumes = all(part.n_frames == 1 for part in run)
        if are_volumes or all(a.end_s < b.start_s for a, b in pairwise(run)):
            chains = [run]
        else:  # something else was taken or reconstructed at the same time
            chains = _chains(run, _follows_at_once)
        joined += [_merged(chain, "volumes" if are_volumes else "phases") for chain in chains]
    return joined


def _follows_at_once(earlier: _Part, later: _Part) -> bool:
    """Return whether a phase follows another after about one time step."""
    if not 0 < later.start_s - earlier.end_s <= MAX_PAUSE_S:  # cheap, since every pair is compared
        return False
    steps = [(part.end_s - part.start_s) / (part.n_frames - 1) for part in (earlier, later) if part.n_frames > 1]
    return bool(steps) and later.start_s - earlier.end_s <= _MAX_STEPS * max(steps)


def _join_slabs(parts: Sequence[_Part]) -> list[_Part]:
    """Join parts of equal times whose slices continue each other."""
    slabs = [part for part in parts if part.n_frames >= MIN_FRAMES]
    others = [part for part in parts if part.n_frames < MIN_FRAMES]
    return others + [_merged(chain, "slabs") for chain in _chains(slabs, _continues)]


def _chains(parts: Sequence[_Part], follows: Callable[[_Part, _Part], bool]) -> list[list[_Part]]:
    """Link parts that follow each other where the successor and the predecessor are the only ones."""
    if len(parts) > _MAX_LINKED:
        return [[part] for part in parts]
    after = [[b for b, later in enumerate(parts) if follows(earlier, later)] for earlier in parts]
    n_before = Counter(b for found in after for b in found)
    links = {a: found[0] for a, found in enumerate(after) if len(found) == 1 and n_before[found[0]] == 1}
    chains = []
    for start in sorted(set(range(len(parts))) - set(links.values())):
        chain = [start]
        while chain[-1] in links:
            chain.append(links[chain[-1]])
        chains.append([parts[at] for at in chain])
    return chains


def _continues(lower: _Part, upper: _Part) -> bool:
    """Return whether a slab lies on top of another, one slice step away, and was taken at the same times."""
    if not 0 < upper.bottom - lower.top < 2 * lower.step_mm:  # cheap, since every pair is compared
        return False
    frame_s = (lower.end_s - lower.start_s) / (lower.n_frames - 1)
    is_in_time = max(abs(lower.start_s - upper.start_s), abs(lower.end_s - upper.end_s)) <= frame_s
    if not is_in_time or abs(lower.n_frames - upper.n_frames) > 1:
        return False
    between = upper.origins[0] - lower.origins[-1]
    size = float(np.linalg.norm(between))
    away = max(float(np.linalg.norm(part.step - between)) for part in (lower, upper))
    return size > POSITION_TOLERANCE_MM and away <= max(POSITION_TOLERANCE_MM, _STEP_TOLERANCE * size)


def _step(origins: DoubleArray, normal: DoubleArray, image: DicomImage) -> DoubleArray:
    """Return the vector from slice to slice in mm; of a single slice, by its header."""
    if len(origins) > 1:
        return np.asarray((origins[-1] - origins[0]) / (len(origins) - 1))
    return np.asarray(normal * (image.slice_mm or 0.0))
