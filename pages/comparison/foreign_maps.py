"""Maps of another package, uploaded by the user: read in memory, kept in the session only, bounded in size."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np

from pages.live.compute.case import LiveCase
from pages.server import config
from pages.session.state import ComparisonState
from perfcore.errors import InputDataError
from perfcore.io.nifti.on_grid import read_on_grid
from perfcore.map_info import MAPS
from perfcore.quality_flags import sentences
from perfcore.types import FloatArray

MAX_SESSION_BYTES: Final = 256 << 20
"""Of all maps of one session, as float32 on the grids of their cases."""
SERVER_FRACTION: Final = 0.1
"""Of the server's memory for uploads, for the maps of all sessions."""
ZERO_IS_VALUE: Final = frozenset({"tmax", "core_probability"})
"""Maps in which tissue can have 0; in the others 0 is what packages write outside their brain mask."""
_reading: Final = threading.BoundedSemaphore(1)
"""Limits the maps that are read at the same time."""


@dataclass(frozen=True, eq=False)
class ForeignMap:
    """A map of another package on the grid of a case.

    Attributes
    ----------
    kind
        Id of the map of ours that it is laid beside.
    volume
        Shape ``(nx, ny, nz)``, float32, in the unit of that map; NaN without a value.
    notes
        Sentences on how it was read.
    """

    kind: str
    volume: FloatArray
    notes: tuple[str, ...] = ()

    def in_slice_order(self, case: LiveCase) -> FloatArray:
        """Return the values in the brain mask of a case, shape ``(n_voxels,)``."""
        return np.asarray(self.volume.reshape(-1)[case.prepared.index[case.order]])


_all_maps: Final[weakref.WeakSet[ForeignMap]] = weakref.WeakSet()


def map_kinds() -> list[str]:
    """Return the ids of the maps that can be compared: those that an analysis computes."""
    return [name for name, info in MAPS.items() if info.compute is not None]


def read_foreign_map(
    content: bytes, kind: str, case: LiveCase, *, factor: float = 1.0, zero_is_value: bool | None = None
) -> ForeignMap:
    """Read a map and bring it onto the grid of a case.

    Parameters
    ----------
    content
        A NIfTI volume.
    kind
        One of `map_kinds`.
    case
        The case.
    factor
        Its values times this are in the unit of the map.
    zero_is_value
        Whether 0 is a value; None: as of `ZERO_IS_VALUE`.

    Raises
    ------
    InputDataError
        The file is refused, does not reach the series, or has no value in the brain.
    """
    info, prepared = MAPS[kind], case.prepared
    empty = None if (kind in ZERO_IS_VALUE if zero_is_value is None else zero_is_value) else 0.0
    with _reading:
        volume, flags = read_on_grid(content, prepared.grid, prepared.affine, f"{info.label} map", empty=empty)
    with np.errstate(over="ignore"):
        volume = volume * np.float32(factor)
    volume[~np.isfinite(volume)] = np.nan
    volume.flags.writeable = False
    if not np.isfinite(volume[prepared.mask]).any():
        raise InputDataError(
            f"The {info.label} map has no value in the brain of this case; check that both are alike."
        )
    return ForeignMap(kind, volume, tuple(sentences(flags)))


def keep_foreign_map(state: ComparisonState, case: str, found: ForeignMap) -> None:
    """Keep a map of a case in the session; it replaces one of the same kind.

    Raises
    ------
    InputDataError
        The maps of the session or of the server would take too much memory.
    """
    rest = [one for one in state.foreign.get(case, []) if one.kind != found.kind]
    others = [one for name, maps in state.foreign.items() if name != case for one in maps]
    if sum(one.volume.nbytes for one in (*rest, *others, found)) > MAX_SESSION_BYTES:
        raise InputDataError(
            f"The maps of other packages would take more than {MAX_SESSION_BYTES >> 20} MB; remove one first."
        )
    if sum(one.volume.nbytes for one in {*_all_maps, found}) > SERVER_FRACTION * config.memory_for_uploads():
        raise InputDataError("The server's memory for maps of other packages is full; try again later.")
    _all_maps.add(found)
    state.foreign[case] = sorted([*rest, found], key=lambda one: map_kinds().index(one.kind))


def forget_other_cases(state: ComparisonState, cases: Collection[str]) -> None:
    """Drop the maps of cases that are not among those that the user can open, such as a removed upload."""
    for case in set(state.foreign) - set(cases):
        del state.foreign[case]


def remove_foreign_map(state: ComparisonState, case: str, kind: str) -> None:
    """Remove a map from the session."""
    state.foreign[case] = [one for one in state.foreign.get(case, []) if one.kind != kind]
