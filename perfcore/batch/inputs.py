"""Cases of the inputs of a command: paths of single cases, data sets, folders of DICOM studies."""

# ruff: noqa: PLC0415

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from perfcore.errors import InputDataError
from perfcore.io.datasets.case_folders import display_name, find_cases

_SUFFIXES = (".nii.gz", ".nii", ".zip")


@dataclass(frozen=True)
class InputCase:
    """A case, not yet read.

    Attributes
    ----------
    name
        Name of its folder of results, without regard to upper and lower case unique among the cases.
    path
        As for :func:`perfcore.io.load.load_series`, absolute.
    """

    name: str
    path: Path


def list_cases(inputs: Sequence[Path], *, taken: Iterable[str] = ()) -> list[InputCase]:
    """Return the cases of all inputs, in their order, without reading voxels.

    An input is a case, or a folder of several: the root of ISLES 2018 or ISLES 2024, a folder of 4D NIfTI files,
    or a folder of DICOM studies. One that cannot be read counts as a case, whose reading will say why.

    Parameters
    ----------
    inputs
        Paths as given.
    taken
        Names that no case may have.
    """
    found = [case for path in inputs for case in _cases_of(path.absolute())]
    used = {name.casefold() for name in taken}
    names = []
    for name, _ in found:
        names.append(_unused(name, used))
        used.add(names[-1].casefold())
    return [InputCase(name, path) for name, (_, path) in zip(names, found, strict=True)]


def _cases_of(path: Path) -> list[tuple[str, Path]]:
    if not path.is_dir():
        return [(_name(path), path)]
    try:
        cases = find_cases(path)
    except InputDataError:
        return [(_name(path), path)]
    if len(cases) > 1:
        return [(case.name, case.path) for case in cases]
    if not cases:
        from perfcore.io.dicom.studies import study_folders  # pydicom is slow to import

        studies = study_folders(path)
        if len(studies) > 1:
            return [(_name(study), study) for study in studies]
    return [(_name(path), path)]


def _name(path: Path) -> str:
    """Return the name of a file without its suffix, or of a folder, as a folder may be called."""
    name = path.resolve().name
    if not path.is_dir():
        suffix = next((suffix for suffix in _SUFFIXES if name.lower().endswith(suffix)), "")
        name = name.removesuffix(name[len(name) - len(suffix) :])
    return display_name(name).strip(" .") or "case"


def _unused(name: str, used: set[str]) -> str:
    """Return a name, numbered where it is used already."""
    number, unused = 1, name
    while unused.casefold() in used:
        number += 1
        unused = f"{name} ({number})"
    return unused
