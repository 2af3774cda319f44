"""Colours on every page: scales of the maps (256 RGB triples each), and outlines over them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from plotly import colors

OUTLINES: Final = {
    "core": "#ff4fd8",
    "hypoperfused": "#3fd07a",
    "truth": "#ffffff",
    "aif": "#ff4b4b",
    "vof": "#4aa3ff",
    "probe": "#ffd23f",
    "painted": "#ffa31a",
    "region": "#35d6ff",
    "mirror": "#c9a7ff",
}
"""Of lesions, of the voxels of artery, vein and cross-hair, and of a drawn region and its mirror, ``#rrggbb``."""


def outline_rgb(name: str) -> tuple[int, int, int]:
    """Return the colour of an outline as an RGB triple."""
    red, green, blue = bytes.fromhex(OUTLINES[name][1:])
    return red, green, blue


def outline_css(selector: str) -> str:
    """Return a CSS rule that defines the colours of the outlines as ``--outline-<name>``."""
    values = " ".join(f"--outline-{name}: {colour};" for name, colour in OUTLINES.items())
    return f"{selector} {{ {values} }}\n"


def _sampled(name: str) -> NDArray[np.uint8]:
    """Return a colour scale of Plotly."""
    keys = np.array([colors.hex_to_rgb(key) for key in getattr(colors.sequential, name)], np.float64)
    return _between(*keys)


def _between(*colours: NDArray[np.float64] | tuple[int, int, int]) -> NDArray[np.uint8]:
    """Return 256 RGB triples that run evenly through key colours."""
    at = np.linspace(0, len(colours) - 1, 256)
    channels = [np.interp(at, range(len(colours)), channel) for channel in zip(*colours, strict=True)]
    return np.stack(channels, 1).round().astype(np.uint8).ravel()


SCALES: Final = {
    "viridis": "viridis",
    "cividis": "cividis",
    "inferno": "inferno",
    "grey": "grey",
    "rainbow": "rainbow (vendors)",
}
"""Labels of the colour scales by name; all but the last are read alike by the colour-blind."""
LUTS: Final = {
    **{name: _sampled(name.capitalize()) for name in ("viridis", "inferno", "cividis")},
    "grey": _between((0, 0, 0), (255, 255, 255)),
    # What consoles use: black, blue, cyan, green, yellow, orange, red.
    "rainbow": _between(
        (0, 0, 0), (0, 0, 200), (0, 170, 230), (0, 190, 70), (245, 225, 0), (255, 130, 0), (225, 0, 0)
    ),
}
"""By name, shape ``(768,)``."""
