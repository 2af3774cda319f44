"""HTTP route of the case of a task: as ``pages.live.server.case_route``, for participants without the truth.

Further kinds of frames: ``case``, the configuration of the maps and the case with its start AIF but without
slices; and ``curves``, the unsmoothed curves of the voxels of a slice that can be clicked as an artery.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import numpy as np

from pages.classroom.participant import Participant
from pages.classroom.registry import ROOMS
from pages.classroom.room import Room
from pages.classroom.tasks import TRUTH_METRICS, TaskCase
from pages.live.compute.case import LiveCase
from pages.live.compute.static_data import without_slices
from pages.live.lab_config import lab_config
from pages.live.server import wire
from pages.live.server.case_endpoint import CaseEndpoint, CaseJob, OpenCase, RequestError
from pages.live.server.case_route import GZIP_LEVEL, check_slice, compressed, frame_job
from pages.live.server.session import COMPUTE
from perfcore.aif.select.candidates import voxel_curves
from perfcore.display.colours import LUTS

PATH: Final = "/class/case"
CURVE_STEPS: Final = 10
"""Steps of a curve in one unit of enhancement: a tenth, below the noise of a voxel by two orders."""


def curves_frame(z: int, case: LiveCase) -> bytes:
    """Return the frame with the curves of a slice: ``pixel``, screen pixels, and ``curves``, int16 in tenths.

    Voxels of the brain mask and of the hull around it, where vessels are searched.

    Raises
    ------
    InputDataError
        The case has no such slice.
    """
    check_slice(z, case)
    prepared = case.prepared
    inside = prepared.mask[..., z] if prepared.hull is None else prepared.mask[..., z] | prepared.hull[..., z]
    screen = np.empty(prepared.grid[:2], np.uint32)
    plane = case.layout.apply(screen)
    plane[...] = np.arange(plane.size, dtype=np.uint32).reshape(plane.shape)
    x, y = np.nonzero(inside)
    flat = np.ravel_multi_index((x, y, np.full_like(x, z)), prepared.grid)
    steps = np.rint(CURVE_STEPS * voxel_curves(prepared, flat)).clip(-32768, 32767).astype(np.int16)
    return wire.pack(
        "curves", {"z": z, "perUnit": CURVE_STEPS}, {"pixel": screen[x, y], "curves": wire.BytePlanes(steps)}
    )


def case_head(of: TaskCase, *, hidden: bool) -> bytes:
    """Return the configuration of the maps and the frame of a case with its start AIF, without slices.

    The voxels of the start AIF, and for participants the agreement with the truth, are left out.
    """
    case = of.hidden if hidden else of.case
    header, arrays = without_slices(case.static)
    numbers = {name: v for name, v in of.start_numbers.items() if not hidden or name not in TRUTH_METRICS}
    own = {"epoch": 1, "name": of.title, "key": case.key, "curveKey": case.key, "aifVoxels": []}
    config = wire.pack("config", lab_config(of.settings, of.start, []), dict(LUTS))
    start = {"start": of.start.value.astype(np.float32)}
    return config + wire.pack("case", {**header, **own, "startNumbers": numbers}, {**arrays, **start})


def _asked(fields: Mapping[str, Any]) -> tuple[Participant | Room, TaskCase]:
    """Return who asks, and the case of a task; raises `RequestError` where there is none."""
    token, key = fields["token"], fields["case"]
    found = ROOMS.of_token(token) if isinstance(token, str) else None
    if found is None:
        raise RequestError(403, "This class has ended; join again.")
    room, person = found
    of = room.task_case(key, hidden=person is not None)
    if of is None:
        raise RequestError(409, "Another case is open now.")
    room.touch()
    return (room if person is None else person), of


def case_of(fields: Mapping[str, Any]) -> OpenCase:
    """Return the participant or the room of a request's token, and the case of a task.

    Raises
    ------
    RequestError
        The class has ended, or has no task with this case.
    """
    owner, of = _asked(fields)
    return owner, of.case if isinstance(owner, Room) else of.hidden


def _job(fields: Mapping[str, Any]) -> CaseJob:
    kind = fields["kind"]
    if kind == "case":
        owner, of = _asked(fields)
        return partial(_compressed_head, of, not isinstance(owner, Room)), COMPUTE
    if kind == "curves":
        z = int(fields["slice"])
        return partial(compressed, partial(curves_frame, z), (kind, z)), COMPUTE
    return frame_job(fields)


def _compressed_head(of: TaskCase, hidden: bool, _case: LiveCase) -> bytes:
    return gzip.compress(case_head(of, hidden=hidden), GZIP_LEVEL)


class_case_endpoint: Final = CaseEndpoint(_job, encoding="gzip", case_of=case_of)
