"""Region of interest: voxels, curves and statistics of a drawn polygon and of its mirror over the midline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pages.live.compute.case import LiveCase
from pages.live.server.messages import RegionMessage
from pages.live.server.session import LiveSession, Workspace
from perfcore.analysis.region import MAX_VERTICES, Region, RegionStatistics, region_curve, region_statistics
from perfcore.errors import InputDataError
from perfcore.map_info import MAPS

REGION: Final = "region"
MIRROR: Final = "mirror"


def measure_region(_session: LiveSession, workspace: Workspace, request: Mapping[str, Any]) -> bytes:
    """Answer a region: ``slice``, ``vertices`` (in-plane voxel indices) and the ``number`` of the request.

    Raises
    ------
    InputDataError
        There is no such slice, or the vertices are not a polygon.
    """
    case, z, vertices = workspace.case, int(request["slice"]), request["vertices"]
    if not 0 <= z < case.n_slices:
        raise InputDataError("There is no such slice to draw in.")
    if not isinstance(vertices, list) or not 3 <= len(vertices) <= MAX_VERTICES:  # before an array is made of it
        raise InputDataError(f"A region has between 3 and {MAX_VERTICES} vertices; draw it again.")
    region = Region(z, vertices)
    prepared = case.prepared
    mirror = region.mirrored(prepared.midplane, prepared.affine)
    voxels = {REGION: region.voxels(prepared.mask)}
    voxels[MIRROR] = voxels[REGION][:0] if mirror is None else mirror.voxels(prepared.mask)
    return RegionMessage(
        number=int(request["number"]),
        slice_index=z,
        voxel_ml=prepared.voxel_ml,
        positions={side: _positions(case, z, flat) for side, flat in voxels.items()},
        curves={side: region_curve(prepared, flat) for side, flat in voxels.items() if len(flat)},
        fixed={side: _fixed(case, z, flat) for side, flat in voxels.items()},
    ).encode()


def _positions(case: LiveCase, z: int, flat: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the positions in slice order of voxels of slice ``z``, which are in the brain mask."""
    start, stop = int(case.starts[z]), int(case.starts[z + 1])
    # Within a slice the order is that of the flat indices.
    return start + np.searchsorted(case.prepared.index[case.order[start:stop]], flat)


def _fixed(case: LiveCase, z: int, flat: NDArray[np.int64]) -> dict[str, RegionStatistics]:
    """Return the statistics of the maps that do not depend on the AIF, by id."""
    found: dict[str, RegionStatistics] = {}
    for name, info in MAPS.items():
        if info.case_array:
            found[name] = region_statistics(getattr(case.prepared, info.case_array).reshape(-1)[flat])
        elif info.is_static:
            found[name] = region_statistics(case.static[1][name][_positions(case, z, flat)])
    return found
