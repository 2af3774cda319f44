"""How fast fine-tuning runs: ``python -m tools.measure_finetune`` prints a table, and JSON last.

A step with all slices and its processor time, how soon the first frame comes, frames that reach the screen, how
soon stop takes effect, the Dice from a venous input function, and 200 draws of an input function. Server, browser
and driver share the machine: the times count only on a quiet one, so its load is printed; processor times hold on
a busy one too.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from playwright.sync_api import Page

from pages.library.catalog import demonstrations, open_case
from pages.live.compute.case import LiveCase
from pages.live.handlers.aif_uncertainty import stream_uncertainty
from pages.live.handlers.fine_tuning import stream_tuning
from pages.live.handlers.lesion_target import target_of
from pages.live.handlers.viewport import HELPER_POOL, Viewport
from pages.live.server.session import LiveSession, Workspace, open_session
from perfcore.analysis.finetune import TuneOptions, Tuner, make_parametrization
from perfcore.settings import Settings
from tests.support.app_server import FIND, browser, server, settled

GOALS = {
    "step_ms": "≤ 90", "first_frame_ms": "≤ 1000", "frames_per_s": "≥ 10", "stop_ms": "≤ 200",
    "dice_circulant": "≥ 0.75", "dice_causal": "≥ 0.75", "first_draws_s": "≤ 0.5", "all_draws_s": "≤ 5",
}  # fmt: skip
N_STEPS = 80
# When steps were on the canvas, and when Run or Stop was pressed.
WATCH = f"""() => {{
  {FIND}
  const lab = find(document);
  window.shown = [];
  new MutationObserver(() => window.shown.push(performance.now()))
    .observe(lab, {{ attributes: true, attributeFilter: ['data-tune-step'] }});
  for (const act of ['run', 'stop']) lab.querySelector(`[data-action=tune-${{act}}]`)
    .addEventListener('click', () => {{ window.pressed = performance.now(); }}, {{ capture: true }});
}}"""


def steps(case: LiveCase, session: LiveSession, state: Workspace, viewport: Viewport) -> dict[str, float]:
    """Time of a step with its frame, as the server does it for the page's options."""
    assert case.vof is not None
    asked = {"curve": case.vof.value.astype(np.float32).tolist(), "form": "softplus", "with_tmax": True}
    frames: Iterator[Any] = stream_tuning(session, state, asked, viewport)
    next(frames)
    wall, spent = [], []
    for _ in range(N_STEPS):
        clock, processor = time.perf_counter(), time.process_time()
        next(frames)
        wall.append(1e3 * (time.perf_counter() - clock))
        spent.append(1e3 * (time.process_time() - processor))
    return {"step_ms": float(np.median(wall)), "step_processor_ms": float(np.median(spent))}


def dices(case: LiveCase) -> dict[str, float]:
    """Dice of a venous input function before and after, in both forms."""
    assert case.vof is not None
    assert case.lesion is not None
    found: dict[str, float] = {}
    for deconvolution in ("circulant", "causal"):
        form = make_parametrization("softplus", case.vof.value, case.prepared.dt_s)
        settings = Settings(deconvolution=deconvolution)
        tuner = Tuner(target_of(case, case.lesion), form, settings, TuneOptions(), pool=HELPER_POOL)
        done = [tuner.step() for _ in range(N_STEPS + 1)]
        found[f"dice_{deconvolution}_start"] = done[0].dice or 0.0
        found[f"dice_{deconvolution}"] = done[-1].dice or 0.0
    return found


def draws(session: LiveSession, state: Workspace) -> dict[str, float]:
    """Seconds to the first estimate of the core's posterior and to all 200 draws."""
    start, processor = time.perf_counter(), time.process_time()
    times = [
        time.perf_counter() - start for _ in stream_uncertainty(session, state, {"way": "posterior"}, Viewport())
    ]
    spent = time.process_time() - processor
    return {"first_draws_s": times[0], "all_draws_s": times[-1], "all_draws_processor_s": spent}


def on_screen(page: Page, url: str) -> dict[str, float]:
    """Time from Run to the first frame, frames a second, and how long after Stop the last one came."""
    page.goto(f"{url}/finetune?start=vein")
    page.wait_for_selector('[data-testid="lab"][data-page="tune"][data-painted][data-core-ml]', timeout=60_000)
    settled(page)
    page.evaluate(WATCH)
    page.locator('[data-action="tune-run"]').click()
    page.wait_for_function("() => window.shown.length >= 10", timeout=60_000)
    first: float = page.evaluate("() => window.shown[0] - window.pressed")
    page.evaluate("() => { window.shown.length = 0; }")
    page.wait_for_timeout(4000)
    shown: list[float] = page.evaluate("() => window.shown.slice()")
    page.locator('[data-action="tune-stop"]').click()
    page.wait_for_timeout(1000)
    after: float = page.evaluate("() => Math.max(0, ...window.shown.map((t) => t - window.pressed))")
    rate = 1e3 * (len(shown) - 1) / (shown[-1] - shown[0])
    return {"first_frame_ms": first, "frames_per_s": rate, "stop_ms": after}


def main() -> None:
    case = open_case(demonstrations()[0], Settings())
    session = open_session()
    state = session.configure(case, Settings(), next(iter(case.sources.values())))
    size = f"{case.tiles.n_voxels} voxels × {case.prepared.n_time}"
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {size}")
    result = steps(case, session, state, Viewport(case.first_slice))
    montage = steps(case, session, state, Viewport(all_slices=True))
    result |= {f"montage_{name}": value for name, value in montage.items()}
    result |= dices(case) | draws(session, state)
    with server() as url, browser() as one:
        page = one.new_page(viewport={"width": 1280, "height": 800})
        result |= on_screen(page, url)
    for name, value in result.items():
        print(f"{name:<28}{value:>9.3f}   {GOALS.get(name, '')}")
    print(f"load {os.getloadavg()[0]:.1f}")
    print(json.dumps({name: round(value, 4) for name, value in result.items()}))


if __name__ == "__main__":
    main()
