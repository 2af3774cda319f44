"""Messages from the server to the browser: frozen dataclasses that encode to binary frames.

The browser's types are in ``frontend/types.d.ts``; the frame's layout is in ``wire.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pages.live.compute.flow import Flow
from pages.live.compute.static_data import without_slices
from pages.live.compute.voxel_probe import probe_voxel
from pages.live.server import wire
from pages.live.server.session import LiveSession, Workspace
from pages.live.server.workspace_edit import WorkspaceEdit
from perfcore.analysis.region import RegionStatistics
from perfcore.errors import PerfcoreError

CONFIRM_STEP = 16
"""Every how manyth voxel a browser that computes the maps is sent at rest, to compare."""

Metrics = Mapping[str, float | None]


@dataclass(frozen=True, eq=False)
class CaseMessage:
    """A case with its start AIF, and the edited curve where there is one.

    ``static`` is the part that does not change while the case is open, without the slices, which the browser
    requests from ``case_route``; None where the browser has it already.
    """

    workspace: Workspace
    edited: NDArray[np.float64] | None
    static: tuple[dict[str, Any], dict[str, NDArray[Any]]] | None

    def encode(self) -> bytes:
        """Return the frame."""
        start = self.workspace.start
        header, arrays = self.static or ({}, {})
        header = {
            **header,
            "epoch": self.workspace.epoch,
            "key": self.workspace.case.key,
            "curveKey": self.workspace.curve_key,
            "aifVoxels": [list(v) for v in start.voxels],
        }
        arrays = {**arrays, "start": start.value.astype(np.float32)}
        if self.edited is not None:
            arrays["edited"] = self.edited.astype(np.float32)
        return wire.pack("case", header, arrays)


@dataclass(frozen=True, eq=False)
class FlowMessage:
    """CBF and Tmax of a slice or of a volume; values that are not finite stay NaN.

    Attributes
    ----------
    kind
        ``slice`` or ``volume``.
    edit
        The edit that is answered.
    flow
        The maps and the healthy mean.
    with_maps
        False where the browser needs the metrics alone.
    step
        Every how manyth voxel the message has; more than 1 for a browser that computes the maps, to compare.
    metrics, start_metrics
        Of the edited and of the start AIF; volumes alone have them.
    """

    kind: Literal["slice", "volume"]
    edit: wire.Edit
    flow: Flow
    with_maps: bool = True
    step: int = 1
    metrics: Metrics | None = None
    start_metrics: Metrics | None = None

    def encode(self) -> bytes:
        """Return the frame."""
        edit, flow = self.edit, self.flow
        header: dict[str, Any] = {
            "epoch": edit.epoch, "seq": edit.sequence, "ref": flow.reference_cbf, "z": edit.slice_index,
        }  # fmt: skip
        if self.step > 1:
            header["step"] = self.step
        if self.metrics is not None:
            header |= {"numbers": self.metrics, "start": self.start_metrics}
        maps = {"cbf": flow.cbf[:: self.step], "tmax": flow.tmax[:: self.step]} if self.with_maps else {}
        return wire.pack(self.kind, header, maps)


@dataclass(frozen=True)
class ErrorMessage:
    """One sentence; the browser keeps the last valid curve.

    ``edit`` is the edit that cannot be computed, None for a request.
    """

    sentence: str
    edit: wire.Edit | None = None

    def encode(self) -> bytes:
        """Return the frame."""
        header: dict[str, Any] = {"message": self.sentence}
        if self.edit is not None:
            header |= {"epoch": self.edit.epoch, "seq": self.edit.sequence}
        return wire.pack("error", header)


@dataclass(frozen=True)
class StaleMessage:
    """Answer to an edit of an older workspace, which is not computed."""

    epoch: int
    sequence: int

    def encode(self) -> bytes:
        """Return the frame."""
        return wire.pack("stale", {"epoch": self.epoch, "seq": self.sequence})


@dataclass(frozen=True, eq=False)
class ProbeMessage:
    """The curves of one voxel: see `probe_voxel`."""

    voxel: tuple[int, int, int]
    curves: Mapping[str, NDArray[np.float32]]

    def encode(self) -> bytes:
        """Return the frame."""
        return wire.pack("probe", {"voxel": list(self.voxel)}, dict(self.curves))


@dataclass(frozen=True, eq=False)
class RegionMessage:
    """Voxels, curves and fixed statistics of a drawn region and of its mirror.

    The statistics of maps that follow the AIF are the browser's: it has their values.

    Attributes
    ----------
    number
        Number of the request that is answered.
    slice_index
        The slice.
    voxel_ml
        Volume of a voxel.
    positions
        By side, ``region`` and ``mirror``: voxels of the brain mask, positions in slice order, shape ``(n,)``.
    curves
        By side: mean measured enhancement, shape ``(n_time,)``; absent without a voxel.
    fixed
        By side and map: statistics of the maps that do not depend on the AIF.
    """

    number: int
    slice_index: int
    voxel_ml: float
    positions: Mapping[str, NDArray[np.int64]]
    curves: Mapping[str, NDArray[np.float64]]
    fixed: Mapping[str, Mapping[str, RegionStatistics]]

    def encode(self) -> bytes:
        """Return the frame."""
        header = {
            "number": self.number,
            "slice": self.slice_index,
            "voxelMl": self.voxel_ml,
            "fixed": {
                side: {name: _without_nan(found) for name, found in maps.items()}
                for side, maps in self.fixed.items()
            },
        }
        arrays: dict[str, NDArray[Any]] = {name: at.astype(np.uint32) for name, at in self.positions.items()}
        arrays |= {f"{name}Curve": curve.astype(np.float32) for name, curve in self.curves.items()}
        return wire.pack("region", header, arrays)


def _without_nan(found: RegionStatistics) -> dict[str, float | int | None]:
    values = {"mean": found.mean, "sd": found.sd, "median": found.median}
    return {"voxels": found.n_voxels, **{name: v if np.isfinite(v) else None for name, v in values.items()}}


def case_frame(session: LiveSession, workspace: Workspace, have: str | None = None) -> bytes:
    """Return the frame of the open case; ``have`` is the key of the case that the browser has already."""
    case, edited = workspace.case, session.edited_curve(workspace.curve_key)
    if edited is not None and edited.size != workspace.start.value.size:
        edited = None
    return CaseMessage(workspace, edited, None if have == case.key else without_slices(case.static)).encode()


def error_frame(edit: wire.Edit | None, error: PerfcoreError | str) -> bytes:
    """Return the frame of an error."""
    return ErrorMessage(str(error), edit).encode()


def slice_frame(edited: WorkspaceEdit) -> bytes:
    """Compute the visible slice of an edit."""
    flow = edited.case.slice_flow(edited.operator, edited.slice_index, preview=not edited.edit.at_rest)
    return FlowMessage("slice", edited.edit, flow).encode()


def volume_frame(edited: WorkspaceEdit, flow: Flow, *, with_maps: bool) -> bytes:
    """Return the frame of a whole volume with its metrics, or the frames of `_confirmation`."""
    metrics = edited.case.numbers(flow, edited.settings, exact=edited.edit.at_rest)
    if edited.edit.confirm:
        return _confirmation(edited, flow, metrics)
    return FlowMessage(
        "volume", edited.edit, flow, with_maps, metrics=metrics, start_metrics=edited.workspace.start_numbers
    ).encode()


def start_volume_frame(edited: WorkspaceEdit) -> bytes:
    """Return the answer to the start curve at rest, which all sessions that open a case ask for."""
    workspace = edited.workspace
    flow, metrics = workspace.case.start_flow(workspace.start, workspace.settings), workspace.start_numbers
    if edited.edit.confirm:
        return _confirmation(edited, flow, metrics)
    return FlowMessage("volume", edited.edit, flow, metrics=metrics, start_metrics=metrics).encode()


def _confirmation(edited: WorkspaceEdit, flow: Flow, metrics: Metrics) -> bytes:
    """Return the answer for a browser that computes the maps: metrics, and some voxels to compare.

    Before them the visible slice, unless `slice_frame` has been sent.
    """
    edit, case = edited.edit, edited.case
    found = FlowMessage(
        "volume", edit, flow, step=CONFIRM_STEP, metrics=metrics, start_metrics=edited.workspace.start_numbers
    ).encode()
    if not edit.all_slices:
        return found
    voxels = slice(*map(int, case.starts[edited.slice_index : edited.slice_index + 2]))
    visible = Flow(flow.cbf[voxels], flow.tmax[voxels], flow.reference_cbf)
    return FlowMessage("slice", edit, visible).encode() + found


def probe_frame(workspace: Workspace, curve: NDArray[np.float64], voxel: tuple[int, int, int]) -> bytes:
    """Return the frame with the curves of one voxel."""
    curves = probe_voxel(workspace.case, curve, workspace.settings, voxel)
    return ProbeMessage(voxel, curves).encode()
