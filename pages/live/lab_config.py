"""What the Lab's page is configured with beside its session: maps, scales, handles, settings, styles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pages.live.handlers.sensitivity import LOSS, REGIONS
from pages.live.server.static_files import LIVE_FRONTEND
from pages.ui.colours import outline_css
from perfcore.aif.edits import HANDLES
from perfcore.aif.quality import MEASURED
from perfcore.aif.sources import SourceInfo
from perfcore.aif.variants import VARIANTS
from perfcore.analysis.sensitivity import NOISE, QUANTITIES, directions
from perfcore.display.colours import OUTLINES, SCALES
from perfcore.map_info import MAPS, MapInfo
from perfcore.maps import CORE_SLOPE
from perfcore.metric_info import LIVE, METRICS, TORNADO
from perfcore.settings import Settings
from perfcore.stroke_figures import LARGE_CORE_ML, TARGET_MISMATCH_ML, TARGET_RATIO
from perfcore.types import Aif


def lab_css() -> str:
    """Return the style sheets of the Lab."""
    sheets = sorted((LIVE_FRONTEND / "styles").glob("*.css"))
    return outline_css(".lab") + "\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets)


def _map_header(info: MapInfo) -> dict[str, Any]:
    """Return the fields with which the browser shows a map; its unit may be broken into two lines."""
    header = {
        "label": info.label,
        "title": info.title,
        "unit": info.unit.replace("/100 g", "/\n100 g"),
        "window": info.window,
        "digits": info.digits,
        "lut": info.scale,
        "static": info.is_static,
    }
    return {**header, "case_array": info.case_array} if info.case_array else header


def _handles(start: Aif) -> list[dict[str, Any]]:
    """Return the handles of the whole curve with the slider ranges of a curve; an open limit is None."""
    return [
        {
            "id": info.id,
            "label": info.label,
            "unit": info.unit,
            "help": info.help,
            "neutral": info.neutral,
            "limits": [limit if math.isfinite(limit) else None for limit in info.limits],
            "span": info.slider(start.dt_s, start.value.size, start.peak),
        }
        for info in HANDLES.values()
    ]


def _aif_checks() -> list[dict[str, Any]]:
    """Return the checks of the AIF quality by the ids of their measures; an open end is None."""

    def closed(ends: tuple[float, float]) -> list[float | None]:
        return [end if math.isfinite(end) else None for end in ends]

    return [
        {
            "id": name,
            "code": check.code,
            "measured": check.measured,
            "unit": check.unit,
            "normal": closed(check.normal),
            "possible": closed(check.possible),
            "low": check.low,
            "high": check.high,
            "remedy": check.remedy,
        }
        for name, check in MEASURED.items()
    ]


def lab_config(settings: Settings, start: Aif, sources: Sequence[SourceInfo]) -> dict[str, Any]:
    """Return the fields of the configuration message that are the same for every session.

    Parameters
    ----------
    settings
        Settings of the maps.
    start
        The AIF that edits start from.
    sources
        The AIFs to choose from.
    """
    return {
        "start": start.source_id,
        "sources": [asdict(source) for source in sources],
        "deconvolution": settings.deconvolution,
        "regularization": settings.regularization,
        "discretization": settings.discretization,
        "lambda": settings.lam,
        "tmaxReference": settings.tmax_reference,
        "maps": {name: _map_header(info) for name, info in MAPS.items()},
        "scales": SCALES,
        "colours": OUTLINES,
        "metrics": [
            {field: getattr(METRICS[name], field) for field in ("id", "label", "unit", "digits", "help")}
            for name in LIVE
        ],
        "target": {"core_ml": LARGE_CORE_ML, "ratio": TARGET_RATIO, "mismatch_ml": TARGET_MISMATCH_ML},
        "tornado": TORNADO,
        "handles": _handles(start),
        "variants": [asdict(info) for info in VARIANTS],
        "aifChecks": _aif_checks(),
        "directions": [
            *(
                {"id": name, "label": HANDLES[name].label.lower(), "unit": HANDLES[name].unit}
                for name in directions()
                if name != NOISE
            ),
            {"id": NOISE, "label": "noise of 1 % of the peak", "unit": ""},
        ],
        "quantities": [asdict(LOSS), *(asdict(info) for info in QUANTITIES.values())],
        "regions": [{"id": name, "label": label} for name, label in REGIONS.items()],
        "slope": CORE_SLOPE,
        "thresholds": {"core": settings.core_threshold, "tmax": settings.tmax_threshold_s},
    }
