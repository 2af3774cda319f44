"""A picture of the phantom cohort: ``python -m tools.gallery [FILE]``; the README's comes from here."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skimage.segmentation import find_boundaries

from perfcore.display.colours import LUTS, outline_rgb
from perfcore.display.slice_layout import Layout
from perfcore.phantom.cases import make_case
from perfcore.pipeline import analyse

SEED, N_CASES, ACROSS, SIDE = 1, 24, 8, 160


def picture(index: int) -> np.ndarray:
    """Return CT above rCBF, of the slice with most lesion, RGB."""
    torch.set_num_threads(1)
    made = make_case(SEED, index)
    result = analyse(made.series, made.truth.aif)
    lesion = made.truth.core | made.truth.penumbra
    z = int(lesion.sum((0, 1)).argmax()) if lesion.any() else made.series.grid[2] // 2
    layout = Layout.of(np.array(made.series.affine))
    ct, rcbf = (layout.apply(v[..., z]) for v in (result.prepared.baseline, result.maps.rcbf))
    core, low = (layout.apply(v[..., z]) for v in (made.truth.core, lesion))
    grey = np.repeat(np.clip(ct / 80 * 255, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    lut = LUTS["viridis"].reshape(256, 3)
    colour = lut[np.clip(np.nan_to_num(rcbf) / 1.5 * 255, 0, 255).astype(int)]
    colour = np.where(np.isnan(rcbf)[..., None], grey * 0.45, colour).astype(np.uint8)
    for mask, line in ((low, outline_rgb("hypoperfused")), (core, outline_rgb("core"))):
        colour[find_boundaries(mask, mode="outer")] = line
    head = ct > -200
    rows, columns = np.flatnonzero(head.any(1)), np.flatnonzero(head.any(0))
    middle = ((rows[0] + rows[-1]) // 2, (columns[0] + columns[-1]) // 2)
    half = max(rows[-1] - rows[0], columns[-1] - columns[0]) // 2 + 3
    wide = [np.pad(p, ((half, half), (half, half), (0, 0))) for p in (grey, colour)]
    cut = [p[middle[0] : middle[0] + 2 * half, middle[1] : middle[1] + 2 * half] for p in wide]
    small = [Image.fromarray(p).resize((SIDE, SIDE), Image.Resampling.LANCZOS) for p in cut]
    return np.concatenate([np.asarray(p) for p in small])


def main(file: Path) -> None:
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        tiles = list(pool.map(picture, range(1, N_CASES + 1)))
    rows = [np.concatenate(tiles[i : i + ACROSS], axis=1) for i in range(0, N_CASES, ACROSS)]
    Image.fromarray(np.concatenate(rows)).save(file, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/gallery.png"))
