"""The sidebar: case and settings; the same on every page, so they survive a page change."""

from __future__ import annotations

import streamlit as st

from pages.live.compute.preview_grid import LARGEST_ERROR
from pages.live.server.session import State
from pages.server import config
from pages.session import setting_ranges, state
from perfcore.regularization import REGULARIZATIONS
from perfcore.settings import PRESETS

NOTICE = "Research and teaching, not for clinical use"


def _take_preset() -> None:
    for name, value in PRESETS[st.session_state["preset"]].as_dict().items():
        st.session_state[f"set_{name}"] = value


def _take_regularization() -> None:
    info = REGULARIZATIONS[st.session_state["set_regularization"]]
    st.session_state["set_lambda_rel"] = info.default_lambda


def _span(label: str, name: str) -> None:
    low, high, step = setting_ranges.SPANS[name]
    st.slider(label, low, high, step=step, key=f"set_{name}")


def sidebar() -> State | None:
    """Draw the sidebar and open the case; every widget writes the session state that `state.settings` reads.

    Returns None where the case cannot be opened; the reason stands in the sidebar.
    """
    if "set_lambda_rel" not in st.session_state:
        st.session_state["preset"] = "paper"
        _take_preset()
    for key in [k for k in st.session_state if str(k).startswith("set_")] + ["preset"]:
        st.session_state[key] = st.session_state[key]  # a widget's value outlives a page without it
    with st.sidebar:
        if problem := state.folder_problem():
            st.warning(problem)
        opened = _case()
        st.selectbox("Preset", list(PRESETS), key="preset", on_change=_take_preset)
        info = REGULARIZATIONS[st.session_state["set_regularization"]]
        low, high, step = info.slider
        st.slider("λ, relative", low, high, step=step, key="set_lambda_rel", help=info.help, format="%.3f")
        st.selectbox(
            "Regularisation",
            list(REGULARIZATIONS),
            key="set_regularization",
            on_change=_take_regularization,
            format_func=lambda name: REGULARIZATIONS[name].label,
        )
        st.selectbox(
            "Deconvolution",
            ["circulant", "causal"],
            key="set_deconvolution",
            format_func={"circulant": "delay-invariant (circulant)", "causal": "causal"}.get,
        )
        with st.expander("Smoothing, thresholds"):
            st.selectbox(
                "Realignment of frames",
                ["off", "in-plane", "rigid"],
                key="set_motion",
                format_func={"off": "none", "in-plane": "in the plane", "rigid": "in space (slower)"}.get,
            )
            _span("Smoothing in the plane, σ mm", "spatial_sigma_mm")
            _span("Smoothing in time, σ s", "temporal_sigma_s")
            _span("Core: rCBF below", "core_threshold")
            _span("Hypoperfused: Tmax above, s", "tmax_threshold_s")
            st.selectbox("Discretisation", ["volterra", "rectangular"], key="set_discretization")
            st.selectbox(
                "Healthy reference",
                ["contralateral", "brain"],
                key="set_reference",
                format_func={"contralateral": "contralateral hemisphere", "brain": "whole brain"}.get,
            )
        st.caption(f"{config.device_label()}{_preview(opened)}  \n{NOTICE}")
    return opened


def _preview(opened: State | None) -> str:
    """Say how exact what is seen during a drag is; at rest every map is exact."""
    if opened is None or opened.case.basis is None:
        return ""
    every = opened.case.basis_error
    coarse = max(every, opened.case.coarse_error) if opened.case.coarse_error <= LARGEST_ERROR else every
    return f"  \nwhile dragging ±{100 * every:.2f} % (all slices ±{100 * coarse:.1f} %), exact at rest"


def _case() -> State | None:
    known = state.entries()
    current = state.current_entry()
    st.session_state["picked_case"] = current.key

    def choose() -> None:  # as a call-back: a second run of the page would cost a tenth of a second
        state.choose(known[st.session_state["picked_case"]])

    st.selectbox(
        "Case",
        list(known),
        key="picked_case",
        on_change=choose,
        format_func=lambda key: known[key].title,
        help=current.note,
    )
    return state.open_current()
