"""The Cases page: table, filters and uploads."""

from __future__ import annotations

import base64
import gzip
import io
import weakref
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from pages.library import case_summary, catalog
from pages.library.case_summary import CaseSummary
from pages.library.catalog import CatalogEntry, LoadedCase
from pages.library.preview_cache import LibraryPreview, PreviewCache
from pages.library.table import Filters, Row, selected_row
from pages.library.thumbnails import SIDE, ct_picture
from pages.session.uploads import pair_sidecars
from pages.ui.escape import escape
from perfcore.aif.quality import aif_quality
from perfcore.errors import InputDataError
from perfcore.io.byte_source import ByteStream
from perfcore.phantom.demonstrations import DEMONSTRATIONS
from perfcore.quality_flags import FLAGS, codes, make_flag
from perfcore.settings import Settings
from perfcore.types import Aif
from tests.pages.test_pages import run
from tests.perfcore.io.datasets.test_case_folders import save
from tests.perfcore.io.dicom.test_series_choice import another, merged
from tests.support.dicom_export import as_read, export, zipped
from tests.support.synthetic_head import draw_head
from tests.support.user_session import freed, live_of, new_user, user_of

HEAD = draw_head(noise=1.0)


def nifti(data: np.ndarray, dt_s: float = 1.0) -> bytes:
    image = nib.Nifti1Image(data, HEAD.series.affine)
    image.header.set_xyzt_units("mm", "sec")
    image.header["pixdim"][4] = dt_s
    return image.to_bytes()


GOOD = nifti(np.rint(HEAD.series.data).astype(np.int16))


def shown(app: AppTest):
    return app.main.dataframe[0].value


def players(app: AppTest) -> list:
    return [one for one in app.get("bidi_component") if one.key == "series_player"]


def upload(app: AppTest, *contents: bytes) -> AppTest:
    app.main.file_uploader[0].set_value(
        [(f"Mustermann {i}.nii", content, "application/octet-stream") for i, content in enumerate(contents)]
    ).run()
    next(b for b in app.main.button if b.label.startswith("Open th")).click().run()
    assert not app.exception
    return app


def errors(app: AppTest) -> list[str]:
    return [error.value for error in app.main.error]


def test_the_table_shows_the_recipes() -> None:
    table = shown(run("pages/cases.py"))
    assert list(table["case"]) == [recipe.title for recipe in DEMONSTRATIONS.values()]
    assert list(table["size"]) == [f"{r.n_slices} × {r.n_time}" for r in DEMONSTRATIONS.values()]
    assert list(table["dt"]) == [r.dt_s for r in DEMONSTRATIONS.values()]
    assert [tuple(c) for c in table["confounders"]] == [r.confounders for r in DEMONSTRATIONS.values()]
    assert "short" in table["flags"][list(DEMONSTRATIONS).index("truncated")], "45 s of scan"


def test_the_opened_case_has_a_picture_its_lesion_and_its_flags() -> None:
    app = run("pages/cases.py")
    case = live_of(app).workspace.case
    row = shown(app).iloc[0]
    kind, _, packed = row["picture"].partition(",")
    assert kind == "data:image/webp;base64"
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(packed))).convert("RGB")).astype(int)
    assert picture.shape == (SIDE, SIDE, 3)
    assert np.ptp(picture, axis=2).max() > 80, "coloured: CBF preview, not grey CT"
    truth = catalog.open_series(catalog.demonstrations()[0])
    assert row["lesion"] == pytest.approx(truth.lesion.sum() * truth.voxel_ml)
    preview = catalog.preview_of(catalog.demonstrations()[0])
    start = next(iter(case.sources.values()))
    expected = dict.fromkeys((*case.prepared.warnings, *start.quality))
    assert preview.summary.opened
    assert list(preview.summary.flags) == list(expected)


def test_text_and_flags_filter_the_table_and_the_case_stays() -> None:
    app = run("pages/cases.py")
    app.main.text_input(key="library_text").set_value("CORE small").run()
    assert list(shown(app)["case"]) == ["Small core, large penumbra"]
    assert live_of(app).workspace.case.name == "demo-m1-occlusion"
    app.main.text_input(key="library_text").set_value("nowhere").run()
    assert not app.main.dataframe
    assert [i.value for i in app.main.info] == ["No case passes the filters."]
    app.main.text_input(key="library_text").set_value("").run()
    app.main.multiselect(key="library_words").set_value(["truncated"]).run()
    assert list(shown(app)["case"]) == ["Scan stopped too early"]


