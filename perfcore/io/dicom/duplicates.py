"""Images of a DICOM scan at one position and time: copies, shared identifiers, and reconstructions in one series.

An image is identified by position, clocks and pixels. Its SOP Instance UID is not used: a transfer may repeat an
image under a new UID, and a careless anonymiser may give one UID to all images.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from perfcore.errors import InputDataError
from perfcore.io.dicom.clocks import CLOCKS, CONTENT_TIME
from perfcore.io.dicom.elements import ReadBudget
from perfcore.io.dicom.header import DicomImage
from perfcore.io.dicom.pixels import check_pixels, read_pixels
from perfcore.io.dicom.stack import group_slices
from perfcore.io.nifti.reader import MIN_FRAMES

ACQUISITION_CLOCKS: Final = tuple(at for at, name in enumerate(CLOCKS) if name != CONTENT_TIME)
"""Indices of the clocks that two reconstructions of one acquisition share."""
_MAX_PER_SLOT: Final = 4
"""Maximum number of copies or reconstructions that are told apart."""
_MIN_SPAN: Final = 0.5
"""A reconstruction covers at least this fraction of the duration; a block of frames covers less."""
_MIN_TIMED: Final = 0.9
_WRONG_STEP: Final = 1.5

Slices = Sequence[Sequence[DicomImage]]


@dataclass(frozen=True)
class Distinct:
    """Images without copies.

    Attributes
    ----------
    images
        One image of each position and time, or several with different pixels.
    n_copies
        Number of images left out whose position, time, pixels and UID are those of another.
    n_resent
        Number of images left out that equal another but for their UID.
    n_shared_uids
        Number of files of kept images whose UID another file has too.
    """

    images: tuple[DicomImage, ...]
    n_copies: int = 0
    n_resent: int = 0
    n_shared_uids: int = 0


@dataclass(frozen=True)
class Variant:
    """One reconstruction of a scan.

    Attributes
    ----------
    images
        Its images.
    problem
        Why its frames cannot be told apart, None if they can.
    max_dt_s
        Largest plausible time step in s where the clock is too coarse to distinguish frames, else None.
    """

    images: tuple[DicomImage, ...]
    problem: str | None = None
    max_dt_s: float | None = None


def in_order(images: Iterable[DicomImage]) -> list[DicomImage]:
    """Return images in an order that does not depend on files and folders."""
    return sorted(images, key=_order_key)


def distinct_images(images: Sequence[DicomImage], budget: ReadBudget) -> Distinct:
    """Remove repeated images; the pixels of images with the same position and clocks are compared.

    Parameters
    ----------
    images
        Images of one scan, of equal size and orientation.
    budget
        Limit on the number of reads.
    """
    kept: list[DicomImage] = []
    n_copies = n_resent = 0
    for own in group_slices(images):
        for same in _indistinct(own):
            first: dict[Hashable, DicomImage] = {}
            for image in same:
                key = _pixel_key(image, budget) if len(same) > 1 else ()
                other = first.setdefault(key, image)
                n_copies += other is not image and other.uid == image.uid
                n_resent += other is not image and other.uid != image.uid
            kept += first.values()
    files = Counter(uid for uid, _ in {(image.uid, id(image.blob)) for image in kept if image.uid})
    n_shared = sum(n for n in files.values() if n > 1)
    return Distinct(tuple(in_order(kept)), n_copies, n_resent, n_shared)


def reconstructions(images: Sequence[DicomImage]) -> list[Variant]:
    """Separate images with equal position and time into the reconstructions that a tag or their numbering tells.

    Returns
    -------
    list of Variant
        One variant of all images if no position has two images at one time.
    """
    whole = tuple(images)
    slices = group_slices(images)
    clocks = [at for at in ACQUISITION_CLOCKS if _is_timed(images, at)]
    if not clocks or any(not _doubled(slices, at) for at in clocks):
        return [Variant(whole)]
    at = max(clocks, key=lambda at: _n_times(slices, at))
    if _n_times(slices, at) < MIN_FRAMES:
        return [Variant(whole)]  # the clock does not tell frames apart: GE writes one time into many of them
    for tag in _TAGS:
        parts = list(_grouped(images, tag).values())
        if _are_reconstructions(parts, images, at):
            return [Variant(tuple(part)) for part in parts]
    for rank in range(1, len(images[0].ranks)):
        parts = _blocks(images, slices, at, rank)
        if _are_reconstructions(parts, images, at):
            return [Variant(tuple(in_order(part))) for part in parts]
    doubled = _doubled(slices, at)
    if _is_coarse(slices, doubled, at):
        fullest = max(slices, key=len)
        return [Variant(whole, max_dt_s=_WRONG_STEP * _span(fullest, at) / (len(fullest) - 1))]
    n_images = sum(len(slot) for slot in doubled)
    problem = (
        f"{n_images} of the {len(images)} images of the DICOM series share position and time with another but "
        "hold other pixels, as two reconstructions in one series do; export a single reconstruction."
    )
    return [Variant(whole, problem)]


_TAGS: Final[tuple[Callable[[DicomImage], Hashable], ...]] = (
    lambda image: image.tags.image_type,
    lambda image: image.tags.description,
    lambda image: image.series,
    lambda image: image.tags.series_number,
)
"""Tags that may differ between reconstructions of one series, most telling first."""


def _grouped(
    images: Iterable[DicomImage], key: Callable[[DicomImage], Hashable]
) -> dict[Hashable, list[DicomImage]]:
    groups: defaultdict[Hashable, list[DicomImage]] = defaultdict(list)
    for image in images:
        groups[key(image)].append(image)
    return groups


def _indistinct(images: Sequence[DicomImage]) -> list[list[DicomImage]]:
    """Group the images of one slice that may be copies by their headers.

    They have equal clocks; where clocks of whole seconds may not tell frames apart, equal instance numbers too;
    where they certainly do not, equal numbers of every kind; and where numbers do not either, equal UIDs.
    """
    is_whole = all(time is None or time == int(time) for image in images for time in image.clocks)
    keys: tuple[Callable[[DicomImage], Hashable], ...] = (
        lambda image: (image.clocks, image.ranks[0], image.ranks[-1] if is_whole else None),
        lambda image: (image.clocks, image.ranks),
        lambda image: (image.clocks, image.ranks, image.uid),
    )
    groups = [list(_grouped(images, key).values()) for key in keys]
    return next((own for own in groups if len(own) * _MAX_PER_SLOT >= len(images)), groups[-1])


def _pixel_key(image: DicomImage, budget: ReadBudget) -> Hashable:
    """Return a key that equal images share; uniform ones need equal numbers too, unreadable ones never do."""
    try:
        check_pixels([image])
        pixels = read_pixels(image, budget)
    except InputDataError:
        return id(image)
    digest = hashlib.blake2b(pixels.tobytes(), digest_size=16).digest()
    return (digest, image.ranks) if pixels.min() == pixels.max() else digest


def _is_timed(images: Sequence[DicomImage], at: int) -> bool:
    return sum(image.clocks[at] is not None for image in images) >= _MIN_TIMED * len(images)


def _slots(images: Iterable[DicomImage], at: int) -> dict[Hashable, list[DicomImage]]:
    """Group the images of one slice by time; those without a time are left out."""
    timed = (image for image in images if image.clocks[at] is not None)
    return _grouped(timed, lambda image: (image.clocks[at], image.ranks[0]))


def _doubled(slices: Slices, at: int) -> list[list[DicomImage]]:
    return [slot for own in slices for slot in _slots(own, at).values() if len(slot) > 1]


def _n_times(slices: Slices, at: int) -> int:
    return max(len(_slots(own, at)) for own in slices)


def _span(images: Iterable[DicomImage], at: int) -> float:
    times = [time for image in images if (time := image.clocks[at]) is not None]
    return max(times) - min(times) if times else 0.0


def _are_reconstructions(parts: Sequence[Sequence[DicomImage]], images: Sequence[DicomImage], at: int) -> bool:
    """Return whether each part has one image per position and time, and covers most of the duration."""
    return 1 < len(parts) <= _MAX_PER_SLOT and all(
        _span(part, at) >= _MIN_SPAN * _span(images, at) and not _doubled(group_slices(part), at) for part in parts
    )


def _blocks(images: Sequence[DicomImage], slices: Slices, at: int, rank: int) -> list[list[DicomImage]]:
    """Split the images, ordered by a number, where a position and time comes again."""
    if any(image.ranks[rank] is None for image in images):
        return []
    slice_of = {id(image): z for z, own in enumerate(slices) for image in own}
    blocks: list[list[DicomImage]] = []
    seen: set[Hashable] = set()
    by_number: defaultdict[float, list[DicomImage]] = defaultdict(list)
    for image in images:
        by_number[image.ranks[rank] or 0.0].append(image)
    for _, group in sorted(by_number.items()):
        slots = {(slice_of[id(image)], image.clocks[at], image.ranks[0]) for image in group}
        if not blocks or slots & seen:
            blocks.append([])
            seen = set()
        blocks[-1] += group
        seen |= slots
        if len(blocks) > _MAX_PER_SLOT:
            return []
    return blocks


def _is_coarse(slices: Slices, doubled: Sequence[Sequence[DicomImage]], at: int) -> bool:
    """Return whether equal times come from a clock of whole seconds: the numbers of the images follow it."""
    if any(time != int(time) for own in slices for image in own if (time := image.clocks[at]) is not None):
        return False
    if any(len({image.ranks[-1] for image in slot}) < len(slot) for slot in doubled):
        return False
    for own in slices:
        numbered = [(image.ranks[-1], image.clocks[at] or 0.0) for image in own if image.ranks[-1] is not None]
        times = [time for _, time in sorted(numbered, key=lambda pair: pair[0] or 0.0)]
        if len(numbered) < len(own) or times != sorted(times):
            return False
    return True


def _order_key(image: DicomImage) -> tuple[object, ...]:
    numbers = (*image.clocks, *image.ranks)
    known = tuple((number is None, number or 0.0) for number in numbers)
    return (
        image.tags.patient,
        image.tags.study,
        image.series,
        image.position,
        known,
        image.uid,
        image.blob.n_bytes,
    )
