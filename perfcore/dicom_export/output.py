"""Folder of DICOM objects of one case: checked before the work, written with the other results or not at all."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from perfcore.dicom_export.objects import dicom_files, file_names
from perfcore.dicom_export.source import DicomSource, read_dicom_source
from perfcore.errors import ArgumentError
from perfcore.io.atomic_write import check_out_dir, written
from perfcore.io.load import is_dicom
from perfcore.pipeline import Analysis
from perfcore.types import SeriesUnits


@dataclass(frozen=True, eq=False)
class DicomOutput:
    """Where the DICOM objects of a case go, and the series that they refer to."""

    folder: Path
    source: DicomSource

    @classmethod
    def prepare(
        cls,
        path: Path,
        folder: Path,
        *,
        series: int | None = None,
        dt_s: float | None = None,
        units: SeriesUnits = "hu",
    ) -> DicomOutput:
        """Check the folder and read the headers, before the maps are computed.

        Parameters
        ----------
        path
            Input of the case, as for :func:`perfcore.io.load.load_series`.
        folder
            Folder for the objects.
        series, dt_s, units
            As for :func:`perfcore.io.load.load_series`.

        Raises
        ------
        ArgumentError
            The input is not DICOM.
        OutputError
            The folder cannot be written.
        InputDataError
            The series cannot be read, or has nothing that objects can refer to.
        """
        if not is_dicom(path):
            raise ArgumentError(
                "--dicom-out needs DICOM input, whose patient and study it refers to; leave it out."
            )
        check_out_dir(folder, file_names())
        return cls(folder, read_dicom_source(path, series=series, dt_s=dt_s, units=units))

    def written(self, analysis: Analysis) -> AbstractContextManager[None]:
        """Write the objects at once; they appear in the folder when the block ends, and not if it fails."""
        return written(self.folder, dicom_files(analysis, self.source), file_names())
