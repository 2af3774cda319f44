"""Result files of an analysis: maps as NIfTI with a new header, AIF and VOF as CSV, summary as JSON.

A failed run leaves no files, and the same analysis always writes the same bytes of every map.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from perfcore.io.aif_csv import aif_csv_text
from perfcore.io.atomic_write import to_json_values, write_all
from perfcore.map_info import caplex_codes, computed_maps
from perfcore.quality_flags import codes, sentences
from perfcore.report.files import REPORT_FILES, report_files
from perfcore.types import DoubleArray

if TYPE_CHECKING:
    from perfcore.bids import BidsCase
    from perfcore.pipeline import Analysis

LESIONS: Final = ("core", "hypoperfused")
_FIGURES: Final = (
    "core_ml", "hypoperfused_ml", "mismatch_ml", "mismatch_ratio", "tmax_volumes_ml", "hypoperfusion_index",
    "target_mismatch", "side", "reference_cbf",
)  # fmt: skip
_AGREEMENT: Final = ("dice", "jaccard", "auc", "hd95_mm", "lesion_ml")
_NUMBERS: Final = re.compile(r"\[[\s\d.,eE+-]+\]")
"""Matches a list of numbers in indented JSON."""
_IMAGE: Final[Any] = nib.Nifti1Image


def file_names() -> tuple[str, ...]:
    """Return the name of every file that may be written of an analysis."""
    volumes = (*computed_maps(), *LESIONS, "brain_mask")
    return (*(f"{name}.nii.gz" for name in volumes), "aif.csv", "vof.csv", "summary.json", *REPORT_FILES)


def write_results(
    analysis: Analysis,
    out_dir: Path,
    *,
    options: Mapping[str, Any] | None = None,
    load_s: float | None = None,
    unfinished: str | None = None,
    bids: BidsCase | None = None,
    report: bool = False,
) -> None:
    """Write all maps, curves and ``summary.json`` into a folder.

    Parameters
    ----------
    analysis
        Analysis of one case.
    out_dir
        Output folder; created if missing. Files of an earlier run are replaced, other files are kept.
    options
        Further settings for the summary, such as the device.
    load_s
        Time for loading the series in seconds; included in ``total`` of the summary.
    unfinished
        As for :func:`perfcore.io.atomic_write.write_all`.
    bids
        Names the files as a BIDS derivative, in this folder; None: plain names.
    report
        Whether the one-page report is written as well, as HTML and PDF.

    Maps are float32 with 0 outside the brain mask, lesions and mask are uint8, all on the grid and affine of the
    input, in the order of its axes. A voxel of the mask without a value (MTT where CBF is 0) is NaN.

    Raises
    ------
    OutputError
        The folder cannot be written; it is then as it was before.
    InputDataError
        A package that the report needs is missing.
    """
    files = result_files(analysis, options=options, load_s=load_s, report=report)
    names = file_names()
    if bids is not None:
        files, names = bids.files(files, analysis.settings), bids.file_names()
    write_all(out_dir, files, names, unfinished=unfinished)


def summarize(
    analysis: Analysis, *, options: Mapping[str, Any] | None = None, load_s: float | None = None
) -> dict[str, Any]:
    """Return the content of ``summary.json``; None where a value is undefined."""
    series, numbers, found = analysis.series, asdict(analysis.numbers), analysis.selection
    settings = analysis.settings.as_dict() | {
        "aif": analysis.aif.source_id,
        "units": series.units,
        "mask": "automatic" if series.mask is None else "given",
        "dt_s": series.dt_s,
        "partial_volume": "vein" if analysis.corrected else "off",
    }
    seconds = dict(analysis.seconds)
    if load_s is not None:
        seconds = {"load": load_s, **seconds, "total": load_s + seconds.get("total", 0.0)}
    summary = {
        "case": series.case,
        "shape": list(series.stored_voxel(series.grid)),
        "spacing_mm": [series.spacing_mm[axis] for axis in series.stored_voxel((0, 1, 2))],
        "dt_s": series.dt_s,
        "time_source": series.time_source,
        "n_time": series.n_time,
        "settings": settings | dict(options or {}),
        "aif": {
            "method": analysis.aif.source_id,
            "voxels": [list(series.stored_voxel(voxel)) for voxel in analysis.aif.voxels],
            "peak": analysis.aif.peak,
            "peak_time_s": analysis.aif.peak_time_s,
            "quality": sentences(analysis.aif.quality),
            "quality_codes": codes(analysis.aif.quality),
            "why": found.why,
            "score": None if found.rating is None else found.rating.score,
            "partial_volume": found.partial_volume,
            "verdict": analysis.aif_quality.verdict,
            "reason": analysis.aif_quality.sentence,
        },
        **{name: numbers[name] for name in _FIGURES},
        "tmax_shift_s": analysis.maps.tmax_shift_s,
        "quality": sentences(analysis.quality),
        "quality_codes": codes(analysis.quality),
        "doubtful": codes(flag for flag in analysis.quality if flag.severity == "doubtful"),
        "caplex": caplex_codes(),
        **({name: numbers[name] for name in _AGREEMENT} if series.lesion is not None else {}),
        **({"series": asdict(series.choice)} if series.choice is not None else {}),
        "seconds": seconds,
    }
    values: dict[str, Any] = to_json_values(summary)
    return values


def nifti_bytes(volume: NDArray[Any], affine: DoubleArray) -> bytes:
    """Return a volume as a gzipped NIfTI-1 file with a fresh header; the same volume gives the same bytes."""
    image: Any = _IMAGE(volume, affine)
    image.header.set_xyzt_units("mm")
    return gzip.compress(image.to_bytes(), compresslevel=4, mtime=0)


def result_files(
    analysis: Analysis,
    *,
    options: Mapping[str, Any] | None = None,
    load_s: float | None = None,
    report: bool = False,
) -> Iterator[tuple[str, bytes]]:
    """Yield the name and content of every file that `write_results` writes."""
    series, mask = analysis.series, analysis.prepared.mask

    volumes = tuple(computed_maps())

    def content(name: str) -> bytes:
        if name in volumes:
            volume = np.where(mask, analysis.maps.volume(name), 0).astype(np.float32)
        else:
            labels = getattr(analysis.maps, name) & mask if name in LESIONS else mask
            volume = labels.astype(np.uint8)
        return nifti_bytes(series.as_stored(volume), series.stored_affine)

    names = (*volumes, *LESIONS, "brain_mask")
    with ThreadPoolExecutor(min(len(names), os.cpu_count() or 1)) as pool:  # compression releases the GIL
        for name, compressed in zip(names, pool.map(content, names), strict=True):
            yield f"{name}.nii.gz", compressed
    yield "aif.csv", aif_csv_text(analysis.aif).encode()
    if analysis.vof is not None:
        yield "vof.csv", aif_csv_text(analysis.vof).encode()
    summary = summarize(analysis, options=options, load_s=load_s)
    yield "summary.json", _json(summary).encode()
    if report:
        yield from report_files(analysis, summary)


def results_zip(analysis: Analysis, *, options: Mapping[str, Any] | None = None) -> bytes:
    """Return the same files as a zip archive, stored without compression, since the maps are already gzipped."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in result_files(analysis, options=options):
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def _json(values: Mapping[str, Any]) -> str:
    """Return strict JSON with every list of numbers on one line."""
    text = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False)
    return _NUMBERS.sub(lambda found: "".join(found[0].split()).replace(",", ", "), text) + "\n"
