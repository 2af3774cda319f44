"""The series player's route: authentication, errors, and frames that equal the series."""

from __future__ import annotations

import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import torch
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Route
from starlette.testclient import TestClient

from pages.library.catalog import CatalogEntry, LoadedCase, open_case
from pages.live.compute.case import LiveCase
from pages.live.server.case_endpoint import MAX_REQUEST_BYTES
from pages.live.server.session import LiveSession, open_session
from pages.series_player import messages
from pages.series_player.messages import case_header, first_voxel, head_box, slice_frame
from pages.series_player.route import PATH, player_endpoint
from perfcore.aif.select import SELECTORS, select
from perfcore.settings import Settings
from tests.support.synthetic_head import draw_head
from tests.support.user_session import freed
from tests.support.wire_frames import read

ORIGIN = {"origin": "http://testserver"}
HEAD = draw_head(noise=1.0)
SERIES = replace(HEAD.series, data=np.rint(HEAD.series.data))


def opened(name: str, series=SERIES) -> LiveCase:
    return open_case(CatalogEntry(f"folder-{name}", name, "", lambda: LoadedCase(series)), Settings())


@pytest.fixture(scope="module")
def case() -> LiveCase:
    return opened("player")


@pytest.fixture(scope="module")
def session(case: LiveCase) -> LiveSession:
    live = open_session()
    live.configure(case, Settings(), next(iter(case.sources.values())))
    return live


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(Starlette(routes=[Route(PATH, player_endpoint, methods=["POST"])]))


def ask(client: TestClient, session: LiveSession, case: LiveCase, **what: object):
    body = json.dumps({"token": session.token, "case": case.key, **what})
    answer = client.post(PATH, content=body, headers=ORIGIN)
    return answer.status_code, *read(answer.content)


@pytest.mark.parametrize(
    "headers", [{}, {"origin": "null"}, {"origin": "http://evil.example.org"}, {"origin": "http://testserver:81"}]
)
def test_another_origin_is_refused(
    client: TestClient, session: LiveSession, case: LiveCase, headers: dict[str, str]
) -> None:
    body = json.dumps({"token": session.token, "case": case.key, "kind": "slice", "slice": 0})
    answer = client.post(PATH, content=body, headers=headers)
    header, arrays = read(answer.content)
    assert (answer.status_code, header["kind"], arrays) == (403, "error", {})


def test_the_token_is_not_accepted_in_the_url(client: TestClient, session: LiveSession, case: LiveCase) -> None:
    asked = {"token": session.token, "case": case.key, "kind": "slice", "slice": 0}
    assert client.get(PATH, params=asked, headers=ORIGIN).status_code == 405
    assert client.post(PATH, params=asked, headers=ORIGIN).status_code == 400


@pytest.mark.parametrize("token", ["guess", 5, None, ["a"], ""])
def test_a_wrong_token_is_refused(client: TestClient, case: LiveCase, token: object) -> None:
    body = json.dumps({"token": token, "case": case.key, "kind": "slice", "slice": 0})
    answer = client.post(PATH, content=body, headers=ORIGIN)
    assert answer.status_code == 403
    assert read(answer.content)[1] == {}


def test_token_expires_with_its_session(client: TestClient, case: LiveCase) -> None:
    live = open_session()
    live.configure(case, Settings(), next(iter(case.sources.values())))
    token = live.token
    body = json.dumps({"token": token, "case": case.key, "kind": "slice", "slice": 0})
    assert client.post(PATH, content=body, headers=ORIGIN).status_code == 200
    del live
    freed(lambda: client.post(PATH, content=body, headers=ORIGIN).status_code == 403)


