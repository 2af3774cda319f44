"""Maps that are written as DICOM Parametric Maps: coded quantity, unit and storage as 16-bit numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from perfcore.types import BoolArray, FloatArray

NO_VALUE: Final = 0
"""Stored number of voxels outside the brain mask, and of those without a value; no real value is mapped to it."""
LAST: Final = 65535


@dataclass(frozen=True)
class Quantity:
    """A map as a Parametric Map stores it.

    Attributes
    ----------
    code
        Quantity, from DICOM PS3.16 CID 4108 "Perfusion Model Parameter".
    unit
        UCUM unit that CID 4108 gives for it.
    step
        Difference between neighbouring stored numbers, in the unit of the map.
    low
        Value of the stored number 1, in the unit of the map; values beyond `low` and `high` are stored as these.
    """

    code: Code
    unit: Code
    step: float
    low: float

    @property
    def high(self) -> float:
        """Value of the last stored number, in the unit of the map."""
        return self.low + (LAST - 1) * self.step

    @property
    def intercept(self) -> float:
        """Real value of the stored number 0 on the line ``step · stored + intercept``."""
        return self.low - self.step

    def position(self, value: float) -> float:
        """Return the stored number of a value, not rounded."""
        return (value - self.intercept) / self.step

    def stored(self, values: FloatArray, mask: BoolArray) -> NDArray[np.uint16]:
        """Return stored numbers, accurate to half a step; `NO_VALUE` outside the mask and where there is none.

        Parameters
        ----------
        values, mask
            Of equal shape.
        """
        known = mask & np.isfinite(values)
        exact = (np.where(known, values, self.low).astype(np.float64) - self.intercept) / self.step
        return np.where(known, np.clip(np.rint(exact), 1, LAST), NO_VALUE).astype(np.uint16)


_FLOW: Final = Code("ml/(100.g)/min", "UCUM", "ml/(100.g)/min")
_VOLUME: Final = Code("ml/(100.g)", "UCUM", "ml/(100.g)")

QUANTITIES: Final[dict[str, Quantity]] = {
    "rcbf": Quantity(codes.DCM.RelativeRegionalBloodFlow, codes.UCUM.Ratio, 0.002, -1.0),
    "cbf": Quantity(codes.DCM.AbsoluteRegionalBloodFlow, _FLOW, 0.05, -50.0),
    "cbv": Quantity(codes.DCM.AbsoluteRegionalBloodVolume, _VOLUME, 0.005, -50.0),
    "mtt": Quantity(codes.DCM.MeanTransitTime, codes.UCUM.Second, 0.01, -100.0),
    "tmax": Quantity(codes.DCM.Tmax, codes.UCUM.Second, 0.01, -100.0),
    "ttp": Quantity(codes.DCM.TimeToPeak, codes.UCUM.Second, 0.01, -100.0),
}
"""By the id of the map. Half a step is finer than the digits that are shown of a map, and the ends lie beyond what
vessels and noise give."""
