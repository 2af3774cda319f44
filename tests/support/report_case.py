"""One analysis of a drawn head for the tests of the report, and variants of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from perfcore.pipeline import Analysis, analyse
from perfcore.quality_flags import FLAGS, make_flag
from perfcore.report.content import Content, make_content
from perfcore.report.page_plan import PagePlan, plan_page
from perfcore.report.pictures import Pictures, make_pictures
from perfcore.results import summarize
from tests.support.synthetic_head import draw_head

MADE = date(2025, 11, 27)
AFFINE = np.array([[-3.7, 0.1, 0.3, 118], [0.1, 4.4, -0.2, -118], [0.2, 0.1, 5.2, 12], [0, 0, 0, 1]])
"""Voxels that are not square; the first axis runs to the patient's left."""


def stroke() -> Analysis:
    """A stroke on the patient's left, three slices."""
    series = replace(draw_head(64, 3, 45).series, affine=AFFINE, case="case_1")
    return analyse(series, device="cpu")


def parts(analysis: Analysis) -> tuple[Content, Pictures, PagePlan]:
    content = make_content(analysis, summarize(analysis, options={"preset": "paper"}), MADE)
    pictures = make_pictures(analysis)
    return content, pictures, plan_page(content, pictures)


def with_slices(analysis: Analysis, n: int, shift: int = 0) -> Analysis:
    """The same slices again and again, from slice ``shift`` on; the figures stay those of the analysis."""
    at = (np.arange(n) + shift) % analysis.series.grid[2]

    def stack(value: Any) -> Any:
        is_volume = isinstance(value, np.ndarray) and value.shape[:3] == analysis.series.grid
        return value[:, :, at] if is_volume else value

    prepared = replace(
        analysis.prepared,
        grid=(*analysis.series.grid[:2], n),
        **{name: stack(getattr(analysis.prepared, name)) for name in ("mask", "baseline", "tmip", "enhancement")},
    )
    maps = replace(analysis.maps, **{name: stack(value) for name, value in vars(analysis.maps).items()})
    series, lesion = analysis.series, analysis.series.lesion
    series = replace(series, data=series.data[:, :, at], lesion=None if lesion is None else lesion[:, :, at])
    last = n - 1
    curves = {
        name: replace(curve, voxels=tuple((x, y, min(z, last)) for x, y, z in curve.voxels))
        for name, curve in (("aif", analysis.aif), ("vof", analysis.vof))
        if curve is not None
    }
    return replace(analysis, series=series, prepared=prepared, maps=maps, **curves)


def with_flags(analysis: Analysis, n: int = 12, words: int = 45) -> Analysis:
    """Long sentences of many kinds, the least severe first."""
    codes = sorted(FLAGS, key=lambda code: FLAGS[code].severity != "note")
    chosen = [codes[k * len(codes) // n] for k in range(n)]
    sentences = [f"Flag {k}: {'a word of it, ' * (words // 4)}end {k}." for k in range(n)]
    flags = tuple(map(make_flag, chosen, sentences))
    return replace(analysis, series=replace(analysis.series, warnings=flags))


def without_core(analysis: Analysis) -> Analysis:
    """No core, no vein, no known lesion, an AIF without voxels."""
    unknown: dict[str, Any] = dict.fromkeys(
        ("mismatch_ratio", "hypoperfusion_index", "side", "dice", "auc", "hd95_mm", "lesion_ml")
    )
    return replace(
        analysis,
        series=replace(analysis.series, lesion=None),
        numbers=replace(analysis.numbers, core_ml=0.0, target_mismatch=False, **unknown),
        maps=replace(analysis.maps, core=np.zeros_like(analysis.maps.core)),
        aif=replace(analysis.aif, voxels=()),
        vof=None,
    )
