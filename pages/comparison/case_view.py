"""Comparison of AIFs on one case: curves, lesion metrics, and the maps of one slice with their differences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd
import streamlit as st

from pages.comparison import charts
from pages.comparison.columns import (
    MAX_COLUMNS,
    OWN_CACHE_BYTES,
    SHARED,
    AifOption,
    Column,
    ComparisonCache,
    aif_options,
)
from pages.comparison.foreign_view import show_foreign_maps
from pages.comparison.map_images import Slice, compared_maps, difference_picture, map_picture, scale_bars
from pages.live.server.session import Workspace
from pages.session import case_selection, start_aif, widget_keys
from pages.session.state import live_session, user_state
from pages.ui.aif_light import light_markdown, light_text
from pages.ui.escape import escape
from pages.ui.lecture import is_lecturing
from perfcore.aif.select import SELECTORS
from perfcore.aif.sources import aif_label, is_network
from perfcore.map_info import MAPS
from perfcore.metric_info import COMPARED, METRICS
from perfcore.quality_flags import sentences, without_codes
from perfcore.types import Aif

DEFAULT_COLUMNS: Final = 7
DEFAULT_OWN: Final = 2
"""The user's own AIFs among them, at most."""
_number = st.column_config.NumberColumn
_WIDTHS: Final = {
    "core_ml": 66, "hypoperfused_ml": 122, "target_mismatch": 62, "hypoperfusion_index": 58, "dice": 52, "auc": 52,
    "reference_cbf": 92,
}  # fmt: skip
"""Width of each metric's column, px."""
_METRIC_HELP: Final = {
    "hypoperfused_ml": "Tmax above its threshold",
    "target_mismatch": "Target mismatch: ratio ≥ 1.8, mismatch ≥ 15 ml and core < 70 ml",
    "hypoperfusion_index": "Hypoperfusion index: volume with Tmax above 10 s over that above 6 s",
    "dice": "Of the core against the known lesion",
    "auc": "Of rCBF against the known lesion",
    "reference_cbf": "Mean of the healthy reference, ml/100 g/min",
}
_FORMATS: Final[dict[str, Any]] = {
    "Method": st.column_config.TextColumn(width=168),
    "AIF": st.column_config.TextColumn(width=84, help="Quality of the curve; the reason is below the table"),
    **{
        METRICS[name].title: _number(
            METRICS[name].label if name == "reference_cbf" else None,  # its unit is in the help
            width=_WIDTHS[name],
            format=f"%.{METRICS[name].digits}f",
            help=_METRIC_HELP.get(name),
        )
        for name in COMPARED
    },
    METRICS["target_mismatch"].title: st.column_config.TextColumn(
        width=_WIDTHS["target_mismatch"], help=_METRIC_HELP["target_mismatch"]
    ),
    "Peak": _number(
        width=52,
        format="%.3g",
        help="Of the curve that the maps use (scaled to the area of the vein), in the unit of the series",
    ),
    "at, s": _number(width=44, format="%.0f", help="Time of the peak"),
    "Voxels": _number(width=54, format="%d"),
}


