"""Colour scales of the maps (256 RGB triples each), and colours of outlines over them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

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


def _keys(colours: str) -> NDArray[np.uint8]:
    """Return RGB triples of hexadecimal colours."""
    return np.frombuffer(bytes.fromhex(colours), np.uint8).reshape(-1, 3)


def _between(keys: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return 256 RGB triples that run evenly through key colours."""
    at = np.linspace(0, len(keys) - 1, 256)
    channels = [np.interp(at, range(len(keys)), channel) for channel in keys.T]
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
    name: _between(_keys(keys))
    for name, keys in (
        # Ten key colours each of matplotlib's scales (CC0).
        ("viridis", "440154 482878 3e4989 31688e 26828e 1f9e89 35b779 6ece58 b5de2b fde725"),
        ("inferno", "000004 1b0c41 4a0c6b 781c6d a52c60 cf4446 ed6925 fb9b06 f7d13d fcffa4"),
        ("cividis", "00224e 123570 3b496c 575d6d 707173 8a8678 a59c74 c3b369 e1cc55 fee838"),
        ("grey", "000000 ffffff"),
        # What consoles use: black, blue, cyan, green, yellow, orange, red.
        ("rainbow", "000000 0000c8 00aae6 00be46 f5e100 ff8200 e10000"),
    )
}
"""By name, shape ``(768,)``."""
DIFFERENCES: Final = _between(_keys("213c91 4382c8 96bede ececec eeac8e d35e50 94142a"))
"""Blue, light grey, red: lower, equal, higher; the Lab's (color_scales.js), shape ``(768,)``."""
