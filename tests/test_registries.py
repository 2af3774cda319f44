"""Registries: an added entry is seen by the command line, the settings and the files."""

import importlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

from pages.comparison.map_images import compared_maps
from perfcore.aif.edits import HANDLES, CurveEdit
from perfcore.aif.select import SELECTORS, SelectorInfo, select
from perfcore.aif.sources import aif_methods, source_colour, source_label
from perfcore.cli import case_options
from perfcore.cli import maps as maps_command
from perfcore.cli.app import app
from perfcore.deconvolution.inverse import build_operator
from perfcore.evaluation.run import case_columns, evaluate_cases
from perfcore.io.cohort import find_cohort
from perfcore.map_info import MAPS, MapInfo
from perfcore.metric_info import METRICS
from perfcore.ranges import Span
from perfcore.regularization import REGULARIZATIONS, RegularizationInfo
from perfcore.results import file_names
from perfcore.settings import CHOICES, Deconvolution, Discretization, Motion, Reference, Settings, TmaxReference
from tests.support.tiny_cohort import write_tiny_cohort


@pytest.fixture
def reloaded(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Let a test add entries; the command is built anew before and after."""
    yield monkeypatch
    monkeypatch.undo()
    build_command()


def build_command() -> None:
    for module in (case_options, maps_command):
        importlib.reload(module)


def help_text() -> str:
    build_command()
    return CliRunner().invoke(app, ["maps", "--help"]).stdout


def test_added_selector_has_label_and_colour(reloaded: pytest.MonkeyPatch) -> None:
    info = SelectorInfo("mine", "My selector", "#123456", lambda prepared: prepared)  # type: ignore[arg-type]
    reloaded.setitem(SELECTORS, "mine", info)
    assert "|mine|" in help_text().replace("\n", "")
    assert "mine" in aif_methods()
    assert (source_label("mine"), source_colour("mine")) == ("My selector", "#123456")
    assert select("prepared", "mine") == "prepared"  # type: ignore[arg-type, comparison-overlap]


def test_added_regularization_is_a_setting_and_an_operator(reloaded: pytest.MonkeyPatch) -> None:
    info = RegularizationInfo(
        "plain", "plain", 0.2, Span(0.1, 0.5, 0.1), "A test.", lambda s, top, lam: s / (s**2 + (lam * top) ** 2)
    )
    reloaded.setitem(REGULARIZATIONS, "plain", info)
    words = help_text()
    assert "plain" in words and "0.2 (plain)" in " ".join(words.split())
    settings = Settings(regularization="plain")
    assert settings.lam == 0.2
    aif = torch.linspace(-3, 3, 20, dtype=torch.float64).square().neg().exp()
    other = build_operator(aif, 1.0, Settings(regularization="tikhonov", lambda_rel=0.2))
    torch.testing.assert_close(build_operator(aif, 1.0, settings).matrix, other.matrix)


def test_added_map_is_written_and_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    info = MapInfo("half", "Half", "Half of CBF", "", (0, 1), 1, compute=lambda v: v.cbf / 2, difference=1.0)
    assert "half.nii.gz" not in file_names()
    monkeypatch.setitem(MAPS, "half", info)
    assert "half.nii.gz" in file_names()
    assert "half" in compared_maps()


def test_every_curve_handle_is_a_field_of_curve_edit() -> None:
    assert set(HANDLES) == set(vars(CurveEdit()))
    assert {info.id: info.neutral for info in HANDLES.values()} == vars(CurveEdit())


def test_setting_labels_cover_all_choices() -> None:
    types = {
        "deconvolution": Deconvolution,
        "discretization": Discretization,
        "reference": Reference,
        "motion": Motion,
        "tmax_reference": TmaxReference,
    }
    assert {name: tuple(labels) for name, labels in CHOICES.items()} == {
        name: get_args(literal) for name, literal in types.items()
    }


def test_the_report_shows_an_added_selector_and_metric(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = find_cohort(write_tiny_cohort(tmp_path / "cohort", 2))
    more = replace(SELECTORS["straka"], id="mine", label="My selector")
    monkeypatch.setitem(SELECTORS, "mine", more)
    metric = replace(METRICS["mismatch_ml"], label="My metric", better="lower")
    monkeypatch.setitem(METRICS, "mismatch_ml", metric)
    summary = evaluate_cases(cases, tmp_path / "out", workers=1)
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<td>My selector</td>" in report
    assert "<th>My metric, ml</th>" in report
    mine, straka = summary["methods"]["mine"], summary["methods"]["straka"]
    assert mine["mismatch_ml"]["mean"] == straka["mismatch_ml"]["mean"] > 0
    rows = pd.read_csv(tmp_path / "out" / "cases.csv")
    assert {"mine", *SELECTORS} <= set(rows["method"])
    assert tuple(rows.columns) == case_columns()
