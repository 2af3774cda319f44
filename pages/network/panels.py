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
from pages.session.state import user_state
from pages.ui.aif_light import light_sentence
from pages.ui.documents import demote_headings
from perfcore.aif.network.inference import predict_aif, voxel_attention
from perfcore.aif.network.weights import MODELS, load_network
from perfcore.aif.sources import source_label
from perfcore.display.colours import LUTS
from perfcore.errors import PerfcoreError
from perfcore.metrics import METRICS, RELEASED
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


_COMMENT: Final = re.compile(r"<!--.*?-->\n?", re.DOTALL)
_RELATIVE: Final = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]+\)")


def show_architecture() -> None:
    """Draw the layers of both networks."""
    theme = st.context.theme.type or "dark"
    for kind, words in DESCRIPTIONS.items():
        st.markdown(f"{words} {n_parameters(kind):,} weights.")
        st.image(drawing(kind, theme), width="content", alt=f"The layers of the {kind} network, with their shapes")
    st.caption(
        "Shapes are channels × x × y × slices for a series of 8 slices; a curve has 64 frames of 1 s, the plane "
        "48 × 48 cells of 4 mm. ReLU and dropout follow each convolution. *Context* is computed from the mean of "
        "the whole slab and added to every cell: arrival times are early or late only relative to the tissue."
    )


def show_metrics(manifest: dict[str, Any]) -> None:
    """Draw the table of the manifest: training and metrics on unseen cases of each network."""
    rows = [
        {
            "Network": name + (" (best)" if name == manifest["best"] else ""),
            "Loss": entry["loss"],
            **{METRICS[key].long_title: entry.get("evaluated", {}).get(key) for key in RELEASED},
            "Cases": entry.get("n_cases"),
            "Weights, SHA-256": entry["sha256"],
            "Training": f"{entry.get('data', '')}; {entry.get('command', '')}; commit {entry.get('commit', '')}",
        }
        for name, entry in manifest["networks"].items()
    ]
    infos = [METRICS[key] for key in RELEASED]
    formats = {info.long_title: st.column_config.NumberColumn(format=f"%.{info.digits}f") for info in infos}
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, width="stretch", column_config=formats, placeholder="–",
        alt="Metrics of each network",
    )  # fmt: skip
    st.caption("Means over patients that no network has seen in training.")


def show_learning(name: str) -> None:
    """Draw the loss of a network by epoch, and the metrics of its training seeds."""
    picture = MODELS / f"{name}.png"
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.markdown("**Learning**")
        if picture.exists():
            st.image(picture.read_bytes(), width="stretch", alt=f"Loss by epoch of {source_label(name)}")
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
        st.dataframe(
            rows[rows["network"] == name][["seed", *titles]].rename(columns=titles),
            hide_index=True, width="stretch", alt=f"Metrics of the training seeds of {source_label(name)}",
        )  # fmt: skip
        st.caption("The weights of seed 0 are shipped, whatever their figures.")


def show_card() -> None:
    """Draw the model card; links to files of the repository become plain text."""
    card = MODELS / "README.md"
    if card.exists():
        text = _COMMENT.sub("", card.read_text(encoding="utf-8"))
        st.markdown(demote_headings(_RELATIVE.sub(r"\1", text), 2))


def show_application(now: Workspace, name: str) -> None:
    """Draw the result of a network on the current case, computed on request, with its computing time."""
    user = user_state()
    if st.button("Find the AIF of this case", type="primary", icon=":material/neurology:"):
        user.network_result = _apply(now.case, name)
    result = user.network_result
    if result is None or (result.case_key, result.network) != (now.case.key, name):
        return
    if result.aif is None:
        st.warning(result.problem)
        return
    weights = result.weights
    left, right = (st.container(), st.container()) if weights is None else st.columns([5, 4], gap="large")
    with left:
        st.markdown(f"**{result.seconds:.2f} s.** {result.why}")
        quality = now.case.aif_quality(result.aif, now.settings)
        st.markdown(light_sentence(quality))
        others = [(m, source_label(m), now.case.sources[m]) for m in ("truth", "straka") if m in now.case.sources]
        same_area = st.toggle("Same area", key="model_area")
        unit = now.case.prepared.enhancement_unit
        figure = charts.curves([*others, (name, source_label(name), result.aif)], same_area=same_area, unit=unit)
        st.plotly_chart(figure, width="stretch", key="model_curve", alt="AIF of the network beside others")
        for flag in without_codes(result.aif.quality, quality.flags):
            st.caption(f"⚠ {flag.sentence}")
    with right:
        if weights is None:
            st.caption(
                "This network corrects a weighted mean; the weights of voxels are those of the weighting network."
            )
        else:
            _show_weights(now.case, weights)


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
    per_slice = weights.sum((0, 1))
    best, n = int(per_slice.argmax()), case.n_slices
    z = best if n == 1 else st.slider("Slice", 1, n, best + 1, key=f"model_slice_{case.name}") - 1
    st.image(overlay(case, weights, z), width="stretch", alt=f"Weights of the voxels over the CT, slice {z + 1}")
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
