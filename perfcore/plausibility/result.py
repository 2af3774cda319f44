"""Plausibility checks of a given AIF and of a result."""

from __future__ import annotations

from math import inf
from typing import Final

from perfcore.plausibility.check import Check

AIF_CHECKS: Final = (
    Check(
        code="aif_units",
        measured="its peak over that of the vessels in the series",
        normal=(0.05, 20.0),
        possible=(0.02, 50.0),
        low="The AIF is in other units than the series, so absolute CBF and CBV are wrong by the same factor",
        high="The AIF is in other units than the series, so absolute CBF and CBV are wrong by the same factor",
        remedy="give enhancement in the units of the series",
        source=(
            "measured pairs of artery and vein: area ratio at most 8.3 (95 %); phantom cohort: 0.15 to 2.2, and "
            "up to 2.6 for undiluted blood"
        ),
    ),
    Check(
        code="aif_baseline",
        measured="its lowest level, of its peak",
        unit="%",
        normal=(0.0, 0.1),
        possible=(0.0, 0.25),
        high="The baseline of the AIF was not subtracted, so the curve does not begin at 0",
        remedy="give enhancement, that is the curve minus its mean before the contrast arrives",
        source=(
            "blood is at 40 HU before the contrast, 15 % of the peak of undiluted blood and half of that of a "
            "thin artery; a curve with its baseline subtracted is near 0 before the contrast"
        ),
    ),
)
"""Measured by :func:`perfcore.result_checks.aif_measures`."""
RESULT_CHECKS: Final = (
    Check(
        code="cbf_implausible",
        measured="CBF of healthy tissue",
        unit="ml/100 g/min",
        normal=(2.0, 200.0),
        possible=(0.2, 5_000.0),
        low="Healthy tissue has next to no flow, so the AIF is too large, in other units, or not an artery",
        high=(
            "Healthy tissue has more flow than a brain can have, so the AIF is too small, diluted by its "
            "surroundings (partial volume) or in other units"
        ),
        remedy="check the AIF, or give one of a large artery",
        source=(
            "healthy 20 to 80 (grey 55, white 22; doi:10.1093/brain/113.1.27); regularisation reads 0.2 to 0.6 of "
            "it, a diluted AIF 6 times as much and, at a peak of 10 HU, 25 times; phantom cohort, all selectors: "
            "7 to 157"
        ),
    ),
    Check(
        code="cbv_implausible",
        measured="CBV of healthy tissue",
        unit="ml/100 g",
        normal=(0.3, 50.0),
        possible=(0.02, 500.0),
        low=(
            "Healthy tissue has next to no blood, so the AIF is too large or in other units, or the baseline is "
            "wrong"
        ),
        high=(
            "Healthy tissue has more blood than a brain can have, so the AIF is too small, diluted by its "
            "surroundings (partial volume) or in other units"
        ),
        remedy="check the AIF, or give one of a large artery",
        source=(
            "healthy 2 to 5 ml/100 g (doi:10.1093/brain/113.1.27); a diluted AIF reads 6 times as much and, at a "
            "peak of 10 HU, 25 times; phantom cohort, all selectors: 1.9 to 27"
        ),
    ),
    Check(
        code="mtt_implausible",
        measured="MTT of healthy tissue",
        unit="s",
        normal=(2.0, 35.0),
        possible=(0.0, inf),
        low=(
            "The curves of tissue and AIF do not belong together, as healthy blood would pass faster than it can"
        ),
        high=(
            "The curves of tissue and AIF do not belong together, as healthy blood would stay longer than it can"
        ),
        remedy="check the AIF and the time step (--dt)",
        source=(
            "healthy 3 to 7 s, independent of the scale of the AIF; regularisation reads up to 4 times as much; "
            "phantom cohort, all selectors: 8 to 24"
        ),
    ),
    Check(
        code="aif_area",
        measured="area under the AIF",
        unit="HU s",
        normal=(60.0, 30_000.0),
        possible=(2.0, 100_000.0),
        low="The AIF holds next to no contrast, so it is not an artery or in other units",
        high=(
            "The AIF holds more contrast than can be injected, so it is in other units or its baseline was not "
            "subtracted"
        ),
        remedy="check the AIF",
        source="measured arteries: peak 10 to 490 HU, half-maximum width 8 to 19 s; phantom cohort: 190 to 7400",
    ),
)
"""Measured by :func:`perfcore.result_checks.result_measures`."""
