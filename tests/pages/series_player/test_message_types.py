"""The messages to the series player have the fields and types that its ``types.d.ts`` declares."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from pages.library.catalog import CatalogEntry, LoadedCase, open_case
from pages.live.server.session import open_session
from pages.live.server.static_files import LIVE_FRONTEND, PLAYER_FRONTEND
from pages.series_player.component import config_frame
from pages.series_player.messages import selector_frame, slice_frame, voxel_frame
from perfcore.aif.select import BEST
from perfcore.settings import Settings
from tests.support.synthetic_head import draw_head
from tests.support.typescript_types import Declarations
from tests.support.wire_frames import read

DECLARED: Final = [folder / "types.d.ts" for folder in (LIVE_FRONTEND, PLAYER_FRONTEND)]
"""The player's types, and those of the Lab that they use."""


def messages(*, vessels: bool) -> dict[str, list[bytes]]:
    """Return a message of each kind and form, by the interface that declares it."""
    series = draw_head(noise=1.0, vessels=vessels).series
    case = open_case(CatalogEntry(f"folder-{vessels}", "types", "", lambda: LoadedCase(series)), Settings())
    session = open_session()
    session.configure(case, Settings(), next(iter(case.sources.values())))
    assert session.workspace is not None
    prepared = case.prepared
    inside = tuple(int(v) for v in np.unravel_index(prepared.index[0], prepared.grid))
    return {
        "PlayerConfig": [config_frame(session, session.workspace)],
        "SliceFrame": [slice_frame(case, 0)],
        "VoxelFrame": [voxel_frame(case, (inside[0], inside[1], inside[2])), voxel_frame(case, (0, 0, 0))],
        "FoundFrame" if vessels else "NotFoundFrame": [selector_frame(case, BEST)],
    }


def test_fields_and_types_of_every_message_are_those_declared() -> None:
    declared = Declarations("\n".join(path.read_text(encoding="utf-8") for path in DECLARED))
    interfaces: set[str] = set()
    for vessels in (True, False):
        for interface, frames in messages(vessels=vessels).items():
            interfaces.add(interface)
            for frame in frames:
                header: dict[str, Any] = read(frame)[0]
                assert declared.mismatch(interface, header, interface) is None
    for interface in interfaces:
        assert declared.seen[interface] == set(declared.fields(interface)), f"{interface}: a field is never sent"
