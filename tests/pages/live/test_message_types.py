"""The messages that the server encodes have the fields and types that the browser's ``types.d.ts`` declares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pytest

from pages.library.catalog import demonstrations, open_case
from pages.live.component import config_frame
from pages.live.compute.case import LiveCase
from pages.live.handlers.requests import answer_request
from pages.live.handlers.streams import STREAMS
from pages.live.handlers.viewport import Viewport
from pages.live.server import wire
from pages.live.server.case_route import basis_frame, coefficients_frame, static_frame
from pages.live.server.messages import (
    StaleMessage,
    case_frame,
    error_frame,
    probe_frame,
    slice_frame,
    volume_frame,
)
from pages.live.server.session import LiveSession, Workspace, open_session
from pages.live.server.static_files import LIVE_FRONTEND
from pages.live.server.workspace_edit import WorkspaceEdit
from pages.session import start_aif
from perfcore.settings import Settings
from tests.support.typescript_types import Declarations
from tests.support.wire_frames import frames, read

TYPES: Final = LIVE_FRONTEND / "types.d.ts"
INTERFACES: Final = {
    "config": ["ConfigFrame"], "case": ["CaseHead", "CaseUpdate"], "slice": ["FlowFrame"],
    "volume": ["FlowFrame"], "stale": ["StaleFrame"], "error": ["ErrorFrame"], "probe": ["ProbeFrame"],
    "reference": ["ReferenceFrame"], "fit": ["FitFrame"], "voxels": ["VoxelsFrame"], "picked": ["PickedFrame"],
    "target": ["TargetFrame"], "region": ["RegionFrame"],
    "tune": ["TuneFrame"], "tornado": ["TornadoFrame"],
    "uncertainty": ["UncertaintyFrame", "UncertaintyProgressFrame"],
    "basis": ["BasisFrame"], "static": ["StaticFrame"], "coefficients": ["CoefficientsFrame"],
    "sensitivity": ["SensitivityFrame"], "sensitivity_map": ["SensitivityMapFrame"],
}  # fmt: skip
"""Interfaces of the frames of each kind."""
OF_SNAPSHOTS: Final = {"snapshot", "shelf"}
"""Kinds that pages/session encodes, from the state of a Streamlit session."""


@pytest.fixture(scope="module")
def case() -> LiveCase:
    return open_case(demonstrations()[0], Settings())


@pytest.fixture(scope="module")
def session(case: LiveCase) -> LiveSession:
    live = open_session()
    live.configure(case, Settings(), next(iter(case.sources.values())))
    return live


@pytest.fixture(scope="module")
def workspace(session: LiveSession) -> Workspace:
    assert session.workspace is not None
    return session.workspace


@pytest.fixture(scope="module")
def headers(session: LiveSession, workspace: Workspace) -> list[dict[str, Any]]:
    """Headers of real messages of every kind, each in all its forms."""
    messages = [*page_frames(session, workspace), *edit_frames(workspace)]
    messages += [*request_frames(session, workspace), *stream_frames(session, workspace)]
    return [header for message in messages for header, _ in frames(message)]


def page_frames(session: LiveSession, workspace: Workspace) -> Iterator[bytes]:
    """Frames of a run of the page: configuration and case, with an edited curve and without."""
    case = workspace.case
    sources = start_aif.aif_choices(case)
    yield config_frame(session, workspace, sources)
    yield config_frame(session, workspace, sources, {"id": 1, "text": "A notice."}, page="tune")
    yield case_frame(session, workspace)
    yield case_frame(session, workspace, have=case.key)
    session.keep_curve(workspace.curve_key, 1.1 * workspace.start.value)
    yield case_frame(session, workspace)
    yield case_frame(session, workspace, have=case.key)
    yield basis_frame(workspace.case)
    yield coefficients_frame(0, workspace.case)
    yield static_frame(0, workspace.case)


def edit_frames(workspace: Workspace) -> Iterator[bytes]:
    """Answers to edits: maps, metrics, errors."""
    case, curve, settings = workspace.case, workspace.start.value, workspace.settings
    moving = WorkspaceEdit(workspace, wire.Edit(workspace.epoch, 1, False, True, 3, curve))
    at_rest = replace(moving, edit=replace(moving.edit, at_rest=True))
    flow = case.volume_flow(curve, settings)
    yield slice_frame(moving)
    yield volume_frame(at_rest, flow, with_maps=True)
    yield volume_frame(moving, flow, with_maps=False)
    confirmed = replace(at_rest, edit=replace(at_rest.edit, confirm=True))
    yield volume_frame(confirmed, flow, with_maps=True)
    yield error_frame(moving.edit, "The curve cannot be used.")
    yield error_frame(None, "Invalid request.")
    yield StaleMessage(workspace.epoch, 1).encode()


def request_frames(session: LiveSession, workspace: Workspace) -> Iterator[bytes]:
    """Answers to requests, of a voxel inside the brain mask and of one outside it."""
    prepared, curve = workspace.case.prepared, workspace.start.value
    inside = [int(v) for v in np.unravel_index(prepared.index[1000], prepared.grid)]
    yield probe_frame(workspace, curve, (inside[0], inside[1], inside[2]))
    yield probe_frame(workspace, curve, (0, 0, 0))
    yield answer_request(session, workspace, {"type": "reference", "source": "truth"})
    yield answer_request(session, workspace, {"type": "fit", "curve": curve.tolist()})
    yield answer_request(session, workspace, {"type": "voxels", "voxels": [inside], "number": 1})
    yield answer_request(session, workspace, {"type": "picked", "key": workspace.curve_key, "voxels": [inside]})
    assert session.picked_voxels(workspace.curve_key) == (tuple(inside),)
    yield answer_request(session, workspace, {"type": "target", "slice": 3, "fresh": True, "runs": [[0, 5]]})
    corner, brain = [[0, 0], [3, 0], [3, 3]], [[60, 110], [85, 110], [85, 140], [60, 140]]
    for vertices in (corner, brain):
        yield answer_request(session, workspace, {"type": "region", "number": 1, "slice": 4, "vertices": vertices})


def stream_frames(session: LiveSession, workspace: Workspace) -> Iterator[bytes]:
    """First frame of every stream; of the mixtures of selectors also the progress before it."""
    requests: list[tuple[str, dict[str, Any]]] = [
        ("tune", {"form": "free", "target": "truth"}),
        ("tornado", {}),
        ("uncertainty", {"way": "posterior"}),
        ("uncertainty", {"way": "selectors"}),
        ("sensitivity", {"quantity": "core_ml"}),
        ("sensitivity_map", {"direction": "width"}),
    ]
    for of, options in requests:
        asked = {"curve": workspace.start.value.tolist(), **options}
        header, arrays = next(STREAMS[of](session, workspace, asked, Viewport(3)))
        yield wire.pack(of, {"run": 1, "epoch": workspace.epoch, **header}, arrays)


def problem_of(declared: Declarations, header: dict[str, Any]) -> str | None:
    """Return how a header differs from every interface of its kind, or None.

    Each frame has an index of its arrays; where it is empty, an interface need not declare it.
    """
    found = []
    for interface in INTERFACES[header["kind"]]:
        is_left_out = not header["arrays"] and "arrays" not in declared.fields(interface)
        fields = {name: value for name, value in header.items() if name != "arrays" or not is_left_out}
        found.append(declared.mismatch(interface, fields, header["kind"]))
    return None if None in found else "; ".join(map(str, found))


def test_fields_and_types_of_every_message_are_those_declared(headers: list[dict[str, Any]]) -> None:
    declared = Declarations(TYPES.read_text(encoding="utf-8"))
    problems = [problem for header in headers if (problem := problem_of(declared, header))]
    assert not problems
    for interface in {name for names in INTERFACES.values() for name in names}:
        assert declared.seen[interface] == set(declared.fields(interface)), f"{interface}: a field is never sent"


def test_every_kind_of_frame_is_compared(headers: list[dict[str, Any]]) -> None:
    declared = Declarations(TYPES.read_text(encoding="utf-8"))
    kinds = {header["kind"] for header in headers}
    assert kinds == set(INTERFACES)
    assert kinds | OF_SNAPSHOTS == set(declared.fields("Frames"))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"seq": "1"}, "stale.seq is not number"),
        ({"seq": True}, "stale.seq is not number"),
        ({"more": 1}, "undeclared ['more']"),
        ({"seq": None}, "stale.seq is not number"),
    ],
)
def test_another_field_or_type_is_found(change: dict[str, Any], problem: str) -> None:
    declared = Declarations(TYPES.read_text(encoding="utf-8"))
    header, _ = read(StaleMessage(1, 2).encode())
    found = problem_of(declared, {**header, **change})
    assert found is not None
    assert problem in found


def test_a_missing_field_is_found() -> None:
    declared = Declarations("export interface A { one: number; two?: string }\n")
    assert declared.mismatch("A", {"one": 1}, "a") is None
    assert declared.mismatch("A", {"two": ""}, "a") == "a lacks ['one']"
