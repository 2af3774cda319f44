"""Curves with their quality, as the library judges them, for the browser's tests."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from pages.live.lab_config import lab_config
from pages.ui.aif_light import SHAPES
from perfcore.aif.edits import CurveEdit, edit_curve
from perfcore.aif.quality import SERIES_CAUSES, CaseReference, assess, measure
from perfcore.quality_flags import make_flag
from perfcore.settings import Settings
from perfcore.types import Aif

EDITS = (
    CurveEdit(), CurveEdit(shift_s=3.0), CurveEdit(shift_s=-12.0), CurveEdit(amplitude=0.4),
    CurveEdit(amplitude=2.0), CurveEdit(amplitude=0.02), CurveEdit(tail=0.0), CurveEdit(cut_s=24.0),
    CurveEdit(baseline=30.0), CurveEdit(baseline=-40.0), CurveEdit(width=0.2),
    CurveEdit(width=4.0), CurveEdit(dispersion_s=6.0),
)  # fmt: skip
DOUBTS = tuple(make_flag(code, f"{code}, with figures.") for code in SERIES_CAUSES)


def golden_aif_quality() -> dict[str, Any]:
    """Return the checks and, for each curve, reference, VOF, measures, verdicts and sentences."""
    rng = np.random.default_rng(17)
    time_s = np.arange(60.0)
    bolus = 200 * np.exp(-0.5 * ((time_s - 21) / 4.5) ** 2) + 30 / (1 + np.exp(26 - time_s))
    vof = np.interp(time_s - 5.5, time_s, bolus) + rng.normal(0, 0.5, 60)
    curves = [edit_curve(bolus + rng.normal(0, 3, 60), 1.0, edit) for edit in EDITS]
    curves += [vof, np.maximum.accumulate(bolus), rng.normal(0, 20, 60), -bolus, np.linspace(0, 50, 60)]
    curves += [bolus + 45 * np.exp(-0.5 * ((time_s - 5) / 3) ** 2), np.where(time_s == 20, 200.0, 0.0)]
    veins = [vof, None, 0.1 * vof, np.maximum.accumulate(vof)]
    references = [
        CaseReference(1.0, True, 18.3, 7.1), CaseReference(0.7, True, 4.0, 7.1),
        CaseReference(2.0, False, 18.0, 0.0),
    ]  # fmt: skip
    found = []
    for i, value in enumerate(curves):
        for j, reference in enumerate(references):
            curve, vein = np.float32(value), veins[(i + j) % len(veins)]
            vein = None if vein is None else np.float32(vein)
            share = (None, 0.0, 0.08, 0.7)[i % 4]
            measures = measure(reference, curve.astype(float), None if vein is None else vein.astype(float), share)
            doubts = DOUBTS[: (i + j) % 3]
            said = [{"cause": SERIES_CAUSES[one.code], "sentence": str(one)} for one in doubts]
            quality = assess(measures, doubts)
            found.append({
                "curve": curve.tolist(), "vof": None if vein is None else vein.tolist(), "share": share,
                "dt": reference.dt_s,
                "reference": {"inHu": reference.in_hu, "tissueArrivalS": reference.tissue_arrival_s,
                              "tissuePeak": reference.tissue_peak, "doubts": said},
                "measures": asdict(measures), "verdict": quality.verdict, "cause": quality.cause,
                "sentence": quality.sentence, "sentences": [finding.sentence for finding in quality.findings],
            })  # fmt: skip
    checks = lab_config(Settings(), Aif(time_s, bolus), [])["aifChecks"]
    assert {"good", "doubtful", "bad"} == {entry["verdict"] for entry in found}
    return {"checks": checks, "curves": found, "shapes": SHAPES}
