"""Messages to the series player: header of the case, frames of a slice, curves of a voxel, AIF of a selector."""

from __future__ import annotations

import weakref
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pages.live.compute.case import LiveCase
from pages.live.compute.voxel_probe import tissue_row
from pages.live.server import wire
from perfcore.aif.select import SELECTORS, select
from perfcore.aif.select.selection import Selection
from perfcore.errors import InputDataError, NoArteryError
from perfcore.settings import Settings

AIR_HU: Final = -200.0
PAD: Final = 2
INT16: Final = (-32768, 32767)

_found: Final[weakref.WeakKeyDictionary[LiveCase, dict[str, Selection | str]]] = weakref.WeakKeyDictionary()
"""Selections by case; those of an uploaded case are freed with it."""


def in_hu(case: LiveCase) -> bool:
    """Return whether a case is in Hounsfield units."""
    return case.prepared.in_hu


def head_box(case: LiveCase) -> tuple[int, int, int, int]:
    """Return the crop box of the head over all slices, in screen pixels: column, row, width, height."""
    p = case.prepared
    head = (p.baseline > AIR_HU) if in_hu(case) else p.mask
    plane = case.layout.apply(np.asarray(head.any(axis=2)))
    spans = []
    for axis in (0, 1):
        used = np.flatnonzero(plane.any(axis=axis))
        size = plane.shape[1 - axis]
        low, high = (0, size - 1) if not used.size else (int(used[0]), int(used[-1]))
        low, high = max(low - PAD, 0), min(high + PAD, size - 1)
        spans.append((low, high - low + 1))
    (x, w), (y, h) = spans
    return x, y, w, h


def case_header(case: LiveCase) -> dict[str, Any]:
    """Return the fields of the player's configuration that describe the case."""
    p, layout = case.prepared, case.layout
    rows, columns = layout.apply(np.empty(p.grid[:2], bool)).shape
    across, down = (p.spacing_mm[1], p.spacing_mm[0]) if layout.swap else p.spacing_mm[:2]
    return {
        "case": case.key,
        "name": case.name,
        "slices": p.grid[2],
        "firstSlice": case.first_slice,
        "firstVoxel": list(first_voxel(case)),
        "nTime": p.n_time,
        "dt": p.dt_s,
        "rows": rows,
        "columns": columns,
        "swap": layout.swap,
        "flipX": layout.flip_x,
        "flipY": layout.flip_y,
        "pixelMm": [across, down],
        "box": list(head_box(case)),
        "hu": in_hu(case),
    }


def first_voxel(case: LiveCase) -> tuple[int, int, int]:
    """Return the voxel to begin with: the middle of the known lesion, else of the brain, in the first slice."""
    p, z = case.prepared, case.first_slice
    x, y, slice_of = np.unravel_index(p.index, p.grid)
    inside = slice_of == z
    if p.lesion is not None and (p.lesion & inside).any():
        inside = inside & p.lesion
    if not inside.any():
        return p.grid[0] // 2, p.grid[1] // 2, z
    places = np.stack([x[inside], y[inside]], axis=1)
    nearest = places[((places - places.mean(axis=0)) ** 2).sum(axis=1).argmin()]
    return int(nearest[0]), int(nearest[1]), z


def _cropped(case: LiveCase, plane: NDArray[Any]) -> NDArray[Any]:
    x, y, w, h = head_box(case)
    return case.layout.apply(plane)[y : y + h, x : x + w]


def slice_frame(case: LiveCase, z: int) -> bytes:
    """Pack all frames of a slice as int16, cropped to the head, with the mean before the bolus.

    A value is ``scale`` times the stored integer; ``scale`` is 1 for Hounsfield units, which are integers.

    Raises
    ------
    InputDataError
        There is no such slice.
    """
    p = case.prepared
    if not 0 <= z < p.grid[2]:
        raise InputDataError(f"There is no slice {z + 1}; the series has {p.grid[2]}.")
    baseline = _cropped(case, p.baseline[:, :, z])
    values = np.moveaxis(_cropped(case, p.enhancement[:, :, z]), -1, 0) + baseline
    scale = 1.0 if in_hu(case) else max(float(np.abs(values).max()), 1e-12) / INT16[1]
    stored = np.rint(values / np.float32(scale)).clip(*INT16).astype(np.int16)
    return wire.pack("slice", {"case": case.key, "z": z, "scale": scale},
                     {"frames": stored, "baseline": np.asarray(baseline, np.float32)})  # fmt: skip


def voxel_frame(case: LiveCase, voxel: tuple[int, int, int]) -> bytes:
    """Pack the enhancement of a voxel as measured and, inside the brain, as smoothed.

    Raises
    ------
    InputDataError
        The voxel is outside the grid.
    """
    p = case.prepared
    row = tissue_row(p, voxel)
    arrays = {"measured": p.enhancement[voxel]}
    if row is not None:
        arrays["smoothed"] = p.tissue[row]
    return wire.pack("voxel", {"case": case.key, "voxel": list(voxel)}, dict(arrays))


def selector_frame(case: LiveCase, name: str) -> bytes:
    """Pack the AIF and VOF of a selector with voxels, quality and its reason, or why it finds none.

    Raises
    ------
    InputDataError
        There is no such selector.
    """
    if name not in SELECTORS:
        raise InputDataError("There is no such selector.")
    found = _selection(case, name)
    header: dict[str, Any] = {"case": case.key, "name": name, "found": not isinstance(found, str)}
    if isinstance(found, str):
        return wire.pack("selector", {**header, "why": found})
    quality = case.aif_quality(found.corrected(), Settings())  # as the Lab shows the curve
    header |= {
        "why": found.why,
        "verdict": quality.verdict,
        "reason": "" if quality.verdict == "good" else quality.cause,
        "voxels": [list(v) for v in found.aif.voxels],
        "vofVoxels": [] if found.vof is None else [list(v) for v in found.vof.voxels],
    }
    arrays = {"aif": found.aif.value.astype(np.float32)}
    if found.vof is not None:
        arrays["vof"] = found.vof.value.astype(np.float32)
    return wire.pack("selector", header, dict(arrays))


def _selection(case: LiveCase, name: str) -> Selection | str:
    """Run a selector once per case; return its selection, or the sentence that explains why there is none."""
    known = _found.setdefault(case, {})
    if name not in known:
        try:
            known[name] = select(case.prepared, name)
        except NoArteryError as error:
            known[name] = str(error)
    return known[name]
