"""The parts of the page about the networks: layers, figures, curves, and one at work on the current case."""

from __future__ import annotations

import io
import re
import time
from typing import Any, Final

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from pages.comparison import charts
from pages.comparison.evaluation_results import Results
from pages.comparison.map_images import SCALE, Slice, bar
from pages.live.component import LUTS
from pages.live.compute.case import LiveCase
from pages.live.server.session import State
from pages.network.architecture import drawing, n_parameters
from pages.ui.documents import demoted
from perfcore.aif.network.inference import predict_aif, voxel_attention
from perfcore.aif.network.weights import MODELS, load_network
from perfcore.aif.sources import source_label
from perfcore.errors import PerfcoreError
from perfcore.training.release import COLUMNS
from perfcore.types import FloatArray

WHAT: Final = {
    "regression": "**Regression**: draws the curve itself, added to a typical artery's gamma variate.",
    "weighting": "**Weighting**: weighs the measured curves, so that the result is always one of this patient's.",
}
NO_WEIGHTS: Final = (
    "There are no trained networks here: `models/MANIFEST.json` is missing. What they are is drawn below; "
    "`python -m perfcore train --help` says how to train them."
)
_COMMENT: Final = re.compile(r"<!--.*?-->\n?", re.DOTALL)
_RELATIVE: Final = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]+\)")


def show_architecture() -> None:
    """Draw both networks from their modules."""
    theme = st.context.theme.type or "dark"
    for kind, words in WHAT.items():
        st.markdown(f"{words} {n_parameters(kind):,} weights.")
        st.image(drawing(kind, theme), width="content", alt=f"The layers of the {kind} network, with their shapes")
    st.caption(
        "Shapes are channels × x × y × slices for a series of 8 slices; a curve has 64 frames of 1 s, the plane "
        "48 × 48 cells of 4 mm. ReLU and dropout follow each convolution. What *context* makes "
        "of the whole slab's mean is added to every cell: early and late mean something only against the tissue."
    )


def show_figures(manifest: dict[str, Any]) -> None:
    """Show what the manifest says: how each network was made, and what it is worth."""
    rows = [
        {
            "Network": name + (" (best)" if name == manifest["best"] else ""),
            "Loss": entry["loss"],
            **{title: entry.get("cross_validated", {}).get(key) for key, title, _ in COLUMNS},
            "Cases": entry.get("n_cases"),
            "Weights, SHA-256": entry["sha256"],
            "Made by": f"{entry.get('data', '')}; {entry.get('command', '')}; commit {entry.get('commit', '')}",
        }
        for name, entry in manifest["networks"].items()
    ]
    formats = {title: st.column_config.NumberColumn(format=f"%.{digits}f") for _, title, digits in COLUMNS}
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, width="stretch", column_config=formats, placeholder="–",
        alt="Figures of each network",
    )  # fmt: skip
    st.caption("Means over cases that the network had not seen: five folds by patient.")


def show_learning(name: str, evaluation: Results | None) -> None:
    """Show a network's loss over the epochs, and how its folds did."""
    picture = MODELS / f"{name}.png"
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.markdown("**Learning**")
        if picture.exists():
            st.image(
                picture.read_bytes(), width="stretch", alt=f"Loss by epoch of {source_label(name)}, each fold"
            )
        else:
            st.caption("Its learning curves are not here.")
    with right:
        st.markdown("**Cross-validation**")
        rows = None if evaluation is None else evaluation.rows
        if rows is None or not (rows["method"].eq(name) & rows["fold"].notna()).any():
            st.caption("There is no evaluation of its folds here.")
            return
        st.plotly_chart(
            charts.folds(rows, [name], "dice"), width="stretch", key="model_folds", alt="Core Dice of each fold"
        )


def show_card() -> None:
    """Render the model card; links within the repository lead nowhere in the browser and become words."""
    card = MODELS / "README.md"
    if card.exists():
        text = _COMMENT.sub("", card.read_text(encoding="utf-8"))
        st.markdown(demoted(_RELATIVE.sub(r"\1", text), 2))


def show_at_work(now: State, name: str) -> None:
    """Let a network find the current case's curve, and say how long that took."""
    if st.button("Find the curve of this case", type="primary", icon=":material/neurology:"):
        st.session_state["model_found"] = (now.case.key, name, _find(now.case, name))
    key, of, found = st.session_state.get("model_found", ("", "", {}))
    if (key, of) != (now.case.key, name):
        return
    if "problem" in found:
        st.warning(found["problem"])
        return
    aif = found["aif"]
    looked = found["looked"]
    left, right = (st.container(), st.container()) if looked is None else st.columns([5, 4], gap="large")
    with left:
        st.markdown(f"**{found['seconds']:.2f} s.** {found['why']}")
        others = [(m, source_label(m), now.case.sources[m]) for m in ("truth", "straka") if m in now.case.sources]
        same_area = st.toggle("Same area", key="model_area")
        figure = charts.curves([*others, (name, source_label(name), aif)], same_area=same_area)
        st.plotly_chart(figure, width="stretch", key="model_curve", alt="The network's curve beside others")
        for sentence in aif.quality:
            st.caption(f"⚠ {sentence}")
    with right:
        if looked is None:
            st.caption("This network draws its curve; only the weighting network looks at single voxels.")
        else:
            _show_looked(now.case, looked)


def _find(case: LiveCase, name: str) -> dict[str, Any]:
    try:
        network = load_network(name)
        start = time.perf_counter()
        selection = predict_aif(case.prepared, network)
        seconds = time.perf_counter() - start
        looked = voxel_attention(case.prepared, network)
    except PerfcoreError as error:
        return {"problem": str(error)}
    return {"aif": selection.aif, "why": selection.why, "seconds": seconds, "looked": looked}


def _show_looked(case: LiveCase, looked: FloatArray) -> None:
    per_slice = looked.sum((0, 1))
    best, n = int(per_slice.argmax()), case.n_slices
    z = best if n == 1 else st.slider("Slice", 1, n, best + 1, key=f"model_slice_{case.name}") - 1
    st.image(overlay(case, looked, z), width="stretch", alt=f"Weights of the voxels over the CT, slice {z + 1}")
    share = 100 * float(per_slice[z])
    st.html(bar(LUTS["inferno"], "0", f"{100 * float(looked.max()):.2g} %", "<b>Weight</b> of a voxel"))
    st.caption(f"{share:.0f} % of the weight lies in this slice.")


def overlay(case: LiveCase, looked: FloatArray, z: int) -> bytes:
    """Return where a network looked in one slice as PNG: the CT, and over it the weights, up to the largest.

    Parameters
    ----------
    case
        The case.
    looked
        Weight of each voxel, shape of the grid, sum 1.
    z
        The slice, from 0.
    """
    here = Slice.of(case, z)
    weight = np.ascontiguousarray(case.layout.apply(looked[:, :, z]))[here.box]
    level = np.clip(weight / max(float(looked.max()), 1e-30), 0, 1)
    colours = LUTS["inferno"].reshape(256, 3)[(255 * level).astype(int)].astype(np.float32)
    strength = np.sqrt(level)[..., None]  # a weight of a hundredth is seen too
    mixed = (1 - strength) * here.head[here.box] + strength * colours
    large = mixed.round().astype(np.uint8).repeat(SCALE, 0).repeat(SCALE, 1)
    out = io.BytesIO()
    Image.fromarray(large).save(out, "PNG")
    return out.getvalue()
