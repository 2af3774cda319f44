"""The files of an analysis: maps as NIfTI with a fresh header, curves as CSV, figures as JSON.

A run that fails leaves nothing behind, and the same analysis writes the same bytes of every map.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from perfcore.io.aif_csv import aif_csv_text
from perfcore.io.atomic_write import plain, write_all
from perfcore.map_info import computed_maps
from perfcore.types import Aif, DoubleArray, PerfusionSeries

if TYPE_CHECKING:
    from perfcore.aif.select.selection import Selection
    from perfcore.maps import PerfusionMaps
    from perfcore.metrics import Numbers
    from perfcore.preprocess import Prepared
    from perfcore.settings import Settings

LESIONS: Final = ("core", "hypoperfused")
_FIGURES: Final = ("core_ml", "hypoperfused_ml", "mismatch_ml", "mismatch_ratio", "reference_cbf")
_AGREEMENT: Final = ("dice", "jaccard", "auc", "hd95_mm", "lesion_ml")
_NUMBERS: Final = re.compile(r"\[[\s\d.,eE+-]+\]")
"""A list of numbers in JSON, to be set in one line."""
_IMAGE: Final[Any] = nib.Nifti1Image


class Exportable(Protocol):
    """What is written of an analysis (:class:`perfcore.pipeline.Analysis` is one)."""

    @property
    def series(self) -> PerfusionSeries: ...  # noqa: D102
    @property
    def prepared(self) -> Prepared: ...  # noqa: D102
    @property
    def settings(self) -> Settings: ...  # noqa: D102
    @property
    def aif(self) -> Aif: ...  # noqa: D102
    @property
    def selection(self) -> Selection: ...  # noqa: D102
    @property
    def vof(self) -> Aif | None: ...  # noqa: D102
    @property
    def maps(self) -> PerfusionMaps: ...  # noqa: D102
    @property
    def numbers(self) -> Numbers: ...  # noqa: D102
    @property
    def quality(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def seconds(self) -> Mapping[str, float]: ...  # noqa: D102


def file_names() -> tuple[str, ...]:
    """Return the name of every file that may be written of an analysis."""
    volumes = (*computed_maps(), *LESIONS, "brain_mask")
    return (*(f"{name}.nii.gz" for name in volumes), "aif.csv", "vof.csv", "summary.json")


def write_results(
    analysis: Exportable,
    out_dir: Path,
    *,
    options: Mapping[str, Any] | None = None,
    load_s: float | None = None,
) -> None:
    """Write all maps, curves and ``summary.json`` into a folder.

    Parameters
    ----------
    analysis
        The case with its maps.
    out_dir
        Made where it is missing; in an existing folder the files of an earlier run are replaced and others left
        alone.
    options
        Further settings for the summary, such as the device.
    load_s
        Seconds that reading the files took; part of the summary's ``total``.

    Maps are float32 with 0 outside the brain mask, lesions and mask uint8, all on the grid and affine of the
    series. A voxel of the mask without a value (MTT where CBF is 0) is NaN.

    Raises
    ------
    OutputError
        The folder cannot be written; it is then as it was before.
    """
    write_all(out_dir, result_files(analysis, options=options, load_s=load_s), file_names())


def summarize(
    analysis: Exportable, *, options: Mapping[str, Any] | None = None, load_s: float | None = None
) -> dict[str, Any]:
    """Return the figures of an analysis as plain values for JSON; None where a figure has no meaning."""
    series, numbers, found = analysis.series, asdict(analysis.numbers), analysis.selection
    settings = analysis.settings.as_dict() | {
        "aif": analysis.aif.method,
        "units": series.units,
        "mask": "automatic" if series.mask is None else "given",
        "dt_s": series.dt_s,
    }
    seconds = dict(analysis.seconds)
    if load_s is not None:
        seconds = {"load": load_s, **seconds, "total": load_s + seconds.get("total", 0.0)}
    summary = {
        "case": series.case,
        "shape": list(series.grid),
        "spacing_mm": list(series.spacing_mm),
        "dt_s": series.dt_s,
        "n_time": series.n_time,
        "settings": settings | dict(options or {}),
        "aif": {
            "method": analysis.aif.method,
            "voxels": [list(voxel) for voxel in analysis.aif.voxels],
            "peak": analysis.aif.peak,
            "peak_time_s": analysis.aif.peak_time_s,
            "quality": list(analysis.aif.quality),
            "why": found.why,
            "score": None if found.rating is None else found.rating.score,
            "partial_volume": found.partial_volume,
        },
        **{name: numbers[name] for name in _FIGURES},
        "quality": list(analysis.quality),
        **({name: numbers[name] for name in _AGREEMENT} if series.lesion is not None else {}),
        "seconds": seconds,
    }
    values: dict[str, Any] = plain(summary)
    return values


def nifti_bytes(volume: NDArray[Any], affine: DoubleArray) -> bytes:
    """Return a volume as a gzipped NIfTI-1 file with a fresh header; the same volume gives the same bytes."""
    image: Any = _IMAGE(volume, affine)
    image.header.set_xyzt_units("mm")
    return gzip.compress(image.to_bytes(), compresslevel=4, mtime=0)


def result_files(
    analysis: Exportable, *, options: Mapping[str, Any] | None = None, load_s: float | None = None
) -> Iterator[tuple[str, bytes]]:
    """Yield the name and content of every file that `write_results` writes."""
    affine, mask = analysis.series.affine, analysis.prepared.mask
    for name in computed_maps():
        values = np.where(mask, analysis.maps.volume(name), 0).astype(np.float32)
        yield f"{name}.nii.gz", nifti_bytes(values, affine)
    for name in LESIONS:
        yield f"{name}.nii.gz", nifti_bytes((getattr(analysis.maps, name) & mask).astype(np.uint8), affine)
    yield "brain_mask.nii.gz", nifti_bytes(mask.astype(np.uint8), affine)
    yield "aif.csv", aif_csv_text(analysis.aif).encode()
    if analysis.vof is not None:
        yield "vof.csv", aif_csv_text(analysis.vof).encode()
    summary = summarize(analysis, options=options, load_s=load_s)
    yield "summary.json", _json(summary).encode()


def results_zip(analysis: Exportable, *, options: Mapping[str, Any] | None = None) -> bytes:
    """Return the same files as one zip, made in memory; every map is compressed already and stored as it is."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in result_files(analysis, options=options):
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def _json(values: Mapping[str, Any]) -> str:
    """Return strict JSON with every list of numbers in one line."""
    text = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False)
    return _NUMBERS.sub(lambda found: "".join(found[0].split()).replace(",", ", "), text) + "\n"
