r"""Physical constants, and conversion of model quantities to units of perfusion imaging.

The indicator-dilution model per gram of tissue reads

.. math:: c(t) = \int_0^t a(\tau)\, k(t-\tau)\, d\tau, \qquad
          k(t) = \frac{\rho}{k_H}\,\mathrm{CBF}\; R(t), \quad R(0) = 1.

Source: Fieselmann et al. 2011, doi:10.1155/2011/467563.
"""

from __future__ import annotations

from typing import Final

HEMATOCRIT_ARTERY: Final = 0.45
HEMATOCRIT_CAPILLARY: Final = 0.25
K_H: Final = (1.0 - HEMATOCRIT_ARTERY) / (1.0 - HEMATOCRIT_CAPILLARY)
"""Correction for the lower hematocrit of capillaries, 0.733."""
TISSUE_DENSITY_G_PER_ML: Final = 1.04

CBF_PER_K: Final = 6000.0 * K_H / TISSUE_DENSITY_G_PER_ML
"""CBF [ml/100 g/min] per unit of max k [1/s]."""
CBV_PER_RATIO: Final = 100.0 * K_H / TISSUE_DENSITY_G_PER_ML
"""CBV [ml/100 g] per unit of (area under tissue curve / area under AIF)."""
SECONDS_PER_MINUTE: Final = 60.0

MAX_ABS_VALUE: Final = 1e12
"""Maximum magnitude of HU or enhancement that is read; sums of squares of such values still fit into float32."""
