"""Registry of the maps: how each is computed, written and shown.

A further map is one entry here: it is computed with the others, written by ``maps`` and offered by Compare. The
Lab shows it from this entry alone where it does not depend on the curve (``is_static``); a map that follows the
curve needs its formula in ``pages/live/frontend/map/volume_store.js`` as well. The names of the maps are read
before torch is needed, so the formulas are imported when they are computed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class VoxelValues:
    """Input of the formulas of the maps: a value for each voxel of the mask, shape ``(n_voxels,)``.

    Attributes
    ----------
    cbf, tmax
        ml/100 g/min, and s.
    reference_cbf
        Healthy mean CBF.
    tissue_area
        Area under the tissue curve, enhancement × s.
    aif_area
        Area under the AIF, enhancement × s.
    ttp_s
        Time to peak of the tissue curve.
    core_threshold
        Core is where rCBF is below it.
    """

    cbf: Tensor
    tmax: Tensor
    reference_cbf: float
    tissue_area: Tensor
    aif_area: float
    ttp_s: Tensor
    core_threshold: float

    @cached_property
    def rcbf(self) -> Tensor:
        """CBF over its healthy mean."""
        from perfcore.maps import relative_cbf  # noqa: PLC0415

        return relative_cbf(self.cbf, self.reference_cbf)

    @cached_property
    def cbv(self) -> Tensor:
        """ml/100 g.

        Raises
        ------
        ArgumentError
            The area of the AIF is not positive.
        """
        from perfcore.maps import blood_volume  # noqa: PLC0415

        return blood_volume(self.tissue_area, self.aif_area)

    @cached_property
    def mtt(self) -> Tensor:
        """Mean transit time, s."""
        from perfcore.maps import transit_time  # noqa: PLC0415

        return transit_time(self.cbv, self.cbf)

    @cached_property
    def core_probability(self) -> Tensor:
        """Soft threshold on rCBF."""
        from perfcore.maps import core_probability  # noqa: PLC0415

        return core_probability(self.rcbf, self.core_threshold)


@dataclass(frozen=True)
class MapInfo:
    """A map and how it is shown.

    Attributes
    ----------
    id
        In files (``<id>.nii.gz``), links and messages.
    label, title
        On buttons, and in a few words.
    unit
        Of its values; empty for a ratio without one.
    window
        Values of the ends of its colour scale.
    digits
        Digits after the decimal point.
    scale
        Name of its colour scale.
    compute
        Its values, shape ``(n_voxels,)``; None for a volume that the case brings along.
    case_array
        Name of its array in the browser's case: ``baseline`` or ``tmip``.
    is_static
        Whether it is the same for every AIF.
    difference
        Half the window of a difference between two methods; None: Compare does not offer it.
    bids
        Suffix of its file in a BIDS dataset, with ``desc-<label>_`` before it where needed; empty: its id.
    caplex
        Code of the quantity in the OSIPI lexicon CAPLEX (doi:10.1002/mrm.29840), section Q at
        https://osipi.github.io/OSIPI_CAPLEX/quantities/; empty where the lexicon has none.
    """

    id: str
    label: str
    title: str
    unit: str
    window: tuple[float, float]
    digits: int
    scale: str = "viridis"
    compute: Callable[[VoxelValues], Tensor] | None = None
    case_array: str = ""
    is_static: bool = False
    difference: float | None = None
    bids: str = ""
    caplex: str = ""

    @property
    def bids_ending(self) -> str:
        """Suffix of its file in a BIDS dataset."""
        return self.bids or self.id.replace("_", "")

    @property
    def bids_unit(self) -> str:
        """Unit in the JSON file of a BIDS dataset: ``1`` for a ratio."""
        return "1" if self.unit in ("", "of healthy") else self.unit


MAPS: Final[dict[str, MapInfo]] = {
    info.id: info
    for info in (
        MapInfo(
            "rcbf", "rCBF", "Blood flow relative to healthy tissue", "of healthy", (0, 1.5), 2,
            compute=lambda v: v.rcbf, difference=0.5, bids="desc-relative_cbf",
        ),
        MapInfo(
            "cbf", "CBF", "Cerebral blood flow", "ml/100 g/min", (0, 30), 1,
            compute=lambda v: v.cbf, difference=20.0, caplex="Q.PH1.003",
        ),
        MapInfo(
            "cbv", "CBV", "Cerebral blood volume", "ml/100 g", (0, 6), 2,
            compute=lambda v: v.cbv, caplex="Q.PH1.001.[b]",
        ),
        MapInfo(
            "mtt", "MTT", "Mean transit time", "s", (0, 20), 1, "inferno",
            compute=lambda v: v.mtt, caplex="Q.PH1.006.[b]",
        ),
        MapInfo(
            "tmax", "Tmax", "Delay: time of the maximum of k(t)", "s", (0, 12), 1, "inferno",
            compute=lambda v: v.tmax, difference=4.0, caplex="Q.CD1.003",
        ),
        MapInfo(
            "ttp", "TTP", "Time to peak of the tissue curve", "s", (0, 40), 1, "inferno",
            compute=lambda v: v.ttp_s, is_static=True, caplex="Q.CD1.003",
        ),
        MapInfo(
            "core_probability", "p(core)", "Probability of core, soft threshold on rCBF", "", (0, 1), 2, "cividis",
            compute=lambda v: v.core_probability, bids="desc-core_probseg",
        ),
        MapInfo(
            "baseline", "CT", "Mean of the frames before the bolus", "HU", (0, 80), 0, "grey",
            case_array="baseline", is_static=True,
        ),
        MapInfo(
            "tmip", "MIP", "Largest enhancement over time: the vessels", "HU", (0, 150), 0, "grey",
            case_array="tmip", is_static=True,
        ),
    )
}  # fmt: skip
"""By id, in the order of the interface.

Their codes: blood flow; relative volume fraction and mean transit time of the compartment blood, [b]; data
grid point of the maximum value, of k(t) for Tmax and of the tissue curve for TTP, which counts from the first
frame (the lexicon's own TTP, Q.CD1.010, counts from the arrival of the bolus). The lexicon's flow and volume are
per 100 ml of tissue, ours per 100 g.
"""
CURVE_CAPLEX: Final = "Q.IC1.001.[a]"
"""Code of the AIF: indicator concentration, in the compartment artery."""
MASK_CAPLEX: Final = "Q.SE1.001"
"""Code of a binary mask."""


def computed_maps() -> dict[str, Callable[[VoxelValues], Tensor]]:
    """Return the maps that an analysis computes and writes, by id."""
    return {name: info.compute for name, info in MAPS.items() if info.compute is not None}


def caplex_codes() -> dict[str, str]:
    """Return the CAPLEX code of each written map and curve that has one, by the name of its file."""
    maps = {name: MAPS[name].caplex for name in computed_maps() if MAPS[name].caplex}
    return {**maps, "brain_mask": MASK_CAPLEX, "aif": CURVE_CAPLEX}
