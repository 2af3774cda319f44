"""Tests of the case summary."""

from __future__ import annotations

import numpy as np

from pages.library import case_summary
from perfcore.io.case_preview import CasePreview


def test_unknown_confounders_of_a_preview_are_dropped() -> None:
    preview = CasePreview((4, 4, 2), 50, np.eye(4), (1.0, 1.0, 1.0), 1e-3, 1.0, ("motion", "<b>", "truncated"))
    assert case_summary.summary_of_header(preview).confounders == ("truncated", "motion")
