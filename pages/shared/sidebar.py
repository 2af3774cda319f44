"""The sidebar: case, start curve and settings; the same on every page, so they survive a page change."""

from __future__ import annotations

import streamlit as st

from pages.live.case import LiveCase
from pages.live.session import State
from pages.shared import server, state
from perfcore.errors import PerfcoreError
from perfcore.settings import DEFAULT_LAMBDA, PRESETS
from perfcore.types import Aif

NOTICE = "Research and teaching, not for clinical use"
_LAMBDA_HELP = {
    "tikhonov": "λ as a fraction of the largest singular value. Higher: less noise, more bias.",
    "tsvd": "Singular values below this fraction of the largest are dropped.",
    "oscillation": "Largest oscillation index allowed; the truncation is chosen per voxel.",
}


def _take_preset() -> None:
    for name, value in PRESETS[st.session_state["preset"]].as_dict().items():
        st.session_state[f"set_{name}"] = value


def _take_regularization() -> None:
    st.session_state["set_lambda_rel"] = DEFAULT_LAMBDA[st.session_state["set_regularization"]]


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
        kind = st.session_state["set_regularization"]
        top = {"tikhonov": 1.0, "tsvd": 0.6, "oscillation": 0.3}[kind]
        step = 0.005 if kind == "oscillation" else 0.01
        text = _LAMBDA_HELP[kind]
        st.slider("λ, relative", step, top, step=step, key="set_lambda_rel", help=text, format="%.3f")
        st.selectbox(
            "Regularisation", list(DEFAULT_LAMBDA), key="set_regularization", on_change=_take_regularization,
            format_func={"tikhonov": "Tikhonov", "tsvd": "truncated SVD", "oscillation": "oscillation index"}.get,
        )
        st.selectbox(
            "Deconvolution", ["circulant", "causal"], key="set_deconvolution",
            format_func={"circulant": "delay-invariant (circulant)", "causal": "causal"}.get,
        )
        with st.expander("Smoothing, thresholds"):
            st.slider("Smoothing in the plane, σ mm", 0.0, 6.0, step=0.25, key="set_spatial_sigma_mm")
            st.slider("Smoothing in time, σ s", 0.0, 4.0, step=0.25, key="set_temporal_sigma_s")
            st.slider("Core: rCBF below", 0.1, 0.6, step=0.01, key="set_core_threshold")
            st.slider("Hypoperfused: Tmax above, s", 2.0, 14.0, step=0.5, key="set_tmax_threshold_s")
            st.selectbox("Discretisation", ["volterra", "rectangular"], key="set_discretization")
            st.selectbox(
                "Healthy reference", ["contralateral", "brain"], key="set_reference",
                format_func={"contralateral": "contralateral hemisphere", "brain": "whole brain"}.get,
            )
        st.caption(f"{server.device_label()}{_preview(opened)}  \n{NOTICE}")
    return opened


def _preview(opened: State | None) -> str:
    """Say how exact what is seen during a drag is; at rest every map is exact."""
    if opened is None or opened.case.basis is None:
        return ""
    return f"  \nwhile dragging ±{100 * opened.case.basis_error:.2f} %, exact at rest"


def _start(case: LiveCase, now: Aif) -> None:
    known = state.start_curves(case)
    names = list(known)
    start = st.selectbox(
        "Start curve", names, index=names.index(now.method), key=f"start_{case.key}_{len(names)}",
        format_func=lambda name: state.source_label(known[name]),
        help="The curve that edits start from, drawn as the ghost.",
    )
    if start != now.method:
        st.session_state.setdefault("start", {})[case.name] = start
        st.rerun()
    with st.expander("Start curve from a file"):
        file = st.file_uploader(
            "CSV with columns time_s,value", type=["csv"], key=f"curve_{case.name}_{len(names)}",
            help="Enhancement in the units of the series; a time grid that covers the series is interpolated.",
        )
        if file is not None:
            try:
                state.bring_curve(case, file.getvalue())
            except PerfcoreError as error:
                st.error(f"This curve cannot be used: {error}")
            else:
                st.rerun()


def _case() -> State | None:
    known = state.entries()
    current = state.current_entry()
    keys = list(known)
    picked = st.selectbox(
        "Case", keys, index=keys.index(current.key), format_func=lambda key: known[key].title,
        help=current.note,
    )
    if picked != current.key:
        state.choose(known[picked])
        st.rerun()
    opened = state.open_current()
    if opened is not None:
        _start(opened.case, opened.start)
    return opened
