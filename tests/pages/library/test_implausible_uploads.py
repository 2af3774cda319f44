"""Uploads that cannot be, or are doubtful: the browser says what the command line says, in the same place."""

from __future__ import annotations

import numpy as np
import pytest

from pages.session.start_aif import add_csv_aif
from perfcore.aif.quality import SERIES_CAUSES
from perfcore.errors import InputDataError
from perfcore.preprocess import prepare
from perfcore.settings import Settings
from tests.pages.library.test_cases_page import HEAD, errors, nifti, shown, upload
from tests.pages.test_pages import run
from tests.support.user_session import live_of, user_of


def mr_signal() -> np.ndarray:
    data = HEAD.series.data
    base = data[..., :5].mean(axis=-1, keepdims=True)
    s0 = np.select(
        [base < -200, base > 150, HEAD.ventricle[..., None], HEAD.brain[..., None]], [3, 40, 1200, 600], 300
    )
    return np.where(base < -200, 3, s0 * np.exp(-0.008 * (data - base))).astype(np.float32)


def test_an_mr_series_opens_only_as_mr_signal() -> None:
    app = upload(run("pages/cases.py"), nifti(mr_signal()))
    (sentence,) = errors(app)
    assert sentence.startswith("This series cannot be opened: This is an MR series, not CT")
    assert user_of(app).uploads.entries == []
    units = next(box for box in app.main.selectbox if box.label == "Voxel values")
    assert units.options == ["Hounsfield units", "enhancement", "MR signal"]
    units.set_value("dsc").run()
    upload(app, nifti(mr_signal()))
    assert errors(app) == []
    case = live_of(app).workspace.case
    assert (case.prepared.units, case.static[0]["enhancementUnit"]) == ("dsc", "−ln S/S₀")
    assert np.ptp(case.static[1]["tmip"]) > 50, "the picture of the vessels is not rounded to nothing"


def test_a_doubtful_series_opens_with_its_doubt_first() -> None:
    app = upload(run("pages/cases.py"), nifti(HEAD.series.data[..., 13:].astype(np.float32)))
    flags = next(row for row in shown(app).to_dict("records") if row["case"] == "Upload 1")["flags"]
    assert next(iter(flags)) == "late start"
    app.switch_page("pages/lab.py").run()
    assert app.main.warning[0].value.startswith("The first frame already holds contrast")
    case = live_of(app).workspace.case
    late = next(flag for flag in case.prepared.warnings if flag.code == "contrast_at_start")
    doubt = {"cause": SERIES_CAUSES[late.code], "sentence": str(late)}
    assert doubt in case.static[0]["curveReference"]["doubts"]
    for aif in case.sources.values():
        assert case.aif_quality(aif, Settings()).verdict != "good"


def test_a_series_that_cannot_be_is_refused_with_the_sentence_of_the_command_line() -> None:
    app = upload(run("pages/cases.py"), nifti(HEAD.series.data[..., 16:].astype(np.float32)))
    (sentence,) = errors(app)
    assert sentence.startswith("This series cannot be opened: The first frame already holds contrast")


def test_an_aif_in_other_units_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    app = run("pages/lab.py")
    case, user = live_of(app).workspace.case, user_of(app)
    monkeypatch.setattr("pages.session.start_aif.user_state", lambda: user)
    aif = next(iter(case.sources.values()))

    def table(factor: float) -> bytes:
        rows = (f"{t:g},{factor * v:g}" for t, v in zip(aif.time_s, aif.value, strict=True))
        return "\n".join(("time_s,value", *rows)).encode()

    assert add_csv_aif(case, table(1.0)).quality == ()
    with pytest.raises(InputDataError, match=r"^The AIF is in other units than the series"):
        add_csv_aif(case, table(1 / aif.peak))


def test_the_start_aif_is_judged_in_the_lab() -> None:
    case = live_of(run("pages/lab.py")).workspace.case
    aif = next(iter(case.sources.values()))
    assert case.doubts(aif, Settings()) == ()
    small = type(aif)(aif.time_s, aif.value / 200, "edited")
    assert [flag.code for flag in case.doubts(small, Settings())] == [
        "aif_area",
        "cbf_implausible",
        "cbv_implausible",
    ]
    assert prepare(HEAD.series, Settings()).warnings == ()
