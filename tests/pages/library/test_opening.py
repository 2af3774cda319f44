"""A selected row of the library opens its case, once; a case with a problem is refused with the reason."""

from __future__ import annotations

import pytest

from pages.comparison.evaluate_view import _distinct_names, can_be_evaluated
from pages.library import table
from pages.library.case_summary import CaseSummary
from pages.library.catalog import CatalogEntry, LoadedCase
from pages.session.state import UserState

KEY = "table"


def entry(key: str, **changes: object) -> CatalogEntry:
    def read() -> LoadedCase:
        raise AssertionError("The header is enough.")

    return CatalogEntry(key, changes.pop("title", key), "", read, **changes)  # type: ignore[arg-type]


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch) -> UserState:
    """A user whose first case is open, of three of which the last cannot be opened."""
    state = UserState()
    entries = {key: entry(key) for key in ("one", "two")}
    entries["bad"] = entry("bad", summary=CaseSummary(problem="The file is truncated."))
    state.case.key = "one"
    monkeypatch.setattr(table, "user_state", lambda: state)
    monkeypatch.setattr(table.case_selection, "user_state", lambda: state)
    monkeypatch.setattr(table.case_selection, "entries", lambda: entries)
    return state


def select(monkeypatch: pytest.MonkeyPatch, keys: list[str], **selection: object) -> None:
    monkeypatch.setattr(table.st, "session_state", {KEY: {"selection": selection}})
    table._open_selected(KEY, keys)


def test_a_selected_row_opens_its_case(user: UserState, monkeypatch: pytest.MonkeyPatch) -> None:
    select(monkeypatch, ["two", "one"], rows=[0])
    assert (user.case.key, user.library.is_changed, user.library.problem) == ("two", True, "")


@pytest.mark.parametrize("selection", [{}, {"rows": [1]}, {"rows": [7]}, {"rows": [2]}])
def test_nothing_or_the_open_case_or_an_unknown_one_changes_nothing(
    selection: dict[str, object], user: UserState, monkeypatch: pytest.MonkeyPatch
) -> None:
    select(monkeypatch, ["two", "one", "gone"], **selection)
    assert (user.case.key, user.library.is_changed, user.library.n_refused) == ("one", False, 0)


def test_a_case_with_a_problem_is_refused(user: UserState, monkeypatch: pytest.MonkeyPatch) -> None:
    select(monkeypatch, ["bad"], rows=[0])
    assert user.case.key == "one"
    assert user.library.problem == "bad cannot be opened: The file is truncated."
    assert user.library.n_refused == 1


@pytest.mark.parametrize(
    ("key", "changes", "expected"),
    [
        ("demo-x", {}, True),
        ("upload-1", {"owner": "token"}, False),
        ("folder-a", {"summary": CaseSummary(problem="Not 4D.")}, False),
        ("folder-b", {"summary": CaseSummary(lesion_ml=3.0)}, True),
        ("folder-c", {}, True),
    ],
)
def test_uploads_and_unreadable_cases_are_not_evaluated(
    key: str, changes: dict[str, object], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.comparison.evaluate_view.catalog.preview_of", lambda _entry: None)
    assert can_be_evaluated(entry(key, **changes)) is expected


def test_equal_titles_are_replaced_by_keys() -> None:
    known = {"a": entry("a", title="Case 1"), "b": entry("b", title="Case 1"), "c": entry("c", title="Case 2")}
    assert _distinct_names(known, ["a", "b", "c"]) == [("a", "a"), ("b", "b"), ("c", "Case 2")]
    assert _distinct_names(known, ["a", "c"]) == [("a", "Case 1"), ("c", "Case 2")]
    assert _distinct_names(known, []) == []
