"""Library table: pictures, sizes and quality flags of the cases, with filters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
import streamlit as st

from pages.library import case_summary, catalog
from pages.library.case_summary import CaseSummary
from pages.library.catalog import CatalogEntry
from pages.session import case_selection, widget_keys
from pages.session.state import user_state
from pages.ui.escape import escape
from perfcore.phantom.recipe import CONFOUNDERS
from perfcore.quality_flags import FLAGS, codes

ROW_PX: Final = 50
ROWS_SHOWN: Final = 9
HEADER_PX: Final = 37
POLL_S: Final = 1.0
ORIGINS: Final = {"demonstration": "Demonstration", "cohort": "Cohort", "folder": "Folder", "upload": "Upload"}
NOT_OPENED: Final = "unopened"


@dataclass(frozen=True)
class Row:
    """Case with its present summary; ``pending`` while its preview is being made."""

    entry: CatalogEntry
    summary: CaseSummary
    picture: str
    pending: bool

    @classmethod
    def of(cls, entry: CatalogEntry) -> Row:
        """Return the row of a case; a missing preview is made in the background."""
        preview = catalog.preview_of(entry)
        if preview is not None:
            return cls(entry, preview.summary, preview.picture, pending=False)
        return cls(entry, entry.summary, "", pending=not entry.summary.problem)

    @property
    def flag_codes(self) -> tuple[str, ...]:
        """Codes of the flags, and `UNREADABLE`."""
        unreadable = (case_summary.UNREADABLE,) if self.summary.problem else ()
        return (*unreadable, *dict.fromkeys(codes(self.summary.flags)))

    @property
    def flag_labels(self) -> tuple[str, ...]:
        """Short labels of the flags."""
        return tuple(case_summary.label_of(code) for code in self.flag_codes)


@dataclass(frozen=True)
class Filters:
    """Filters of the library; an empty filter passes every case."""

    text: str = ""
    origins: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    slices: tuple[int, int] | None = None

    def passes(self, row: Row) -> bool:
        """Return whether a row passes: all words of the text occur in title, note or flags; any flag suffices."""
        known = row.summary
        text = f"{row.entry.title} {row.entry.note} {' '.join((*row.flag_labels, *known.confounders))}".casefold()
        low, high = self.slices or (0, 1 << 30)
        return (
            all(part in text for part in self.text.casefold().split())
            and (not self.origins or row.entry.origin in self.origins)
            and (not self.flags or bool({*row.flag_codes, *known.confounders} & set(self.flags)))
            and (self.slices is None or (known.n_slices is not None and low <= known.n_slices <= high))
        )


def table(rows: Iterable[Row]) -> pd.DataFrame:
    """Return the rows as a table for Streamlit."""
    return pd.DataFrame([_cells(row) for row in rows], columns=list(_COLUMNS))


def _cells(row: Row) -> dict[str, Any]:
    known = row.summary
    size = None if known.n_slices is None else f"{known.n_slices} × {known.n_time}"
    spacing = None if known.spacing_mm is None else " × ".join(f"{mm:.3g}" for mm in known.spacing_mm)
    words = [*row.flag_labels, *(() if known.opened or known.problem else (NOT_OPENED,))]
    return {
        "picture": row.picture or None,
        "case": row.entry.title,
        "flags": words,
        "origin": ORIGINS[row.entry.origin],
        "size": size,
        "spacing": spacing,
        "dt": known.dt_s,
        "lesion": known.lesion_ml,
        "confounders": list(known.confounders),
    }


_COLUMNS: Final[dict[str, Any]] = {
    "picture": st.column_config.ImageColumn("", width=46),
    "case": st.column_config.TextColumn("Case", width=190),
    "flags": st.column_config.ListColumn(
        "Quality", help="Full sentences: beside the table, for the selected case.", width=98
    ),
    "origin": st.column_config.TextColumn("Origin", width=106),
    "size": st.column_config.TextColumn("Slices × frames", width=108),
    "spacing": st.column_config.TextColumn("Voxel, mm", width=98),
    "dt": st.column_config.NumberColumn("dt, s", width=46, format="%.3g"),
    "lesion": st.column_config.NumberColumn("Lesion, ml", width=76, format="%.1f"),
    "confounders": st.column_config.ListColumn("Confounders", help="Difficulties that a phantom was made with."),
}


def filters(rows: Iterable[Row]) -> Filters:
    """Draw the filters."""
    rows = list(rows)
    kinds = [kind for kind in ORIGINS if any(row.entry.origin == kind for row in rows)]
    counts = sorted({row.summary.n_slices for row in rows if row.summary.n_slices is not None})
    text, words = st.columns(2)
    wanted = text.text_input(
        "Filter", key="library_text", placeholder="Name, flag …", label_visibility="collapsed"
    )
    present = {code for row in rows for code in (*row.flag_codes, *row.summary.confounders)}
    chosen = tuple(st.session_state.get(widget_keys.LIBRARY_FLAGS, ()))
    offered = [c for c in (case_summary.UNREADABLE, *FLAGS, *CONFOUNDERS) if c in present or c in chosen]
    offered += sorted((present | set(chosen)) - set(offered))
    flagged = words.multiselect(
        "Flags",
        list(dict.fromkeys(offered)),
        key=widget_keys.LIBRARY_FLAGS,
        format_func=case_summary.label_of,
        placeholder="Any flag",
        label_visibility="collapsed",
    )
    origins: list[str] = []
    span = None
    if len(kinds) > 1:  # a filter with a single choice is left out
        origins = st.pills(
            "Origin",
            kinds,
            selection_mode="multi",
            key="library_origins",
            format_func=lambda kind: ORIGINS[kind],
            label_visibility="collapsed",
        )
    if len(counts) > 1:
        low, high = st.select_slider(
            "Slices",
            counts,
            (counts[0], counts[-1]),
            key=f"library_slices_{counts[0]}_{counts[-1]}",
            label_visibility="collapsed",
            format_func=lambda n: f"{n} slices",
        )
        span = None if (low, high) == (counts[0], counts[-1]) else (low, high)
    return Filters(wanted, tuple(origins), tuple(flagged), span)


def show_library() -> None:
    """Draw filters and table; the table refreshes itself while previews are being made."""
    rows = _rows()
    head = st.empty()
    wanted = filters(rows)
    n_shown = sum(wanted.passes(row) for row in rows)
    some = f"{n_shown} of {len(rows)}" if n_shown < len(rows) else f"{len(rows)}"
    head.caption(f"{some} cases. Select one to see its series.")
    pending = any(row.pending for row in rows)
    st.fragment(_table, run_every=POLL_S if pending else None)(wanted, pending)


def _rows() -> list[Row]:
    """Return the rows of all cases, the user's own first, so that they are in view."""
    entries = case_selection.entries().values()
    return [Row.of(entry) for entry in sorted(entries, key=lambda entry: entry.origin != "upload")]


