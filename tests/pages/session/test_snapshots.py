"""Snapshots: bounded, named, compared with the first of their case."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import numpy as np
import pytest

from pages.session.share_link import SavedView
from pages.session.snapshots import MAX_NAME_CHARS, MAX_SNAPSHOTS, SnapshotStore, settings_summary, table_csv
from perfcore.errors import InputDataError
from perfcore.settings import Settings

MADE = datetime(2024, 5, 17, 8, 30, tzinfo=UTC)
CURVE = np.array([0.0, 120.0, 30.0])


def numbers(core: float, dice: float | None = 0.5) -> dict[str, float | None]:
    return {
        "core_ml": core,
        "hypoperfused_ml": 90.0,
        "mismatch_ml": 90 - core,
        "mismatch_ratio": 90 / core,
        "reference_cbf": 20.0,
        "dice": dice,
    }


def view(case: str = "demo-noisy", **settings: object) -> SavedView:
    return SavedView(case=case, settings=Settings.preset("paper", **settings), start="straka", curve=CURVE)


def three_snapshots() -> SnapshotStore:
    snapshots = SnapshotStore()
    snapshots.add("other case", "Folder, case 3", view("folder-case_3"), numbers(5.0), MADE)
    snapshots.add("first", "Noisy scan", view(), numbers(30.0, None), MADE)
    snapshots.add('wide, "late" =1+1', "Noisy scan", view(deconvolution="causal"), numbers(36.5, 0.6), MADE)
    return snapshots


def test_changes_are_against_the_first_of_the_same_case() -> None:
    other, first, second = three_snapshots()
    snapshots = three_snapshots()
    assert set(snapshots.changes(other).values()) == {0.0}
    assert snapshots.changes(second)["core_ml"] == pytest.approx(6.5)
    assert snapshots.changes(second)["mismatch_ml"] == pytest.approx(-6.5)
    assert snapshots.changes(second)["dice"] is None, "the first has none"
    assert first.view.curve is CURVE


def test_the_csv_holds_every_metric() -> None:
    rows = list(csv.DictReader(io.StringIO(table_csv(three_snapshots()))))
    assert [row["name"] for row in rows] == ["other case", "first", 'wide, "late" =1+1']
    assert rows[2]["case"] == "Noisy scan"
    assert rows[2]["made_utc"] == "2024-05-17 08:30:00"
    assert float(rows[2]["core_ml"]) == 36.5
    assert float(rows[2]["core_ml_change"]) == 6.5
    assert rows[2]["change_from"] == "first"
    assert float(rows[2]["mismatch_ratio"]) == pytest.approx(90 / 36.5, rel=1e-5)
    assert rows[1]["dice"] == ""
    assert [row["deconvolution"] for row in rows] == ["circulant", "circulant", "causal"]
    assert float(rows[0]["lambda_rel"]) == 0.3


def test_a_name_in_the_csv_is_no_formula() -> None:
    snapshots = three_snapshots()
    snapshots.rename(next(iter(snapshots)).number, "=1+1")
    rows = list(csv.DictReader(io.StringIO(table_csv(snapshots))))
    assert rows[0]["name"] == "'=1+1"


def test_an_empty_csv_has_a_header_only() -> None:
    assert table_csv(SnapshotStore()).count("\n") == 1


def test_the_number_of_snapshots_is_limited() -> None:
    snapshots = SnapshotStore()
    for _ in range(MAX_SNAPSHOTS):
        snapshots.add("", "Noisy scan", view(), numbers(1.0), MADE)
    with pytest.raises(InputDataError, match=f"At most {MAX_SNAPSHOTS} snapshots are kept"):
        snapshots.add("one more", "Noisy scan", view(), numbers(1.0), MADE)
    snapshots.delete(3)
    last = snapshots.add("", "Noisy scan", view(), numbers(1.0), MADE)
    assert last.number == MAX_SNAPSHOTS + 1, "a number is never given twice"
    assert last.name == f"Snapshot {MAX_SNAPSHOTS + 1}"
    assert [s.number for s in snapshots] == [1, 2, *range(4, MAX_SNAPSHOTS + 2)]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  late   bolus ", "late bolus"),
        ("a\nb\tc\x00d\u202ee", "a b c d e"),
        ("x" * 500, "x" * MAX_NAME_CHARS),
        ("<b>λ & 血</b>", "<b>λ & 血</b>"),
        ("\n\u200b ", "Snapshot 1"),
    ],
)
def test_a_name_is_one_short_line(given: str, kept: str) -> None:
    snapshots = SnapshotStore()
    snapshot = snapshots.add(given, "Noisy scan", view(), numbers(1.0), MADE)
    assert snapshot.name == kept
    snapshots.rename(1, "second")
    snapshots.rename(1, " ")
    assert snapshots.get(1).name == "second"
    assert snapshots.get(1).view is snapshot.view


def test_a_deleted_snapshot_gives_an_error() -> None:
    snapshots = three_snapshots()
    snapshots.delete(2)
    for act in (snapshots.get, snapshots.delete, lambda number: snapshots.rename(number, "x")):
        with pytest.raises(InputDataError, match="does not exist any more"):
            act(2)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "paper"),
        ({"lambda_rel": 0.12, "deconvolution": "causal"}, "paper, λ 0.12, causal"),
        ({"regularization": "tsvd"}, "paper, tsvd 0.1"),
        ({"tmax_reference": "healthy"}, "paper, Tmax healthy"),
        ({"spatial_sigma_mm": 0, "tmax_threshold_s": 8}, "paper, 0 mm, Tmax > 8 s"),
    ],
)
def test_settings_summary(settings: dict, words: str) -> None:
    assert settings_summary(view(**settings)) == words
