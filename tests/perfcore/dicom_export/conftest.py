"""A drawn head as the DICOM export of a scanner, in several orientations, and its analysis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from perfcore.dicom_export.objects import dicom_files
from perfcore.dicom_export.source import DicomSource, read_dicom_source
from perfcore.io.dicom.reader import read_dicom
from perfcore.pipeline import Analysis, analyse
from perfcore.types import PerfusionSeries
from tests.support import oracle
from tests.support.dicom_export import NOON, export, save, zipped
from tests.support.synthetic_head import draw_head

N_TIME: Final = 40
N_SLICES: Final = 3
SIDE: Final = 48
PIXEL: Final = 5.0
TURN: Final = np.linalg.qr(np.array([[0.9, 0.3, -0.2], [-0.2, 0.95, 0.3], [0.3, -0.1, 0.9]]))[0]
IDENTITY: Final = {
    "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.77",
    "FrameOfReferenceUID": "1.2.826.0.1.3680043.8.498.78",
    "PatientSex": "F",
    "PatientAge": "061Y",
    "StudyDate": "20240201",
    "StudyTime": "115900",
    "StudyID": "7",
    "AccessionNumber": "A 12",
    "ReferringPhysicianName": "Doe^Jane",
    "SeriesNumber": 5,
}


@dataclass(frozen=True)
class Layout:
    """Position of each slice and direction cosines of a series."""

    orientation: tuple[float, ...]
    position: Callable[[int], list[float]]


def _along(start: list[float], step: list[float]) -> Callable[[int], list[float]]:
    return lambda z: [round(float(a + z * b), 6) for a, b in zip(start, step, strict=True)]


LAYOUTS: Final = {
    "axial": Layout((1, 0, 0, 0, 1, 0), _along([-118, -117, 40], [0, 0, 5])),
    "tilted gantry": Layout((1, 0, 0, 0, 1, 0), _along([-118, -117, 40], [0, 1.5, 5])),
    "sagittal, flipped": Layout((0, 1, 0, 0, 0, -1), _along([60, -117, 118], [-5, 0, 0])),
    "oblique": Layout(
        tuple(np.round(np.concatenate([TURN[:, 0], TURN[:, 1]]), 9)), _along([-90, -80, 20], list(5 * TURN[:, 2]))
    ),
}


def stored_head() -> np.ndarray:
    """Stored numbers, shape ``(n_time, n_slices, rows, columns)``."""
    data = draw_head(SIDE, N_SLICES, N_TIME).series.data
    return np.round(data.transpose(3, 2, 1, 0)[:, :, ::-1]).astype(int) + 1024


def head_files(layout: str = "axial", **fields: Any) -> dict[str, bytes]:
    """Files of an export; ``fields`` override those of the identity, None leaves one out."""
    place = LAYOUTS[layout]
    return export(
        stored_head(),
        list(NOON + np.arange(N_TIME)),
        **{
            "PixelSpacing": [PIXEL, PIXEL],
            "ImageOrientationPatient": list(place.orientation),
            "ImagePositionPatient": lambda _t, z: place.position(z),
            **IDENTITY,
            **fields,
        },
    )


@dataclass(frozen=True)
class Exported:
    """A series, its analysis, and the DICOM objects of it in a folder beside one file of the series."""

    layout: str
    series: PerfusionSeries
    analysis: Analysis
    source: DicomSource
    folder: Path
    source_file: Path

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.dcm"


@pytest.fixture(scope="package")
def analysis() -> Iterator[Analysis]:
    """Analysis of the axial series; one thread."""
    for _ in oracle.one_thread():
        yield analyse(read_dicom(zipped(head_files())))


@pytest.fixture(scope="package", params=LAYOUTS)
def exported(
    request: pytest.FixtureRequest, analysis: Analysis, tmp_path_factory: pytest.TempPathFactory
) -> Exported:
    """Objects of the same maps in each layout, whose voxels are the same."""
    files = head_files(request.param)
    content = zipped(files)
    series = read_dicom(content)
    np.testing.assert_array_equal(series.data, analysis.series.data)
    placed, source = replace(analysis, series=series), read_dicom_source(content)
    folder = tmp_path_factory.mktemp("objects")
    for name, made in dicom_files(placed, source):
        (folder / name).write_bytes(made)
    saved = save({"source": next(iter(files.values()))}, tmp_path_factory.mktemp("source"))
    return Exported(request.param, series, placed, source, folder, saved / "source")
