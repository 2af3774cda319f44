"""Bland–Altman picture of two packages: a panel for each volume, with the intervals of bias and limits."""

from __future__ import annotations

import io
from typing import Any, Final

from matplotlib.figure import Figure

from perfcore.metric_info import METRICS
from perfcore.types import DoubleArray

LINES: Final = {"bias": "-", "lower_limit": "--", "upper_limit": "--"}
DPI: Final = 150


def bland_altman_png(pairs: dict[str, DoubleArray], agreement: dict[str, Any]) -> bytes:
    """Draw the difference of each volume over its mean, as PNG.

    Parameters
    ----------
    pairs
        Of :func:`perfcore.evaluation.agreement.paired_volumes`.
    agreement
        Of :func:`perfcore.evaluation.agreement.compare_volumes`.
    """
    figure = Figure(figsize=(4.4 * len(pairs), 3.8), layout="constrained")
    panels: Any = figure.subplots(1, len(pairs), squeeze=False)
    for panel, (name, values) in zip(panels[0], pairs.items(), strict=True):
        info, found = METRICS[name], agreement[name]
        panel.axhline(0, color="0.6", lw=0.7)
        for line, style in LINES.items():
            about = found[line]
            panel.axhspan(about["low"], about["high"], color="C3", alpha=0.12, lw=0)
            panel.axhline(about["value"], color="C3", lw=1.1, ls=style)
        panel.scatter(values.mean(axis=1), values[:, 0] - values[:, 1], s=14, alpha=0.8, lw=0, zorder=3)
        limits = (info.text(found[line]["value"]) for line in ("bias", "lower_limit", "upper_limit"))
        panel.set_title("{}: bias {} ml, limits {} to {} ml".format(info.name, *limits), fontsize=9)
        panel.set(xlabel="Mean of both [ml]", ylabel="Ours minus theirs [ml]")
        panel.grid(alpha=0.25)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=DPI, metadata={"Software": None})
    return out.getvalue()
