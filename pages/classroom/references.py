"""AIFs that a class is compared with: the truth, the selectors and the networks, with their numbers."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final

from pages.classroom.answers import curve_numbers
from pages.classroom.tasks import TaskCase
from pages.live.server.session import COMPUTE
from pages.server.error_reporting import report_error
from perfcore.aif.sources import source_colour, source_label
from perfcore.errors import PerfcoreError

_found: Final[weakref.WeakKeyDictionary[TaskCase, list[Future[dict[str, Any] | None]]]] = (
    weakref.WeakKeyDictionary()
)
_lock: Final = threading.Lock()


@dataclass(frozen=True, eq=False)
class Reference:
    """An AIF source of the case of a task."""

    of: TaskCase
    method: str

    def compute(self) -> dict[str, Any]:
        """Return id, label, colour, curve and lesion metrics, ready for JSON.

        Raises
        ------
        PerfcoreError
            The source finds no AIF in this case, or its curve gives no maps.
        """
        aif = self.of.case.offered.get(self.method)
        return {
            "id": self.method,
            "label": source_label(self.method),
            "colour": source_colour(self.method),
            "curve": [round(float(v), 3) for v in aif.value],
            "voxels": [list(v) for v in aif.voxels],
            "numbers": curve_numbers(self.of, aif.value),
        }

    def compute_or_none(self) -> dict[str, Any] | None:
        """Return the same, or None where the source finds no AIF; an unexpected exception is reported."""
        try:
            return self.compute()
        except PerfcoreError:
            return None
        except Exception as error:  # noqa: BLE001 - reported, without its message
            report_error(error)
            return None


def references_of(of: TaskCase) -> list[Reference]:
    """Return the references of a case, the known AIFs first."""
    return [Reference(of, method) for method in of.case.offered.methods]


def computed_references(of: TaskCase) -> list[Future[dict[str, Any] | None]]:
    """Return the computed references of a case, each once for all screens; a result is None for one without AIF.

    The futures are shared: do not cancel them. One is computed after the other, so that answers find a free core:
    a network takes a second.
    """
    with _lock:
        if of not in _found:
            references = references_of(of)
            _found[of] = [Future() for _ in references]
            _compute_next(iter(zip(references, _found[of], strict=True)))
        return _found[of]


def _compute_next(rest: Iterator[tuple[Reference, Future[dict[str, Any] | None]]]) -> None:
    for one, future in rest:

        def done(job: Future[dict[str, Any] | None], future: Future[dict[str, Any] | None] = future) -> None:
            future.set_result(None if job.cancelled() else job.result())
            _compute_next(rest)

        COMPUTE.submit_for(one.of.case, one.compute_or_none, background=True).add_done_callback(done)
        return
