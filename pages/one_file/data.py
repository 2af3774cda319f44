"""Data of a case in the file: the frames that a server would send, one for each slice and for each other part."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from pages.live.compute.case import LiveCase
from pages.live.compute.engine_data import basis_message
from pages.live.lab_config import lab_config
from pages.live.server import wire
from pages.live.server.case_route import coefficients_frame
from pages.one_file.engine_limits import check_engine
from perfcore.aif.sources import SourceInfo, aif_label, source_info
from perfcore.display.colours import LUTS
from perfcore.errors import PerfcoreError
from perfcore.settings import Settings
from perfcore.types import Aif

EDITED: Final = "edited"
"""Source id of a curve that a person shaped."""
_EPOCH: Final = 1
_KEY: Final = "case"
"""Name and key of the case: that of the Lab may hold the name of a folder."""


@dataclass(frozen=True)
class Block:
    """A part of the data: its name and its frame, not compressed."""

    name: str
    frame: bytes

    @property
    def kind(self) -> str:
        """Kind of the frame."""
        return self.name.partition("-")[0]


def usable_aifs(case: LiveCase, settings: Settings, start: Aif, others: Iterable[Aif]) -> list[Aif]:
    """Return the start AIF and those of the others that give maps, each id once."""
    found = {start.source_id: start}
    for aif in others:
        try:
            case.operator(aif.value, settings)
        except PerfcoreError:  # without a bolus, as of a vein in a short scan
            continue
        found.setdefault(aif.source_id, aif)
    return list(found.values())


def data_blocks(case: LiveCase, settings: Settings, start: Aif, others: Sequence[Aif] = ()) -> list[Block]:
    """Return the frames of a case.

    Parameters
    ----------
    case
        The prepared case.
    settings
        Settings of the maps.
    start
        The AIF that the page opens with.
    others
        Further AIFs to choose from; those that give no maps are left out.

    Returns
    -------
    ``config``, ``case``, ``basis``, ``sources``, and ``coefficients-0`` … one for each slice.

    Raises
    ------
    InputDataError
        See `check_engine`, or the start AIF gives no maps.
    """
    check_engine(settings, case.prepared.n_time)
    aifs = usable_aifs(case, settings, start, others)
    return [
        Block("config", _config_frame(settings, start, aifs)),
        Block("case", _case_frame(case, settings, start)),
        Block("basis", wire.pack("basis", *basis_message(case))),
        Block("sources", _sources_frame(aifs)),
        *(Block(f"coefficients-{z}", coefficients_frame(z, case)) for z in range(case.n_slices)),
    ]


def checksum(blocks: Iterable[Block]) -> str:
    """Return the SHA-256 of the frames, in hexadecimal digits."""
    digest = hashlib.sha256()
    for block in blocks:
        digest.update(block.frame)
    return digest.hexdigest()


def _info(aif: Aif) -> SourceInfo:
    if aif.source_id == EDITED:
        return SourceInfo(EDITED, "Edited curve", "", "Known")
    return replace(source_info(aif.source_id), label=aif_label(aif))


def _config_frame(settings: Settings, start: Aif, aifs: Sequence[Aif]) -> bytes:
    header = lab_config(settings, start, [_info(aif) for aif in aifs])
    own = {"page": "lab", "token": "", "path": "", "epoch": _EPOCH, "notice": None, "casePath": ""}
    return wire.pack("config", header | own, dict(LUTS))


def _case_frame(case: LiveCase, settings: Settings, start: Aif) -> bytes:
    header, arrays = case.static
    own: Mapping[str, Any] = {
        "name": _KEY,
        "key": _KEY,
        "curveKey": f"{_KEY}|{start.source_id}",
        "epoch": _EPOCH,
        "aifVoxels": _voxels(start),
        "startNumbers": case.start_numbers(start, settings),
    }
    return wire.pack("case", {**header, **own}, {**arrays, "start": start.value.astype(np.float32)})


def _sources_frame(aifs: Sequence[Aif]) -> bytes:
    voxels = {aif.source_id: _voxels(aif) for aif in aifs}
    return wire.pack("sources", {"voxels": voxels}, {aif.source_id: aif.value.astype(np.float32) for aif in aifs})


def _voxels(aif: Aif) -> list[list[int]]:
    return [[int(v) for v in voxel] for voxel in aif.voxels]
