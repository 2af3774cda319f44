"""Columns of a comparison: AIFs of one case, with the maps and lesion metrics that each gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from pages.live.compute.case import LiveCase
from pages.live.compute.flow import Flow
from pages.server.byte_cache import ByteCache
from perfcore.aif.quality import AifQuality
from perfcore.aif.select import SELECTORS
from perfcore.aif.sources import is_network, source_label
from perfcore.errors import PerfcoreError
from perfcore.map_info import VoxelValues
from perfcore.maps import is_core, relative_cbf
from perfcore.metric_info import COMPARED
from perfcore.pipeline import find_curve
from perfcore.settings import Settings
from perfcore.types import Aif, BoolArray

SHARED_CACHE_BYTES: Final = 300 << 20
OWN_CACHE_BYTES: Final = 60 << 20
MAX_COLUMNS: Final = 8
"""Columns side by side; more are not legible."""


@dataclass(frozen=True, eq=False)
class AifOption:
    """AIF that can be compared.

    Attributes
    ----------
    key, label
        Identity within the case, and the name shown.
    aif
        The curve; None if it is computed at first use.
    own
        Whether it belongs to one user.
    """

    key: str
    label: str
    aif: Aif | None = None
    own: bool = False


@dataclass(frozen=True, eq=False)
class Column:
    """Result of one AIF on a case under one set of settings.

    Attributes
    ----------
    option
        The AIF's option.
    aif, flow, values, core
        The curve, CBF and Tmax in slice order, the voxel values that the maps are computed from, and the mask of
        the core; None if no AIF was found.
    numbers
        As of `pages.live.compute.case.LiveCase.numbers`.
    why
        The selector's reason for its choice.
    problem
        Why there is no AIF; empty if there is one.
    quality
        Quality of the AIF; None if there is none.
    """

    option: AifOption
    aif: Aif | None
    flow: Flow | None
    values: VoxelValues | None
    core: BoolArray | None
    numbers: Mapping[str, float | None]
    why: str
    problem: str
    quality: AifQuality | None = None

    @property
    def nbytes(self) -> int:
        """Memory held, for the bounded cache."""
        return 4096 + (0 if self.flow is None else 3 * self.flow.cbf.nbytes)


class ComparisonCache:
    """Bounded cache of computed columns, which are read-only."""

    def __init__(self, limit_bytes: int) -> None:
        self._columns: ByteCache[Column] = ByteCache(limit_bytes, lambda column: column.nbytes)
        self._curves: ByteCache[tuple[Aif, str]] = ByteCache(4 << 20, lambda _: 20_000)

    def has(self, case: LiveCase, settings: Settings, option: AifOption) -> bool:
        """Return whether a column is cached."""
        return self._columns.peek((case.key, settings, option.key)) is not None

    def column(self, case: LiveCase, settings: Settings, option: AifOption) -> Column:
        """Return a column, from the cache or computed."""
        return self._columns.get((case.key, settings, option.key), lambda: self._make(case, settings, option))

    def _make(self, case: LiveCase, settings: Settings, option: AifOption) -> Column:
        try:
            aif, why = self._curve(case, option)
            flow = case.volume_flow(aif.value, settings)
            core = is_core(relative_cbf(flow.cbf, flow.reference_cbf), settings.core_threshold)
            for array in (flow.cbf, flow.tmax, core):
                array.flags.writeable = False
            values = case.voxel_values(aif.area, flow, settings)
            numbers = case.numbers(flow, settings, names=COMPARED)
            quality = case.aif_quality(aif, settings, flow)
            return Column(option, aif, flow, values, core, numbers, why, "", quality)
        except PerfcoreError as error:
            return Column(option, None, None, None, None, {}, "", str(error))

    def _curve(self, case: LiveCase, option: AifOption) -> tuple[Aif, str]:
        if option.aif is not None:
            return option.aif, ""

        def find() -> tuple[Aif, str]:
            if option.key not in SELECTORS and not is_network(option.key):
                return case.offered.get(option.key), ""
            found = find_curve(case.prepared, option.key)
            return found.corrected(), found.corrected_why

        return self._curves.get((case.key, option.key), find)


SHARED: Final = ComparisonCache(SHARED_CACHE_BYTES)
"""Columns of public cases and AIFs, shared by all sessions."""


def aif_options(case: LiveCase, own: Mapping[str, tuple[str, Aif]]) -> list[AifOption]:
    """Return the AIFs that can be compared on a case: the truth (or the first method), the user's own, the rest.

    The first is what the others are compared with; the user's own stand beside it, as they are what is judged.

    Parameters
    ----------
    case
        The case.
    own
        The user's own AIFs (edits, files, snapshots): label and curve by key.
    """
    methods = case.offered.methods
    networks = [m for m in methods if is_network(m)]
    ordered = dict.fromkeys(("truth", *SELECTORS, *networks, *methods))
    found = [AifOption(m, source_label(m)) for m in ordered if m in methods]
    mine = [
        AifOption(key, label, aif, own=True) for key, (label, aif) in own.items()
        if aif.value.size == case.prepared.n_time and np.isfinite(aif.value).all()
    ]  # fmt: skip
    unique = {option.key: option for option in (*found[:1], *mine, *found[1:])}
    return list(unique.values())
