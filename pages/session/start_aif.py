"""Start AIF of a case: its source, AIFs from CSV files, and the edited curve that the browser commits."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from pages.live.compute.case import LiveCase
from pages.live.server import wire
from pages.session.state import live_session, notify, user_state
from perfcore.aif.sources import SourceInfo, aif_label, source_info, source_label
from perfcore.errors import PerfcoreError
from perfcore.io.aif_csv import read_aif_csv
from perfcore.plausibility import judge_all
from perfcore.quality_flags import doubtful_first, sentences
from perfcore.result_checks import aif_measures
from perfcore.types import Aif

MAX_KEY_CHARS: Final = 200
"""Characters of the key of an edited curve (case name and method)."""


def known_aifs(case: LiveCase) -> dict[str, Aif]:
    """Return the AIFs of a case that are computed already, by method: the case's and the user's own."""
    return {**case.sources, **user_state().aif.own_of(case.name)}


def aif_choices(case: LiveCase) -> list[SourceInfo]:
    """Return every AIF source of a case, computed or not."""
    own = user_state().aif.own_of(case.name)
    mine = [replace(source_info(source_id), label=aif_label(aif)) for source_id, aif in own.items()]
    return [*(source_info(method) for method in case.offered.methods), *mine]


def select_start_aif(case: LiveCase, method: str) -> None:
    """Start edits of a case from another source; an unknown method changes nothing."""
    if method in {choice.id for choice in aif_choices(case)}:
        user_state().aif.methods[case.name] = method


def start_aif(case: LiveCase) -> Aif:
    """Return the AIF that edits of a case start from.

    A source that finds no AIF in this case leaves the previous one selected, with a notice.
    """
    methods, own = user_state().aif.methods, user_state().aif.own_of(case.name)
    method = methods.get(case.name)
    if method in own:
        return own[method]
    if method in case.offered.methods:
        try:
            return case.offered.get(method)
        except PerfcoreError as error:
            notify(f"{source_label(method)}: {error}")
            last = live_session().workspace
            if last is not None and last.case.name == case.name and last.start.source_id in known_aifs(case):
                methods[case.name] = last.start.source_id
                return known_aifs(case)[last.start.source_id]
    methods.pop(case.name, None)
    return next(iter(case.sources.values()))


def receive_csv(case: LiveCase, encoded: str) -> None:
    """Start from an AIF in a CSV file, encoded in base64; show a notice if it cannot be used or has flags."""
    try:
        content = base64.b64decode(encoded, validate=True)
    except (ValueError, TypeError):
        content = b""
    try:
        aif = add_csv_aif(case, content)
    except PerfcoreError as error:
        notify(f"This curve cannot be used: {error}")
        return
    if aif.quality:
        notify(" ".join(sentences(aif.quality)))


def add_csv_aif(case: LiveCase, content: bytes) -> Aif:
    """Read an AIF from a CSV file, add it to the user's own and start from it.

    Raises
    ------
    InputDataError
        The file holds no AIF that covers the series, or one in other units or with its baseline.
    """
    own = user_state().aif.own_of(case.name)
    read = read_aif_csv(content, case.prepared.time_s)
    number = len(own) + 1
    flags = doubtful_first((*judge_all(aif_measures(case.prepared, read)), *read.quality))
    aif = replace(read, source_id=f"file-{number}", label=f"File {number}", quality=flags)
    own[aif.source_id] = aif
    user_state().aif.methods[case.name] = aif.source_id
    return aif


def keep_committed_curve(committed: Any) -> None:
    """Keep the edited curve that the browser has committed; a malformed message changes nothing."""
    if not isinstance(committed, Mapping):
        return
    try:
        value = wire.checked_curve(np.asarray(committed["value"], np.float64))
    except (PerfcoreError, KeyError, TypeError, ValueError, OverflowError):
        return
    key = str(committed.get("key", ""))
    if value.nbytes <= wire.MAX_MESSAGE_BYTES and len(key) <= MAX_KEY_CHARS:
        live_session().keep_curve(key, value)
