"""The library as a table: pictures, facts, flags; filters above it, the chosen case below."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
import streamlit as st

from pages.library import case_summary, catalog
from pages.library.case_summary import Facts
from pages.library.catalog import Entry
from pages.session import state
from pages.ui.escape import escape
from perfcore.phantom.recipe import CONFOUNDERS

ROW_PX: Final = 50
ROWS_SHOWN: Final = 4
HEADER_PX: Final = 37
POLL_S: Final = 1.0
SOURCES: Final = {"demonstration": "Demonstration", "cohort": "Cohort", "folder": "Folder", "upload": "Upload"}
NOT_OPENED: Final = "unopened"
PROPOSED: Final = ("cut off", "motion", "weak AIF", "late AIF", "no artery", "noisy baseline", "short")


@dataclass(frozen=True)
class Row:
    """A case with what is known of it now."""

    entry: Entry
    facts: Facts
    picture: str
    pending: bool

    @classmethod
    def of(cls, entry: Entry) -> Row:
        """Look at a case; what is not known yet is being found out."""
        look = catalog.look(entry)
        if look is not None:
            return cls(entry, look.facts, look.picture, pending=False)
        return cls(entry, entry.facts, "", pending=not entry.facts.problem)

    @property
    def words(self) -> tuple[str, ...]:
        """The flags as the table has them."""
        unreadable = (case_summary.UNREADABLE,) if self.facts.problem else ()
        return (*unreadable, *dict.fromkeys(flag.word for flag in self.facts.flags))


@dataclass(frozen=True)
class Filters:
    """What a person wants to see of the library; nothing chosen means everything."""

    text: str = ""
    sources: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    slices: tuple[int, int] | None = None

    def keep(self, row: Row) -> bool:
        """Say whether a row passes: the text is looked for in name and note, any of the words suffices."""
        known = row.facts
        text = f"{row.entry.title} {row.entry.note} {' '.join((*row.words, *known.confounders))}".casefold()
        low, high = self.slices or (0, 1 << 30)
        return (
            all(part in text for part in self.text.casefold().split())
            and (not self.sources or row.entry.source in self.sources)
            and (not self.words or bool({*row.words, *known.confounders} & set(self.words)))
            and (self.slices is None or (known.n_slices is not None and low <= known.n_slices <= high))
        )


def table(rows: Iterable[Row]) -> pd.DataFrame:
    """Return the rows as Streamlit shows them."""
    return pd.DataFrame([_cells(row) for row in rows], columns=list(_COLUMNS))


def _cells(row: Row) -> dict[str, Any]:
    known = row.facts
    size = None if known.n_slices is None else f"{known.n_slices} × {known.n_time}"
    spacing = None if known.spacing_mm is None else " × ".join(f"{mm:.3g}" for mm in known.spacing_mm)
    words = [*row.words, *(() if known.opened or known.problem else (NOT_OPENED,))]
    return {
        "picture": row.picture or None,
        "case": row.entry.title,
        "source": SOURCES[row.entry.source],
        "size": size,
        "spacing": spacing,
        "dt": known.dt_s,
        "lesion": known.lesion_ml,
        "flags": words,
        "confounders": list(known.confounders),
    }


_COLUMNS: Final[dict[str, Any]] = {
    "picture": st.column_config.ImageColumn("", width=58),
    "case": st.column_config.TextColumn("Case", width=176),
    "source": st.column_config.TextColumn("Source", width=106),
    "size": st.column_config.TextColumn("Slices × frames", width=108),
    "spacing": st.column_config.TextColumn("Voxel, mm", width=98),
    "dt": st.column_config.NumberColumn("dt, s", width=46, format="%.3g"),
    "lesion": st.column_config.NumberColumn("Lesion, ml", width=76, format="%.1f"),
    "flags": st.column_config.ListColumn("Quality", help="The sentences stand under the table.", width=144),
    "confounders": st.column_config.ListColumn("Confounders", help="What a phantom was given on purpose."),
}


def filters(rows: Iterable[Row]) -> Filters:
    """Draw the filters of a library."""
    rows = list(rows)
    kinds = [kind for kind in SOURCES if any(row.entry.source == kind for row in rows)]
    counts = sorted({row.facts.n_slices for row in rows if row.facts.n_slices is not None})
    # What has but one kind is not asked for; the others stand side by side.
    widths = [3, 4, *([3] if len(kinds) > 1 else []), *([3] if len(counts) > 1 else [])]
    spare = [13 - sum(widths)] if sum(widths) < 13 else []
    text, words, *more = st.columns([*widths, *spare], vertical_alignment="bottom")
    wanted = text.text_input(
        "Filter", key="library_text", placeholder="Name, flag …", label_visibility="collapsed"
    )
    sources = (
        ()
        if len(kinds) < 2
        else more.pop(0).pills(
            "Source",
            kinds,
            selection_mode="multi",
            key="library_sources",
            format_func=SOURCES.get,
            label_visibility="collapsed",
        )
    )
    present = {word for row in rows for word in (*row.words, *row.facts.confounders)}
    chosen = tuple(st.session_state.get("library_words", ()))
    offered = [w for w in (case_summary.UNREADABLE, *PROPOSED, *CONFOUNDERS) if w in present or w in chosen]
    offered += sorted((present | set(chosen)) - set(offered))
    flagged = words.multiselect(
        "Flags",
        list(dict.fromkeys(offered)),
        key="library_words",
        placeholder="Any flag",
        label_visibility="collapsed",
    )
    span = None
    if len(counts) > 1:
        low, high = more.pop(0).select_slider(
            "Slices",
            counts,
            (counts[0], counts[-1]),
            key=f"library_slices_{counts[0]}_{counts[-1]}",
            label_visibility="collapsed",
            format_func=lambda n: f"{n} slices",
        )
        span = None if (low, high) == (counts[0], counts[-1]) else (low, high)
    return Filters(wanted, tuple(sources), tuple(flagged), span)


def show_library() -> None:
    """Draw filters and table; while pictures are being made the table looks for them by itself."""
    rows = [Row.of(entry) for entry in state.entries().values()]
    head = st.empty()
    wanted = filters(rows)
    n_shown = sum(wanted.keep(row) for row in rows)
    some = f"{n_shown} of {len(rows)}" if n_shown < len(rows) else f"{len(rows)}"
    head.caption(f"{some} cases. Press one to see its series.")
    pending = any(row.pending for row in rows)
    st.fragment(_table, run_every=POLL_S if pending else None)(wanted, pending)


def _table(wanted: Filters, polling: bool) -> None:
    rows = [Row.of(entry) for entry in state.entries().values()]
    if polling and not any(row.pending for row in rows):
        st.rerun()
    shown = [row for row in rows if wanted.keep(row)]
    keys = [row.entry.key for row in shown]
    if not shown:
        st.info("No case passes the filters.")
    else:
        key = _select(keys)
        st.dataframe(
            table(shown),
            key=key,
            hide_index=True,
            column_config=_COLUMNS,
            row_height=ROW_PX,
            placeholder="–",
            height=HEADER_PX + ROW_PX * min(len(shown), ROWS_SHOWN) + 2,
            width="stretch",
            on_select=lambda: _chosen(key, keys),
            selection_mode=["single-row", "single-cell"],
            alt="The cases of the library",
        )
    if st.session_state.pop("library_changed", False):
        st.rerun()
    _below(rows)


def _select(keys: list[str]) -> str:
    """Show the current case as chosen, wherever it was chosen; returns the table's key.

    Other rows, or a press that changed nothing, need another table: in the old one the same cell is pressed
    already, and pressing it again would say nothing.
    """
    rows = (tuple(keys), st.session_state.get("library_refused", 0))
    before, number = st.session_state.get("library_rows", (None, 0))
    if before != rows:
        number += 1
        st.session_state["library_rows"] = (rows, number)
    key = f"library_{number}"
    current = state.current_entry().key
    places = [keys.index(current)] if current in keys else []
    st.session_state[key] = {"selection": {"rows": places, "columns": [], "cells": []}}
    return key


def _chosen(key: str, keys: list[str]) -> None:
    """Open the case of the row or cell that was pressed; one that cannot be opened says why."""
    place = chosen_row(st.session_state[key])
    entry = state.entries().get(keys[place]) if place is not None and place < len(keys) else None
    st.session_state["library_problem"] = ""
    if entry is None or entry.key == state.current_entry().key:
        return
    problem = Row.of(entry).facts.problem
    if problem:
        st.session_state["library_problem"] = f"{entry.title} cannot be opened: {problem}"
        st.session_state["library_refused"] = st.session_state.get("library_refused", 0) + 1
        return
    state.choose(entry)
    st.session_state["library_changed"] = True


def chosen_row(told: Mapping[str, Any]) -> int | None:
    """Return the row of a selection; a pressed cell counts more than the row that was chosen before."""
    selection = told.get("selection", {})
    cells, rows = selection.get("cells", []), selection.get("rows", [])
    if cells:
        return int(cells[0][0])
    return int(rows[0]) if rows else None


def _below(rows: list[Row]) -> None:
    """Say what cannot be opened, and why."""
    bad = [row for row in rows if row.facts.problem]
    if problem := st.session_state.get("library_problem"):
        st.error(escape(problem))
    if bad:
        some = "One case" if len(bad) == 1 else f"{len(bad)} cases"
        with st.expander(f"{some} of the folder cannot be opened"):
            for row in bad:
                st.markdown(f"**{escape(row.entry.title)}**: {escape(row.facts.problem)}")
