"""HTTP route of the open case, slice by slice: static data, and the temporal basis for the engine."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any, Final

from pages.live.compute.case import LiveCase
from pages.live.compute.engine_data import basis_message
from pages.live.compute.static_data import slice_data
from pages.live.server import wire
from pages.live.server.case_endpoint import CaseEndpoint, CaseJob
from pages.live.server.session import COMPUTE
from perfcore.errors import InputDataError

PATH: Final = "/live/case"
GZIP_LEVEL: Final = 1
"""Higher levels take thrice as long and save 2 %: most of the data is noise."""


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
    check_slice(z, case)
    values = case.engine_data.coefficients(int(case.starts[z]), int(case.starts[z + 1]))
    return wire.pack("coefficients", {"z": z}, {"coefficients": wire.BytePlanes(values)})


def static_frame(z: int, case: LiveCase) -> bytes:
    """Return the frame with the static data of a slice.

    Raises
    ------
    InputDataError
        The case has no such slice.
    """
    check_slice(z, case)
    arrays = slice_data(case.static, z)
    wide = {name: wire.BytePlanes(array) if array.itemsize > 1 else array for name, array in arrays.items()}
    return wire.pack("static", {"z": z}, wide)


def check_slice(z: int, case: LiveCase) -> None:
    """Raise an error for a slice that the case does not have.

    Raises
    ------
    InputDataError
        The case has no such slice.
    """
    if not 0 <= z < case.n_slices:
        raise InputDataError(f"The case has slices 0 to {case.n_slices - 1}; got {z}.")


def compressed(encode: Callable[[LiveCase], bytes], name: Hashable, case: LiveCase) -> bytes:
    """Return a frame compressed by gzip, once for all sessions."""
    if name not in case.downloads:
        case.downloads[name] = gzip.compress(encode(case), GZIP_LEVEL)
    return case.downloads[name]


def frame_job(fields: Mapping[str, Any]) -> CaseJob:
    """Return the job of a request for ``basis``, ``static`` or ``coefficients``.

    Raises
    ------
    ValueError
        There is no such kind of frame.
    """
    kind = fields["kind"]
    if kind == "basis":
        return partial(compressed, basis_frame, kind), COMPUTE
    if kind in SLICE_FRAMES:
        z = int(fields["slice"])
        return partial(compressed, partial(SLICE_FRAMES[kind], z), (kind, z)), COMPUTE
    raise ValueError(kind)


SLICE_FRAMES: Final[Mapping[str, Callable[[int, LiveCase], bytes]]] = {
    "static": static_frame, "coefficients": coefficients_frame,
}  # fmt: skip
case_endpoint: Final = CaseEndpoint(frame_job, encoding="gzip")