def test_the_table_selects_the_sidebars_case() -> None:
    app = run("pages/cases.py")
    assert app.session_state["library_1"]["selection"]["rows"] == [0]
    app.sidebar.selectbox[0].set_value("demo-small-core").run()
    assert app.session_state["library_1"]["selection"]["rows"] == [1]
    assert live_of(app).workspace.case.name == "demo-small-core"


@pytest.mark.parametrize(
    ("selection", "row"),
    [
        ({"rows": [2], "columns": [], "cells": []}, 2),
        ({"rows": [0], "columns": [], "cells": [(3, "case")]}, 3),
        ({"rows": [], "columns": [], "cells": []}, None),
        ({}, None),
    ],
)
def test_a_selected_cell_takes_precedence_over_the_row(selection: dict, row: int | None) -> None:
    assert selected_row({"selection": selection}) == row


def entry(key: str, n_slices: int | None, *codes: str, owner: str = "", problem: str = "") -> Row:
    known = CaseSummary(
        n_slices, 50, flags=tuple(make_flag(code, "A sentence.") for code in codes), problem=problem
    )
    return Row(CatalogEntry(key, key, "", lambda: LoadedCase(HEAD.series), owner, known), known, "", pending=False)


def test_each_filter_passes_its_cases() -> None:
    rows = [
        entry("demo-a", 8), entry("folder-b", 2, "motion"), entry("folder-c", 16, "scan_short", "aif_weak"),
        entry("upload-1", 4, owner="me"), entry("folder-d", None, problem="It is cut short."),
    ]  # fmt: skip

    def kept(**wanted: object) -> str:
        return " ".join(row.entry.key for row in rows if Filters(**wanted).passes(row))

    assert kept() == "demo-a folder-b folder-c upload-1 folder-d"
    assert kept(origins=("folder",)) == "folder-b folder-c folder-d"
    assert kept(origins=("upload", "demonstration")) == "demo-a upload-1"
    assert kept(flags=("motion", "aif_weak")) == "folder-b folder-c"
    assert kept(flags=("unreadable",)) == "folder-d"
    assert kept(slices=(4, 8)) == "demo-a upload-1"
    assert kept(text="weak") == "folder-c"
    assert kept(text="folder", flags=("motion",), slices=(2, 16)) == "folder-b"


def test_the_labels_of_the_flags_are_distinct() -> None:
    labels = [case_summary.label_of(code) for code in (*FLAGS, case_summary.UNREADABLE)]
    assert len(set(labels)) == len(labels)
    assert case_summary.label_of("aif_weak") == "weak AIF"
    assert case_summary.label_of("streaks") == "streaks", "a confounder is its own label"


def test_flags_of_the_aif_are_shown_by_their_codes() -> None:
    opened = catalog.open_case(
        CatalogEntry("folder-head", "head", "", lambda: LoadedCase(HEAD.series)), Settings()
    )
    curve = np.asarray(next(iter(opened.sources.values())).value)

    def found(value: np.ndarray) -> set[str]:
        return set(codes(aif_quality(opened.prepared, Aif(opened.prepared.time_s, value)).flags))

    assert found(curve) == {"aif_truncated"}, "a gamma variate alone has no recirculation"
    assert found(curve * 10 / curve.max()) >= {"aif_weak"}
    assert found(np.roll(curve, 10)) == {"aif_late"}
    assert found(np.maximum.accumulate(curve)) >= {"aif_truncated"}
    assert found(curve * 2 / curve.max()) >= {"aif_weak", "aif_low"}
    bare = draw_head(vessels=False).series
    lost = catalog.open_case(CatalogEntry("folder-bare", "bare", "", lambda: LoadedCase(bare)), Settings())
    start = next(iter(lost.sources.values()))
    assert set(codes(start.quality)) == {"no_artery"}


