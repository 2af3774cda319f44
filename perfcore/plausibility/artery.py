"""Checks of the AIF quality: what an arterial curve can be, as :func:`perfcore.aif.quality.assess` judges it.

A value within ``normal`` is good, within ``possible`` doubtful, outside it bad; none is refused, since a person
may shape a curve as they like. The order is that in which causes are named: a wrong vessel or clock before a wrong
scale, as the first changes the lesions and the second CBF and CBV alone.

"Cohort": the true curves of the phantom cases of seed 7, on which the distributions of the phantom were fitted to
measured curves. ``python -m tools.aif_quality_figures`` counts the verdicts on the cases of the evaluation.
"""

from __future__ import annotations

from math import inf
from typing import Final

from perfcore.plausibility.check import Check

WEAK_PEAK_HU: Final = 15.0
"""Peak of an artery below which it is mostly partial volume."""

ARTERY_CHECKS: Final = (
    Check(
        code="aif_late",
        measured="arrival after healthy tissue",
        unit="s",
        normal=(-6.0, -1.0),
        possible=(-12.0, 0.0),
        low="The AIF is too early: Tmax and the hypoperfused volume are too large",
        high="The AIF is too late, as a vein or beyond the clot: Tmax is too small",
        remedy="choose an artery that fills before the tissue",
        source=(
            "an artery fills before the tissue that it supplies; cohort: −3.3 to −2.5 s, veins +1.8 to +3.5 s "
            "(5 and 95 %)"
        ),
    ),
    Check(
        code="aif_near_vein",
        measured="arrival before the VOF",
        unit="s",
        normal=(3.5, 9.0),
        possible=(1.5, inf),
        low="The AIF arrives with the vein: Tmax is too small",
        high="The AIF arrives long before the vein: Tmax is too large",
        remedy="choose an artery, or another vein",
        source="46 measured pairs: peaks 4 to 9 s apart (5 and 95 %); cohort: 4.5 to 6.5 s",
    ),
    Check(
        code="tmax_negative",
        measured="share of the brain with Tmax < 0",
        unit="%",
        normal=(0.0, 0.05),
        possible=(0.0, 0.30),
        high="The AIF arrives after the tissue: Tmax below 0 cannot be",
        remedy="choose an earlier artery",
        source="blood cannot reach tissue before its artery; cohort: 2 % (95 %), with a vein 58 to 100 %",
    ),
    Check(
        code="aif_before_bolus",
        measured="contrast before the bolus, of the peak",
        unit="%",
        normal=(0.0, 0.08),
        possible=(0.0, 0.15),
        high="The AIF has contrast before the bolus reaches the head",
        remedy="subtract the baseline, or set these samples to 0",
        source="enhancement is 0 before the bolus by definition; cohort: 1.4 % (95 %), as measured 15 %",
    ),
    Check(
        code="aif_negative",
        measured="lowest level ÷ peak",
        unit="%",
        normal=(-0.10, inf),
        possible=(-0.25, inf),
        low="The AIF falls below its baseline, which contrast cannot do",
        remedy="raise these samples to 0",
        source="contrast raises CT values alone; as measured, with noise and motion, −10 % (5 %)",
    ),
    Check(
        code="aif_second_peak",
        measured="second peak ÷ first peak",
        unit="%",
        normal=(0.0, 0.20),
        possible=(0.0, 0.40),
        high="The AIF has a second peak, higher than that of recirculation",
        remedy="smooth the curve, or choose other voxels",
        source="recirculation of 6 to 22 % of the peak hardly parts from a wide bolus; cohort: at most 9 %",
    ),
    Check(
        code="aif_width",
        measured="width at half the peak",
        unit="s",
        normal=(5.0, 25.0),
        possible=(2.5, 40.0),
        low="The AIF is narrower than an injection can be",
        high="The AIF is wider than a bolus: tissue, or far beyond the clot",
        remedy="check the curve and the time step",
        source="46 measured arteries: 8.4 to 19.1 s (5 and 95 %); cohort: 7.6 to 18.9 s",
    ),
    Check(
        code="aif_low",
        measured="peak ÷ peak of healthy tissue",
        normal=(4.0, inf),
        possible=(2.0, inf),
        low="The AIF is hardly higher than the tissue, so it may be tissue",
        remedy="choose a larger vessel",
        source="CBV of 2 to 5 ml/100 g: blood enhances 20 to 50 times as much as tissue; cohort: 20 to 35 times",
    ),
    Check(
        code="aif_truncated",
        measured="level at the end ÷ peak",
        unit="%",
        normal=(0.03, 0.50),
        possible=(-0.25, 0.90),
        low="The tail of the AIF is missing: CBV is too large",
        high="The AIF ends above half its peak: its area is too small",
        remedy="keep the recirculation, and scan for 60 to 70 s",
        source="46 measured arteries: 11 to 41 % (5 and 95 %); cohort: 8 to 49 %",
    ),
    Check(
        code="vof_truncated",
        measured="VOF: level at the end ÷ peak",
        unit="%",
        normal=(-inf, 0.50),
        possible=(-inf, 0.97),
        high="The scan ends before the veins have emptied: CBV is too small",
        remedy="scan for 60 to 70 s",
        source="46 measured veins: 15 to 64 % (5 and 95 %); a partial-volume correction by such a vein is refused",
    ),
    Check(
        code="aif_vof_area",
        measured="area ÷ area of the VOF",
        normal=(0.7, 1.6),
        possible=(0.1, 10.0),
        low="The AIF holds less contrast than the vein: CBF and CBV are too large",
        high="The AIF holds more contrast than the vein: CBF and CBV are too small",
        remedy="scale the curve to the area of the VOF (rCBF and Tmax do not depend on it)",
        source=(
            "the same blood passes both; cohort: 0.98 to 1.3 where the vein fills its voxels; uncorrected in 46 "
            "measured pairs 0.12 to 0.77 (5 and 95 %)"
        ),
    ),
    Check(
        code="aif_vof_peak",
        measured="peak ÷ peak of the VOF",
        normal=(0.6, 2.0),
        possible=(0.1, 10.0),
        low="The AIF is lower than the vein: CBF is too large",
        high="The AIF is higher than the vein: CBF is too small",
        remedy="scale the curve to the area of the VOF (rCBF and Tmax do not depend on it)",
        source="of the same area and 1.15 times as narrow (46 measured pairs); cohort: 0.98 to 1.3",
    ),
    Check(
        code="aif_weak",
        measured="peak",
        unit="HU",
        normal=(WEAK_PEAK_HU, inf),
        possible=(5.0, inf),
        low="The AIF is weak, mostly partial volume: CBF and CBV are too large",
        remedy="choose a larger vessel",
        source="46 measured arteries: 16 to 225 HU (5 and 95 %)",
    ),
)
"""Measured by :func:`perfcore.aif.quality.measure`."""
