"""Submitted uploads: read once also after an interruption; a lost upload is known by number and checksum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pages.library.catalog import CatalogEntry, LoadedCase
from pages.session import case_selection, lost_upload, uploads
from pages.session.pending_upload import LostUpload, UploadOptions
from pages.session.state import UserState
from perfcore.errors import InputDataError
from perfcore.types import PerfusionSeries


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch) -> UserState:
    """A user whose files are read at once; the file ``bad`` cannot be."""
    state = UserState()

    def add(user: UserState, content: bytes, _options: UploadOptions, **_more: Any) -> CatalogEntry:
        if content == b"bad":
            raise InputDataError("It is no series.")
        entry = CatalogEntry(f"upload-{content.decode()}", "", "", lambda: LoadedCase(series(0)), "me")
        user.uploads.entries.append(entry)
        return entry

    monkeypatch.setattr(uploads, "_add", add)
    for module in (uploads, case_selection):
        monkeypatch.setattr(module, "user_state", lambda: state)
    return state


def series(value: float) -> PerfusionSeries:
    data = np.zeros((3, 2, 2, 12), np.float32)
    data[1, 1, 1, 5] = value
    return PerfusionSeries(data, np.eye(4), 1.0)


def test_a_run_that_is_interrupted_leaves_its_files_to_the_next(user: UserState) -> None:
    uploads.submit([b"1", b"bad", b"3"], UploadOptions())
    assert user.uploads.n_submitted == 1
    reading = uploads.read_submitted()
    next(reading)
    next(reading)  # the first is read, the second is about to be
    reading.close()
    assert [entry.key for entry in user.uploads.entries] == ["upload-1"]
    assert [file.place for file in uploads.read_submitted()] == [2, 3]
    assert [entry.key for entry in user.uploads.entries] == ["upload-1", "upload-3"]
    assert user.uploads.problems == ["File 2 of 3 cannot be opened: It is no series."]
    assert user.case.key == "upload-1", "the first valid one is selected, once"
    assert not user.uploads.submitted


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("3.00ab12ef", LostUpload(3, "00ab12ef")),
        ("0.00ab12ef", None),
        ("3.00AB12EF", None),
        ("3", None),
        ("", None),
        ("٣.00ab12ef", None),
    ],
)
def test_the_address_notes_number_and_checksum(text: str, found: LostUpload | None) -> None:
    assert lost_upload.read_param({"upload": text}) == found


def test_the_same_series_gets_its_number_again_and_another_one_does_not() -> None:
    mine = UserState().uploads
    assert uploads._number(mine, "00000000") == 1
    mine.lost = LostUpload(3, uploads.checksum_of(series(1)))
    assert uploads._number(mine, uploads.checksum_of(series(1))) == 3
    assert uploads._number(mine, uploads.checksum_of(series(2))) == 4
    mine.checksums["upload-3"] = mine.lost.checksum
    mine.last_number = 3
    assert uploads._number(mine, uploads.checksum_of(series(1))) == 4, "a number is used once"


def test_a_lost_upload_is_asked_for_until_another_case_is_selected(user: UserState) -> None:
    lost = LostUpload(2, "00ab12ef")
    user.uploads.lost, user.case.key = lost, "upload-2"
    assert case_selection.lost_upload() is lost
    assert lost_upload.params_of(user, "upload-2") == {"upload": "2.00ab12ef"}
    assert lost_upload.params_of(user, "demo-m1-occlusion") == {}
    user.case.key = "demo-m1-occlusion"
    assert case_selection.lost_upload() is None
    user.case.key, user.uploads.checksums["upload-2"] = "upload-2", "00ab12ef"
    assert case_selection.lost_upload() is None, "it is here again"
