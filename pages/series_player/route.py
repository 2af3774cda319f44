"""HTTP route of the series player: requests of a slice, a voxel or a selector's AIF of the open case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from pages.live.compute.case import LiveCase
from pages.live.server.case_endpoint import CaseEndpoint, CaseJob
from pages.live.server.session import COMPUTE
from pages.series_player.messages import selector_frame, slice_frame, voxel_frame

PATH: Final = "/live/series"
SELECTOR_POOL: Final = ThreadPoolExecutor(1, thread_name_prefix="selectors")
"""Runs one selector at a time: each takes up to a second, and must not delay the drags of other sessions."""


def _job(fields: Mapping[str, Any]) -> CaseJob:
    """Return the job of a request, to be called with the case, and its executor."""
    kind = fields["kind"]
    if kind == "slice":
        return partial(_with_case, slice_frame, int(fields["slice"])), COMPUTE
    if kind == "voxel":
        x, y, z = (int(v) for v in fields["voxel"])
        return partial(_with_case, voxel_frame, (x, y, z)), COMPUTE
    if kind == "selector":
        return partial(_with_case, selector_frame, str(fields["name"])), SELECTOR_POOL
    raise ValueError(kind)


def _with_case(encode: Callable[[LiveCase, Any], bytes], argument: Any, case: LiveCase) -> bytes:
    return encode(case, argument)


player_endpoint: Final = CaseEndpoint(_job)
