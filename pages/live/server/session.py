"""One person's live session: which case and settings, and the token that opens the socket to it."""

from __future__ import annotations

import os
import secrets
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pages.live.compute.case import Flow, LiveCase
from pages.live.server import wire
from pages.live.server.scheduler import Turns
from perfcore.errors import PerfcoreError
from perfcore.settings import Settings
from perfcore.types import Aif

WORKERS: Final = os.cpu_count() or 1
COMPUTE: Final = Turns(WORKERS, "lab-compute")
MOST_SOCKETS: Final = 8
"""Of one session; a page has one, and after a lost connection the old one besides, for a while."""
MOST_EDITED: Final = 200
"""Curves that one session keeps."""

# One thread a job, a job a core: torch's own threads meet at a barrier in every small product, and one
# that the machine keeps busy elsewhere makes all of them wait (drags went from 30 ms to a second).
torch.set_num_threads(1)


@dataclass(frozen=True, eq=False)
class State:
    """What an edit is computed against: a case, settings, and the curve that edits start from."""

    epoch: int
    case: LiveCase
    settings: Settings
    start: Aif

    @property
    def start_numbers(self) -> dict[str, float | None]:
        """The figures of the starting curve; changes are shown against them."""
        return self.case.start_numbers(self.start, self.settings)

    @property
    def curve_key(self) -> str:
        """Names the curve that edits belong to."""
        return f"{self.case.name}|{self.start.method}"


class LiveSession:
    """Lives in the person's Streamlit session state and dies with it; the registry only borrows it."""

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(32)
        self._lock = threading.Lock()
        self._state: State | None = None
        self._scale: tuple[int, float] = (-1, 1.0)
        self._edited: dict[str, NDArray[np.float64]] = {}
        self._sockets: list[Callable[[], object]] = []
        self._ended = False
        self.requests: dict[str, Callable[[LiveSession, dict[str, Any]], bytes]] = {}
        """What the socket answers beside cases, edits and probes: by kind, a frame for a request in words."""

    @property
    def state(self) -> State | None:
        """The current case and settings, or None before the first case."""
        return self._state

    def configure(self, case: LiveCase, settings: Settings, start: Aif) -> State:
        """Set what is worked on; a change starts a new epoch, and edits of the old one are not computed."""
        with self._lock:
            now = self._state
            if now is None or now.case is not case or now.settings != settings or now.start is not start:
                self._state = State((now.epoch if now else 0) + 1, case, settings, start)
            assert self._state is not None
            return self._state

    def keep(self, curve_key: str, curve: NDArray[np.float64]) -> None:
        """Remember an edited curve; it outlives a page change."""
        with self._lock:
            self._edited.pop(curve_key, None)
            self._edited[curve_key] = curve
            if len(self._edited) > MOST_EDITED:  # the one that was edited longest ago
                del self._edited[next(iter(self._edited))]

    def edited(self, curve_key: str) -> NDArray[np.float64] | None:
        """Return the curve kept under a key."""
        return self._edited.get(curve_key)

    def remember_scale(self, epoch: int, scale: float) -> None:
        """Keep the ratio of the exact healthy mean to the sample's, found at rest."""
        self._scale = (epoch, scale)

    def scale(self, epoch: int) -> float:
        """Return that ratio, 1 before the first rest."""
        return self._scale[1] if self._scale[0] == epoch else 1.0

    def enter(self, close: Callable[[], object]) -> bool:
        """Note an open socket by what closes it, from any thread; False where the session has ended.

        Of more than `MOST_SOCKETS` the oldest is closed.
        """
        with self._lock:
            if self._ended:
                return False
            self._sockets.append(close)
            too_many = self._sockets.pop(0) if len(self._sockets) > MOST_SOCKETS else None
        if too_many is not None:
            too_many()
        return True

    def leave(self, close: Callable[[], object]) -> None:
        """Forget a socket that is closed."""
        with self._lock:
            if close in self._sockets:
                self._sockets.remove(close)

    def end(self) -> None:
        """Let the token open nothing any more, and close what it has opened: the person has left."""
        with self._lock:
            self._ended, open_now, self._sockets = True, self._sockets, []
        REGISTRY.pop(self.token, None)
        for close in open_now:
            close()


