"""Live session: the workspace of one Streamlit session, and the token that authenticates its WebSockets."""

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

from pages.live.compute.case import LiveCase
from pages.live.server.scheduler import FairExecutor
from perfcore.settings import Settings
from perfcore.types import Aif, DoubleArray, Voxel

WORKERS: Final = os.cpu_count() or 1
COMPUTE: Final = FairExecutor(WORKERS, "lab-compute")
MAX_SOCKETS: Final = 8
"""Of one session; a page has one, and for a while a second one after a lost connection."""
MAX_EDITED_CURVES: Final = 200
"""Edited curves that one session keeps."""

# One thread a job, a job a core: torch's own threads meet at a barrier in every small product, and one
# that the machine keeps busy elsewhere makes all of them wait (drags went from 30 ms to a second).
torch.set_num_threads(1)


@dataclass(frozen=True, eq=False)
class Workspace:
    """Inputs of an edit's computation: a case, settings, and the start AIF.

    ``epoch`` numbers the workspaces of a session: an edit of an older one is not computed.
    """

    epoch: int
    case: LiveCase
    settings: Settings
    start: Aif

    @property
    def start_numbers(self) -> dict[str, float | None]:
        """The metrics of the start AIF; changes are shown against them."""
        return self.case.start_numbers(self.start, self.settings)

    @property
    def curve_key(self) -> str:
        """Key of the edited curves of this case and start AIF."""
        return f"{self.case.name}|{self.start.source_id}"


def _no_curves(case: LiveCase) -> DoubleArray:
    return np.empty((0, case.prepared.n_time))


class LiveSession:
    """Workspace, edited curves and open WebSockets of one Streamlit session.

    It is held by the Streamlit session state alone and ends with it: `REGISTRY` has a weak reference.
    """

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(32)
        self._lock = threading.Lock()
        self._workspace: Workspace | None = None
        self._edited: dict[str, NDArray[np.float64]] = {}
        self._picked: dict[str, tuple[Voxel, ...]] = {}
        self._sockets: list[Callable[[], object]] = []
        self._ended = False
        self.request_handlers: dict[str, Callable[[LiveSession, dict[str, Any]], bytes]] = {}
        """Further requests that the WebSocket answers, by type; a handler returns a frame."""
        self.class_curves: Callable[[LiveCase], DoubleArray] = _no_curves
        """Returns the AIFs that the user's class has given for a case, shape ``(n_curves, n_time)``."""

    @property
    def workspace(self) -> Workspace | None:
        """The current workspace, or None before the first case is open."""
        return self._workspace

    def configure(self, case: LiveCase, settings: Settings, start: Aif) -> Workspace:
        """Set the workspace; a change starts a new epoch."""
        with self._lock:
            now = self._workspace
            if now is None or now.case is not case or now.settings != settings or now.start is not start:
                self._workspace = Workspace((now.epoch if now else 0) + 1, case, settings, start)
            assert self._workspace is not None
            return self._workspace

    def keep_curve(self, curve_key: str, curve: NDArray[np.float64]) -> None:
        """Keep an edited curve, so that it survives a page change."""
        with self._lock:
            self._edited.pop(curve_key, None)
            self._edited[curve_key] = curve
            if len(self._edited) > MAX_EDITED_CURVES:  # the least recently edited one
                del self._edited[next(iter(self._edited))]

    def edited_curve(self, curve_key: str) -> NDArray[np.float64] | None:
        """Return the edited curve of a key."""
        return self._edited.get(curve_key)

    def keep_picked(self, curve_key: str, voxels: tuple[Voxel, ...]) -> None:
        """Keep the voxels that an edited curve was picked from."""
        with self._lock:
            self._picked.pop(curve_key, None)
            self._picked[curve_key] = voxels
            if len(self._picked) > MAX_EDITED_CURVES:
                del self._picked[next(iter(self._picked))]

    def picked_voxels(self, curve_key: str) -> tuple[Voxel, ...]:
        """Return the voxels that the edited curve of a key was picked from; none for another curve."""
        return self._picked.get(curve_key, ())

    def register_socket(self, close: Callable[[], object]) -> bool:
        """Register an open WebSocket by a function that closes it from any thread.

        Of more than `MAX_SOCKETS` the oldest is closed.

        Returns
        -------
        bool
            False where the session has ended.
        """
        with self._lock:
            if self._ended:
                return False
            self._sockets.append(close)
            close_oldest = self._sockets.pop(0) if len(self._sockets) > MAX_SOCKETS else None
        if close_oldest is not None:
            close_oldest()
        return True

    def unregister_socket(self, close: Callable[[], object]) -> None:
        """Remove a closed WebSocket."""
        with self._lock:
            if close in self._sockets:
                self._sockets.remove(close)

    def end(self) -> None:
        """Invalidate the token and close the open WebSockets."""
        with self._lock:
            self._ended, open_sockets, self._sockets = True, self._sockets, []
        REGISTRY.pop(self.token, None)
        for close in open_sockets:
            close()


REGISTRY: Final[weakref.WeakValueDictionary[str, LiveSession]] = weakref.WeakValueDictionary()
"""Live sessions by token."""


def open_session() -> LiveSession:
    """Create a session and register its token."""
    session = LiveSession()
    REGISTRY[session.token] = session
    return session
