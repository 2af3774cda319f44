"""Result files with names of BIDS derivatives, and a JSON file beside each.

``sub-<label>[_ses-<label>][_<entity>-<label>…]_cbf.nii.gz`` in ``sub-<label>/[ses-<label>/]perf/``, the masks as
``…_desc-<label>_mask.nii.gz``, and ``dataset_description.json`` at the root. Source: BIDS 1.10, *Derivatives*
(doi:10.1038/sdata.2016.44); the folder and suffix of CBF are those of arterial spin labelling, since BIDS has none
for CT perfusion, and ISLES 2024 names its own maps so (doi:10.5281/zenodo.17652035).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from perfcore.errors import InputDataError
from perfcore.io.aif_csv import CSV_COLUMNS
from perfcore.io.datasets.case_folders import CaseFiles
from perfcore.map_info import CURVE_CAPLEX, MAPS, MASK_CAPLEX, computed_maps
from perfcore.report.files import REPORT_FILES
from perfcore.version import VERSION

if TYPE_CHECKING:
    from perfcore.settings import Settings

DESCRIPTION_FILE: Final = "dataset_description.json"
BIDS_VERSION: Final = "1.10.0"
CURVES: Final = {"aif": "Arterial input function", "vof": "Venous output function"}
_ENTITY: Final = re.compile(r"([a-zA-Z]+)-([a-zA-Z0-9+]+)")
_NOT_KEPT: Final = ("sub", "ses", "desc")


@dataclass(frozen=True)
class BidsCase:
    """Entities of one case.

    Attributes
    ----------
    subject, session
        Labels of letters and digits; None without sessions.
    others
        Further entities of the source's name, such as ``space-ncct``.
    """

    subject: str
    session: str | None = None
    others: tuple[str, ...] = ()

    @classmethod
    def of(cls, source: Path, name: str) -> BidsCase:
        """Return the entities of a source's name, or the name of the case as the subject where it has none."""
        entities = dict(_entities(_series_name(source)))
        subject = entities.get("sub") or re.sub(r"[^a-zA-Z0-9]", "", name)
        others = tuple(f"{key}-{label}" for key, label in entities.items() if key not in _NOT_KEPT)
        return cls(subject or "case", entities.get("ses"), others)

    @property
    def folder(self) -> Path:
        """Folder of its files below the root of the dataset."""
        session = () if self.session is None else (f"ses-{self.session}",)
        return Path(f"sub-{self.subject}", *session, "perf")

    @property
    def prefix(self) -> str:
        """Begin of the name of each of its files."""
        session = () if self.session is None else (f"ses-{self.session}",)
        return "_".join((f"sub-{self.subject}", *session, *self.others))

    def file_name(self, plain: str) -> str:
        """Return the name of a result file, given its plain one."""
        return f"{self.prefix}_{_endings()[plain]}"

    def file_names(self) -> tuple[str, ...]:
        """Return the names of all files that may be written of an analysis."""
        files = [self.file_name(plain) for plain in _endings()]
        return tuple(dict.fromkeys((*files, *(_sidecar(name) for name in files))))

    def files(self, plain: Iterator[tuple[str, bytes]], settings: Settings) -> Iterator[tuple[str, bytes]]:
        """Yield result files under their new names, each followed by its JSON file; curves become TSV.

        Parameters
        ----------
        plain
            Pairs of plain name and content, as of :func:`perfcore.results.result_files`.
        settings
            With the thresholds, which the JSON files of the masks state.
        """
        about = _sidecars(settings, self)
        for name, content in plain:
            target = self.file_name(name)
            yield target, content.replace(b",", b"\t") if name.endswith(".csv") else content
            if name in about:
                yield _sidecar(target), (json.dumps(about[name], indent=2, ensure_ascii=False) + "\n").encode()


def dataset_description() -> str:
    """Return the content of ``dataset_description.json``."""
    made_by = {"Name": "AIF Lab", "Version": VERSION, "Description": "CT perfusion maps by deconvolution"}
    about = {
        "Name": "CT perfusion maps",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [made_by],
    }
    return json.dumps(about, indent=2) + "\n"


def _series_name(source: Path) -> str:
    """Return the file name of a series, "" where there is none."""
    try:
        return CaseFiles("case", source).series_file().name
    except InputDataError:
        return ""


def _entities(name: str) -> Iterator[tuple[str, str]]:
    """Yield keys and labels of a BIDS name; nothing for a name that does not begin with a subject."""
    if not name.startswith("sub-"):
        return
    for part in name.split(".", maxsplit=1)[0].split("_"):
        if match := _ENTITY.fullmatch(part):
            yield match.group(1), match.group(2)


def _endings() -> dict[str, str]:
    """Return suffix and extension of each result file, by its plain name."""
    maps = {f"{name}.nii.gz": f"{MAPS[name].bids_ending}.nii.gz" for name in computed_maps()}
    masks = {"core": "core", "hypoperfused": "hypoperfused", "brain_mask": "brain"}
    return {
        **maps,
        **{f"{name}.nii.gz": f"desc-{label}_mask.nii.gz" for name, label in masks.items()},
        **{f"{name}.csv": f"desc-{name}_timeseries.tsv" for name in CURVES},
        "summary.json": "desc-perfusion_summary.json",
        **{name: f"desc-perfusion_{name}" for name in REPORT_FILES},
    }


def _sidecar(name: str) -> str:
    return re.sub(r"\.(nii\.gz|tsv)$", ".json", name)


def _sidecars(settings: Settings, case: BidsCase) -> dict[str, dict[str, Any]]:
    """Return the content of the JSON file beside each result file, by its plain name."""
    about: dict[str, dict[str, Any]] = {}
    for name in computed_maps():
        info = MAPS[name]
        code = {"CAPLEX": info.caplex} if info.caplex else {}
        about[f"{name}.nii.gz"] = {"Description": info.title, "Units": info.bids_unit, **code}
    space = {} if any(other.startswith("space-") for other in case.others) else {"SpatialReference": "orig"}
    about["brain_mask.nii.gz"] = {"Description": "Brain mask", "Type": "Brain", "CAPLEX": MASK_CAPLEX, **space}
    core, late = settings.core_threshold, settings.tmax_threshold_s
    about["core.nii.gz"] = {"Description": f"Core: rCBF below {core:g}", "Type": "Lesion", **space}
    about["hypoperfused.nii.gz"] = {
        "Description": f"Hypoperfused: Tmax above {late:g} s",
        "Type": "Lesion",
        **space,
    }
    time, value = CSV_COLUMNS
    for name, title in CURVES.items():
        about[f"{name}.csv"] = {
            "Description": title,
            time: {"Description": "Time since the first frame", "Units": "s"},
            value: {"Description": "Enhancement in the units of the series", "Units": "arbitrary"},
            **({"CAPLEX": CURVE_CAPLEX} if name == "aif" else {}),
        }
    return about
