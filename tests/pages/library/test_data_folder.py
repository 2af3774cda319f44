"""A data folder with an unreadable case among readable ones: those open, and the other is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.session.state import STATE_KEY
from perfcore.phantom.files import write_cohort
from tests.pages.test_pages import ROOT
from tests.support.user_session import APP_TIMEOUT_S, live_of, new_user


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Valid cases 1 and 3, and case 2 whose series is truncated."""
    root = tmp_path_factory.mktemp("cases")
    write_cohort(root, 1, 5)
    for number in (2, 3):
        shutil.copytree(root / "TRAINING" / "case_1", root / "TRAINING" / f"case_{number}")
    (series,) = root.glob("TRAINING/case_2/*4DPWI*/*.nii")
    series.write_bytes(series.read_bytes()[: series.stat().st_size // 2])
    return root


def test_valid_cases_open_and_invalid_case_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIF_LAB_DATA", str(folder))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=APP_TIMEOUT_S)
    app.session_state[STATE_KEY] = new_user(case="folder-case_1")
    app.run()
    assert live_of(app).workspace.case.name == "folder-case_1"
    assert not app.error
    cases = next(box for box in app.sidebar.selectbox if box.label == "Case")

    cases.set_value("folder-case_2").run()
    assert not app.exception
    (sentence,) = {error.value for error in (*app.error, *app.sidebar.error)}
    assert sentence.replace("\\", "").startswith("case_2 cannot be opened: ")
    assert str(folder) not in sentence

    next(box for box in app.sidebar.selectbox if box.label == "Case").set_value("folder-case_3").run()
    assert not app.error
    now = live_of(app).workspace
    assert now.case.name == "folder-case_3"
    assert now.start_numbers["dice"] > 0.5


def test_invalid_case_is_listed_with_valid_ones(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIF_LAB_DATA", str(folder))
    from pages.session.case_selection import entries

    shown = {entry.title: entry.summary.problem for entry in entries().values() if entry.origin == "folder"}
    assert list(shown) == ["case_1", "case_2", "case_3"]
    assert [title for title, problem in shown.items() if problem] == ["case_2"]
