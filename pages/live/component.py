"""The live component: its registration with Streamlit and its configuration message."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Final

import streamlit as st

from pages.live.handlers.sensitivity import LOSS, REGIONS
from pages.live.server import wire
from pages.live.server.connection import PATH
from pages.live.server.engine_route import PATH as ENGINE_PATH
from pages.live.server.session import LiveSession, Workspace
from pages.live.server.static_files import BASE, LIVE_FRONTEND
from pages.server.config import computes_in_browser
from pages.ui.colours import outline_css
from perfcore.aif.edits import HANDLES
from perfcore.aif.sources import SourceInfo
from perfcore.analysis.sensitivity import NOISE, QUANTITIES, directions
from perfcore.display.colours import LUTS, OUTLINES, SCALES
from perfcore.map_info import MAPS, MapInfo
from perfcore.maps import CORE_SLOPE
from perfcore.metrics import LIVE, METRICS, TORNADO
from perfcore.types import Aif

ICON: Final = LIVE_FRONTEND / "icon.svg"

# The browser imports the module once per page load; state between runs of the page lives in it.
_JS: Final = (
    f"const BASE = {json.dumps(BASE)};"
    + """
const assets = new URL(BASE + "live/frontend/", document.baseURI);
const load = import(new URL("lab.js", assets));
export default function (component) {
  let clean = null, gone = false;
  load.then(({ mount }) => { if (!gone) clean = mount(component); });
  return () => { gone = true; clean?.(); };
}
"""
)

_component = st.components.v2.component(
    "aif_lab",
    html='<div class="lab" data-testid="lab" data-status="connecting"></div>',
    css=outline_css(".lab")
    + "\n".join(sheet.read_text(encoding="utf-8") for sheet in sorted((LIVE_FRONTEND / "styles").glob("*.css"))),
    js=_JS,
)


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


def config_frame(
    session: LiveSession,
    workspace: Workspace,
    sources: Sequence[SourceInfo],
    notice: dict[str, Any] | None = None,
    *,
    page: str = "lab",
) -> bytes:
    """Return the configuration message of a run of the page: token, thresholds, maps and scales, AIF sources.

    ``notice`` is ``{"id": …, "text": …}``: a sentence to show once. ``page`` is ``lab`` or ``tune``.
    """
    header = {
        "page": page,
        "token": session.token,
        "path": PATH.lstrip("/"),
        "epoch": workspace.epoch,
        "start": workspace.start.source_id,
        "sources": [asdict(source) for source in sources],
        "notice": notice,
        "deconvolution": workspace.settings.deconvolution,
        "regularization": workspace.settings.regularization,
        "discretization": workspace.settings.discretization,
        "lambda": workspace.settings.lam,
        "tmaxReference": workspace.settings.tmax_reference,
        "enginePath": ENGINE_PATH.lstrip("/"),
        "computesInBrowser": computes_in_browser(),
        "maps": {name: _map_header(info) for name, info in MAPS.items()},
        "scales": SCALES,
        "colours": OUTLINES,
        "metrics": [
            {"id": name, "label": METRICS[name].label, "unit": METRICS[name].unit, "digits": METRICS[name].digits}
            for name in LIVE
        ],
        "tornado": TORNADO,
        "handles": _handles(workspace.start),
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
        "thresholds": {"core": workspace.settings.core_threshold, "tmax": workspace.settings.tmax_threshold_s},
    }
    return wire.pack("config", header, dict(LUTS))


def live_lab(data: bytes, **handlers: Callable[[], None]) -> Any:
    """Mount the component.

    Its values are ``curve``, the committed curve; ``fallback``, an edit or request sent without a socket;
    ``source``, the method of another start AIF; ``csv``, the content of a file with one; ``shelf``, changes of the
    snapshots. A handler has the name of its value.
    """
    callbacks: dict[str, Any] = {f"on_{name}_change": call for name, call in handlers.items()}
    return _component(key="lab", data=data, **callbacks)
