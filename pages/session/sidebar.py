"""Sidebar: case and settings, drawn on every page."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

import streamlit as st

from pages.live.server.session import Workspace
from pages.server import config
from pages.session import case_selection, setting_ranges, widget_keys
from pages.session.state import user_state
from perfcore.errors import PerfcoreError
from perfcore.pipeline import shift_flags
from perfcore.regularization import REGULARIZATIONS
from perfcore.settings import CHOICES, PRESETS, SETTING_HELP

NOTICE: Final = "Research and teaching, not for clinical use"


def sidebar() -> Workspace | None:
    """Draw the sidebar and open the selected case.

    Returns
    -------
    Workspace or None
        The opened case with its settings; None if it cannot be opened (the sidebar then shows the error).
    """
    _write_widgets()
    with st.sidebar:
        if problem := case_selection.folder_problem():
            st.warning(problem)
        opened = _case()
        st.selectbox("Preset", list(PRESETS), key=widget_keys.PRESET, on_change=_read_preset, help=_PRESET_HELP)
        info = REGULARIZATIONS[user_state().settings.values.regularization]
        low, high, step = info.slider
        st.slider("λ, relative", low, high, step=step, help=info.help, format="%.3f", **_bound_to("lambda_rel"))
        st.selectbox(
            "Regularisation",
            list(REGULARIZATIONS),
            format_func=lambda name: REGULARIZATIONS[name].label,
            **_bound_to("regularization"),
        )
        _choice("Deconvolution", "deconvolution")
        with st.expander("Smoothing, thresholds"):
            _details(opened)
        st.caption(f"{config.device_label()}  \n{NOTICE}")
    return opened


_PRESET_HELP: Final = (
    "All settings at once. paper: as in de la Rosa et al. 2021. vendor: a truncated SVD, less smoothing, "
    "and a core below 30 %."
)


def _details(opened: Workspace | None) -> None:
    _choice("Motion correction", "motion")
    _slider("Smoothing in the plane, σ mm", "spatial_sigma_mm")
    _slider("Smoothing in time, σ s", "temporal_sigma_s")
    _slider("Core: rCBF below", "core_threshold")
    _slider("Hypoperfused: Tmax above, s", "tmax_threshold_s")
    _choice("Tmax counted from", "tmax_reference")
    _shift_of_tmax(opened)
    _choice("Discretisation", "discretization")
    _choice("Healthy reference", "reference")


def _shift_of_tmax(opened: Workspace | None) -> None:
    """Show by how much Tmax of the start AIF is shifted to healthy tissue; as a warning where that is much."""
    if opened is None or opened.settings.tmax_reference == "absolute":
        return
    with suppress(PerfcoreError):  # a curve that explains no tissue; the page says so
        shift_s = opened.case.tmax_shift_s(opened.start.value, opened.settings)
        for flag in shift_flags(shift_s):
            st.warning(flag.sentence)
            return
        st.caption(f"start AIF: Tmax shifted by {shift_s:+.1f} s".replace("-", "−"))


def _choice(label: str, name: str) -> None:
    labels = CHOICES[name]
    st.selectbox(label, list(labels), format_func=lambda value: labels[value], **_bound_to(name))


def _slider(label: str, name: str) -> None:
    low, high, step = setting_ranges.SLIDER_RANGES[name]
    st.slider(label, low, high, step=step, **_bound_to(name))


def _bound_to(name: str) -> dict[str, Any]:
    """Return the widget parameters that bind a widget to a setting."""
    bound = {"key": widget_keys.setting(name), "on_change": _read_setting, "args": (name,)}
    return bound | {"help": SETTING_HELP[name]} if name in SETTING_HELP else bound


def _write_widgets() -> None:
    """Set the widgets from the user's settings, which other pages, links and lessons change as well."""
    chosen = user_state().settings
    st.session_state[widget_keys.PRESET] = chosen.preset
    for name, value in chosen.values.as_dict().items():
        st.session_state[widget_keys.setting(name)] = value


def _read_setting(name: str) -> None:
    """Store a changed widget's value in the settings; another regularisation sets its default λ."""
    chosen = user_state().settings
    chosen.values = chosen.values.replace(**{name: st.session_state[widget_keys.setting(name)]})


def _read_preset() -> None:
    preset = st.session_state[widget_keys.PRESET]
    user_state().settings.apply(preset, PRESETS[preset])


def _case() -> Workspace | None:
    known = case_selection.entries()
    current = case_selection.current_entry()
    lost = case_selection.lost_upload()
    st.session_state[widget_keys.CASE] = current.key if lost is None else None

    def select() -> None:  # as a call-back: a second run of the page would take another 100 ms
        case_selection.select_entry(known[st.session_state[widget_keys.CASE]])

    st.selectbox(
        "Case",
        list(known),
        index=None if lost else 0,
        placeholder="" if lost is None else f"Upload {lost.number}: choose its file again",
        key=widget_keys.CASE,
        on_change=select,
        format_func=lambda key: known[key].title,
        help=current.note,
    )
    return case_selection.open_current() if lost is None else None
