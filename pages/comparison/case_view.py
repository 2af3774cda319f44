"""One case by several methods: curves, figures, and the maps of one slice with their differences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd
import streamlit as st

from pages.comparison import charts
from pages.comparison.columns import MOST, OWN_BYTES, SHARED, Column, Desk, Offer, offers
from pages.comparison.map_images import DIVERGING, Slice, bar, compared_maps, difference_picture, map_picture
from pages.live.component import LUTS
from pages.live.server.session import State
from pages.session import snapshot_sync, state
from pages.ui.escape import escape
from perfcore.aif.select import SELECTORS
from perfcore.aif.sources import is_network
from perfcore.map_info import MAPS
from perfcore.metrics import METRICS
from perfcore.types import Aif

AT_FIRST: Final = 7
"""Columns before anybody has chosen."""
_number = st.column_config.NumberColumn
_METRICS: Final = {"core_ml": 62, "hypoperfused_ml": 118, "dice": 52, "auc": 72, "reference_cbf": 150}
"""Width of each metric's column, px."""
_METRIC_HELP: Final = {
    "hypoperfused_ml": "Tmax above its threshold",
    "dice": "Of the core against the known lesion",
    "auc": "Of rCBF against the known lesion",
    "reference_cbf": "Mean of the healthy reference",
}
_FORMATS: Final[dict[str, Any]] = {
    "Method": st.column_config.TextColumn(width=132),
    **{
        METRICS[name].title: _number(width=width, format=f"%.{METRICS[name].digits}f", help=_METRIC_HELP.get(name))
        for name, width in _METRICS.items()
    },
    "Peak, HU": _number(width=66, format="%.0f"),
    "at, s": _number(width=44, format="%.0f", help="Time of the peak"),
    "Voxels": _number(width=54, format="%d"),
    "Why, and flags": st.column_config.TextColumn(width="large"),
}


def show_case(now: State) -> None:
    """Draw the comparison of the current case under the sidebar's settings."""
    case, entry = now.case, state.current_entry()
    known = {offer.key: offer for offer in offers(case, _own(now))}
    chosen = [known[key] for key in _choose(known, entry.key)]
    if not chosen:
        st.info("Choose at least one method.")
        return
    chart_at, table_at = st.columns([5, 6.6], gap="medium")
    with chart_at:
        same_area = st.toggle(
            "Same area", key="compare_area",
            help="Each curve with area 1: what is left is shape and delay, which is all that rCBF sees.",
        )  # fmt: skip
        chart = st.empty()
    with table_at:
        st.caption(f"All columns under the sidebar's settings; differences are to **{escape(chosen[0].label)}**.")
        table = st.empty()
    maps, z = _what(now)
    here = Slice.of(case, z)
    slots = _slots(len(chosen), maps)
    desks = [_desk(offer, entry.owner) for offer in chosen]
    waiting = not all(d.has(case, now.settings, o) for d, o in zip(desks, chosen, strict=True))
    columns: list[Column] = []
    for place, (desk, offer) in enumerate(zip(desks, chosen, strict=True)):
        if waiting:
            slots[place][0].caption(f"{escape(offer.label)} …")
        columns.append(desk.column(case, now.settings, offer))
        slots[place][0].markdown(f"**{escape(offer.label)}**{_figures(columns[place])}")
        pictures = _pictures(columns[place], columns[0], here, maps, now)
        for slot, (picture, words) in zip(slots[place][1:], pictures, strict=False):
            if picture is not None:
                slot.image(picture, width="stretch", alt=f"{words}, slice {z + 1}")
        if waiting or place == len(chosen) - 1:
            found = [(c.offer.key, c.offer.label, c.aif) for c in columns if c.aif is not None]
            figure = charts.curves(found, same_area=same_area)
            chart.plotly_chart(
                figure, width="stretch", key=f"compare_curves_{place}", alt="The input functions over time"
            )
            table.dataframe(
                figures(columns),
                hide_index=True,
                width="stretch",
                column_config=_FORMATS,
                placeholder="–",
                alt="Figures of each method",
            )


def figures(columns: list[Column]) -> pd.DataFrame:
    """Return the figures of the columns, a row each."""
    return pd.DataFrame(
        [
            {
                "Method": column.offer.label,
                **{METRICS[name].title: column.numbers.get(name) for name in _METRICS},
                "Peak, HU": None if column.aif is None else column.aif.peak,
                "at, s": None if column.aif is None else column.aif.peak_time_s,
                "Voxels": None if column.aif is None or not column.aif.voxels else len(column.aif.voxels),
                "Why, and flags": _words(column),
            }
            for column in columns
        ],
        columns=list(_FORMATS),
    )


def _words(column: Column) -> str:
    flags = () if column.aif is None else column.aif.quality
    return " ".join(part for part in (column.problem, column.why, *flags) if part)


