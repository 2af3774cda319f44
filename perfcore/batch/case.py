"""Maps of one case on disk: read the series, analyse it, write the files."""

# ruff: noqa: PLC0415

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from perfcore.runtime.lean_imports import import_nibabel, import_torch_in_background
from perfcore.settings import Settings

if TYPE_CHECKING:
    from perfcore.bids import BidsCase
    from perfcore.pipeline import Analysis
    from perfcore.types import Aif, PerfusionSeries, SeriesUnits

Stage = Callable[[str], AbstractContextManager[object]]
"""Surrounds a step of the work, named by its argument, such as by a progress bar."""


@dataclass(frozen=True)
class CaseOptions:
    """What is done with each case; it can be pickled.

    Attributes
    ----------
    aif
        Name of a method, or the path of a CSV file.
    units, mask, dt_s, series
        As for :func:`perfcore.io.load.load_series`.
    settings, preset
        Settings, and the name of the preset that they began with.
    device
        ``auto``, ``cpu`` or ``cuda``.
    partial_volume
        As for :func:`perfcore.pipeline.analyse`.
    names
        Names of the files: ``plain``, or ``bids`` for a BIDS derivative dataset (see :mod:`perfcore.bids`).
    dicom_out
        Folder for the case's DICOM objects, or None.
    report
        Whether the one-page report is written as well.
    """

    aif: str | Path = "auto"
    units: SeriesUnits = "hu"
    mask: Path | None = None
    dt_s: float | None = None
    series: int | None = None
    settings: Settings = field(default_factory=Settings)
    preset: str = "paper"
    device: str = "auto"
    partial_volume: bool = True
    names: str = "plain"
    dicom_out: Path | None = None
    report: bool = False


def map_case(
    source: Path,
    out: Path,
    options: CaseOptions,
    *,
    name: str | None = None,
    unfinished: str | None = None,
    bids: BidsCase | None = None,
    stage: Stage = nullcontext,
) -> Analysis:
    """Write the maps, curves and figures of one case; a failed run leaves no output behind.

    Parameters
    ----------
    source
        As for :func:`perfcore.io.load.load_series`.
    out
        Folder for the files; with ``bids`` names the root of the dataset.
    options
        What to do.
    name
        Of the case; default: the reader's, which is no file name.
    unfinished
        As for :func:`perfcore.io.atomic_write.write_all`.
    bids
        Entities of the case for ``bids`` names; default: those of the source's name.
    stage
        Surrounds reading, computing and writing.

    Raises
    ------
    PerfcoreError
        The case is refused, or its files cannot be written.
    """
    import_nibabel()
    from perfcore.bids import DESCRIPTION_FILE, BidsCase, dataset_description
    from perfcore.io.aif_csv import read_aif_csv
    from perfcore.io.atomic_write import check_out_dir, write_text
    from perfcore.io.load import load_series
    from perfcore.report.files import check_report_packages
    from perfcore.results import file_names, write_results

    if options.report:
        check_report_packages()
    if options.names == "bids":
        bids = bids or BidsCase.of(source, name or "case")
    place = out if bids is None else out / bids.folder
    check_out_dir(place, file_names() if bids is None else bids.file_names(), unfinished=unfinished)
    dicom = None
    if options.dicom_out is not None:
        from perfcore.dicom_export.output import DicomOutput

        with stage("Reading the headers"):
            dicom = DicomOutput.prepare(
                source, options.dicom_out, series=options.series, dt_s=options.dt_s, units=options.units
            )
    with stage("Reading the series"):
        start = time.perf_counter()
        series = load_series(
            source, dt_s=options.dt_s, units=options.units, mask=options.mask, series=options.series
        )
        if name is not None:
            series = replace(series, case=name)
        aif = options.aif if isinstance(options.aif, str) else read_aif_csv(options.aif, series.time_s)
        load_s = time.perf_counter() - start
    import_torch_in_background()
    with stage("Computing maps"):
        analysis, device = _analyse(series, aif, options)
    with stage("Writing maps"), dicom.written(analysis) if dicom else nullcontext():
        used = {"aif": aif if isinstance(aif, str) else "file", "preset": options.preset, "device": device}
        write_results(
            analysis, place, options=used, load_s=load_s, unfinished=unfinished, bids=bids, report=options.report
        )
        if bids is not None and not (out / DESCRIPTION_FILE).exists():
            write_text(out / DESCRIPTION_FILE, dataset_description())
    return analysis


def _analyse(series: PerfusionSeries, aif: str | Aif, options: CaseOptions) -> tuple[Analysis, str]:
    """Run the analysis; return it with the name of the device it ran on."""
    if options.device == "cuda":  # report a missing device before the work, not after it
        from perfcore.runtime.device import resolve_device

        resolve_device(options.device)
    start = time.perf_counter()
    from perfcore.preprocess import prepare

    prepared = prepare(series, options.settings)  # needs no torch, which is still being imported
    prepare_s = time.perf_counter() - start
    from perfcore.pipeline import analyse
    from perfcore.runtime.device import resolve_device

    device = resolve_device(options.device).type
    analysis = analyse(
        series, aif, options.settings, device, prepared=prepared, partial_volume=options.partial_volume
    )
    seconds = dict(analysis.seconds)
    for part in ("preprocess", "total"):
        seconds[part] += prepare_s
    return replace(analysis, seconds=seconds), device
