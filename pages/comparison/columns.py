"""The columns of a comparison: input functions of one case, with the flow and the figures that each makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from pages.live.compute.case import Flow, LiveCase
from pages.server.byte_cache import ByteCache
from perfcore.aif.select import SELECTORS
from perfcore.aif.sources import is_network, source_label
from perfcore.errors import PerfcoreError
from perfcore.map_info import VoxelValues
from perfcore.maps import is_core, relative_cbf
from perfcore.pipeline import find_curve
from perfcore.settings import Settings
from perfcore.types import Aif, BoolArray

SHARED_BYTES: Final = 300 << 20
OWN_BYTES: Final = 60 << 20
MOST: Final = 8
"""Columns side by side; more cannot be read."""


@dataclass(frozen=True, eq=False)
class Offer:
    """An input function that can be a column.

    Attributes
    ----------
    key, label
        Its name within the case, and for people.
    aif
        None where it is found when it is asked for.
    own
        Whether it belongs to one person alone.
    """

    key: str
    label: str
    aif: Aif | None = None
    own: bool = False


@dataclass(frozen=True, eq=False)
class Column:
    """What one input function makes of a case under one set of settings.

    Attributes
    ----------
    offer
        Where the curve comes from.
    aif, flow, values, core
        The curve, CBF and Tmax in slice order, what the maps are computed from, and which voxels are core; None
        where there is no curve, and then ``problem`` says why.
    numbers
        As of `pages.live.compute.case.LiveCase.numbers`.
    why
        What a selector says about its choice.
    """

    offer: Offer
    aif: Aif | None
    flow: Flow | None
    values: VoxelValues | None
    core: BoolArray | None
    numbers: Mapping[str, float | None]
    why: str
    problem: str

    @property
    def nbytes(self) -> int:
        """Memory held, for the bounded cache."""
        return 4096 + (0 if self.flow is None else 3 * self.flow.cbf.nbytes)


class Desk:
    """Columns that were computed already; bounded, read-only."""

    def __init__(self, limit_bytes: int) -> None:
        self._columns: ByteCache[Column] = ByteCache(limit_bytes, lambda column: column.nbytes)
        self._curves: ByteCache[tuple[Aif, str]] = ByteCache(4 << 20, lambda _: 20_000)

    def has(self, case: LiveCase, settings: Settings, offer: Offer) -> bool:
        """Say whether a column is here."""
        return self._columns.peek((case.key, settings, offer.key)) is not None

    def column(self, case: LiveCase, settings: Settings, offer: Offer) -> Column:
        """Return a column, computed now if it is not here."""
        return self._columns.get((case.key, settings, offer.key), lambda: self._make(case, settings, offer))

    def _make(self, case: LiveCase, settings: Settings, offer: Offer) -> Column:
        try:
            aif, why = self._curve(case, offer)
            flow = case.volume_flow(aif.value, settings)
            core = is_core(relative_cbf(flow.cbf, flow.reference_cbf), settings.core_threshold)
            for array in (flow.cbf, flow.tmax, core):
                array.flags.writeable = False
            values = case.voxel_values(aif.area, flow, settings)
            return Column(offer, aif, flow, values, core, case.numbers(flow, settings), why, "")
        except PerfcoreError as error:
            return Column(offer, None, None, None, None, {}, "", str(error))

    def _curve(self, case: LiveCase, offer: Offer) -> tuple[Aif, str]:
        if offer.aif is not None:
            return offer.aif, ""

        def find() -> tuple[Aif, str]:
            if offer.key not in SELECTORS and not is_network(offer.key):
                return case.offered.get(offer.key), ""
            found = find_curve(case.prepared, offer.key)
            return found.aif, found.why

        return self._curves.get((case.key, offer.key), find)


SHARED: Final = Desk(SHARED_BYTES)
"""For cases that everybody may see."""


def offers(case: LiveCase, own: Mapping[str, tuple[str, Aif]]) -> list[Offer]:
    """Return every column that a case can have: what is known first, then what is found, then a person's own.

    Parameters
    ----------
    case
        The case.
    own
        By key a label and a curve of this person's: edits, files, snapshots.
    """
    methods = case.offered.methods
    networks = [m for m in methods if is_network(m)]
    ordered = dict.fromkeys(("truth", *SELECTORS, *networks, *methods))
    found = [Offer(m, source_label(m)) for m in ordered if m in methods]
    mine = [
        Offer(key, label, aif, own=True) for key, (label, aif) in own.items()
        if aif.value.size == case.prepared.n_time and np.isfinite(aif.value).all()
    ]  # fmt: skip
    unique = {offer.key: offer for offer in (*found, *mine)}
    return list(unique.values())