def _own(now: State) -> Mapping[str, tuple[str, Aif]]:
    """Return this person's own curves of the case: edits, files, snapshots."""
    found: dict[str, tuple[str, Aif]] = {}
    for method, aif in state.start_curves(now.case).items():
        if method not in now.case.sources:
            found[f"own:{method}"] = (method, aif)
    edited = state.live_session().edited(now.curve_key)
    if edited is not None and edited.size == now.case.prepared.n_time:
        found[f"edited:{hash(edited.tobytes())}"] = ("Your edit", _aif(now, edited))
    for snapshot in snapshot_sync.shelf():
        curve = snapshot.scene.curve
        if snapshot.scene.case == now.case.name and curve is not None and curve.size == now.case.prepared.n_time:
            found[f"snapshot:{hash(curve.tobytes())}"] = (snapshot.name, _aif(now, curve))
    return found


def _aif(now: State, curve: Any) -> Aif:
    return Aif(now.case.prepared.time_s, curve, method="edited")


def _desk(offer: Offer, owner: str) -> Desk:
    """Return where a column is kept: what is private goes with its session."""
    if not (offer.own or owner):
        return SHARED
    if "compare_desk" not in st.session_state:
        st.session_state["compare_desk"] = Desk(OWN_BYTES)
    own: Desk = st.session_state["compare_desk"]
    return own


def _choose(known: Mapping[str, Offer], case: str) -> list[str]:
    """Let a person choose columns; what was chosen is kept with the case, whatever page comes between."""
    kept: dict[str, list[str]] = st.session_state.setdefault("compare_methods", {})
    mine = [key for key in known if known[key].own]
    methods = [key for key in known if key == "truth" or key in SELECTORS or is_network(key)] or list(known)
    first = [*methods[: AT_FIRST - min(len(mine), 2)], *mine[-2:]]
    chosen = [key for key in kept.get(case, first) if key in known]
    name = f"compare_columns_{case}"
    st.session_state[name] = chosen

    def keep() -> None:
        kept[case] = list(st.session_state[name])

    return st.multiselect(
        "Methods, the first is what the others are compared with", list(known), key=name, on_change=keep,
        max_selections=MOST, format_func=lambda key: known[key].label, placeholder="Choose methods",
    )  # fmt: skip


def _what(now: State) -> tuple[list[str], int]:
    """Let a person choose maps and slice."""
    left, right = st.columns([2, 3], gap="medium", vertical_alignment="bottom")
    maps = left.pills(
        "Maps", list(compared_maps()), selection_mode="multi", default=["rcbf", "tmax"], key="compare_maps",
        format_func=lambda name: MAPS[name].label, label_visibility="collapsed",
    )  # fmt: skip
    n, z = now.case.n_slices, now.case.first_slice
    if n > 1:
        z = right.slider("Slice", 1, n, z + 1, key=f"compare_slice_{now.case.name}") - 1
    return [name for name in compared_maps() if name in maps], z


def _slots(n: int, maps: list[str]) -> list[list[Any]]:
    """Lay out a grid: heads, then for each map a colour bar, a row of maps and a row of differences."""
    heads = [column.empty() for column in st.columns(n, vertical_alignment="bottom")]
    slots: list[list[Any]] = [[head] for head in heads]
    for name in maps:
        info = MAPS[name]
        low, high = info.window
        title = f"<b>{info.label}</b>" + (f", {info.unit}" if info.unit else "")
        first, second = st.columns(2)
        first.html(bar(LUTS[info.scale], f"{low:g}", f"{high:g}", title))
        if n > 1:
            second.html(bar(DIVERGING, f"−{info.difference:g}", f"+{info.difference:g}", "below: difference"))
        for row in range(2 if n > 1 else 1):
            for place, column in enumerate(st.columns(n)):
                if row == 0 or place:
                    slots[place].append(column.empty())
    st.caption(
        "Magenta: core; white, dashed: the known lesion. In differences: the column's core in magenta, the first "
        "column's in yellow, dashed; orange is higher than the first column, blue lower."
    )
    return slots


def _pictures(
    column: Column, first: Column, here: Slice, names: list[str], now: State
) -> list[tuple[bytes | None, str]]:
    """Return what stands in a column, with words: each map, and under it its difference to the first."""
    found: list[tuple[bytes | None, str]] = []
    for name in names if column.flow is not None else ():
        words = f"{MAPS[name].label}, {column.offer.label}"
        found.append((map_picture(here, column, name, now.case.lesion), words))
        if column is not first:
            picture = None if first.flow is None else difference_picture(here, column, first, name)
            found.append((picture, f"{words} minus {first.offer.label}"))
    return found


def _figures(column: Column) -> str:
    if column.problem:
        return f"  \n{escape(column.problem)}"
    n = column.numbers
    dice = "" if n["dice"] is None else f"  \nDice {n['dice']:.2f}"
    return f"  \ncore {n['core_ml']:.1f} ml{dice}"
