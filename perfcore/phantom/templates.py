"""Brain templates: MNI152 T1, grey and white matter at 1 mm, from the data files of the nilearn package.

ICBM 2009a nonlinear symmetric (Fonov 2011, doi:10.1016/j.neuroimage.2010.07.033), skull-stripped,
in RAS+ millimetres: x to the patient's right, y forward, z up. The files are found without importing
nilearn, which is slow to import.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
from nibabel.nifti1 import Nifti1Image
from numpy.typing import NDArray

from perfcore.errors import InputDataError
from perfcore.types import DoubleArray

_FILE: Final = "mni_icbm152_{}_tal_nlin_sym_09a_converted.nii.gz"

ANATOMY_NOTICE: Final = """\
The anatomy is derived from the ICBM 152 nonlinear templates of 2009 (symmetric).
Copyright (C) 1993-2009 Louis Collins, McConnell Brain Imaging Centre, Montreal Neurological
Institute, McGill University. Permission to use, copy, modify, and distribute this software and its
documentation for any purpose and without fee is hereby granted, provided that the above copyright
notice appear in all copies. The authors and McGill University make no representations about the
suitability of this software for any purpose. It is provided "as is" without express or implied
warranty. The authors are not responsible for any data loss, equipment damage, property loss, or
injury to subjects or patients resulting from the use or misuse of this software package.
"""
"""Licence notice that must accompany data derived from the templates."""

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
    with ThreadPoolExecutor(3) as pool:
        t1, gm, wm = pool.map(lambda kind: _read(folder / _FILE.format(kind), kind), ("t1", "gm", "wm"))
    for volume, affine in (gm, wm):
        if volume.shape == t1[0].shape and np.array_equal(affine, t1[1]):
            continue
        raise InputDataError("The brain templates do not share one grid; install the pinned nilearn.")
    return Templates(t1=t1[0], gm=gm[0], wm=wm[0], origin_mm=t1[1][:3, 3].copy())


def _read(path: Path, kind: str) -> tuple[ByteArray, DoubleArray]:
    if not path.is_file():
        raise InputDataError(f"The installed nilearn has no {kind} template; install the pinned nilearn.")
    image = Nifti1Image.from_filename(path)
    affine = np.asarray(image.affine, np.float64)
    data = np.asarray(image.dataobj)
    if not np.array_equal(affine[:3, :3], np.eye(3)) or data.dtype != np.uint8:
        raise InputDataError(f"The {kind} template is not bytes in RAS+ millimetres; install the pinned nilearn.")
    data.flags.writeable = False
    return data, affine
