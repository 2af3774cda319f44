"""The Fine-tune page in the browser, and the library's steps to compare with."""

from __future__ import annotations

from typing import Any

import numpy as np
from playwright.sync_api import Page

from pages.live.compute.case import LiveCase
from pages.live.handlers.lesion_target import target_of
from perfcore.analysis.finetune import TuneOptions, Tuner, make_parametrization
from perfcore.settings import Settings
from tests.support.app_server import lab_data, settled, wait_first_maps, wait_lab


def open_tuning(page: Page, address: str, source: str = "vein") -> None:
    page.goto(f"{address}/finetune?start={source}")
    wait_first_maps(page, "tune")
    settled(page)


def click(page: Page, action: str) -> None:
    page.locator(f'[data-action="{action}"]').locator("visible=true").first.click()


def steps(page: Page, n: int) -> None:
    """Press *Step*, and wait for each step; the first press gives the start, step 0, too."""
    for _ in range(n):
        step = max(int(lab_data(page, "tune-steps") or 0), 1)
        click(page, "tune-step")
        wait_lab(page, f"Number(data.tuneSteps) === {step + 1}")
        wait_lab(page, f"Number(data.tuneStep) === {step}")
    settled(page)


def index_in(case: LiveCase, voxel: tuple[int, int, int]) -> int:
    """Index of a voxel of the series in slice order."""
    flat = np.ravel_multi_index(voxel, case.prepared.grid)
    return int(np.flatnonzero(case.prepared.index[case.order] == flat)[0])


def own_steps(case: LiveCase, n: int, **options: Any) -> list:
    """Step 0, which is the start, and perfcore's ``n`` steps from it."""
    assert case.vof is not None
    assert case.lesion is not None
    start = case.vof.value.astype(np.float32).astype(float)
    form = make_parametrization("softplus", start, case.prepared.dt_s)
    target = target_of(case, case.lesion, hypoperfused=True, preview=True)
    tuner = Tuner(target, form, Settings(), TuneOptions(with_tmax=True, **options))
    return [tuner.step() for _ in range(n + 1)]
