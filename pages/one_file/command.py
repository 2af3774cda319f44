"""The command ``page``: from a case on a disk to the file."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from pages.live.compute.case import LiveCase
from pages.one_file.about import Words
from pages.one_file.engine_limits import check_engine
from pages.one_file.page import make_page, offered_aifs
from perfcore.aif.select import select
from perfcore.batch.case import CaseOptions
from perfcore.errors import PerfcoreError
from perfcore.io.aif_csv import read_aif_csv
from perfcore.io.load import load_series
from perfcore.pipeline import find_curve
from perfcore.plausibility import judge_all
from perfcore.preprocess import Prepared, prepare
from perfcore.quality_flags import doubtful_first
from perfcore.result_checks import aif_measures, result_measures
from perfcore.runtime.device import resolve_device
from perfcore.types import Aif

DESCRIBED = "One that the author of this file gave, without a name"


def page_of_case(source: Path, options: CaseOptions, words: Words) -> bytes:
    """Read a case and return its page.

    Parameters
    ----------
    source
        As for :func:`perfcore.io.load.load_series`.
    options
        As for ``maps``; those of its output are not used.
    words
        What the author adds.

    Raises
    ------
    PerfcoreError
        The case is refused, or the browser's engine does not have these settings.
    """
    check_engine(options.settings)
    series = load_series(source, dt_s=options.dt_s, units=options.units, mask=options.mask, series=options.series)
    check_engine(options.settings, series.n_time)
    prepared = prepare(series, options.settings)
    start, vof = _start(prepared, options)
    case = LiveCase(
        "case",
        prepared,
        {start.source_id: start},
        vof,
        device=resolve_device(options.device),
        lesion_voxels=0 if series.lesion is None else int(series.lesion.sum()),
    )
    operator = case.operator(start.value, options.settings)
    mean = case.estimated_healthy_mean(operator)
    judge_all(result_measures(prepared, start, mean))  # raises where the result cannot be
    return make_page(case, options.settings, start, words, described=DESCRIBED, others=offered_aifs(case))


def _start(prepared: Prepared, options: CaseOptions) -> tuple[Aif, Aif | None]:
    """Return the AIF that the page opens with, and the vein where one was found."""
    if isinstance(options.aif, str):
        found = find_curve(prepared, options.aif)
        return found.corrected() if options.partial_volume else found.aif, found.vof
    given = read_aif_csv(options.aif, prepared.time_s)
    flags = doubtful_first((*judge_all(aif_measures(prepared, given)), *given.quality))
    vof = None
    with suppress(PerfcoreError):
        vof = select(prepared).vof
    return replace(given, source_id="file", label="File", quality=flags), vof