def show_case(now: Workspace) -> None:
    """Draw the comparison on the current case under the sidebar's settings."""
    case, entry = now.case, case_selection.current_entry()
    known = {option.key: option for option in aif_options(case, _own_aifs(now))}
    chosen = [known[key] for key in _selected_keys(known, entry.key)]
    if not chosen:
        st.info("Choose at least one AIF.")
        return
    if not is_lecturing():  # it speaks of the sidebar, and the table needs the height
        st.caption(
            f"All AIFs under the sidebar's settings; differences are to the first, **{escape(chosen[0].label)}**. "
            "Your edit and snapshots of this case can be chosen too."
        )
    table = st.empty()
    chart_at, reasons_at = st.columns([5, 4], gap="medium")
    with chart_at:
        chart = st.empty()
        same_area = st.toggle(
            "Same area", key="compare_area",
            help="Scales each curve to area 1. Shape and delay remain; rCBF depends on nothing else.",
        )  # fmt: skip
    reasons = reasons_at.empty()
    maps, z = _selected_maps(now)
    here = Slice.of(case, z)
    slots = _slots(len(chosen), maps)
    caches = [_cache_of(option, entry.owner) for option in chosen]
    waiting = not all(c.has(case, now.settings, o) for c, o in zip(caches, chosen, strict=True))
    columns: list[Column] = []
    for place, (cache, option) in enumerate(zip(caches, chosen, strict=True)):
        if waiting:
            slots[place][0].caption(f"{escape(option.label)} …")
        columns.append(cache.column(case, now.settings, option))
        slots[place][0].markdown(f"**{escape(option.label)}**{_heading(columns[place])}")
        pictures = _pictures(columns[place], columns[0], here, maps, now)
        for slot, (picture, words) in zip(slots[place][1:], pictures, strict=False):
            if picture is not None:
                slot.image(picture, width="stretch", alt=f"{words}, slice {z + 1}")
        if waiting or place == len(chosen) - 1:
            found = [(c.option.key, c.option.label, c.aif) for c in columns if c.aif is not None]
            own = {option.key for option in chosen if option.own}
            unit = case.prepared.enhancement_unit
            figure = charts.curves(found, same_area=same_area, unit=unit, own=own)
            chart.plotly_chart(figure, width="stretch", key=f"compare_curves_{place}", alt="The AIFs over time")
            table.dataframe(
                metrics_table(columns),
                hide_index=True,
                width="stretch",
                column_config=_FORMATS,
                placeholder="–",
                alt="Metrics of each AIF",
                height="content",
            )
            reasons.markdown(_reasons(columns))
    show_foreign_maps(now, columns[0], here, z)


def metrics_table(columns: list[Column]) -> pd.DataFrame:
    """Return the metrics of the columns, a row each."""
    return pd.DataFrame(
        [
            {
                "Method": column.option.label,
                "AIF": None if column.quality is None else light_text(column.quality),
                **{METRICS[name].title: column.numbers.get(name) for name in COMPARED},
                METRICS["target_mismatch"].title: METRICS["target_mismatch"].text(
                    column.numbers.get("target_mismatch")
                ),
                "Peak": None if column.aif is None else column.aif.peak,
                "at, s": None if column.aif is None else column.aif.peak_time_s,
                "Voxels": None if column.aif is None or not column.aif.voxels else len(column.aif.voxels),
            }
            for column in columns
        ],
        columns=list(_FORMATS),
    )


def _reasons(columns: list[Column]) -> str:
    """Return why each AIF was chosen or is missing, and its quality flags, as Markdown."""
    rows = []
    for column in columns:
        found = () if column.quality is None else column.quality.flags
        flags = [] if column.aif is None else sentences((*found, *without_codes(column.aif.quality, found)))
        text = " ".join(part for part in (column.problem, column.why, *flags) if part)
        if text:
            rows.append(f"**{escape(column.option.label)}** · :small[{escape(text)}]")
    return "  \n".join(rows)


def _own_aifs(now: Workspace) -> Mapping[str, tuple[str, Aif]]:
    """Return the user's own AIFs of the case: the edit, then snapshots and files, each from the newest on."""
    found: dict[str, tuple[str, Aif]] = {}
    edited = live_session().edited_curve(now.curve_key)
    if edited is not None and edited.size == now.case.prepared.n_time:
        found[f"edited:{hash(edited.tobytes())}"] = ("Your edit", _aif(now, edited))
    for snapshot in reversed(tuple(user_state().snapshots)):
        curve = snapshot.view.curve
        if snapshot.view.case == now.case.name and curve is not None and curve.size == now.case.prepared.n_time:
            found[f"snapshot:{hash(curve.tobytes())}"] = (snapshot.name, _aif(now, curve))
    for method, aif in reversed(start_aif.known_aifs(now.case).items()):
        if method not in now.case.sources:
            found[f"own:{method}"] = (aif_label(aif), aif)
    return found


def _aif(now: Workspace, curve: Any) -> Aif:
    return Aif(now.case.prepared.time_s, curve, source_id="edited")


