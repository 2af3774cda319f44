"""Thumbnails of cases: the CT before a case is opened, rCBF afterwards."""

from __future__ import annotations

import base64
import io
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pages.live.compute.case import LiveCase
from perfcore.display.colours import LUTS
from perfcore.settings import Settings
from perfcore.types import Aif, FloatArray

SIDE: Final = 96
AIR_HU: Final = -200.0
BRAIN_HU: Final = (0.0, 80.0)
RCBF: Final = (0.0, 1.5)
DIM: Final = 0.45
_VIRIDIS: Final = LUTS["viridis"].reshape(256, 3).astype(np.float32) / 255


def _scaled(plane: FloatArray, window: tuple[float, float]) -> FloatArray:
    low, high = window
    scaled: FloatArray = np.clip((plane - low) / (high - low), 0, 1, dtype=np.float32)
    return scaled


def ct_picture(screen: FloatArray) -> str:
    """Return a CT slice in the brain window as a data URL.

    Parameters
    ----------
    screen
        Shape ``(rows, columns)``, HU, in display orientation; values that are not finite are drawn as air.
    """
    plane = np.nan_to_num(screen, nan=-1024.0, posinf=-1024.0, neginf=-1024.0)
    grey = _scaled(plane, BRAIN_HU)[..., None].repeat(3, axis=2)
    return _data_url(grey, plane > AIR_HU)


def flow_picture(rcbf: FloatArray, screen: FloatArray) -> str:
    """Return rCBF over the dimmed CT slice as a data URL.

    Parameters
    ----------
    rcbf, screen
        Shape ``(rows, columns)``: relative CBF, NaN outside the brain, and HU.
    """
    inside = np.isfinite(rcbf)
    colours = DIM * _scaled(screen, BRAIN_HU)[..., None].repeat(3, axis=2)
    colours[inside] = _VIRIDIS[(255 * _scaled(rcbf[inside], RCBF)).astype(int)]
    return _data_url(colours, (screen > AIR_HU) if screen.any() else inside)


def case_picture(case: LiveCase, aif: Aif) -> str:
    """Return the thumbnail of a prepared case: rCBF of the first slice shown in the Lab."""
    z = case.first_slice
    flow = case.slice_flow(case.operator(aif.value, Settings()), z)
    rcbf = np.full(case.prepared.grid, np.nan, np.float32).reshape(-1)
    rcbf[case.prepared.index[case.order[case.starts[z] : case.starts[z + 1]]]] = flow.cbf / flow.reference_cbf
    plane: Any = rcbf.reshape(case.prepared.grid)[:, :, z]
    return flow_picture(case.layout.apply(plane), case.layout.apply(case.prepared.baseline[:, :, z]))


def _data_url(colours: FloatArray, head: NDArray[np.bool_]) -> str:
    """Return an image as a data URL, cropped to the head and made square."""
    rows, columns = np.flatnonzero(head.any(axis=1)), np.flatnonzero(head.any(axis=0))
    if rows.size:
        colours = colours[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = colours.shape[:2]
    side = max(height, width)
    square = np.zeros((side, side, 3), np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = np.rint(255 * colours)
    out = io.BytesIO()
    Image.fromarray(square).resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(out, "WEBP", quality=80)
    return "data:image/webp;base64," + base64.b64encode(out.getvalue()).decode("ascii")
