"""JSON requests of the live component: each type has a handler that returns one frame.

The browser calls ``lab.request({type, …})`` and handles the event ``frame:<kind>``. A handler that needs
Streamlit's session state is registered in ``session.request_handlers``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pages.live.handlers.lesion_target import paint
from pages.live.handlers.region import measure_region
from pages.live.server import wire
from pages.live.server.messages import probe_frame
from pages.live.server.session import LiveSession, Workspace
from perfcore.aif.fit import fit_gamma_variate
from perfcore.aif.select.candidates import voxel_curves
from perfcore.aif.select.selection import mean_curve
from perfcore.errors import InputDataError
from perfcore.preprocess import Prepared
from perfcore.quality_flags import sentences
from perfcore.types import Aif, Voxel

Handler = Callable[[LiveSession, Workspace, Mapping[str, Any]], bytes]
MAX_VOXELS: Final = 400


def answer_request(session: LiveSession, workspace: Workspace, request: Any) -> bytes:
    """Answer one request, a JSON object with its ``type``.

    Raises
    ------
    InputDataError
        The request is invalid, or the case cannot answer it.
    """
    if not isinstance(request, Mapping):
        raise invalid_request()
    kind = str(request.get("type"))
    try:
        if kind in session.request_handlers:
            return session.request_handlers[kind](session, dict(request))
        if kind in HANDLERS:
            return HANDLERS[kind](session, workspace, request)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise invalid_request() from error
    raise invalid_request()


def invalid_request() -> InputDataError:
    """Return the error for a request that the live component never sends."""
    return InputDataError("Invalid request.")


def voxel_of(value: Any) -> Voxel:
    """Read the three indices of a voxel."""
    x, y, z = (int(v) for v in value)
    return x, y, z


def voxels_of(prepared: Prepared, value: Any) -> tuple[Voxel, ...]:
    """Read voxels clicked on the map, each once.

    Raises
    ------
    InputDataError
        There are no or too many voxels, or one lies outside the brain.
    """
    voxels = list(dict.fromkeys(voxel_of(v) for v in value))
    if not 1 <= len(voxels) <= MAX_VOXELS:
        raise InputDataError(f"Pick between 1 and {MAX_VOXELS} voxels; got {len(voxels)}.")
    for voxel in voxels:
        if not all(0 <= v < n for v, n in zip(voxel, prepared.grid, strict=True)):
            raise InputDataError("That point is outside the image.")
        if not (prepared.mask[voxel] or (prepared.hull is not None and prepared.hull[voxel])):
            raise InputDataError("That point is outside the brain; click a vessel inside the skull.")
    return tuple(voxels)


def _flat(prepared: Prepared, voxels: tuple[Voxel, ...]) -> NDArray[np.int64]:
    x, y, z = np.array(voxels).T
    return np.asarray(np.ravel_multi_index((x, y, z), prepared.grid))


def mean_of_voxels(prepared: Prepared, voxels: tuple[Voxel, ...]) -> Aif:
    """Return the mean curve of picked voxels, not corrected for partial volume."""
    return mean_curve(prepared, _flat(prepared, voxels), "voxels")


def _probe(session: LiveSession, workspace: Workspace, request: Mapping[str, Any]) -> bytes:
    curve = session.edited_curve(workspace.curve_key)
    if curve is None or curve.size != workspace.start.value.size:
        curve = workspace.start.value
    return probe_frame(workspace, curve, voxel_of(request["voxel"]))


def _fit(_session: LiveSession, workspace: Workspace, request: Mapping[str, Any]) -> bytes:
    curve = wire.checked_curve(np.asarray(request["curve"], np.float64))
    if curve.shape != workspace.start.value.shape:
        raise InputDataError(f"The curve has {curve.size} points; the series has {workspace.start.value.size}.")
    fit = fit_gamma_variate(curve, workspace.case.prepared.dt_s)
    parameters = {name: getattr(fit, name) for name in ("onset_s", "alpha", "beta_s", "peak", "rms")}
    return wire.pack("fit", {"fit": parameters}, {"curve": fit.curve(workspace.start.time_s).astype(np.float32)})


def _voxels(_session: LiveSession, workspace: Workspace, request: Mapping[str, Any]) -> bytes:
    """Return the mean and standard deviation of voxels clicked on the map."""
    prepared = workspace.case.prepared
    voxels = voxels_of(prepared, request["voxels"])
    aif = mean_of_voxels(prepared, voxels)
    spread = voxel_curves(prepared, _flat(prepared, voxels)).std(
        axis=0, dtype=np.float64, ddof=1 if len(voxels) > 1 else 0
    )
    header = {
        "voxels": [list(v) for v in voxels],
        "flags": sentences(aif.quality),
        "number": int(request.get("number", 0)),
    }
    return wire.pack("voxels", header, {"mean": aif.value.astype(np.float32), "sd": spread.astype(np.float32)})


def _reference(_session: LiveSession, workspace: Workspace, request: Mapping[str, Any]) -> bytes:
    """Return the metrics of an AIF source with the settings of the session."""
    case, source = workspace.case, str(request["source"])
    numbers = case.start_numbers(case.offered.get(source), workspace.settings)
    return wire.pack("reference", {"source": source, "numbers": numbers})


def _picked(session: LiveSession, workspace: Workspace, request: Mapping[str, Any]) -> bytes:
    """Keep the voxels that the committed curve was picked from; undo and reset change them without a curve."""
    voxels = voxels_of(workspace.case.prepared, request["voxels"]) if request["voxels"] else ()
    if request["key"] == workspace.curve_key:
        session.keep_picked(workspace.curve_key, voxels)
    return wire.pack("picked", {"n": len(voxels)})


HANDLERS: Final[dict[str, Handler]] = {
    "probe": _probe, "reference": _reference, "fit": _fit, "voxels": _voxels, "picked": _picked,
    "target": paint, "region": measure_region,
}  # fmt: skip
