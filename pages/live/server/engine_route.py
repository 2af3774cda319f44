"""HTTP route of the browser's engine: a case in its temporal basis, slice by slice."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from pages.live.compute.case import LiveCase
from pages.live.compute.engine_data import basis_message
from pages.live.server import wire
from pages.live.server.case_endpoint import CaseEndpoint, CaseJob
from pages.live.server.session import COMPUTE
from perfcore.errors import InputDataError

PATH: Final = "/live/engine"


def basis_frame(case: LiveCase) -> bytes:
    """Return the frame with the basis, the healthy voxels and their sample."""
    return wire.pack("basis", *basis_message(case))


def coefficients_frame(z: int, case: LiveCase) -> bytes:
    """Return the frame with the coefficients of a slice.

    Raises
    ------
    InputDataError
        The case has no such slice.
    """
    if not 0 <= z < case.n_slices:
        raise InputDataError(f"The case has slices 0 to {case.n_slices - 1}; got {z}.")
    values = case.engine_data.coefficients(int(case.starts[z]), int(case.starts[z + 1]))
    return wire.pack("coefficients", {"z": z}, {"coefficients": values.reshape(-1)})


def _job(fields: Mapping[str, Any]) -> CaseJob:
    kind = fields["kind"]
    if kind == "basis":
        return basis_frame, COMPUTE
    if kind == "coefficients":
        return partial(coefficients_frame, int(fields["slice"])), COMPUTE
    raise ValueError(kind)


engine_endpoint: Final = CaseEndpoint(_job)
