"""The installed package: public names, contents of the wheel, the console command, and what is imported when."""

from __future__ import annotations

import doctest
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from shutil import copy, copytree, ignore_patterns

import numpy as np
import pytest

import perfcore
from perfcore.results import nifti_bytes
from perfcore.version import VERSION
from tests import ROOT
from tests.support.synthetic_head import draw_head

HEAVY = [
    "sklearn",
    "pandas",
    "matplotlib",
    "distributed",
    "monai",
    "SimpleITK",
    "nilearn",
    "scipy.stats",
    "plotly",
]


def run(arguments: list[str], cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=os.environ | environment, capture_output=True, text=True,
        timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    head = draw_head(64, 3, 45)
    path = tmp_path_factory.mktemp("series") / "head.nii.gz"
    path.write_bytes(nifti_bytes(np.asarray(head.series.data, np.float32), head.series.affine))
    return path


def test_public_names_are_exported_and_documented() -> None:
    assert list(perfcore.__all__) == sorted(perfcore._MODULES)
    assert set(perfcore.__all__) <= set(dir(perfcore))
    for name in perfcore.__all__:
        assert getattr(perfcore, name).__doc__, name
    with pytest.raises(AttributeError, match="module 'perfcore' has no attribute 'Anything'"):
        _ = perfcore.Anything


def test_the_version_is_that_of_the_citation() -> None:
    assert f"\nversion: {VERSION}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_the_example_of_the_package_runs() -> None:
    outcome = doctest.testmod(perfcore)
    assert outcome.attempted > 3
    assert outcome.failed == 0


def test_importing_the_package_imports_no_dependency() -> None:
    loaded = run(["-c", "import sys, perfcore; print(*sys.modules)"], ROOT).split()
    assert not {"numpy", "torch", "typer", *HEAVY} & set(loaded)


def test_pipeline_does_not_import_optional_dependencies() -> None:
    loaded = run(["-c", "import sys, perfcore.pipeline; print(*sys.modules)"], ROOT).split()
    assert "torch" in loaded
    assert not set(HEAVY) & set(loaded)


def test_maps_imports_only_what_it_uses(series: Path, tmp_path: Path) -> None:
    code = (
        "import sys, atexit\n"
        "from perfcore.cli import main\n"
        "atexit.register(lambda: print('LOADED', *sys.modules))\n"
        "main()"
    )
    out = tmp_path / "maps"
    loaded = (
        run(["-c", code, "maps", str(series), "--dt", "1", "--out", str(out)], ROOT).partition("LOADED")[2].split()
    )
    assert "torch" in loaded
    assert (out / "cbf.nii.gz").exists()
    unused = {*HEAVY, "pydicom", "requests", "scipy.optimize"}
    assert not unused & set(loaded)


def test_wheel_installs_a_working_library(series: Path, tmp_path: Path) -> None:
    """Built, installed into an empty folder and run outside the repository, without a network."""
    source, target, elsewhere = tmp_path / "source", tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    for folder in ("perfcore", "models"):
        copytree(ROOT / folder, source / folder, ignore=ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        copy(ROOT / name, source)
    pip = ["-m", "pip", "--disable-pip-version-check", "-q"]
    local = ["--no-deps", "--no-build-isolation", "--no-index"]
    run([*pip, "wheel", *local, "-w", str(tmp_path), str(source)], tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "perfcore").rglob("*.py")}
    assert modules <= names
    weights = {path.name for path in (ROOT / "models").glob("*.safetensors")}
    assert weights
    assert {f"perfcore/models/{name}" for name in (*weights, "MANIFEST.json")} | {"perfcore/py.typed"} <= names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"perfcore", "aif_lab"}

    run([*pip, "install", *local, "--target", str(target), str(wheel)], tmp_path)
    command = str(target / "bin" / "perfcore")
    installed = {"PYTHONPATH": str(target)}
    where = run(["-c", "import perfcore; print(perfcore.__file__)"], elsewhere, **installed)
    assert Path(where.strip()).is_relative_to(target)
    assert "maps" in run([command, "--help"], elsewhere, **installed)
    out = elsewhere / "maps"
    run([command, "maps", str(series), "--dt", "1", "--out", str(out)], elsewhere, **installed)
    assert (out / "summary.json").exists()
    names_there = "from perfcore.aif.network.weights import network_names; print(*network_names())"
    assert run(["-c", names_there], elsewhere, **installed) == run(["-c", names_there], ROOT)
