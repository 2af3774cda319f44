"""Export of one analysis: curve, maps, settings, and the command lines that compute the same maps."""

from __future__ import annotations

import io
import json
import re
import shlex
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pages.library.catalog import CatalogEntry, open_series
from pages.live.server.session import Workspace
from pages.server import config
from pages.session import share_link
from pages.session.clip import CLIP_FILE, Station, make_clip
from pages.session.share_link import SavedView
from pages.session.snapshots import SnapshotStore, table_csv
from perfcore.io.aif_csv import aif_csv_text, read_aif_csv
from perfcore.pipeline import Analysis, analyse
from perfcore.report.files import report_files
from perfcore.results import result_files, results_zip, summarize
from perfcore.types import Aif

CURVE_FILE: Final = "aif.csv"
SETTINGS_FILE: Final = "settings.json"
COMMANDS_FILE: Final = "commands.txt"
SNAPSHOTS_FILE: Final = "snapshots.csv"
CASE_FOLDER: Final = "case"
"""Folder that the first command writes a demonstration case to."""


@dataclass(frozen=True, eq=False)
class Export:
    """One curve on one case under its settings.

    Attributes
    ----------
    entry
        The case; the name of an upload is never written.
    state
        The prepared case, the settings and the start curve.
    preset
        The preset that the settings are named by.
    edited
        The edited curve, shape ``(n_time,)``; None for the start AIF itself.
    """

    entry: CatalogEntry
    state: Workspace
    preset: str
    edited: NDArray[np.float64] | None

    @cached_property
    def aif(self) -> Aif:
        """The curve with the values of its CSV file, so that maps from here and from the file are equal."""
        start = self.state.start
        curve = start if self.edited is None else replace(start, value=self.edited, voxels=(), quality=())
        read = read_aif_csv(aif_csv_text(curve).encode(), start.time_s)
        return replace(start, value=read.value) if self.edited is None else replace(read, source_id="edited")

    def curve_csv(self) -> str:
        """Return the curve in the format of ``--aif FILE.csv``."""
        return aif_csv_text(self.aif)

    def maps_zip(self) -> bytes:
        """Return a zip of all files that ``python -m perfcore maps`` writes for this curve."""
        return results_zip(self._analysis, options=self._summary_options)

    def report(self, name: str) -> bytes:
        """Return one of `REPORT_FILES`, the report of this curve with the vein that the Lab shows."""
        analysis = replace(self._analysis, vof=self.state.case.vof)
        summary = summarize(analysis, options=self._summary_options)
        return next(content for made, content in report_files(analysis, summary) if made == name)

    def clip(self, snapshots: SnapshotStore) -> bytes:
        """Return the morph through the snapshots of this case, see `make_clip`."""
        return make_clip(self.state.case, self.state.settings, self.stations(snapshots))

    def stations(self, snapshots: SnapshotStore) -> list[Station]:
        """Return the snapshots of this case, in the order of saving."""
        n_time = self.state.start.value.size
        return [
            Station(snapshot.name, snapshot.view.curve)
            for snapshot in snapshots
            if snapshot.view.case == self.entry.key
            and snapshot.view.curve is not None
            and snapshot.view.curve.size == n_time
        ]

    def everything_zip(self, snapshots: SnapshotStore) -> bytes:
        """Return one zip: curve, maps, report, settings and command lines, and the snapshots with their clip."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for name, content in self._files(snapshots):
                archive.writestr(zipfile.ZipInfo(name), content)
        return buffer.getvalue()

    def _files(self, snapshots: SnapshotStore) -> Iterator[tuple[str, str | bytes]]:
        yield CURVE_FILE, self.curve_csv()
        yield SETTINGS_FILE, self.settings_json()
        yield COMMANDS_FILE, "\n".join(self.commands()) + "\n"
        for name, content in result_files(self._analysis, options=self._summary_options):
            yield f"maps/{name}", content
        with_vein = replace(self._analysis, vof=self.state.case.vof)
        yield from report_files(with_vein, summarize(with_vein, options=self._summary_options))
        if not len(snapshots):
            return
        yield SNAPSHOTS_FILE, table_csv(snapshots)
        stations = self.stations(snapshots)
        for number, station in enumerate(stations, 1):
            curve = replace(self.state.start, value=station.curve, voxels=(), quality=())
            yield f"snapshots/{number:02d}-{_file_word(station.name)}.csv", aif_csv_text(curve)
        if len(stations) > 1:
            yield CLIP_FILE, self.clip(snapshots)

    @cached_property
    def _analysis(self) -> Analysis:
        series = replace(open_series(self.entry), case=self._name)
        settings, prepared = self.state.settings, self.state.case.prepared
        return analyse(series, self.aif, settings, config.device().type, prepared=prepared)

    @property
    def _summary_options(self) -> dict[str, str]:
        return {"preset": self.preset, "device": config.device().type}

    def settings_json(self) -> str:
        """Return settings, source of the curve and command lines as JSON."""
        content = {
            "case": self._name,
            "preset": self.preset,
            "settings": self.state.settings.as_dict(),
            "aif": {"start": self.state.start.source_id, "edited": self.edited is not None, "file": CURVE_FILE},
            "commands": self.commands(),
        }
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"

    def commands(self) -> list[str]:
        """Return the command lines that compute the same maps, to be run in the folder of the exported curve."""
        lines: list[list[str]] = []
        if self.entry.key.startswith("demo-"):
            name = self.entry.key.removeprefix("demo-")
            lines.append(["phantom", "--demonstration", name, "--out", CASE_FOLDER])
            source = f"{CASE_FOLDER}/TRAINING/case_1"
        else:
            source = "YOUR_SERIES" if self.entry.owner else f"YOUR_FOLDER/{self.entry.title}"
        options = [word for name, value in self._options().items() for word in (f"--{name}", value)]
        lines.append(["maps", source, "--aif", CURVE_FILE, *options, "--out", "maps"])
        return [shlex.join(["python", "-m", "perfcore", *line]) for line in lines]

    def _options(self) -> dict[str, str]:
        options = share_link.write_params(SavedView(preset=self.preset, settings=self.state.settings))
        if self.entry.owner:
            series = open_series(self.entry)
            options["dt"] = repr(series.dt_s)
            if series.units != "hu":
                options["units"] = series.units
            if series.mask is not None:
                options["mask"] = "YOUR_MASK.nii.gz"
        return options

    @property
    def _name(self) -> str:
        return "upload" if self.entry.owner else self.entry.title


def _file_word(name: str) -> str:
    """Return a snapshot's name as a part of a file name that every system takes."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower() or "snapshot"
