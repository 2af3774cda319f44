"""Share link: case, settings, view and curve as query parameters.

Parameters have the names of the command line's options (``deconvolution=causal``, ``lambda-rel=0.12``); only
settings that differ from the preset are written. A curve is ``1.`` and its float32 values, little-endian, in
base64url: the precision of the browser, 322 characters for 60 frames, and no compression that could expand.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pages.live.server.wire import MAX_ABS_VALUE
from pages.session import setting_ranges
from perfcore.errors import InputDataError, PerfcoreError
from perfcore.map_info import MAPS
from perfcore.settings import PRESETS, Settings

VERSION: Final = "1."
"""Version of the packed curve."""
MAX_POINTS: Final = 1000
MAX_VALUE_CHARS: Final = 80
"""Characters of any value except the curve."""
_PACKED: Final = re.compile(r"[A-Za-z0-9_-]+")
OPTION_NAMES: Final[dict[str, str]] = {
    field.name: field.name.replace("_", "-").removesuffix("-s" if field.name.startswith("tmax") else "\0")
    for field in fields(Settings)
}
"""Name of each setting's option on the command line."""
_NUMBERS: Final = frozenset(name for name, value in Settings().as_dict().items() if isinstance(value, float))


@dataclass(frozen=True, eq=False)
class SavedView:
    """Content of a share link or snapshot: case, settings, AIF, map and slice.

    Attributes
    ----------
    case
        Key of the case; empty for the first.
    start
        Method of the AIF that edits start from; empty for the default.
    curve
        The edited curve, shape ``(n_time,)``, float64 that float32 holds exactly; None for the start AIF.
    map, slice_index, montage
        Map, slice (from 0) and layout; an empty map or None changes nothing.
    """

    case: str = ""
    preset: str = "paper"
    settings: Settings = PRESETS["paper"]
    start: str = ""
    curve: NDArray[np.float64] | None = None
    map: str = ""
    slice_index: int | None = None
    montage: bool | None = None


def pack_curve(curve: NDArray[np.float64]) -> str:
    """Return a curve as text for a query parameter."""
    raw = np.asarray(curve, "<f4").tobytes()
    return VERSION + base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unpack_curve(text: str) -> NDArray[np.float64]:
    """Read a packed curve.

    Raises
    ------
    InputDataError
        The text is damaged, of another version or too long, or its values are no AIF.
    """
    if not text.startswith(VERSION):
        raise InputDataError("Its curve was packed by another version.")
    packed = text.removeprefix(VERSION)
    if len(packed) > -(-MAX_POINTS * 16 // 3):
        raise InputDataError(f"Its curve has more than {MAX_POINTS} points.")
    if not _PACKED.fullmatch(packed) or len(packed) % 4 == 1:
        raise InputDataError("Its curve is damaged.")
    raw = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
    if len(raw) % 4 or len(raw) < 8:
        raise InputDataError("Its curve is damaged.")
    values = np.frombuffer(raw, "<f4")
    if not (np.isfinite(values).all() and np.abs(values).max() <= MAX_ABS_VALUE):
        raise InputDataError("Its curve holds values that are not finite or out of range.")
    if values.max() <= 0:
        raise InputDataError("Its curve has no positive bolus.")
    curve = values.astype(np.float64)
    curve.flags.writeable = False
    return curve


def write_params(view: SavedView) -> dict[str, str]:
    """Return the query parameters of a view, which `read_params` reads."""
    params = {"case": view.case, "preset": "" if view.preset == "paper" else view.preset}
    for name, value in view.settings.differences(view.preset).items():
        params[OPTION_NAMES[name]] = repr(value) if isinstance(value, float) else value
    params |= {"start": view.start, "map": view.map}
    if view.slice_index is not None:
        params["slice"] = str(view.slice_index + 1)
    if view.montage is not None:
        params["layout"] = "all" if view.montage else "one"
    if view.curve is not None:
        params["curve"] = pack_curve(view.curve)
    return {name: value for name, value in params.items() if value}


PARAM_NAMES: Final = ("case", "preset", *OPTION_NAMES.values(), "start", "map", "slice", "layout", "curve")
"""All parameters of a link; parameters with other names are left unchanged."""


def read_params(params: Mapping[str, str]) -> SavedView:
    """Read the query parameters of a link.

    Raises
    ------
    InputDataError
        A value is too long, not one of its choices, or out of its range.
    """
    try:
        return _read({name: params[name] for name in PARAM_NAMES if params.get(name)})
    except PerfcoreError as error:
        raise InputDataError(f"This link cannot be used: {error}") from error


def _read(given: dict[str, str]) -> SavedView:
    packed = given.pop("curve", None)
    for name, value in given.items():
        if len(value) > MAX_VALUE_CHARS:
            raise InputDataError(f"Its {name} has {len(value)} characters; at most {MAX_VALUE_CHARS} are read.")
    preset = given.get("preset", "paper")
    if preset not in PRESETS:
        raise InputDataError(f"Its preset is none of {', '.join(PRESETS)}.")
    overrides = {
        name: _number(option, given[option]) if name in _NUMBERS else given[option]
        for name, option in OPTION_NAMES.items()
        if option in given
    }
    settings = Settings.preset(preset, **overrides)
    setting_ranges.check_slider_ranges(settings)
    if given.get("map", "rcbf") not in MAPS:
        raise InputDataError(f"Its map is none of {', '.join(MAPS)}.")
    if given.get("layout", "one") not in ("one", "all"):
        raise InputDataError("Its layout is neither one nor all.")
    slice_index = None
    if "slice" in given:
        number = _number("slice", given["slice"])
        if not (1 <= number <= 10_000 and number == int(number)):
            raise InputDataError("Its slice is not a number from 1.")
        slice_index = int(number) - 1
    return SavedView(
        case=given.get("case", ""),
        preset=preset,
        settings=settings,
        start=given.get("start", ""),
        curve=None if packed is None else unpack_curve(packed),
        map=given.get("map", ""),
        slice_index=slice_index,
        montage=given["layout"] == "all" if "layout" in given else None,
    )


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InputDataError(f"Its {name} is not a number.") from error
