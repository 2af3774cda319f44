"""Data types of the library: perfusion series and arterial input function; frozen, with units, time last.

Their arrays are read-only, so that a case can be shared between threads and sessions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from perfcore.errors import ArgumentError
from perfcore.quality_flags import Flag

FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Voxel = tuple[int, int, int]
SeriesUnits = Literal["hu", "concentration", "dsc"]
"""Hounsfield units; enhancement, proportional to concentration; MR signal that falls with contrast."""


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True)
class ChosenSeries:
    """The DICOM series that was read.

    Attributes
    ----------
    number
        Its number in the list of series (``inspect``), from 1.
    frames, slices
        Number of frames and slices as read.
    dt_s
        Time step in seconds.
    time_source
        Where the times of the frames come from, such as ``"acquisition time"``; empty if it is not known.
    joined
        Number of stored series that were joined to it; 1 if it was stored as one.
    """

    number: int
    frames: int
    slices: int
    dt_s: float
    time_source: str
    joined: int


@dataclass(frozen=True)
class LeftOut:
    """Files of a DICOM export that were not read.

    Attributes
    ----------
    number
        Number of the series in the list of series, None for files that belong to no listed series.
    kind
        What they are, such as ``"CT time series"`` or ``"localizer"``.
    count
        Number of files.
    reason
        Why they were left out.
    """

    number: int | None
    kind: str
    count: int
    reason: str


@dataclass(frozen=True)
class SeriesChoice:
    """Which series of a DICOM export was read, and what was left out; no field of a patient."""

    chosen: ChosenSeries
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, eq=False)
class PerfusionSeries:
    """A 4D perfusion series on its own grid.

    Attributes
    ----------
    data
        Shape ``(nx, ny, nz, n_time)``, float32, in ``units``: Hounsfield units, enhancement (proportional to
        concentration), or MR signal.
    affine
        Shape ``(4, 4)``, voxel indices to millimetres (NIfTI's RAS+).
    dt_s
        Time between frames in seconds, > 0.
    case
        Short display name; never a path.
    time_source
        Where the times of the frames come from, such as ``"header"``, ``"sidecar FrameTimesStart"`` or ``"--dt"``;
        empty if it is not known.
    stored_axes
        Axis of the input's grid that each axis here is: ``(1, 2, 0)`` where the slices were stored first.
    mask, lesion
        Shape ``(nx, ny, nz)``: brain mask that replaces the automatic one; known lesion.
    warnings
        Quality flags of corrections made while reading.
    choice
        Which DICOM series it is and what was left out, None for other input.
    """

    data: FloatArray
    affine: DoubleArray
    dt_s: float
    case: str = "case"
    units: SeriesUnits = "hu"
    time_source: str = ""
    stored_axes: tuple[int, int, int] = (0, 1, 2)
    mask: BoolArray | None = None
    lesion: BoolArray | None = None
    warnings: tuple[Flag, ...] = ()
    choice: SeriesChoice | None = None

    def __post_init__(self) -> None:
        if self.data.ndim != 4:
            raise ArgumentError(f"A series has 4 dimensions (x, y, z, time); got shape {self.data.shape}.")
        if not (np.isfinite(self.dt_s) and self.dt_s > 0):
            raise ArgumentError(f"The time step must be positive and finite; got {self.dt_s}.")
        if sorted(self.stored_axes) != [0, 1, 2]:
            raise ArgumentError(f"stored_axes must be a permutation of 0, 1, 2; got {self.stored_axes}.")
        object.__setattr__(self, "data", _frozen(np.asarray(self.data, np.float32)))
        object.__setattr__(self, "affine", _frozen(np.asarray(self.affine, np.float64)))
        for name in ("mask", "lesion"):
            volume = getattr(self, name)
            if volume is None:
                continue
            if volume.shape != self.grid:
                raise ArgumentError(f"The {name} has shape {volume.shape}; the series has {self.grid}.")
            object.__setattr__(self, name, _frozen(np.asarray(volume, bool)))

    @property
    def grid(self) -> tuple[int, int, int]:
        """Shape in space, ``(nx, ny, nz)``."""
        nx, ny, nz = self.data.shape[:3]
        return nx, ny, nz

    @property
    def n_time(self) -> int:
        """Number of frames."""
        return int(self.data.shape[3])

    @property
    def time_s(self) -> DoubleArray:
        """Times of the frames in seconds, from 0."""
        return np.arange(self.n_time, dtype=np.float64) * np.float64(self.dt_s)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel size in millimetres along x, y, z."""
        x, y, z = (float(s) for s in np.linalg.norm(self.affine[:3, :3], axis=0))
        return x, y, z

    @property
    def voxel_ml(self) -> float:
        """Volume of a voxel in millilitres."""
        return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000.0

    @property
    def stored_affine(self) -> DoubleArray:
        """Shape ``(4, 4)``, voxel indices in the order of the input's axes to millimetres."""
        return self.affine[:, [*self._own_axes, 3]]

    def as_stored(self, volume: NDArray[Any]) -> NDArray[Any]:
        """Return a volume of shape ``(nx, ny, nz)`` in the order of the input's axes."""
        return volume.transpose(self._own_axes)

    def stored_voxel(self, voxel: Voxel) -> Voxel:
        """Return a voxel's indices in the order of the input's axes."""
        x, y, z = (voxel[axis] for axis in self._own_axes)
        return x, y, z

    @property
    def _own_axes(self) -> tuple[int, int, int]:
        """Axis here of each axis of the input's grid."""
        x, y, z = (self.stored_axes.index(axis) for axis in range(3))
        return x, y, z


@dataclass(frozen=True, eq=False)
class Aif:
    """Input function (arterial or venous): enhancement over time.

    Attributes
    ----------
    time_s
        Shape ``(n_time,)``, seconds, increasing.
    value
        Shape ``(n_time,)``, enhancement in the units of the series (HU for CT).
    source_id
        Origin, an id of :mod:`perfcore.aif.sources`: a selector, a network, ``"file"``, ``"edited"``, ``"truth"``.
    label
        Name for the user where it differs from the label of the source; never compared.
    voxels
        Voxels ``(x, y, z)`` whose mean curve it is; empty for other origins.
    quality
        Quality flags.
    """

    time_s: DoubleArray
    value: DoubleArray
    source_id: str = "file"
    voxels: tuple[Voxel, ...] = ()
    quality: tuple[Flag, ...] = ()
    label: str = ""

    def __post_init__(self) -> None:
        time, value = np.asarray(self.time_s, np.float64), np.asarray(self.value, np.float64)
        if time.ndim != 1 or value.shape != time.shape or time.size < 2:
            raise ArgumentError(
                f"An AIF needs time and value of one length ≥ 2; got shapes {time.shape} and {value.shape}."
            )
        if not np.isfinite(value).all():
            raise ArgumentError("An AIF must be finite; it holds NaN or infinity.")
        object.__setattr__(self, "time_s", _frozen(time))
        object.__setattr__(self, "value", _frozen(value))

    @property
    def dt_s(self) -> float:
        """Time step in seconds."""
        return float(self.time_s[1] - self.time_s[0])

    @property
    def peak(self) -> float:
        """Largest enhancement."""
        return float(self.value.max())

    @property
    def peak_time_s(self) -> float:
        """Time of the largest enhancement in seconds."""
        return float(self.time_s[int(self.value.argmax())])

    @property
    def area(self) -> float:
        """Area under the curve (rectangle rule), enhancement × s."""
        return float(self.value.sum()) * self.dt_s
