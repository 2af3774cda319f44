r"""Physiology: bolus shape, residue functions, tissue response, and perfusion of each tissue type.

The forward model per gram of tissue (Fieselmann 2011, doi:10.1155/2011/467563) is

.. math:: c(t) = \frac{\rho}{k_H}\,\mathrm{CBF} \int_0^t a(\tau)\, R(t-d-\tau)\,d\tau,
          \qquad \mathrm{CBV} = \mathrm{CBF}\cdot\mathrm{MTT} .
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from scipy.special import gammainc, gammaincc

from perfcore.aif.curves import (
    disperse,
    fine_grid,
    gamma_variate,
    gamma_variate_area,
    gamma_variate_width,
    sample,
)
from perfcore.errors import ArgumentError
from perfcore.types import DoubleArray
from perfcore.units import CBF_PER_K, SECONDS_PER_MINUTE

FINE_DT_S: Final = 0.1
"""Step of the grid on which curves are computed, seconds."""

ResidueFamily = Literal["exponential", "box", "gamma", "box-exponential"]
Tissue = Literal["gm", "wm"]
State = Literal["normal", "penumbra", "core"]

GAMMA_SHAPE: Final = 3.0
BOX_FRACTION: Final = 0.5


@dataclass(frozen=True)
class Perfusion:
    """Perfusion of one tissue type: CBF [ml/100 g/min], CBV [ml/100 g], delay [s]."""

    cbf: float
    cbv: float
    delay_s: float

    @property
    def mtt_s(self) -> float:
        """Mean transit time by the central volume theorem, seconds."""
        return SECONDS_PER_MINUTE * self.cbv / self.cbf


PERFUSION: Final[dict[State, dict[Tissue, Perfusion]]] = {
    "normal": {"gm": Perfusion(60.0, 4.0, 1.0), "wm": Perfusion(25.0, 2.0, 1.3)},
    "penumbra": {"gm": Perfusion(28.0, 5.6, 5.0), "wm": Perfusion(22.0, 4.6, 5.4)},
    "core": {"gm": Perfusion(9.0, 2.25, 8.0), "wm": Perfusion(4.0, 1.08, 9.0)},
}
"""Tissue at risk has a mean transit time of 12 to 16 s (Kamalian 2012, doi:10.3174/ajnr.A2809)."""
BORDER_CBF: Final = 15.0
"""CBF at the border of the core in both tissues, ml/100 g/min: about a third of the healthy mean."""
CORE_LEVEL: Final = 13
"""Highest level of :func:`perfusion_levels`; 0 is normal, 1 penumbra, those between lie on the way to the core."""


def perfusion_levels(kind: Tissue) -> tuple[Perfusion, ...]:
    """Return the perfusion of a tissue by level: normal, then in even steps from penumbra to core.

    CBF is interpolated geometrically from the penumbra to ``BORDER_CBF``, which is reached half-way, and on to
    the core, so that the core's border is the same in grey and white matter; MTT and delay change linearly.

    Returns
    -------
    ``CORE_LEVEL + 1`` entries.
    """
    start, end = PERFUSION["penumbra"][kind], PERFUSION["core"][kind]
    levels = [PERFUSION["normal"][kind]]
    for step in np.linspace(0.0, 1.0, CORE_LEVEL):
        cbf = float(np.exp(np.interp(step, (0.0, 0.5, 1.0), np.log((start.cbf, BORDER_CBF, end.cbf)))))
        mtt, delay = (
            float(a + step * (b - a)) for a, b in ((start.mtt_s, end.mtt_s), (start.delay_s, end.delay_s))
        )
        levels.append(Perfusion(cbf, cbf * mtt / SECONDS_PER_MINUTE, delay))
    return tuple(levels)


@dataclass(frozen=True)
class Bolus:
    """Bolus in the feeding artery, without partial volume.

    Attributes
    ----------
    onset_s, alpha, beta_s, peak_hu
        The first pass, a gamma variate. A low cardiac output widens ``beta_s`` and lowers the peak.
    recirculation_hu, recirculation_delay_s, recirculation_tau_s
        The second pass: a copy of the first, later, dispersed and scaled to this peak.
    plateau_hu
        Enhancement that remains after the bolus has mixed with the blood.
    vein_delay_s, vein_tau_s
        Delay and dispersion from the artery to the large veins; the area is kept.
    """

    onset_s: float = 8.0
    alpha: float = 3.0
    beta_s: float = 1.5
    peak_hu: float = 320.0
    recirculation_hu: float = 35.0
    recirculation_delay_s: float = 11.0
    recirculation_tau_s: float = 3.0
    plateau_hu: float = 18.0
    vein_delay_s: float = 4.0
    vein_tau_s: float = 2.0

    @classmethod
    def of_width(
        cls,
        width_s: float,
        alpha: float,
        peak_hu: float,
        *,
        recirculation: float,
        recirculation_delay_s: float,
        plateau: float,
        onset_s: float,
        vein_delay_s: float,
        vein_tau_s: float,
    ) -> Bolus:
        """Return a bolus whose first pass has a full width at half maximum of ``width_s``.

        ``recirculation`` and ``plateau`` are fractions of the peak; the rest are attributes of the bolus.
        """
        return cls(
            onset_s=onset_s, alpha=alpha, beta_s=width_s / gamma_variate_width(alpha, 1.0), peak_hu=peak_hu,
            recirculation_hu=recirculation * peak_hu, recirculation_delay_s=recirculation_delay_s,
            plateau_hu=plateau * peak_hu,
            vein_delay_s=vein_delay_s, vein_tau_s=vein_tau_s,
        )  # fmt: skip

    @property
    def width_s(self) -> float:
        """Full width at half maximum of the first pass, seconds."""
        return gamma_variate_width(self.alpha, self.beta_s)

    def artery(self, time_s: DoubleArray) -> DoubleArray:
        """Return the arterial enhancement in HU on an even grid from 0 s. Shape ``(n_fine,)``."""
        dt = float(time_s[1] - time_s[0])
        first = gamma_variate(time_s, self.onset_s, self.alpha, self.beta_s, self.peak_hu)
        shape = fine_grid(6 * self.alpha * self.beta_s + 10 * self.recirculation_tau_s, dt)
        again = disperse(gamma_variate(shape, 0.0, self.alpha, self.beta_s, 1.0), dt, self.recirculation_tau_s)
        again *= self.recirculation_hu / again.max()
        second = sample(again, dt, time_s, self.onset_s + self.recirculation_delay_s)
        mixed = np.cumsum(first) * (dt / gamma_variate_area(self.alpha, self.beta_s, self.peak_hu))
        return first + second + self.plateau_hu * mixed

    def vein(self, time_s: DoubleArray) -> DoubleArray:
        """Return the venous enhancement in HU on the same grid. Shape ``(n_fine,)``."""
        dt = float(time_s[1] - time_s[0])
        return disperse(sample(self.artery(time_s), dt, time_s, self.vein_delay_s), dt, self.vein_tau_s)

    def vein_fall_s(self, fraction: float) -> float:
        """Return the time in seconds at which the vein, after its peak, has fallen to a fraction of it."""
        time = fine_grid(self.onset_s + 30.0 * self.beta_s + 40.0, FINE_DT_S)
        vein = self.vein(time)
        top = int(vein.argmax())
        below = np.flatnonzero(vein[top:] <= fraction * vein[top])
        if below.size == 0:
            raise ArgumentError(f"The vein never falls to {fraction:g} of its peak.")
        return float(time[top + below[0]])

    def ending(self, last_s: float, fraction: float = 0.7) -> Bolus:
        """Return a delayed bolus whose vein is still at a fraction of its peak at ``last_s``."""
        return replace(self, onset_s=self.onset_s + last_s - self.vein_fall_s(fraction))


def residue(time_s: DoubleArray, mtt_s: float, family: ResidueFamily) -> DoubleArray:
    r"""Return the residue function R(t), with R(0) = 1 and :math:`\int_0^\infty R\,dt` = MTT.

    ``exponential``: one well-mixed compartment. ``box``: every transit takes MTT. ``gamma``:
    gamma-distributed transit times of shape 3 (Mouridsen 2006, doi:10.1016/j.neuroimage.2006.06.015).
    ``box-exponential``: nothing leaves for MTT/2, then an exponential washout (Manhart 2013,
    IEEE Trans Med Imaging 32:1336).

    Parameters
    ----------
    time_s
        Times ≥ 0 in seconds, any shape.
    mtt_s
        Mean transit time in seconds, > 0.
    family
        One of the four families.

    Returns
    -------
    R(t) between 0 and 1, the shape of ``time_s``.
    """
    t = np.asarray(time_s, np.float64)
    if family == "exponential":
        return np.asarray(np.exp(-t / mtt_s), np.float64)
    if family == "box":
        return np.asarray(t < mtt_s, np.float64)
    if family == "gamma":
        return np.asarray(gammaincc(GAMMA_SHAPE, GAMMA_SHAPE * t / mtt_s), np.float64)
    if family == "box-exponential":
        hold = BOX_FRACTION * mtt_s
        return np.asarray(np.exp(-np.maximum(t - hold, 0.0) / (mtt_s - hold)), np.float64)
    raise ArgumentError(f"residue must be exponential, box, gamma or box-exponential; got {family!r}.")


def residue_integral(time_s: DoubleArray, mtt_s: float, family: ResidueFamily) -> DoubleArray:
    r"""Return :math:`\int_0^t R(s)\,ds` in closed form, seconds; the parameters are :func:`residue`'s."""
    t = np.asarray(time_s, np.float64)
    if family == "exponential":
        return np.asarray(-mtt_s * np.expm1(-t / mtt_s), np.float64)
    if family == "box":
        return np.minimum(t, mtt_s)
    if family == "gamma":
        theta = mtt_s / GAMMA_SHAPE
        early = gammainc(GAMMA_SHAPE + 1.0, t / theta)
        return np.asarray(t * gammaincc(GAMMA_SHAPE, t / theta) + mtt_s * early, np.float64)
    if family == "box-exponential":
        hold = BOX_FRACTION * mtt_s
        tail = mtt_s - hold
        late = np.maximum(t - hold, 0.0)
        return np.asarray(np.minimum(t, hold) - tail * np.expm1(-late / tail), np.float64)
    raise ArgumentError(f"residue must be exponential, box, gamma or box-exponential; got {family!r}.")


def tissue_curve(artery: DoubleArray, dt_s: float, cbf: float, mtt_s: float, family: ResidueFamily) -> DoubleArray:
    r"""Return the enhancement of tissue without delay, on the artery's grid.

    Each sample of the artery is weighed with the exact integral of the residue over the cell around
    its age, so that the area is kept and a box is as exact as an exponential (second order in ``dt_s``).

    Parameters
    ----------
    artery
        Arterial enhancement in HU. Shape ``(n_fine,)``.
    dt_s
        Step of the grid in seconds.
    cbf
        Cerebral blood flow in ml/100 g/min.
    mtt_s
        Mean transit time in seconds.
    family
        The residue's family.

    Returns
    -------
    Enhancement in HU. Shape ``(n_fine,)``.
    """
    n = artery.shape[-1]
    edges = np.concatenate([[0.0], (np.arange(n) + 0.5) * dt_s])
    weights = np.diff(residue_integral(edges, mtt_s, family))
    return np.asarray(cbf / CBF_PER_K * np.convolve(artery, weights)[:n], np.float64)
