"""Maps of another package beside ours: pictures on one colour scale, the difference, and how well both agree."""

from __future__ import annotations

import html
from typing import Final

import streamlit as st

from pages.comparison.columns import Column
from pages.comparison.foreign_maps import (
    ZERO_IS_VALUE,
    ForeignMap,
    forget_other_cases,
    keep_foreign_map,
    map_kinds,
    read_foreign_map,
    remove_foreign_map,
)
from pages.comparison.map_images import (
    CORE,
    FIRST,
    HYPOPERFUSED,
    Outline,
    Slice,
    paint_difference,
    paint_map,
    scale_bars,
    values_of,
)
from pages.live.server.session import Workspace
from pages.server.streamlit_internals import delete_uploaded_files
from pages.session import case_selection
from pages.session.state import user_state
from pages.ui.escape import escape
from perfcore.analysis.map_agreement import LesionAgreement, MapAgreement, lesion_agreement, map_agreement
from perfcore.errors import PerfcoreError
from perfcore.map_info import MAPS
from perfcore.types import FloatArray

OTHER: Final = "Other package"
_LEFT: Final = "text-align:left;font-weight:400;padding:2px 8px 2px 0;border-top:1px solid #8885"
_RIGHT: Final = "text-align:right;padding:2px 0;border-top:1px solid #8885;font-variant-numeric:tabular-nums"
COLOURS: Final = {"core": CORE, "hypoperfused": HYPOPERFUSED}
HELP: Final = (
    "One volume without time, as a scanner or another package exports it, of the same patient in the same "
    "coordinates. It is brought onto the grid of the series through its affine. It stays in this session: it is "
    "never stored, and is in no link."
)


def show_foreign_maps(now: Workspace, first: Column, here: Slice, z: int) -> None:
    """Draw the maps of another package for the current case, and the form that adds one.

    Parameters
    ----------
    now
        The case and its settings.
    first
        The first column, whose maps are ours.
    here, z
        The slice that is shown, and its index.
    """
    state, case = user_state().comparison, now.case.name
    forget_other_cases(state, case_selection.entries())
    maps = state.foreign.get(case, [])
    if maps:
        st.markdown(f"##### Maps of another package beside ours with **{escape(first.option.label)}**")
    for found in maps:
        _show_map(now, first, found, here, z)
    if maps:
        st.caption(
            "Magenta: core; green: Tmax above its threshold. In differences (other package minus ours) its lesion "
            "has the same colour, ours is black and dashed; red is higher than ours, blue lower."
        )
    _show_form(now)


def _show_map(now: Workspace, first: Column, found: ForeignMap, here: Slice, z: int) -> None:
    case, settings, kind = now.case, now.settings, found.kind
    info = MAPS[kind]
    of_map, of_difference = scale_bars(kind)
    left, right = st.columns([2, 2.45], gap="small")
    left.html(of_map)
    right.html(of_difference.replace("below: difference", "difference"))
    at = st.columns([1, 1, 1, 1.45], gap="small")
    theirs = found.in_slice_order(case)
    problem, agreement, lesion, ours = first.problem, None, None, None
    if first.flow is not None:
        ours = values_of(first, kind)
        reference = case.reference.numpy()
        try:
            agreement = map_agreement(theirs, ours)
            lesion = lesion_agreement(
                kind, theirs, ours, reference=reference, settings=settings, voxel_ml=case.prepared.voxel_ml
            )
        except PerfcoreError as error:
            problem = str(error)
    pictures = _pictures(here, kind, theirs, ours, lesion)
    titles = (escape(first.option.label), OTHER, "Difference")
    for slot, title, picture in zip(at, titles, pictures, strict=False):
        slot.markdown(f"**{title}**")
        if picture is not None:
            slot.image(picture, width="stretch", alt=f"{info.label}, {title}, slice {z + 1}")
    with at[3]:
        if problem:
            st.warning(problem)
        if agreement is not None:
            st.html(_table(now, kind, agreement, lesion))
        for note in found.notes:
            st.caption(note)
        st.button(
            f"Remove {info.label}", key=f"remove_foreign_{kind}", on_click=remove_foreign_map,
            args=(user_state().comparison, case.name, kind), type="tertiary",
        )  # fmt: skip


