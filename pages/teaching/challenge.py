"""Challenge: find the AIF of a phantom patient; the session's case has no truth before the submission."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np
import torch

from pages.library.catalog import CatalogEntry, LoadedCase, forget_entry
from pages.live.compute.case import LiveCase
from pages.session.state import live_session, user_state
from pages.teaching.progress import Challenge
from perfcore.aif.sources import source_label
from perfcore.deconvolution.fused import Tiles
from perfcore.errors import PerfcoreError
from perfcore.settings import PRESETS, Settings
from perfcore.teaching.challenge import draw_challenge, score_challenge, true_cbf, true_voxels
from perfcore.types import Aif, DoubleArray, Voxel

KEY_PREFIX: Final = "challenge-"
START: Final = "tissue"
"""Method of the start AIF, the mean tissue curve."""
SUBMITTED: Final = "submitted"
TRUTH: Final = "truth"
"""Keys of the scores of the submitted curve and of the true AIF; the others are methods of AIF sources."""


def label(key: str) -> str:
    """Return the label of a score."""
    return "Yours" if key == SUBMITTED else source_label(key)


def entry_of(challenge: Challenge) -> CatalogEntry:
    """Return the catalog entry of a challenge: without its truth before the submission, with it afterwards."""
    number = challenge.number
    note = "An unseen patient: find the AIF."
    read = partial(_read, challenge)
    return CatalogEntry(f"{KEY_PREFIX}{number}", f"Challenge {number}", note, read, owner=live_session().token)


def _read(challenge: Challenge) -> LoadedCase:
    hidden_case = challenge.case
    if challenge.scores is None:
        return LoadedCase(hidden_case.series)
    truth = replace(hidden_case.truth, source_id=TRUTH, voxels=challenge.true_voxels)
    return LoadedCase(replace(hidden_case.series, lesion=hidden_case.core), truth, hidden_case.hypoperfused)


def draw(number: int) -> None:
    """Draw the patient of a number; the next run opens the case.

    Raises
    ------
    ArgumentError
        The number is negative.
    """
    lesson = user_state().lesson
    lesson.challenge = Challenge(number, draw_challenge(number))
    lesson.opened = None


def open_case() -> None:
    """Select the case of the current challenge under the default settings."""
    user = user_state()
    if user.lesson.challenge is None:
        return
    entry = entry_of(user.lesson.challenge)
    if entry.key not in {known.key for known in user.uploads.entries}:
        user.uploads.entries.append(entry)
    user.case.key = entry.key
    user.settings.apply("paper", PRESETS["paper"])


def start_curve(challenge: Challenge) -> bool:
    """Start from the mean tissue curve, once.

    Returns
    -------
    bool
        Whether the case of the challenge is open.
    """
    user, session = user_state(), live_session()
    now = session.workspace
    if now is None or now.case.name != entry_of(challenge).key:
        return False
    own = user.aif.own_of(now.case.name)
    if START not in own:
        prepared = now.case.prepared
        own[START] = Aif(prepared.time_s, prepared.tissue.mean(0, dtype=np.float64), START)
    if now.case.name not in user.aif.methods:
        user.aif.methods[now.case.name] = START
        session.configure(now.case, now.settings, own[START])
    return True


def remove_case() -> None:
    """Remove the case from the user's cases; the challenge itself can be continued."""
    entries = user_state().uploads.entries
    entries[:] = [entry for entry in entries if not entry.key.startswith(KEY_PREFIX)]


def close() -> None:
    """End the challenge, so that another can be drawn."""
    user_state().lesson.challenge = None
    remove_case()
    user_state().lesson.opened = None


def submit(
    challenge: Challenge, case: LiveCase, curve: DoubleArray, settings: Settings, *, voxels: tuple[Voxel, ...] = ()
) -> None:
    """Score the user's curve, the true AIF and the automatic methods; the case then shows its truth.

    ``voxels`` are those that the user picked: a source that was chosen from the list has its own row.

    Raises
    ------
    PerfcoreError
        The curve has no bolus or explains no tissue; the challenge stays open.
    """
    prepared, hidden_case = case.prepared, challenge.case
    tiles = Tiles.from_curves(torch.from_numpy(prepared.tissue.copy()))
    wanted = true_cbf(prepared, tiles, hidden_case, settings)
    judge = partial(score_challenge, prepared, tiles, hidden_case, settings=settings, true_cbf=wanted)
    true = true_voxels(hidden_case, prepared)
    scores = {
        SUBMITTED: judge(curve=curve, voxels=voxels),
        TRUTH: judge(curve=hidden_case.truth.value, voxels=true),
    }
    for method in case.offered.methods:
        with suppress(PerfcoreError):  # a method that finds no AIF here has no score
            aif = case.offered.get(method)
            scores[method] = judge(curve=aif.value, voxels=aif.voxels)
    challenge.scores, challenge.curve, challenge.true_voxels = scores, curve.copy(), true
    user = user_state()
    user.lesson.progress.scores[challenge.number] = scores[SUBMITTED].points
    # The case opens again with the true artery on the map; the submitted curve is a source beside it.
    own = user.aif.own_of(case.name)
    own[SUBMITTED] = Aif(prepared.time_s, curve.copy(), SUBMITTED, voxels, label=label(SUBMITTED))
    user.aif.methods[case.name] = TRUTH
    forget_entry(entry_of(challenge))
