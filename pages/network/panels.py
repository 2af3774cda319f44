"""Panels of the Model page: layers, metrics, learning curves, and a network applied to the current case."""

from __future__ import annotations

import io
import re
import time
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from pages.comparison import charts
from pages.comparison.map_images import SCALE, Slice, bar
from pages.live.compute.case import LiveCase
from pages.live.server.session import Workspace
from pages.network.architecture import drawing, n_parameters
from pages.session.start_aif import select_start_aif
from pages.session.state import user_state
from pages.ui.aif_light import light_sentence
from pages.ui.documents import demote_headings
from perfcore.aif.network.inference import predict_aif, voxel_attention
from perfcore.aif.network.weights import MODELS, learning_file, load_network
from perfcore.aif.select import SELECTORS
from perfcore.aif.sources import KNOWN, source_label
from perfcore.display.colours import LUTS
from perfcore.errors import PerfcoreError
from perfcore.metric_info import METRICS, RELEASED
from perfcore.quality_flags import without_codes
from perfcore.training.choice import CHOICE_FILE, CHOICE_METRICS
from perfcore.types import Aif, FloatArray

DESCRIPTIONS: Final = {
    "weighting": "**Weighting**: computes a weighted mean of the measured curves of this patient.",
    "regression": "**Regression**: computes a correction of the weighted mean.",
}
NO_WEIGHTS: Final = (
    "No trained networks are installed: `models/MANIFEST.json` is missing. Their layers are drawn below; "
    "`python -m perfcore train --help` explains the training."
)


@dataclass(frozen=True, eq=False)
class NetworkResult:
    """Result of a network on a case.

    Attributes
    ----------
    case_key, network
        Key of the prepared case, name of the network.
    aif, why, seconds
        The AIF (None if none was found), the reason for it, and the computing time.
    weights
        Weight of each voxel, shape of the grid, sum 1; None for a network without weights.
    problem
        Why there is no AIF.
    """

    case_key: str
    network: str
    aif: Aif | None = None
    why: str = ""
    seconds: float = 0.0
    weights: FloatArray | None = None
    problem: str = ""


# As a component the drawing has the font of the app; an image of it has that of the system.
_drawing = st.components.v2.component(
    "network_drawing",
    html='<div role="img"></div>',
    css="div { overflow-x: auto; font-family: var(--st-font, system-ui, sans-serif); }",
    js="""
export default function ({ parentElement, data }) {
  const box = parentElement.querySelector("[role=img]");
  box.setAttribute("aria-label", data.alt);
  box.replaceChildren(new DOMParser().parseFromString(data.svg, "image/svg+xml").documentElement);
}
""",
)
OVERLAY_PX: Final = 300
"""Width of a slice, so that the first view fits into the window."""
_COMMENT: Final = re.compile(r"<!--.*?-->\n?", re.DOTALL)
_RELATIVE: Final = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]+\)")


def show_architecture() -> None:
    """Draw the layers of both networks."""
    theme = st.context.theme.type or "dark"
    for kind, words in DESCRIPTIONS.items():
        st.markdown(f"{words} {n_parameters(kind):,} weights.")
        alt = f"The layers of the {kind} network, with their shapes"
        _drawing(key=f"network_drawing_{kind}", data={"svg": drawing(kind, theme), "alt": alt})
    st.caption(
        "Shapes are channels × x × y × slices for a series of 8 slices; a curve has 64 frames of 1 s, the plane "
        "48 × 48 cells of 4 mm. ReLU and dropout follow each convolution. *Context* is computed from the mean of "
        "the whole slab and added to every cell: arrival times are early or late only relative to the tissue."
    )