def _table(wanted: Filters, polling: bool) -> None:
    rows = _rows()
    if polling and not any(row.pending for row in rows):
        st.rerun()
    shown = [row for row in rows if wanted.passes(row)]
    keys = [row.entry.key for row in shown]
    if not shown:
        st.info("No case passes the filters.")
    else:
        key = _table_key(keys)
        st.dataframe(
            table(shown),
            key=key,
            hide_index=True,
            column_config=_COLUMNS,
            row_height=ROW_PX,
            placeholder="–",
            height=HEADER_PX + ROW_PX * min(len(shown), ROWS_SHOWN) + 2,
            width="stretch",
            on_select=lambda: _open_selected(key, keys),
            selection_mode=["single-row", "single-cell"],
            alt="The cases of the library",
        )
    library = user_state().library
    if library.is_changed:
        library.is_changed = False
        st.rerun()
    _problems(rows)


def _table_key(keys: list[str]) -> str:
    """Return the table's widget key and mark the row of the current case as selected.

    Other rows, or a selection that was refused, need a new table: selecting a cell that is selected already
    causes no event.
    """
    library = user_state().library
    rows = (tuple(keys), library.n_refused)
    if library.rows != rows:
        library.rows, library.number = rows, library.number + 1
    key = widget_keys.library_table(library.number)
    current = case_selection.current_entry().key
    selected = [keys.index(current)] if current in keys else []
    st.session_state[key] = {"selection": {"rows": selected, "columns": [], "cells": []}}
    return key


def _open_selected(key: str, keys: list[str]) -> None:
    """Select the case of the selected row or cell; if it cannot be opened, keep the reason."""
    index = selected_row(st.session_state[key])
    entry = case_selection.entries().get(keys[index]) if index is not None and index < len(keys) else None
    library = user_state().library
    library.problem = ""
    if entry is None or entry.key == case_selection.current_entry().key:
        return
    problem = Row.of(entry).summary.problem
    if problem:
        library.problem = f"{entry.title} cannot be opened: {problem}"
        library.n_refused += 1
        return
    case_selection.select_entry(entry)
    library.is_changed = True


def selected_row(event: Mapping[str, Any]) -> int | None:
    """Return the row of a selection event; a selected cell is newer than the selected row."""
    selection = event.get("selection", {})
    cells, rows = selection.get("cells", []), selection.get("rows", [])
    if cells:
        return int(cells[0][0])
    return int(rows[0]) if rows else None


def _problems(rows: list[Row]) -> None:
    """List the cases that cannot be opened, with the reasons."""
    bad = [row for row in rows if row.summary.problem]
    if problem := user_state().library.problem:
        st.error(escape(problem))
    if bad:
        some = "One case" if len(bad) == 1 else f"{len(bad)} cases"
        with st.expander(f"{some} of the folder cannot be opened"):
            for row in bad:
                st.markdown(f"**{escape(row.entry.title)}**: {escape(row.summary.problem)}")
