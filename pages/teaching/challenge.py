"""The challenge: an unseen patient, whose truth is nowhere in the session's case until the answer is given."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
import streamlit as st
import torch

from pages.library.catalog import Entry, Source, forget_entry
from pages.live.compute.case import LiveCase
from pages.session import state
from pages.teaching.progress import progress
from perfcore.deconvolution.fused import Tiles
from perfcore.errors import PerfcoreError
from perfcore.settings import Settings
from perfcore.teaching.challenge import ChallengeCase, ChallengeScore, draw_challenge, score_challenge, true_cbf
from perfcore.types import Aif, DoubleArray

KEY: Final = "challenge"
YOURS: Final = "yours"
TRUTH: Final = "truth"
VEIN: Final = "vein"


@dataclass(eq=False)
class Challenge:
    """One patient; ``scores`` (by source id) and ``curve`` are None until an answer is given."""

    number: int
    challenge: ChallengeCase
    scores: dict[str, ChallengeScore] | None = None
    curve: DoubleArray | None = None

    @property
    def entry(self) -> Entry:
        """The case as it may be opened: without its truth before the answer, with it after."""
        note = "An unseen patient: find the input function."
        owner = state.live_session().token
        return Entry(f"{KEY}-{self.number}", f"Challenge {self.number}", note, partial(_read, self), owner=owner)


def _read(one: Challenge) -> Source:
    challenge = one.challenge
    if one.scores is None:
        return Source(challenge.series)
    return Source(replace(challenge.series, lesion=challenge.core), replace(challenge.truth, method="truth"))


def current() -> Challenge | None:
    """Return the challenge that this person is at."""
    one: Challenge | None = st.session_state.get(KEY)
    return one


def draw(number: int) -> None:
    """Draw the patient of a number; the next run opens them.

    Raises
    ------
    ArgumentError
        The number is negative.
    """
    st.session_state[KEY] = Challenge(number, draw_challenge(number))
    st.session_state["lesson_open"] = None


def enter() -> None:
    """Open the case of the challenge that is going on, under the usual settings."""
    one = current()
    if one is None:
        return
    if one.entry.key not in {entry.key for entry in state.uploads()}:
        state.uploads().append(one.entry)
    st.session_state["case"] = one.entry.key
    st.session_state["preset"] = "paper"
    for name, value in Settings().as_dict().items():
        st.session_state[f"set_{name}"] = value


def begin(one: Challenge) -> bool:
    """Start from the mean tissue curve, which is no artery; returns whether the challenge's case is open."""
    session = state.live_session()
    now = session.state
    if now is None or now.case.name != one.entry.key:
        return False
    mine = st.session_state.setdefault("own_curves", {}).setdefault(now.case.name, {})
    if "tissue" not in mine:
        prepared = now.case.prepared
        mine["tissue"] = Aif(prepared.time_s, prepared.tissue.mean(0, dtype=np.float64), "tissue")
    starts = st.session_state.setdefault("start", {})
    if now.case.name not in starts:
        starts[now.case.name] = "tissue"
        session.configure(now.case, now.settings, mine["tissue"])
    return True


def leave() -> None:
    """Take the case out of the library again; the challenge itself goes on when the person comes back."""
    mine = state.uploads()
    mine[:] = [entry for entry in mine if not entry.key.startswith(f"{KEY}-")]


def submit(one: Challenge, case: LiveCase, curve: DoubleArray, settings: Settings) -> None:
    """Judge the person's curve beside the truth and what the machine finds, and let the truth be seen.

    Raises
    ------
    PerfcoreError
        The curve has no bolus or explains no tissue; the challenge stays open.
    """
    prepared = case.prepared
    tiles = Tiles.of(torch.from_numpy(prepared.tissue.copy()))
    wanted = true_cbf(prepared, tiles, one.challenge, settings)
    judge = partial(score_challenge, prepared, tiles, one.challenge, settings=settings, true_cbf=wanted)
    scores = {YOURS: judge(curve=curve), TRUTH: judge(curve=one.challenge.truth.value)}
    for method in case.offered.methods:
        with suppress(PerfcoreError):  # a method that finds nothing here has no score
            scores[method] = judge(curve=case.offered.get(method).value)
    one.scores, one.curve = scores, curve.copy()
    progress().scores[one.number] = scores[YOURS].points
    forget_entry(one.entry)
