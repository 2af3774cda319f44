"""Snapshots and query parameters without a browser: requests are carried out, invalid ones give a notice."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.library import catalog
from pages.library.catalog import CatalogEntry, LoadedCase
from pages.live.handlers.requests import answer_request
from pages.session import share_link
from pages.session.share_link import SavedView, pack_curve
from pages.session.snapshot_sync import REQUEST_KIND
from pages.session.snapshots import table_csv
from perfcore.errors import InputDataError
from perfcore.phantom.cases import make_demonstration
from perfcore.pipeline import analyse
from perfcore.settings import Settings
from perfcore.types import Aif
from tests.pages.test_pages import ROOT, config, run
from tests.support.user_session import APP_TIMEOUT_S, freed, live_component_bytes, live_of, share_user, user_of
from tests.support.wire_frames import read


def opened(**params: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=APP_TIMEOUT_S)
    for name, value in params.items():
        app.query_params[name.replace("_", "-")] = value
    app.run()
    assert not app.exception
    return app


def address(app: AppTest) -> dict[str, str]:
    """Return the query parameters that the browser is to show."""
    sent = next(c.proto for c in app.sidebar.get("bidi_component") if c.proto.component_name.endswith("address"))
    params: dict[str, str] = json.loads(sent.json)["params"]
    return params


def shelf_frame(app: AppTest) -> tuple[dict, dict[str, np.ndarray]]:
    """The frame that follows the configuration."""
    data = live_component_bytes(app)
    while data:
        total = int.from_bytes(data[8:12], "little")
        header, arrays = read(data[:total])
        if header["kind"] == "shelf":
            return header, arrays
        data = data[total:]
    raise AssertionError("no shelf")


def ask(app: AppTest, **wish: object) -> AppTest:
    """Do what a trigger of the browser does, in the session of an app."""

    def script(wish: dict) -> None:
        from pages.session import snapshot_sync
        from pages.session.state import user_state

        number = user_state().snapshots.done + 1
        snapshot_sync.carry_out([{**wish, "id": number}])
        snapshot_sync.carry_out([{**wish, "id": number}])  # repeated: done already

    small = AppTest.from_function(script, args=(wish,), default_timeout=APP_TIMEOUT_S)
    share_user(app, small)
    small.run()
    assert not small.exception
    return small


def edited(app: AppTest, factor: float = 0.5) -> np.ndarray:
    start = live_of(app).workspace.start.value
    return (start * np.linspace(1, factor, start.size)).astype(np.float32).astype(float)


def test_a_snapshot_has_the_metrics_of_its_curve() -> None:
    app = run()
    curve = edited(app)
    after = ask(app, act="keep", name=" my  curve ", curve=pack_curve(curve))
    (snapshot,) = user_of(after).snapshots
    assert (snapshot.name, snapshot.title) == ("my curve", "Clean M1 occlusion")
    assert (snapshot.view.case, snapshot.view.start) == ("demo-m1-occlusion", "straka")
    assert next(csv.DictReader(io.StringIO(table_csv(user_of(after).snapshots))))["start"] == "straka"
    np.testing.assert_array_equal(snapshot.view.curve, curve)
    assert (snapshot.view.map, snapshot.view.slice_index) == ("", None), "restoring it keeps the viewport"
    series = make_demonstration("m1-occlusion").series
    expected = analyse(series, Aif(series.time_s, curve)).numbers
    for name, value in snapshot.numbers.items():
        assert value == pytest.approx(getattr(expected, name), rel=1e-5), name


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"act": "keep"},
        {"act": "keep", "curve": pack_curve(np.ones(20))},
        {"act": "keep", "curve": "1.????"},
        {"act": "restore", "number": 7},
        {"act": "restore", "number": "seven"},
        {"act": "delete", "number": None},
        {"act": "rename", "number": 1e400, "name": "x"},
        {"act": "bring", "rows": 5},
        {"act": ["keep"]},
    ],
)
def test_an_invalid_request_changes_nothing(wish: dict) -> None:
    app = run()
    before = live_of(app).workspace
    after = ask(app, **wish)
    assert len(user_of(after).snapshots) == 0
    assert live_of(after).workspace is before
    if wish.get("act") in ("keep", "restore", "delete", "rename", "bring"):
        assert user_of(after).notices.text.endswith(".")


def test_a_callback_after_a_page_change_has_no_effect() -> None:
    """Streamlit may call the callback of a component that the current run does not have."""

    def overtaken() -> None:
        import streamlit as st

        from pages.session import snapshot_sync, start_aif
        from pages.session.state import component_value

        snapshot_sync.receive_requests()
        start_aif.keep_committed_curve(component_value("curve"))
        st.write("on it goes")

    app = AppTest.from_function(overtaken, default_timeout=APP_TIMEOUT_S).run()
    assert not app.exception
    assert app.markdown[0].value == "on it goes"


def test_snapshots_restored_after_a_reload_are_validated_like_a_link() -> None:
    app = run()
    view = SavedView("demo-noisy", "vendor", Settings.preset("vendor"), "", edited(app), "cbf", 2, False)
    row = {
        "name": "kept", "link": urlencode(share_link.write_params(view)),
        "numbers": {"core_ml": 12.5, "dice": None}, "made": datetime(2024, 5, 1, tzinfo=UTC).timestamp(),
    }  # fmt: skip
    bad = [
        {**row, "link": row["link"].replace("demo-noisy", "upload-1")},
        {**row, "link": "curve=1.AAAA"},
        {**row, "numbers": {"core_ml": "much"}},
        {**row, "made": 1e300},
        "row",
        {},
    ]
    after = ask(app, act="bring", rows=[row, *bad])
    (snapshot,) = user_of(after).snapshots
    assert (snapshot.name, snapshot.title) == ("kept", "Noisy scan")
    assert snapshot.view.settings == Settings.preset("vendor")
    assert snapshot.numbers["core_ml"] == 12.5
    np.testing.assert_array_equal(snapshot.view.curve, view.curve)
    assert user_of(after).notices.text.startswith("6 snapshots could not be restored")


def test_earlier_snapshots_are_restored_once_and_keep_newer_ones() -> None:
    app = run()
    view = SavedView("demo-noisy", "paper", Settings(), "", edited(app), "cbf", 2, False)
    row = {"name": "before", "link": urlencode(share_link.write_params(view)), "numbers": {}, "made": 1.7e9}
    snapshots = user_of(ask(app, act="keep", name="since", curve=pack_curve(edited(app)))).snapshots
    for _ in range(2):
        ask(app, act="bring", rows=[row])
    assert [snapshot.name for snapshot in snapshots] == ["since", "before"]


def test_maps_of_a_snapshot_equal_the_pipelines_under_its_settings() -> None:
    app = run()
    ask(app, act="keep", name="", curve=pack_curve(edited(app)))
    app.slider(key="set_spatial_sigma_mm").set_value(1.0).run()
    session = live_of(app)
    now = session.workspace
    header, arrays = read(answer_request(session, now, {"type": REQUEST_KIND, "number": 1}))
    series = make_demonstration("m1-occlusion").series
    expected = analyse(series, Aif(series.time_s, edited(app)), Settings())
    order = expected.prepared.index[now.case.order]
    np.testing.assert_allclose(arrays["cbf"], expected.maps.cbf.ravel()[order], rtol=1e-5, atol=1e-5)
    # The parabola divides by the curvature of the peak, which amplifies rounding to float32 where it is flat.
    np.testing.assert_allclose(arrays["tmax"], expected.maps.tmax.ravel()[order], atol=1e-3)
    assert header["ref"] == pytest.approx(expected.maps.reference_cbf, rel=1e-6)
    volume = 100 * 0.55 / 0.75 / 1.04 * arrays["area"] / header["aifArea"]
    np.testing.assert_allclose(volume, expected.maps.cbv.ravel()[order], rtol=1e-4, atol=1e-4)
    with pytest.raises(InputDataError, match="does not exist any more"):
        answer_request(session, now, {"type": REQUEST_KIND, "number": 9})
    with pytest.raises(InputDataError, match="Invalid request"):
        answer_request(session, now, {"type": REQUEST_KIND, "number": "x"})


def test_a_link_opens_case_settings_and_start() -> None:
    app = opened(case="demo-noisy", preset="vendor", lambda_rel="0.2", start="truth", map="tmax", slice="3",
                 curve=pack_curve(np.linspace(1, 5, 60)))  # fmt: skip
    now = live_of(app).workspace
    assert now.case.name == "demo-noisy"
    assert now.settings == Settings.preset("vendor", lambda_rel=0.2)
    assert now.start.source_id == "truth"
    header, arrays = shelf_frame(app)
    assert header["wanted"] == {
        "number": 1, "curveKey": "demo-noisy|truth", "map": "tmax", "slice": 2, "montage": None,
        "morph": None,
    }  # fmt: skip
    np.testing.assert_array_equal(arrays["curve"], np.linspace(1, 5, 60).astype(np.float32))
    shown = address(app)
    assert shown == {"case": "demo-noisy", "preset": "vendor", "lambda-rel": "0.2", "start": "truth"}
    assert dict(parse_qsl(header["link"])) == shown


def test_the_address_follows_the_settings_and_starts_empty() -> None:
    app = run()
    assert address(app) == {}
    app.slider(key="set_core_threshold").set_value(0.25).run()
    shown = address(app)
    assert shown == {"case": "demo-m1-occlusion", "core-threshold": "0.25"}
    app.slider(key="set_core_threshold").set_value(0.38).run()
    assert address(app) == {}
    assert config(app)["thresholds"]["core"] == 0.38


@pytest.mark.parametrize(
    ("params", "part"),
    [
        ({"case": "upload-1"}, "not on this server"),
        ({"case": "x" * 100_000}, "at most 80"),
        ({"curve": "1." + "A" * 200_000}, "more than 1000 points"),
        ({"lambda_rel": "nan"}, "must lie between"),
        ({"reference": "moon"}, "must be one of"),
    ],
)
def test_a_hostile_link_gives_one_error_and_opens_the_first_case(params: dict[str, str], part: str) -> None:
    app = opened(**params)
    (toast,) = app.toast
    assert part in toast.value
    now = live_of(app).workspace
    assert (now.case.name, now.settings) == ("demo-m1-occlusion", Settings())
    assert shelf_frame(app)[0]["wanted"] is None
    assert address(app) == {}


def test_an_upload_is_never_in_the_address_and_its_snapshots_do_not_keep_it() -> None:
    app = run()
    owner = live_of(app).token
    source = LoadedCase(make_demonstration("no-stroke").series)
    user_of(app).uploads.entries = [CatalogEntry("upload-1", "Upload 1", "", lambda source=source: source, owner)]
    user_of(app).case.key = "upload-1"
    app.run()
    assert live_of(app).workspace.case.name == "upload-1"
    header, _ = shelf_frame(app)
    assert header["shared"] is False
    assert "case" not in dict(parse_qsl(header["link"]))
    assert "case" not in address(app)
    ask(app, act="keep", name="", curve=pack_curve(edited(app)))
    app.run()
    (key,) = (k for k in catalog._cases._values if k[0] == owner)
    del app, source
    freed(lambda: catalog._cases.peek(key) is None)  # it is dropped with its session


def test_a_snapshot_of_a_learned_threshold_holds_it() -> None:
    app = opened()
    curve = edited(app)
    ask(app, act="keep", name="learned", curve=pack_curve(curve), threshold=0.4567)
    (kept,) = user_of(app).snapshots
    assert kept.view.settings == Settings(core_threshold=0.457)
    case = live_of(app).workspace.case
    numbers = case.numbers(case.volume_flow(curve, Settings()), kept.view.settings)
    assert kept.numbers["core_ml"] == pytest.approx(numbers["core_ml"])