def show_metrics(manifest: dict[str, Any]) -> None:
    """Draw the table of the manifest: metrics of each network on unseen cases, and how it was trained."""
    networks = manifest["networks"]
    titles = {name: source_label(name) + (" (best)" if name == manifest["best"] else "") for name in networks}
    rows = [
        {
            "Metric": METRICS[key].long_title,
            **{titles[name]: METRICS[key].text(networks[name].get("evaluated", {}).get(key)) for name in networks},
        }
        for key in RELEASED
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", alt="Metrics of each network")
    st.caption("Means over patients that no network has seen in training.")
    with st.expander("How each network was trained, and the checksum of its weights"):
        for name, entry in networks.items():
            loss = f"{entry.get('n_cases', '–')} cases, loss {entry['loss']}, commit {entry.get('commit', '–')}"
            st.markdown(f"**{source_label(name)}**: {loss}")
            made = f"{entry.get('data', '')}\n{entry.get('command', '')}\n\nSHA-256 {entry['sha256']}"
            st.code(made, language=None, wrap_lines=True)


def show_learning(name: str) -> None:
    """Draw the loss of a network by epoch, and the metrics of its training seeds."""
    log = MODELS / learning_file(name)
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.markdown("**Loss by epoch**")
        if log.exists():
            figure = charts.learning(pd.read_csv(log), name)
            st.plotly_chart(figure, width="stretch", key="model_learning", alt=f"Loss of {source_label(name)}")
        else:
            st.caption("The learning curves of this network are not installed.")
    with right:
        st.markdown("**Training seeds, on the cases that chose the best network**")
        choice = MODELS / "evaluation" / CHOICE_FILE
        if not choice.exists():
            st.caption("The figures of the training seeds are not installed.")
            return
        rows = pd.read_csv(choice)
        titles = {key: METRICS[key].label for key in (*CHOICE_METRICS, "aif_r")}
        formats = {
            titles[key]: st.column_config.NumberColumn(format=f"%.{METRICS[key].digits}f") for key in titles
        }
        st.dataframe(
            rows[rows["network"] == name][["seed", *titles]].rename(columns={"seed": "Seed", **titles}),
            hide_index=True, width="stretch", alt=f"Metrics of the training seeds of {source_label(name)}",
            column_config=formats,
        )  # fmt: skip
        st.caption("The weights of seed 0 are shipped, whatever their figures.")


def show_card() -> None:
    """Draw the model card; links to files of the repository become plain text."""
    card = MODELS / "README.md"
    if card.exists():
        text = _COMMENT.sub("", card.read_text(encoding="utf-8"))
        st.markdown(demote_headings(_RELATIVE.sub(r"\1", text), 2))


def show_application(now: Workspace, name: str) -> None:
    """Draw the AIF of a network on the current case beside others, and where it looked."""
    left, right = st.columns([5, 4], gap="large")
    known = [(m, source_label(m), aif) for m, aif in now.case.sources.items() if m in KNOWN or m in SELECTORS]
    with left:
        chart = st.empty()
    _draw_curves(chart, now, known)
    with right:
        result = _result(now.case, name)
    if result.aif is None:
        right.warning(result.problem)
        return
    _draw_curves(chart, now, [*known, (name, source_label(name), result.aif)])
    with left:
        st.toggle("Same area", key="model_area", help="Scales each curve to area 1: shape and delay remain.")
        st.markdown(f"{result.why} Computed in {result.seconds:.2f} s.")
        quality = now.case.aif_quality(result.aif, now.settings)
        st.markdown(light_sentence(quality))
        for flag in without_codes(result.aif.quality, quality.flags):
            st.caption(f"⚠ {flag.sentence}")
        if st.button("Edit this curve in the Lab", icon=":material/show_chart:", key="model_to_lab"):
            select_start_aif(now.case, name)
            st.switch_page("pages/lab.py")
    with right:
        if result.weights is not None:
            _show_weights(now.case, result.weights)
            if not name.startswith("cnn-weighting"):
                st.caption("Of the weighted mean; the correction on top of it is drawn from the whole slab.")


def _draw_curves(slot: Any, now: Workspace, curves: list[tuple[str, str, Aif]]) -> None:
    same_area = bool(st.session_state.get("model_area", False))
    figure = charts.curves(curves, same_area=same_area, unit=now.case.prepared.enhancement_unit)
    key = f"model_curve_{len(curves)}"
    slot.plotly_chart(figure, width="stretch", key=key, alt="AIF of the network beside others")


def _result(case: LiveCase, name: str) -> NetworkResult:
    """Return the result of a network on a case; those of the open case are kept."""
    results = user_state().network_results
    for other, result in list(results.items()):
        if result.case_key != case.key:
            del results[other]
    if name not in results:
        with st.spinner("The network looks at the series …", show_time=False):
            results[name] = _apply(case, name)
    return results[name]


def _apply(case: LiveCase, name: str) -> NetworkResult:
    try:
        network = load_network(name)
        start = time.perf_counter()
        selection = predict_aif(case.prepared, network)
        seconds = time.perf_counter() - start
        weights = voxel_attention(case.prepared, network)
    except PerfcoreError as error:
        return NetworkResult(case.key, name, problem=str(error))
    return NetworkResult(case.key, name, selection.aif, selection.why, seconds, weights)


def _show_weights(case: LiveCase, weights: FloatArray) -> None:
    st.markdown("**Where the network looked**")
    per_slice = weights.sum((0, 1))
    best, n = int(per_slice.argmax()), case.n_slices
    z = best if n == 1 else st.slider("Slice", 1, n, best + 1, key=f"model_slice_{case.name}") - 1
    st.image(overlay(case, weights, z), width=OVERLAY_PX, alt=f"Weights of the voxels over the CT, slice {z + 1}")
    share = 100 * float(per_slice[z])
    st.html(bar(LUTS["inferno"], "0", f"{100 * float(weights.max()):.2g} %", "<b>Weight</b> of a voxel"))
    st.caption(f"{share:.0f} % of the weight lies in this slice.")


def overlay(case: LiveCase, weights: FloatArray, z: int) -> bytes:
    """Return the weights of one slice over the CT as PNG; the colour scale ends at the largest weight.

    Parameters
    ----------
    case
        The case.
    weights
        Weight of each voxel, shape of the grid, sum 1.
    z
        The slice, from 0.
    """
    here = Slice.of(case, z)
    weight = np.ascontiguousarray(case.layout.apply(weights[:, :, z]))[here.box]
    level = np.clip(weight / max(float(weights.max()), 1e-30), 0, 1)
    colours = LUTS["inferno"].reshape(256, 3)[(255 * level).astype(int)].astype(np.float32)
    strength = np.sqrt(level)[..., None]  # a weight of 1 % of the largest is visible
    mixed = (1 - strength) * here.head[here.box] + strength * colours
    large = mixed.round().astype(np.uint8).repeat(SCALE, 0).repeat(SCALE, 1)
    out = io.BytesIO()
    Image.fromarray(large).save(out, "PNG")
    return out.getvalue()