def test_preview_image_is_ct_in_the_brain_window() -> None:
    plane = np.full((60, 40), -1000.0, np.float32)
    plane[10:50, 5:35] = 40.0  # the middle of the window
    plane[20, 20] = np.nan
    packed = ct_picture(plane).partition(",")[2]
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(packed))).convert("L")).astype(int)
    assert picture[SIDE // 2 + 20, SIDE // 2] == pytest.approx(127, abs=6)
    assert picture[:, 2].max() < 20, "30 columns of head centred in a square of 40"


def test_previews_are_made_once_and_keep_the_error() -> None:
    cache, made = PreviewCache(), []

    def good() -> LibraryPreview:
        made.append(1)
        return LibraryPreview("picture", CaseSummary(8, 60))

    def bad() -> LibraryPreview:
        raise InputDataError("It is cut short.")

    for _ in range(3):
        cache.request("", "a", good, CaseSummary())
    cache.request("", "b", bad, CaseSummary(2, 50))
    cache._pool.shutdown(wait=True)
    assert made == [1]
    assert cache.get("", "a") == LibraryPreview("picture", CaseSummary(8, 60))
    assert cache.get("", "b") == LibraryPreview("", CaseSummary(2, 50, problem="It is cut short."))
    cache.put("me", "a", LibraryPreview("mine", CaseSummary()))
    cache.drop(lambda name: name[0] == "me")
    assert cache.get("me", "a") is None
    assert cache.get("", "a") is not None


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """94 cases of two slices; two of them damaged."""
    data = np.random.default_rng(0).integers(0, 90, (16, 16, 2, 48)).astype(np.int16)
    for k in range(1, 95):
        name = f"SMIR.Brain.XX.O.CT_4DPWI.{k}"
        save(data, tmp_path / "TRAINING" / f"case_{k}" / name / f"{name}.nii")
    short = next((tmp_path / "TRAINING" / "case_7").glob("*/*.nii"))
    short.write_bytes(short.read_bytes()[:4000])
    next((tmp_path / "TRAINING" / "case_9").glob("*/*.nii")).unlink()
    monkeypatch.setenv("AIF_LAB_DATA", str(tmp_path))
    catalog._previews.drop(lambda name: name[0] == "")  # other tests have folders with cases of the same names
    return tmp_path


def test_listing_94_cases_reads_headers_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    n_read = 0
    plain = ByteStream.read_into

    def counted(self: ByteStream, target: memoryview) -> int:
        nonlocal n_read
        n_read += len(target)
        return plain(self, target)

    monkeypatch.setattr(ByteStream, "read_into", counted)
    entries = catalog.folder_entries(folder)
    assert [e.title for e in entries] == [f"case_{k}" for k in range(1, 95)]
    assert {(e.summary.n_slices, e.summary.n_time) for e in entries if not e.summary.problem} == {(2, 48)}
    assert n_read <= 94 * 1000


def test_unreadable_cases_are_listed_beside_the_others(folder: Path) -> None:
    app = run("pages/cases.py")
    table = shown(app)
    assert len(table) == len(DEMONSTRATIONS) + 94
    unreadable = table[[("unreadable" in flags) for flags in table["flags"]]]
    assert list(unreadable["case"]) == ["case_7", "case_9"]
    (named,) = [e for e in app.main.expander if "cannot be opened" in e.label]
    assert named.label == "2 cases of the folder cannot be opened"
    texts = [m.value for m in named.markdown]
    assert [t.split(":")[0] for t in texts] == [f"**{escape('case_7')}**", f"**{escape('case_9')}**"]
    assert "declares more data than the file holds" in texts[0]
    assert not any(str(folder) in t for t in texts)
    low, high = app.main.select_slider[0].value
    assert (low, high) == (2, 8)
    app.main.select_slider[0].set_value((2, 2)).run()
    assert set(shown(app)["origin"]) == {"Folder"}
    app.main.select_slider[0].set_value((2, 8)).run()
    app.main.multiselect(key="library_words").set_value(["unreadable"]).run()
    assert list(shown(app)["case"]) == ["case_7", "case_9"]


def test_an_error_at_opening_is_shown_until_the_file_is_repaired(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = gzip.compress(GOOD)
    (tmp_path / "cut.nii.gz").write_bytes(packed[: len(packed) // 2])
    monkeypatch.setenv("AIF_LAB_DATA", str(tmp_path))
    app = run("pages/cases.py", new_user(case="folder-cut"))
    assert "unreadable" in shown(app)["flags"].iloc[-1]
    (named,) = [e for e in app.main.expander if "cannot be opened" in e.label]
    assert "truncated or damaged" in named.markdown[0].value
    assert not players(app), "the player does not show another case under this name"
    (tmp_path / "cut.nii.gz").write_bytes(packed)
    catalog._listed.cache_clear()
    app.run()
    assert live_of(app).workspace.case.name == "folder-cut"
    assert "unreadable" not in shown(app)["flags"].iloc[-1]
    assert len(players(app)) == 1


def test_preview_of_a_folder_case_without_opening_it(tmp_path: Path) -> None:
    series = np.rint(HEAD.series.data).astype(np.int16)
    for modality, volume in (("CT_4DPWI", series), ("OT", HEAD.lesion.astype(np.uint8))):
        name = f"SMIR.Brain.XX.O.{modality}.1"
        save(volume, tmp_path / "case_1" / name / f"{name}.nii")
    (one,) = catalog.folder_entries(tmp_path)
    preview = one.make_preview()
    assert not preview.summary.opened
    voxel_ml = 0.9 * 0.9 * 5 / 1000
    assert preview.summary.lesion_ml == pytest.approx(HEAD.lesion.sum() * voxel_ml)
    picture = np.asarray(
        Image.open(io.BytesIO(base64.b64decode(preview.picture.partition(",")[2]))).convert("RGB")
    )
    assert np.ptp(picture.astype(int), axis=2).max() < 12, "grey: the CT"


def test_valid_uploads_load_beside_an_invalid_one_named_by_its_position() -> None:
    app = upload(run("pages/cases.py"), GOOD, b"not a series at all" * 40, GOOD)
    (sentence,) = errors(app)
    assert sentence.startswith("File 2 of 3 cannot be opened: ")
    assert "Mustermann" not in sentence
    assert [e.title for e in user_of(app).uploads.entries] == ["Upload 1", "Upload 2"]
    assert live_of(app).workspace.case.name == "upload-1"
    table = shown(app)
    assert list(table["case"])[:2] == ["Upload 1", "Upload 2"], "the user's own cases are in view"
    assert app.session_state["library_2"]["selection"]["rows"] == [0]
    assert list(table["origin"])[:2] == ["Upload", "Upload"]
    nx, ny, nz, n_time = HEAD.series.data.shape
    assert list(table["size"])[:2] == [f"{nz} × {n_time}"] * 2
    assert user_of(app).uploads.entries[0].note.startswith(f"{nx} × {ny} × {nz}, {n_time} frames")
    assert not any("Mustermann" in m.value for m in (*app.main.markdown, *app.main.caption))
    assert not app.main.file_uploader[0].value, "the chooser is empty again"


def test_a_sidecar_is_uploaded_beside_its_series() -> None:
    app = run("pages/cases.py")
    files = [("Mustermann.nii", GOOD), ("mustermann.JSON", b'{"RepetitionTime": 2}')]
    app.main.file_uploader[0].set_value([(*file, "application/octet-stream") for file in files]).run()
    next(b for b in app.main.button if b.label == "Open this case").click().run()
    assert errors(app) == []
    (entry,) = user_of(app).uploads.entries
    series = entry.read().series
    assert (series.dt_s, series.time_source) == (2, "sidecar RepetitionTime")
    assert not any("ustermann" in m.value for m in (*app.main.markdown, *app.main.caption))


def test_sidecars_belong_to_the_series_of_their_name() -> None:
    names = ["b.json", "a.nii.gz", "B.nii", "c.d.nii", "C.D.json", "e.zip"]
    contents = [name.encode() for name in names]
    series, sidecars = pair_sidecars(names, contents)
    assert series == [b"a.nii.gz", b"B.nii", b"c.d.nii", b"e.zip"]
    assert sidecars == [None, b"b.json", b"C.D.json", None]
    assert pair_sidecars(["scan.nii", "other.json"], [b"1", b"2"]) == ([b"1"], [b"2"]), "the only one"
    assert pair_sidecars(["scan.json"], [b"2"]) == ([], [])


def test_an_invalid_upload_gives_one_error_and_changes_nothing() -> None:
    app = run("pages/cases.py")
    before = live_of(app).workspace
    upload(app, b"\x1f\x8b" + b"x" * 300)
    (sentence,) = errors(app)
    assert sentence.startswith("This series cannot be opened: ")
    assert user_of(app).uploads.entries == []
    assert live_of(app).workspace is before
    app.run()
    assert errors(app) == [], "one error message"


def test_a_removed_upload_is_dropped_from_list_caches_and_view() -> None:
    app = upload(run("pages/cases.py"), GOOD, GOOD)
    owner = live_of(app).token
    assert catalog._series.peek((owner, "upload-1")) is not None
    assert catalog._previews.get(owner, "upload-1") is not None
    app.button(key="remove_upload-1").click().run()
    assert [e.title for e in user_of(app).uploads.entries] == ["Upload 2"]
    assert live_of(app).workspace.case.name == "demo-m1-occlusion"
    for cache in (catalog._series, catalog._cases, catalog._previews._previews):
        assert not [key for key in cache._values if key[:2] == (owner, "upload-1")]
        assert [key for key in cache._values if key[:2] == (owner, "upload-2")]
    upload(app, GOOD)
    assert [e.title for e in user_of(app).uploads.entries] == ["Upload 2", "Upload 3"], "a name is used once"


def test_a_removed_upload_frees_its_memory() -> None:
    app = upload(run("pages/cases.py"), GOOD)
    app.switch_page("pages/lab.py").run()
    workspace = live_of(app).workspace
    assert workspace.case.name == "upload-1"
    held = [weakref.ref(workspace.case), weakref.ref(user_of(app).uploads.entries[0].read().series)]
    del workspace
    app.switch_page("pages/cases.py").run()
    app.button(key="remove_upload-1").click().run()
    freed(lambda: [ref() for ref in held] == [None, None])


def test_a_zip_of_several_series_gives_a_list_to_choose_from() -> None:
    stored = np.rint(HEAD.series.data).astype(int)[:, ::-1].transpose(3, 2, 1, 0) + 1024
    short = another(stored[:20], times=lambda t, _z: 1000 + 2 * t)
    app = run("pages/cases.py")
    app.main.number_input[0].set_value(1.25).run()
    upload(app, zipped(merged(short, export(stored))))
    assert errors(app) == []
    assert user_of(app).uploads.entries == []
    _, nz, n_time = (*HEAD.series.data.shape[1:],)
    (pending,) = user_of(app).uploads.pending
    (radio,) = app.main.radio
    assert radio.options == [
        f"Series 1: 20 frames × {nz} slices, 1.25 s apart",
        f"Series 2: {n_time} frames × {nz} slices, 1.25 s apart",
    ]
    radio.set_value(2).run()
    next(b for b in app.main.button if b.label == "Open this series").click().run()
    assert not app.exception
    (entry,) = user_of(app).uploads.entries
    series = entry.read().series
    assert (series.n_time, series.dt_s) == (n_time, 1.25), "the time step given with the file is kept"
    np.testing.assert_array_equal(series.data, as_read(stored))
    assert user_of(app).uploads.pending == []
    assert not app.main.radio
    assert pending.options.dt_s == 1.25


def test_a_list_of_series_stays_after_a_failure_and_can_be_discarded(monkeypatch: pytest.MonkeyPatch) -> None:
    patients = [export(PatientID="a"), another(PatientID="b", BitsStored=8)]
    app = upload(run("pages/cases.py"), zipped(merged(*patients)))
    (radio,) = app.main.radio
    assert [option.partition("apart")[2] for option in radio.options] == [
        "; patient 1; study 1", "; patient 2; study 2; cannot be read"
    ]  # fmt: skip
    radio.set_value(2).run()
    next(b for b in app.main.button if b.label == "Open this series").click().run()
    (sentence,) = errors(app)
    assert sentence.startswith("Series 2 cannot be opened: The DICOM images store 8 of 16 bits")
    assert app.main.radio[0].value == 2
    next(b for b in app.main.button if b.label == "Discard").click().run()
    assert user_of(app).uploads.pending == []
    assert not app.main.radio
    monkeypatch.setattr("pages.session.uploads.MAX_SESSION_BYTES", 100)
    upload(app, zipped(merged(*patients)))
    assert "remove one first" in errors(app)[0]
    assert user_of(app).uploads.pending == []


def test_previews_of_uploads_are_dropped_with_their_session() -> None:
    app = upload(run("pages/cases.py"), GOOD)
    owner = live_of(app).token
    caches = (catalog._series, catalog._cases, catalog._previews._previews)
    assert all([key for key in cache._values if key[0] == owner] for cache in caches)
    catalog.forget(owner)
    assert not any([key for key in cache._values if key[0] == owner] for cache in caches)


def test_uploaded_mask_belongs_to_one_series() -> None:
    app = run("pages/cases.py")
    app.main.file_uploader[0].set_value([(f"{i}.nii", GOOD, "application/octet-stream") for i in (1, 2)])
    app.main.file_uploader[1].set_value(("m.nii", GOOD, "application/octet-stream")).run()
    next(b for b in app.main.button if b.label == "Open these 2 cases").click().run()
    assert errors(app) == ["A mask or a lesion belongs to one series: add that series by itself."]
    assert user_of(app).uploads.entries == []


def test_upload_size_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.session.uploads.MAX_UPLOADS", 1)
    app = upload(run("pages/cases.py"), GOOD, GOOD)
    assert errors(app) == ["File 2 of 2 cannot be opened: A session keeps at most 1 uploads; remove one first."]
    monkeypatch.setattr("pages.session.uploads.MAX_UPLOADS", 9)
    monkeypatch.setattr("pages.session.uploads.MAX_SESSION_BYTES", 1 << 20)
    upload(app, GOOD)
    (sentence,) = errors(app)
    assert "remove one first" in sentence
    assert len(user_of(app).uploads.entries) == 1
