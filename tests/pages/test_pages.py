"""Every page runs; the live session computes with the settings of the sidebar."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.library import catalog
from pages.library.catalog import CatalogEntry, LoadedCase
from pages.live.server import wire
from pages.session import start_aif
from pages.session.state import STATE_KEY, UserState
from perfcore.io.nifti.reader import read_series
from perfcore.phantom.cases import make_case, make_demonstration
from perfcore.phantom.files import write_cohort
from perfcore.pipeline import analyse
from perfcore.settings import Settings
from tests import ROOT
from tests.support import dicom_export
from tests.support.user_session import (
    APP_TIMEOUT_S,
    freed,
    live_component_bytes,
    live_of,
    new_user,
    share_user,
    user_of,
)


def run(page: str | None = None, user: UserState | None = None) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=APP_TIMEOUT_S)
    if user is not None:
        app.session_state[STATE_KEY] = user
    app.run()
    if page:
        app.switch_page(page).run()
    assert not app.exception
    return app


def config(app: AppTest) -> dict:
    """The header of the first frame that the component was given."""
    data = live_component_bytes(app)
    n_header = int.from_bytes(data[4:8], "little")
    import json

    assert int.from_bytes(data[:4], "little") == wire.MAGIC
    return json.loads(data[16 : 16 + n_header])


def test_no_docstring_of_a_constant_is_in_a_page() -> None:
    """Streamlit shows every string that stands alone in the file of a page, except the first."""
    for file in (ROOT / "app.py", *(ROOT / "pages").glob("*.py")):
        body = ast.parse(file.read_text(encoding="utf-8")).body[1:]
        alone = [node for node in body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)]
        assert not alone, file.name


@pytest.mark.parametrize("page", [None, "pages/finetune.py", "pages/cases.py"])
def test_every_page_runs_and_shows_the_notice(page: str | None) -> None:
    app = run(page)
    assert any("not for clinical use" in c.value for c in app.sidebar.caption)


def test_the_component_receives_thresholds_and_token() -> None:
    app = run()
    sent = config(app)
    assert sent["token"] == live_of(app).token
    assert sent["thresholds"] == {"core": 0.38, "tmax": 6.0}
    assert set(sent["maps"]) >= {"rcbf", "cbf", "cbv", "mtt", "tmax", "ttp", "core_probability"}


def test_the_opened_export_offers_the_files_and_the_command() -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=APP_TIMEOUT_S)
    app.session_state["export"] = True
    app.run()
    assert not app.exception
    buttons = app.get("download_button")
    assert [button.proto.label for button in buttons] == [
        "Everything (zip)", "Clip (WebP)", "AIF (CSV)", "Maps (NIfTI, zip)", "Report (PDF)", "Report (HTML)",
        "Settings (JSON)", "Snapshots (CSV)", "Page (HTML)",
    ]  # fmt: skip
    disabled = [button.proto.label for button in buttons if button.proto.disabled]
    assert disabled == ["Clip (WebP)", "Snapshots (CSV)"], "there are no snapshots yet"
    assert any("python -m perfcore maps" in code.value for code in app.code)


def test_a_malformed_curve_from_the_browser_is_ignored() -> None:
    app = run()
    live = live_of(app)
    assert live.workspace is not None
    key = live.workspace.curve_key
    for committed in (None, "text", {}, {"key": key}, {"key": key, "value": "no"}, {"key": key, "value": [[1.0]]}):
        start_aif.keep_committed_curve(committed)
    assert live.edited_curve(key) is None


def test_sidebar_settings_are_used_by_the_live_session() -> None:
    app = run()
    first = live_of(app).workspace
    app.selectbox(key="preset").set_value("vendor").run()
    now = live_of(app).workspace
    assert now.settings == Settings.preset("vendor")
    assert now.epoch > first.epoch
    app.slider(key="set_core_threshold").set_value(0.25).run()
    assert live_of(app).workspace.settings.core_threshold == 0.25
    assert config(app)["thresholds"]["core"] == 0.25
    app.selectbox(key="set_regularization").set_value("oscillation").run()
    assert live_of(app).workspace.settings.lam == 0.065


def test_every_setting_of_the_sidebar_has_a_help() -> None:
    widgets = [*(sidebar := run().sidebar).selectbox, *sidebar.slider]
    assert len(widgets) == 13
    assert not [widget.label for widget in widgets if not widget.help]


def test_a_change_of_motion_correction_prepares_the_case_again() -> None:
    app = run()
    before = live_of(app).workspace.case
    app.selectbox(key="set_motion").set_value("off").run()
    now = live_of(app).workspace
    assert now.settings == Settings(motion="off")
    assert now.case is not before
    app.selectbox(key="set_motion").set_value("in-plane").run()
    assert live_of(app).workspace.case is before


def test_tmax_is_counted_from_healthy_tissue_by_the_sidebar() -> None:
    app = run()
    before = live_of(app).workspace.case
    app.selectbox(key="set_tmax_reference").set_value("healthy").run()
    state = live_of(app).workspace
    assert state.case is before, "the series is not prepared again"
    result = analyse(make_demonstration("m1-occlusion").series, settings=Settings(tmax_reference="healthy"))
    for name, value in state.start_numbers.items():
        assert value == pytest.approx(getattr(result.numbers, name), rel=1e-3), name
    assert abs(result.maps.tmax_shift_s) < 1
    assert any("start AIF: Tmax shifted by " in c.value for c in app.sidebar.caption)
    assert not app.sidebar.warning
    app.selectbox(key="picked_case").set_value("demo-distal-aif").run()
    assert live_of(app).workspace.start.source_id == "straka"
    assert any(re.search(r"shifted by \+\d\.\d s .* the AIF is late", w.value) for w in app.sidebar.warning)
    app.selectbox(key="set_tmax_reference").set_value("absolute").run()
    assert not app.sidebar.warning


def test_settings_survive_a_page_change() -> None:
    app = run()
    app.slider(key="set_lambda_rel").set_value(0.12).run()
    app.switch_page("pages/cases.py").run()
    app.switch_page("pages/lab.py").run()
    assert live_of(app).workspace.settings.lam == 0.12


def test_a_committed_curve_is_kept_for_its_case() -> None:
    app = run()
    state = live_of(app).workspace
    curve = state.start.value * 0.5
    live_of(app).keep_curve(state.curve_key, curve)
    app.switch_page("pages/cases.py").run()
    app.switch_page("pages/lab.py").run()
    np.testing.assert_array_equal(live_of(app).edited_curve(state.curve_key), curve)


def test_the_live_numbers_are_those_of_the_pipeline() -> None:
    app = run()
    state = live_of(app).workspace
    result = analyse(make_demonstration("m1-occlusion").series)
    for name, value in state.start_numbers.items():
        assert value == pytest.approx(getattr(result.numbers, name), rel=1e-5), name


def test_an_unknown_case_in_a_link_opens_the_first() -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=APP_TIMEOUT_S)
    app.query_params["case"] = "../../etc/passwd"
    app.run()
    assert not app.exception
    assert live_of(app).workspace.case.name == "demo-m1-occlusion"


def test_a_missing_data_folder_gives_one_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIF_LAB_DATA", str(ROOT / "no-such-folder"))
    app = run()
    assert len(app.sidebar.warning) == 1
    assert app.sidebar.warning[0].value.startswith("The server's folder of cases cannot be used: ")
    assert "no-such-folder" not in app.sidebar.warning[0].value
    assert live_of(app).workspace.case.name == "demo-m1-occlusion"


def test_cases_of_the_data_folder_can_be_opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_cohort(tmp_path, 1, 5)
    monkeypatch.setenv("AIF_LAB_DATA", str(tmp_path))
    app = run(user=new_user(case="folder-case_1"))
    state = live_of(app).workspace
    assert state.case.name == "folder-case_1"
    assert state.start_numbers["core_ml"] > 5
    assert 0.5 < state.start_numbers["dice"] <= 1


def test_uploads_are_dropped_when_the_session_ends(tmp_path: Path) -> None:
    write_cohort(tmp_path, 1, 5)
    (file,) = tmp_path.glob("TRAINING/case_1/*4DPWI*/*.nii")
    app = run()
    owner = live_of(app).token
    source = LoadedCase(read_series(file.read_bytes()))
    entry = CatalogEntry("upload-1", "Upload 1", "", lambda source=source: source, owner)
    user_of(app).uploads.entries = [entry]
    user_of(app).case.key = entry.key
    app.run()
    assert live_of(app).workspace.case.name == "upload-1"
    other = run(user=new_user(case="upload-1"))
    assert live_of(other).workspace.case.name == "demo-m1-occlusion", "no other session can open it"
    key = (owner, "upload-1", "in-plane", 2.5, 1.5, "contralateral")
    assert catalog._cases.peek(key) is not None
    del app, entry, source
    freed(lambda: catalog._cases.peek(key) is None)


CSV = b"time_s,value\n0,0\n10,0\n14,200\n18,60\n25,20\n80,5\n"


def bring(content: bytes) -> AppTest:
    """Run the Lab, bring a file as the component does, and run it again."""
    import base64

    app = run()

    def deliver() -> None:
        import streamlit as st

        from pages.session.start_aif import receive_csv
        from pages.session.state import live_session

        receive_csv(live_session().workspace.case, st.session_state["packed"])

    helper = AppTest.from_function(deliver, default_timeout=APP_TIMEOUT_S)
    share_user(app, helper)
    helper.session_state["packed"] = base64.b64encode(content).decode()
    helper.run()
    assert not helper.exception
    app.run()
    assert not app.exception
    return app


def test_a_curve_from_a_file_becomes_the_start() -> None:
    app = bring(CSV)
    start = live_of(app).workspace.start
    assert (start.source_id, start.label) == ("file-1", "File 1")
    assert start.peak == pytest.approx(200)
    sent = config(app)
    assert sent["start"] == "file-1"
    assert {"id": "file-1", "label": "File 1", "colour": "", "group": "Files"} in sent["sources"]
    assert "interpolated" in sent["notice"]["text"], "interpolation to another time grid is reported"
    assert any("interpolated" in c.value for c in app.main.caption), "the notice stays"


def test_every_selector_is_listed_and_computed_at_first_use() -> None:
    app = run()
    case = live_of(app).workspace.case
    assert {c["id"] for c in config(app)["sources"]} >= {"straka", "peruzzo", "mouridsen", "murase", "truth"}
    user_of(app).aif.methods = {case.name: "mouridsen"}
    app.run()
    start = live_of(app).workspace.start
    own = analyse(make_demonstration("m1-occlusion").series, "mouridsen").aif
    assert (start.source_id, start.voxels) == ("mouridsen", own.voxels)
    np.testing.assert_array_equal(start.value, own.value)
    assert config(app)["start"] == "mouridsen"


def test_an_unknown_source_leaves_the_default() -> None:
    app = run()
    case = live_of(app).workspace.case
    user_of(app).aif.methods = {case.name: "guess"}
    app.run()
    assert live_of(app).workspace.start.source_id == "straka"


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "empty"),
        (b"a,b\n1,2\n", "time_s"),
        (CSV.replace(b"80,5", b"40,5"), "cover"),
        (CSV.replace(b"200", b"nan"), "finite"),
        (CSV.replace(b"14,", b"10,"), "increas"),
    ],
)
def test_an_invalid_csv_gives_a_notice_and_keeps_the_start_aif(content: bytes, part: str) -> None:
    app = bring(content)
    sent = config(app)
    assert sent["notice"]["text"].startswith("This curve cannot be used: ")
    assert part in sent["notice"]["text"]
    assert sent["start"] == "straka"
    assert live_of(app).workspace.start.source_id == "straka"


def test_a_zip_of_dicom_files_is_opened() -> None:
    series = next(c for i in range(2, 9) if (c := make_case(3, i)).series.grid[2] == 2).series
    frames = series.data.transpose(3, 2, 1, 0)[:, :, ::-1] + 1024  # time, slice, row, column; stored values
    files = dicom_export.export(frames, PixelSpacing=list(series.spacing_mm[:2]))
    app = run("pages/cases.py")
    app.main.file_uploader[0].upload("scan.zip", dicom_export.zipped(files), "application/zip").run()
    next(b for b in app.main.button if b.label == "Open this case").click().run()
    assert not app.main.error, [e.value for e in app.main.error]
    (entry,) = user_of(app).uploads.entries
    assert entry.note.startswith("256 × 256 × 2, ")
    assert user_of(app).case.key == "upload-1"
