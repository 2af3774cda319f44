"""Target lesion of fine-tuning and sensitivity: the known lesion, or one that the user paints."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from pages.live.compute.case import LiveCase
from pages.live.server import wire
from pages.live.server.session import LiveSession, Workspace
from perfcore.errors import InputDataError
from perfcore.losses import Target

TRUTH: Final = "truth"
PAINTED: Final = "painted"

Painted = tuple[str, NDArray[np.bool_]]
_painted: Final[weakref.WeakKeyDictionary[LiveSession, Painted]] = weakref.WeakKeyDictionary()


def painted(session: LiveSession, case: LiveCase) -> NDArray[np.bool_]:
    """Return the session's painted lesion in slice order, shape ``(n_voxels,)``; empty before the first stroke."""
    key, mask = _painted.get(session, ("", np.zeros(0, bool)))
    return mask if key == case.key else np.zeros(case.tiles.n_voxels, bool)


def paint(session: LiveSession, workspace: Workspace, request: Mapping[str, Any]) -> bytes:
    """Store the painted lesion of one slice, sent as runs: offset and length of each among the slice's voxels.

    ``fresh`` clears the slice first: a lesion of many runs is sent in several messages.

    Raises
    ------
    InputDataError
        A run lies outside the slice.
    """
    case, z = workspace.case, int(request["slice"])
    runs = np.asarray(request["runs"], np.int64).reshape(-1, 2)
    if not 0 <= z < case.n_slices:
        raise InputDataError("There is no such slice to paint.")
    start, stop = int(case.starts[z]), int(case.starts[z + 1])
    first, size = runs.T
    if not ((first >= 0) & (size > 0) & (first + size <= stop - start)).all():
        raise InputDataError("The painted lesion lies outside the brain mask.")
    mask = painted(session, case)
    if request.get("fresh"):
        mask[start:stop] = False
    for at, length in runs:
        mask[start + at : start + at + length] = True
    _painted[session] = (case.key, mask)
    n = int(mask.sum())
    return wire.pack("target", {"slice": z, "voxels": n, "ml": n * case.prepared.voxel_ml})


def target_lesion(session: LiveSession, case: LiveCase, target: str) -> NDArray[np.bool_]:
    """Return the target lesion in slice order, shape ``(n_voxels,)``.

    Raises
    ------
    InputDataError
        The lesion is not known, or there is no such target.
    """
    if target == PAINTED:
        return painted(session, case).copy()  # the user may go on painting
    if target != TRUTH:
        raise InputDataError(f"The target is {TRUTH} or {PAINTED}; got {target[:40]!r}.")
    if case.lesion is None:
        raise InputDataError("The lesion of this case is not known; paint one.")
    return case.lesion


def target_of(
    case: LiveCase, core: NDArray[np.bool_], *, hypoperfused: bool = False, preview: bool = False
) -> Target:
    """Return the tissue of a case with a target lesion.

    Parameters
    ----------
    case
        The case.
    core
        Target lesion in slice order, shape ``(n_voxels,)``.
    hypoperfused
        Whether the hypoperfused tissue is part of the target, where it is known.
    preview
        Whether the tissue is on the case's temporal basis, where it has one: half the arithmetic.
    """

    def flags(mask: NDArray[np.bool_]) -> torch.Tensor:
        return torch.from_numpy(mask.astype(np.float32)).to(case.device)

    low = flags(case.hypoperfused) if hypoperfused and case.hypoperfused is not None else None
    tissue = (preview and case.basis) or case.tiles
    return Target(tissue, case.prepared.dt_s, case.reference.to(case.device), flags(core), low)