def _cache_of(option: AifOption, owner: str) -> ComparisonCache:
    """Return the cache of a column: private cases and AIFs are cached in their session."""
    if not (option.own or owner):
        return SHARED
    comparison = user_state().comparison
    if comparison.cache is None:
        comparison.cache = ComparisonCache(OWN_CACHE_BYTES)
    return comparison.cache


def _selected_keys(known: Mapping[str, AifOption], case: str) -> list[str]:
    """Draw the choice of AIFs, which is kept for each case over a change of page."""
    kept = user_state().comparison.keys
    mine = [key for key in known if known[key].own][:DEFAULT_OWN]
    methods = [key for key in known if key == "truth" or key in SELECTORS or is_network(key)] or list(known)
    first = list(dict.fromkeys((*methods[:1], *mine, *methods)))[:DEFAULT_COLUMNS]
    chosen = [key for key in kept.get(case, first) if key in known]
    name = widget_keys.compared_aifs(case)
    st.session_state[name] = chosen

    def keep() -> None:
        kept[case] = list(st.session_state[name])

    return st.multiselect(
        "AIFs; the others are compared with the first", list(known), key=name, on_change=keep,
        max_selections=MAX_COLUMNS, format_func=lambda key: known[key].label, placeholder="Choose AIFs",
    )  # fmt: skip


def _selected_maps(now: Workspace) -> tuple[list[str], int]:
    """Draw the choice of maps and slice."""
    left, right = st.columns(2, gap="medium", vertical_alignment="bottom")
    maps = left.pills(
        "Maps", list(compared_maps()), selection_mode="multi", default=["rcbf", "tmax"], key="compare_maps",
        format_func=lambda name: MAPS[name].label, label_visibility="collapsed",
    )  # fmt: skip
    n, z = now.case.n_slices, now.case.first_slice
    if n > 1:
        z = right.slider("Slice", 1, n, z + 1, key=f"compare_slice_{now.case.name}") - 1
    return [name for name in compared_maps() if name in maps], z


def _slots(n: int, maps: list[str]) -> list[list[Any]]:
    """Lay out a grid: headings, then for each map a colour bar, a row of maps and a row of differences."""
    grid = st.container(key="compare_grid")  # of one scroll box on a phone
    heads = [column.empty() for column in grid.columns(n, vertical_alignment="bottom")]
    slots: list[list[Any]] = [[head] for head in heads]
    for name in maps:
        of_map, of_difference = scale_bars(name)
        first, second = grid.columns(2)
        first.html(of_map)
        if n > 1:
            second.html(of_difference)
        for row in range(2 if n > 1 else 1):
            for place, column in enumerate(grid.columns(n)):
                if row == 0 or place:
                    slots[place].append(column.empty())
    st.caption(
        "Magenta: core; white, dashed: the known lesion. In differences: the column's core in magenta, the first "
        "column's in black, dashed; red is higher than the first column, blue lower."
    )
    return slots


def _pictures(
    column: Column, first: Column, here: Slice, names: list[str], now: Workspace
) -> list[tuple[bytes | None, str]]:
    """Return the pictures of a column with their descriptions: each map and its difference to the first column."""
    found: list[tuple[bytes | None, str]] = []
    for name in names if column.flow is not None else ():
        words = f"{MAPS[name].label}, {column.option.label}"
        found.append((map_picture(here, column, name, now.case.lesion), words))
        if column is not first:
            picture = None if first.flow is None else difference_picture(here, column, first, name)
            found.append((picture, f"{words} minus {first.option.label}"))
    return found


def _heading(column: Column) -> str:
    if column.problem:
        return f"  \n{escape(column.problem)}"
    core, dice = (METRICS[name].text(column.numbers[name]) for name in ("core_ml", "dice"))
    overlap = "" if column.numbers["dice"] is None else f"  \nDice {dice}"
    light = "" if column.quality is None else f"  \nAIF {light_markdown(column.quality)}"
    return f"  \ncore {core} ml{overlap}{light}"