def _pictures(
    here: Slice, kind: str, theirs: FloatArray, ours: FloatArray | None, lesion: LesionAgreement | None
) -> list[bytes | None]:
    """Return the pictures of ours, of theirs and of the difference."""
    if ours is None:
        return [None, paint_map(here, theirs, kind, []), None]
    one: list[Outline] = []
    other: list[Outline] = []
    if lesion is not None:
        one, other = [(lesion.ours, COLOURS[lesion.kind], False)], [(lesion.theirs, COLOURS[lesion.kind], False)]
    both = [*other, *((region, FIRST, True) for region, _, _ in one)]
    return [
        paint_map(here, ours, kind, one),
        paint_map(here, theirs, kind, other),
        paint_difference(here, theirs - ours, kind, both),
    ]


def _table(now: Workspace, kind: str, agreement: MapAgreement, lesion: LesionAgreement | None) -> str:
    """Return the figures of an agreement as an HTML table."""
    info = MAPS[kind]
    part = 100 * agreement.n_voxels / now.case.prepared.n_voxels
    unit = f" {info.unit}" if info.unit and kind != "rcbf" else ""

    def signed(value: float) -> str:
        return f"{value:+.{info.digits + 1}f}".replace("-", "−")

    rows = [
        ("Mean difference", f"{signed(agreement.bias)}{unit}"),
        ("95 % of the voxels", f"{signed(agreement.low)} to {signed(agreement.high)}"),
        ("Correlation r", "–" if agreement.r is None else f"{agreement.r:.3f}".replace("-", "−")),
        ("Voxels in both", f"{agreement.n_voxels:,} ({part:.0f} %)"),
    ]
    if lesion is not None:
        core, late = now.settings.core_threshold, now.settings.tmax_threshold_s
        name = f"Core, rCBF < {core:g}" if lesion.kind == "core" else f"Tmax > {late:g} s"
        rows += [
            (f"{name}: ours", f"{lesion.ours_ml:.1f} ml"),
            (f"{name}: other", f"{lesion.theirs_ml:.1f} ml"),
            ("Dice of the two", "–" if lesion.dice is None else f"{lesion.dice:.3f}"),
        ]
    cells = "".join(
        f'<tr><th scope="row" style="{_LEFT}">{html.escape(name)}</th><td style="{_RIGHT}">{value}</td></tr>'
        for name, value in rows
    )
    return f'<table style="width:100%;border-collapse:collapse;font-size:.85rem">{cells}</table>'


def _show_form(now: Workspace) -> None:
    """Draw the form that adds a map."""
    state = user_state().comparison
    with st.expander(
        "Add a map of another package (NIfTI)", icon=":material/add_photo_alternate:", key="foreign_form"
    ):
        if state.foreign_problem:
            st.error(f"This map cannot be used: {state.foreign_problem}")
            state.foreign_problem = ""
        st.caption(HELP)
        left, middle, right, last = st.columns([2.6, 1.5, 1.1, 1], vertical_alignment="bottom")
        file = left.file_uploader("Map", type=["nii", "gz"], key=f"foreign_file_{state.n_foreign_added}")
        kind = middle.selectbox(
            "It is a map of",
            map_kinds(),
            index=map_kinds().index("tmax"),
            key="foreign_kind",
            format_func=_kind_label,
        )
        factor = right.number_input(
            "Factor",
            1e-6,
            1e6,
            1.0,
            format="%g",
            key="foreign_factor",
            help="Its values times this have that unit.",
        )
        zero = middle.checkbox(
            "0 is a value", kind in ZERO_IS_VALUE, key=f"foreign_zero_{kind}",
            help="Off: 0 stands where the package has no value, as outside its brain mask.",
        )  # fmt: skip
        pressed = last.button("Add", type="primary", key="foreign_add", width="stretch")
    if not pressed:
        return
    if file is None:
        state.foreign_problem = "choose a NIfTI file first."
    else:
        content = file.getvalue()
        delete_uploaded_files([file.file_id])
        state.n_foreign_added += 1
        try:
            with st.spinner("Reading the map …", show_time=False):
                found = read_foreign_map(content, kind, now.case, factor=factor, zero_is_value=zero)
                keep_foreign_map(state, now.case.name, found)
        except PerfcoreError as error:
            state.foreign_problem = str(error)
    st.rerun()


def _kind_label(kind: str) -> str:
    info = MAPS[kind]
    return f"{info.label}, {info.unit}" if info.unit else info.label