@pytest.mark.parametrize(
    "what",
    [
        {"kind": "file", "path": "/etc/passwd"}, {"kind": "slice"}, {"kind": "slice", "slice": "x"},
        {"kind": "slice", "slice": 1e999}, {"kind": "voxel", "voxel": [1, 2]}, {"kind": "voxel", "voxel": 3}, {},
    ],
)  # fmt: skip
def test_an_invalid_request_gives_an_error(
    client: TestClient, session: LiveSession, case: LiveCase, what: dict[str, object]
) -> None:
    status, header, arrays = ask(client, session, case, **what)
    assert (status, header["message"], arrays) == (400, "Invalid request.", {})


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 900])
def test_an_invalid_body_gives_an_error(client: TestClient, body: bytes) -> None:
    answer = client.post(PATH, content=body, headers=ORIGIN)
    assert (answer.status_code, read(answer.content)[0]["message"]) == (400, "Invalid request.")


def test_oversized_message_is_not_read(client: TestClient) -> None:
    answer = client.post(PATH, content=b" " * (MAX_REQUEST_BYTES + 1), headers=ORIGIN)
    assert (answer.status_code, read(answer.content)[0]["message"]) == (413, "The request is too long.")


def test_request_for_another_case_is_refused(client: TestClient, session: LiveSession) -> None:
    status, header, _ = ask(client, session, opened("other"), kind="slice", slice=0)
    assert (status, header["kind"]) == (409, "error")


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ({"kind": "slice", "slice": 3}, "There is no slice 4; the series has 3."),
        ({"kind": "slice", "slice": -1}, "There is no slice 0; the series has 3."),
        ({"kind": "voxel", "voxel": [0, 96, 0]}, "That point is outside the image."),
        ({"kind": "voxel", "voxel": [-1, 0, 0]}, "That point is outside the image."),
        ({"kind": "selector", "name": "guess"}, "There is no such selector."),
    ],
)
def test_a_missing_slice_voxel_or_selector_gives_an_error(
    client: TestClient, session: LiveSession, case: LiveCase, what: dict[str, object], sentence: str
) -> None:
    status, header, _ = ask(client, session, case, **what)
    assert (status, header["message"]) == (422, sentence)


