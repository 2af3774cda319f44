"""A link: case, settings, view and curve in the page's address, in plain words; the curve packed.

The words are those of the command line (``deconvolution=causal``, ``lambda-rel=0.12``); only what differs from the
preset is named. A curve is ``1.`` and its values as float32, little-endian, in base64url: exactly what the browser
holds, 322 characters for 60 frames, and nothing that could unfold to more than it is.
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
MAX_POINTS: Final = 1000
MAX_WORD: Final = 80
"""Characters of any value but the curve."""
_PACKED: Final = re.compile(r"[A-Za-z0-9_-]+")
OPTIONS: Final[dict[str, str]] = {
    field.name: field.name.replace("_", "-").removesuffix("-s" if field.name.startswith("tmax") else "\0")
    for field in fields(Settings)
}
"""The command line's name of each setting."""
_NUMBERS: Final = frozenset(name for name, value in Settings().as_dict().items() if isinstance(value, float))


@dataclass(frozen=True, eq=False)
class Scene:
    """What a person is looking at, and all that another needs to see the same.

    Attributes
    ----------
    case
        Key of the case; empty for the first.
    start
        Method of the curve that edits start from; empty for the default.
    curve
        The edited curve, shape ``(n_time,)``, float64 that float32 holds exactly; None for the start itself.
    map, slice_index, montage
        The view; an empty map or None stands for what is shown already. Slices count from 0.
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
    """Return a curve as text for an address."""
    raw = np.asarray(curve, "<f4").tobytes()
    return VERSION + base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unpack_curve(text: str) -> NDArray[np.float64]:
    """Read a packed curve.

    Raises
    ------
    InputDataError
        It is none, of another version, too long, or holds values that no input function has.
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
        raise InputDataError("Its curve holds values that are not finite or out of any range.")
    if values.max() <= 0:
        raise InputDataError("Its curve has no positive bolus.")
    curve = values.astype(np.float64)
    curve.flags.writeable = False
    return curve


def write(scene: Scene) -> dict[str, str]:
    """Return the parameters of a scene; `read` of them gives it back."""
    params = {"case": scene.case, "preset": "" if scene.preset == "paper" else scene.preset}
    for name, value in scene.settings.differences(scene.preset).items():
        params[OPTIONS[name]] = repr(value) if isinstance(value, float) else value
    params |= {"start": scene.start, "map": scene.map}
    if scene.slice_index is not None:
        params["slice"] = str(scene.slice_index + 1)
    if scene.montage is not None:
        params["layout"] = "all" if scene.montage else "one"
    if scene.curve is not None:
        params["curve"] = pack_curve(scene.curve)
    return {name: value for name, value in params.items() if value}


NAMES: Final = ("case", "preset", *OPTIONS.values(), "start", "map", "slice", "layout", "curve")
"""Every parameter of a link; others belong to somebody else and are left alone."""


def read(params: Mapping[str, str]) -> Scene:
    """Read the parameters of an address.

    Raises
    ------
    InputDataError
        A value is too long, not one of its choices, or out of its range.
    """
    try:
        return _read({name: params[name] for name in NAMES if params.get(name)})
    except PerfcoreError as error:
        raise InputDataError(f"This link cannot be used: {error}") from error


def _read(given: dict[str, str]) -> Scene:
    packed = given.pop("curve", None)
    for name, value in given.items():
        if len(value) > MAX_WORD:
            raise InputDataError(f"Its {name} has {len(value)} characters; at most {MAX_WORD} are read.")
    preset = given.get("preset", "paper")
    if preset not in PRESETS:
        raise InputDataError(f"Its preset is none of {', '.join(PRESETS)}.")
    overrides = {
        name: _number(word, given[word]) if name in _NUMBERS else given[word]
        for name, word in OPTIONS.items()
        if word in given
    }
    settings = Settings.preset(preset, **overrides)
    setting_ranges.check(settings)
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
    return Scene(
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
