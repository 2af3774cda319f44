"""The plain way to do the same: sliders and ``st.image`` in a fragment. What the Lab is measured against.

Run by ``tools.measure_lab`` alone: the same case, the same computation, the same picture, by Streamlit's own
widgets. A slider moves one point of the curve with its neighbours.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from pages.library.catalog import demonstrations, open_case
from pages.live.compute.case import LiveCase
from perfcore.display.colours import LUTS
from perfcore.settings import Settings

TOP, BRUSH = 14, 1.5


@st.cache_resource(show_spinner=False)
def the_case() -> LiveCase:
    return open_case(demonstrations()[0], Settings())


def picture(case: LiveCase, z: int, curve: np.ndarray) -> np.ndarray:
    """One slice of rCBF through viridis, rows and columns of the screen."""
    flow = case.slice_flow(case.operator(curve, Settings()), z, preview=True)
    rows, columns = case.layout.apply(np.empty(case.prepared.grid[:2])).shape
    image = np.zeros((rows * columns, 3), np.uint8)
    level = np.nan_to_num(flow.cbf / flow.reference_cbf * (255 / 1.5)).clip(0, 255).astype(np.uint8)
    start, stop = case.starts[z], case.starts[z + 1]
    image[case.static[1]["pixel"][start:stop]] = LUTS["viridis"].reshape(256, 3)[level]
    return image.reshape(rows, columns, 3)


@st.fragment
def maps(case: LiveCase) -> None:
    by = st.slider("point", -100, 100, 0, key="point")
    everything = st.checkbox("all")
    start = next(iter(case.sources.values())).value
    curve = start + by * np.exp(-0.5 * ((np.arange(start.size) - TOP) / BRUSH) ** 2)
    if everything:
        slices = [picture(case, z, curve) for z in range(case.n_slices)]
        rows = [np.concatenate(slices[i : i + 4], 1) for i in range(0, 8, 4)]
        st.image(np.concatenate(rows), caption=f"edit {by}", width=600)
    else:
        st.image(picture(case, case.first_slice, curve), caption=f"edit {by}", width=500)


maps(the_case())