def test_frames_are_neither_cached_nor_compressed(session: LiveSession, case: LiveCase) -> None:
    packing = Starlette(
        routes=[Route(PATH, player_endpoint, methods=["POST"])], middleware=[Middleware(GZipMiddleware)]
    )
    body = json.dumps({"token": session.token, "case": case.key, "kind": "slice", "slice": 0})
    answer = TestClient(packing).post(PATH, content=body, headers={**ORIGIN, "accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "identity"
    assert answer.headers["cache-control"] == "no-store"
    assert int(answer.headers["content-length"]) == len(answer.content) > 100_000


def test_a_slice_equals_the_series(client: TestClient, session: LiveSession, case: LiveCase) -> None:
    for z in range(3):
        status, header, arrays = ask(client, session, case, kind="slice", slice=z)
        x, y, w, h = case_header(case)["box"]
        assert (status, header["z"], header["scale"]) == (200, z, 1.0)
        # RAS: the screen's columns run from the patient's right to the left, its rows from front to back.
        screen = SERIES.data[::-1, ::-1, z].transpose(2, 1, 0)[:, y : y + h, x : x + w]
        assert screen.shape == (SERIES.n_time, h, w)
        sent = arrays["frames"].reshape(screen.shape)
        air = screen < -1000
        np.testing.assert_array_equal(sent[~air], screen[~air])


@pytest.mark.parametrize("codes", ["RAS", "LPS", "LAS", "RPS", "ARS", "PLS", "ALS"])
def test_a_slice_has_the_radiological_orientation(case: LiveCase, codes: str) -> None:
    start = nib.orientations.axcodes2ornt("RAS")
    turned = nib.orientations.axcodes2ornt(codes)
    ornt = nib.orientations.ornt_transform(start, turned)
    affine = SERIES.affine @ nib.orientations.inv_ornt_aff(ornt, SERIES.grid)
    data = nib.orientations.apply_orientation(np.asarray(SERIES.data), ornt)
    turned_case = opened(codes, replace(SERIES, data=data, affine=affine))
    assert "".join(nib.aff2axcodes(affine)) == codes
    header, arrays = read(slice_frame(turned_case, 1))
    expected, same = read(slice_frame(case, 1))
    np.testing.assert_array_equal(arrays["frames"], same["frames"])
    assert head_box(turned_case) == head_box(case)
    assert header["scale"] == expected["scale"]
    x, y, z = first_voxel(turned_case)
    assert turned_case.prepared.mask[x, y, z]


def test_enhancement_quantization_error_is_below_one_in_30000(case: LiveCase) -> None:
    data = np.maximum(SERIES.data - SERIES.data[..., :5].mean(-1, keepdims=True), 0) * 1e-3
    mask = HEAD.brain
    plain = opened("concentration", replace(SERIES, data=data, units="concentration", mask=mask))
    header, arrays = read(slice_frame(plain, 1))
    _, _, w, h = head_box(plain)
    sent = arrays["frames"].reshape(-1, h, w) * header["scale"]
    assert header["scale"] < 1e-3
    assert not case_header(plain)["hu"]
    whole = data[::-1, ::-1, 1].transpose(2, 1, 0)
    x, y, _, _ = head_box(plain)
    np.testing.assert_allclose(sent, whole[:, y : y + h, x : x + w], atol=data[:, :, 1].max() / 30_000)


def test_a_voxels_curves_equal_the_series(client: TestClient, session: LiveSession, case: LiveCase) -> None:
    p = case.prepared
    inside = tuple(int(v) for v in np.unravel_index(p.index[len(p.index) // 2], p.grid))
    status, header, arrays = ask(client, session, case, kind="voxel", voxel=inside)
    assert (status, header["voxel"]) == (200, list(inside))
    own = SERIES.data[inside]
    np.testing.assert_allclose(arrays["measured"], own - own[: p.n_baseline].mean(), atol=1e-3)
    np.testing.assert_array_equal(arrays["smoothed"], p.tissue[len(p.index) // 2])
    assert arrays["smoothed"].std() < arrays["measured"].std()
    _, _, outside = ask(client, session, case, kind="voxel", voxel=[0, 0, 0])
    assert set(outside) == {"measured"}


@pytest.mark.parametrize("name", SELECTORS)
def test_each_selector_gives_perfcores_result(
    client: TestClient, session: LiveSession, case: LiveCase, name: str
) -> None:
    status, header, arrays = ask(client, session, case, kind="selector", name=name)
    expected = select(case.prepared, name)
    assert (status, header["found"], header["why"]) == (200, True, expected.why)
    assert [tuple(v) for v in header["voxels"]] == list(expected.aif.voxels)
    np.testing.assert_array_equal(arrays["aif"], expected.aif.value.astype(np.float32))
    quality = case.aif_quality(expected.corrected(), Settings())
    assert header["verdict"] == quality.verdict
    assert header["reason"] == ("" if quality.verdict == "good" else quality.cause)
    assert expected.vof is not None
    assert [tuple(v) for v in header["vofVoxels"]] == list(expected.vof.voxels)
    np.testing.assert_array_equal(arrays["vof"], expected.vof.value.astype(np.float32))


def test_every_selector_has_its_own_colour() -> None:
    assert len({info.colour for info in SELECTORS.values()}) == len(SELECTORS)


def test_a_selector_without_an_aif_gives_the_reason(client: TestClient) -> None:
    bare = opened("bare", draw_head(vessels=False).series)
    live = open_session()
    live.configure(bare, Settings(), next(iter(bare.sources.values())))
    for name in SELECTORS:
        status, header, arrays = ask(client, live, bare, kind="selector", name=name)
        assert (status, header["found"], arrays) == (200, False, {})
        assert header["why"].startswith("No artery was found: ")


def test_selections_are_freed_with_their_case() -> None:
    prepared = opened("kept").prepared
    one = LiveCase("gone", prepared, opened("kept").sources, None, device=torch.device("cpu"))
    messages.selector_frame(one, "straka")
    found = messages._found[one]
    assert messages._selection(one, "straka") is found["straka"], "each selector is computed once"
    del one
    freed(lambda: "gone" not in {case.name for case in messages._found})