REGISTRY: Final[weakref.WeakValueDictionary[str, LiveSession]] = weakref.WeakValueDictionary()


def open_session() -> LiveSession:
    """Make a session and let its token be found."""
    session = LiveSession()
    REGISTRY[session.token] = session
    return session


def case_frame(session: LiveSession, state: State, have: str | None = None) -> bytes:
    """Return the frame that tells the browser a case; what it has already is not sent again."""
    case = state.case
    header: dict[str, Any] = {
        "epoch": state.epoch,
        "key": case.key,
        "curveKey": state.curve_key,
        "aifVoxels": [list(v) for v in state.start.voxels],
    }
    arrays: dict[str, NDArray[Any]] = {"start": state.start.value.astype(np.float32)}
    edited = session.edited(state.curve_key)
    if edited is not None and edited.size == state.start.value.size:
        arrays["edited"] = edited.astype(np.float32)
    if have != case.key:
        static_header, static_arrays = case.static
        header, arrays = {**static_header, **header}, {**static_arrays, **arrays}
    return wire.pack("case", header, arrays)


def flow_frame(
    kind: str, edit: wire.Edit, flow: Flow, extra: dict[str, Any] | None = None, *, with_maps: bool = True
) -> bytes:
    """Return a frame with maps (``slice`` or ``volume``); values that are not finite stay NaN."""
    arrays: dict[str, NDArray[Any]] = {"cbf": flow.cbf, "tmax": flow.tmax} if with_maps else {}
    header = {"epoch": edit.epoch, "seq": edit.sequence, "ref": flow.reference_cbf, "z": edit.slice_index}
    return wire.pack(kind, {**header, **(extra or {})}, arrays)


def error_frame(edit: wire.Edit | None, error: PerfcoreError | str) -> bytes:
    """Return a frame with one sentence; the browser keeps the last good state."""
    header = {"message": str(error)}
    return wire.pack("error", header if edit is None else {**header, "epoch": edit.epoch, "seq": edit.sequence})


def slice_frame(session: LiveSession, state: State, edit: wire.Edit) -> bytes:
    """Compute the visible slice of an edit."""
    z = min(edit.slice_index, state.case.n_slices - 1)
    flow = state.case.slice_flow(
        edit.curve, state.settings, z, scale=session.scale(state.epoch), preview=not edit.at_rest
    )
    return flow_frame("slice", edit, flow)


def coarse_frame(session: LiveSession, state: State, edit: wire.Edit, parts: list[tuple[Tensor, Tensor]]) -> bytes:
    """Pack the preview of all slices."""
    mean = state.case.sample_mean(edit.curve, state.settings, preview=True) * session.scale(state.epoch)
    return flow_frame("coarse", edit, state.case.coarse_gather(parts, mean))


def coarse_slice_frame(session: LiveSession, state: State, edit: wire.Edit) -> bytes:
    """Compute every second voxel of the visible slice, for a crowd."""
    z = min(edit.slice_index, state.case.n_slices - 1)
    flow = state.case.coarse_slice_flow(edit.curve, state.settings, z, scale=session.scale(state.epoch))
    return flow_frame("coarse", edit, flow, {"one": True})


def volume_frame(session: LiveSession, state: State, edit: wire.Edit, flow: Flow, *, with_maps: bool) -> bytes:
    """Pack a whole volume with its numbers, and at rest learn the sample's error on the way."""
    if edit.at_rest:
        sample = state.case.sample_mean(edit.curve, state.settings)
        session.remember_scale(state.epoch, flow.reference_cbf / sample)
    numbers = state.case.numbers(flow, state.settings, exact=edit.at_rest)
    figures = {"numbers": numbers, "start": state.start_numbers}
    return flow_frame("volume", edit, flow, figures, with_maps=with_maps)


def probe_frame(state: State, curve: NDArray[np.float64], voxel: tuple[int, int, int]) -> bytes:
    """Return the curves of one voxel."""
    return wire.pack("probe", {"voxel": list(voxel)}, dict(state.case.probe(curve, state.settings, voxel)))
