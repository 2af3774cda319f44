"""AIFs that a class is compared with: the truth, the selectors and the networks, with their numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pages.classroom.answers import curve_numbers
from pages.classroom.tasks import TaskCase
from perfcore.aif.sources import source_colour, source_label


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


def references_of(of: TaskCase) -> list[Reference]:
    """Return the references of a case, the known AIFs first."""
    return [Reference(of, method) for method in of.case.offered.methods]
