"""The average brain: MNI152 T1, grey and white matter at 1 mm, as nilearn's wheel carries them.

ICBM 2009a nonlinear symmetric (Fonov 2011, doi:10.1016/j.neuroimage.2010.07.033), skull-stripped,
in RAS+ millimetres: x to the patient's right, y forward, z up. The files are found without importing
nilearn, which is slow to import.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from perfcore.errors import InputDataError
from perfcore.types import DoubleArray

_FILE: Final = "mni_icbm152_{}_tal_nlin_sym_09a_converted.nii.gz"
_AXES: Final = ("R", "A", "S")

ByteArray = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Templates:
    """The three templates on one grid.

    Attributes
    ----------
    t1, gm, wm
        Shape ``(197, 233, 189)``, uint8; 255 is the brightest T1 and a pure voxel of grey or white matter.
    origin_mm
        Position of voxel (0, 0, 0); the voxels are 1 mm cubes along the axes. Shape ``(3,)``.
    """

    t1: ByteArray
    gm: ByteArray
    wm: ByteArray
    origin_mm: DoubleArray


@lru_cache(maxsize=1)
def load_templates() -> Templates:
    """Return the templates; they are read once per process.

    Raises
    ------
    InputDataError
        nilearn's template files are not installed or are not in the expected orientation.
    """
    spec = find_spec("nilearn")
    if spec is None or spec.origin is None:
        raise InputDataError("The phantom needs the brain templates of the nilearn package; install nilearn.")
    folder = Path(spec.origin).parent / "datasets" / "data"
    volumes: list[ByteArray] = []
    affine = np.eye(4)
    for kind in ("t1", "gm", "wm"):
        path = folder / _FILE.format(kind)
        if not path.is_file():
            raise InputDataError(f"The installed nilearn has no {kind} template; install the pinned version.")
        image = nib.load(path)
        affine = np.asarray(image.affine, np.float64)
        if nib.aff2axcodes(affine) != _AXES or not np.array_equal(affine[:3, :3], np.eye(3)):
            raise InputDataError(f"The {kind} template is not in RAS+ millimetres; install the pinned nilearn.")
        data = np.asarray(image.dataobj)
        volumes.append(np.asarray(data, np.uint8))
    t1, gm, wm = volumes
    for volume in volumes:
        volume.flags.writeable = False
    return Templates(t1=t1, gm=gm, wm=wm, origin_mm=affine[:3, 3].copy())
