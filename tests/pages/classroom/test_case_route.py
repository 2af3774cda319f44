"""The case of a task over HTTP: frames of the case without its truth, and refusals."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from pages.classroom.case_route import CURVE_STEPS, PATH
from pages.classroom.participant import Participant
from pages.classroom.registry import ROOMS
from pages.classroom.room import Room
from pages.classroom.tasks import Task, TaskCase
from pages.live.server.case_endpoint import MAX_REQUEST_BYTES
from tests.support.class_server import ROUTES
from tests.support.wire_frames import Frame, frames

ALL = ("basis", "static", "coefficients", "curves", "case")


@pytest.fixture
def joined(room: Room, of: TaskCase) -> tuple[Room, Participant]:
    room.open(Task("curve", "Draw", "Draw it.", case=of))
    return room, room.join("Ann")


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(Starlette(routes=ROUTES))


def post(client: TestClient, body: Any, origin: str | None = "http://testserver") -> Any:
    headers = {} if origin is None else {"Origin": origin}
    content = body if isinstance(body, (str, bytes)) else json.dumps(body)
    return client.post(PATH, content=content, headers=headers)


def ask(client: TestClient, token: str, key: str, kind: str, **fields: Any) -> list[Frame]:
    response = post(client, {"token": token, "case": key, "kind": kind, **fields})
    assert response.status_code == 200, response.text
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.headers["Cache-Control"] == "no-store"
    return frames(response.content)


def test_participants_get_the_case_without_its_truth(
    client: TestClient, joined: tuple[Room, Participant], of: TaskCase
) -> None:
    _, person = joined
    key, z = of.hidden.key, of.slice_index
    config, (head, arrays) = ask(client, person.token, key, "case")
    assert config[0]["kind"] == "config"
    assert (head["kind"], head["name"], head["key"]) == ("case", of.title, key)
    assert (head["hasLesion"], head["hasHypoperfused"], head["aifVoxels"]) == (False, False, [])
    np.testing.assert_allclose(arrays["start"], of.start.value, rtol=1e-6)
    assert head["startNumbers"]["core_ml"] == pytest.approx(of.start_numbers["core_ml"])
    others = [frame for kind in ALL[:4] for frame in ask(client, person.token, key, kind, slice=z)]
    for header, found in [config, (head, arrays), *others]:
        assert not {"dice", "auc", "lesion", "hypoperfused", "truth"} & (
            {*found} | {*header.get("startNumbers", {})}
        )
    text = json.dumps([header for header, _ in [(head, arrays), *others]])
    assert '"truth"' not in text


def test_the_lecturer_gets_the_lesion(client: TestClient, joined: tuple[Room, Participant], of: TaskCase) -> None:
    room, _ = joined
    key, z = of.case.key, of.slice_index
    head = ask(client, room.host_token, key, "case")[1][0]
    assert head["hasLesion"]
    assert head["startNumbers"]["dice"] == pytest.approx(of.start_numbers["dice"])
    _, arrays = ask(client, room.host_token, key, "static", slice=z)[0]
    lesion = of.case.lesion[of.case.starts[z] : of.case.starts[z + 1]]  # type: ignore[index]
    np.testing.assert_array_equal(arrays["lesion"], lesion)


def test_curves_are_those_of_the_voxels_on_the_screen(
    client: TestClient, joined: tuple[Room, Participant], of: TaskCase
) -> None:
    _, person = joined
    prepared, layout, z = of.case.prepared, of.case.layout, 3
    header, arrays = ask(client, person.token, of.hidden.key, "curves", slice=z)[0]
    curves = arrays["curves"].reshape(len(arrays["pixel"]), -1) / header["perUnit"]
    measured = layout.apply(np.moveaxis(prepared.enhancement[:, :, z], 2, 2))
    measured = measured.reshape(-1, prepared.n_time)[arrays["pixel"]]
    np.testing.assert_allclose(curves, measured, atol=0.51 / CURVE_STEPS)
    inside = prepared.mask[..., z] | (prepared.hull[..., z] if prepared.hull is not None else False)
    assert len(arrays["pixel"]) == inside.sum()


@pytest.fixture
def other() -> Iterator[tuple[Room, Participant]]:
    room = ROOMS.open()
    yield room, room.join()
    ROOMS.end(room)


def test_only_the_people_of_a_room_get_its_case(
    client: TestClient, joined: tuple[Room, Participant], other: tuple[Room, Participant], of: TaskCase
) -> None:
    room, person = joined
    own = {"token": person.token, "case": of.hidden.key, "kind": "static", "slice": 3}

    def status(**changes: Any) -> int:
        return post(client, {**own, **changes}).status_code

    assert status() == 200
    assert status(case=of.case.key) == 409, "a participant does not get the truth by the key of the case"
    assert status(token=room.host_token, case=of.case.key) == 200
    assert status(token=room.host_token) == 409
    for token in ("", "guess", room.code, room.key, 5, None, ["x"], "\ud800"):
        assert status(token=token) in {400, 403}, token
    for stranger in (other[0].host_token, other[1].token):
        assert status(token=stranger) == 409
    for changes in ({"case": "x"}, {"case": None}):
        assert status(**changes) == 409
    for changes in (
        {"kind": "truth"},
        {"kind": ["static"]},
        {"slice": "x"},
        {"slice": None},
        {"slice": float("inf")},
    ):
        assert status(**changes) == 400, changes
    for z in (-1, 8, 10**30):
        assert status(slice=z) == 422
    room.leave(person)
    assert status() == 403


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://localhost:1"])
def test_another_origin_is_refused(
    client: TestClient, joined: tuple[Room, Participant], of: TaskCase, origin: str | None
) -> None:
    body = {"token": joined[1].token, "case": of.hidden.key, "kind": "basis"}
    assert post(client, body, origin).status_code == 403


def test_long_and_malformed_requests_are_refused(client: TestClient) -> None:
    assert post(client, "x" * (MAX_REQUEST_BYTES + 1)).status_code == 413
    for body in ("", "{", "[]", "5", "null", "[" * 1000, b"\xff\xfe", "{}"):
        assert post(client, body).status_code == 400


def test_frames_are_compressed_once(client: TestClient, joined: tuple[Room, Participant], of: TaskCase) -> None:
    ask(client, joined[1].token, of.hidden.key, "static", slice=2)
    kept = of.hidden.downloads["static", 2]
    assert gzip.decompress(kept)
    ask(client, joined[1].token, of.hidden.key, "static", slice=2)
    assert of.hidden.downloads["static", 2] is kept
