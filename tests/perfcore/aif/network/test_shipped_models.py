"""Tests of the released models: tables of the documents, manifest and weight sizes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perfcore.aif.network.weights import MODELS, load_network, network_names, read_manifest
from perfcore.training.release import markdown_table

ROOT = MODELS.parent


@pytest.mark.parametrize("document", ["README.md", "models/README.md"])
def test_documents_contain_evaluation_table(document: str) -> None:
    summary = json.loads((MODELS / "evaluation" / "summary.json").read_text(encoding="utf-8"))
    assert markdown_table(summary) in (ROOT / document).read_text(encoding="utf-8")


def test_manifest_networks_load_and_are_evaluated() -> None:
    summary = json.loads((MODELS / "evaluation" / "summary.json").read_text(encoding="utf-8"))
    names = network_names()
    assert set(names) == {"cnn-regression", "cnn-weighting", "cnn-regression-core", "cnn-weighting-core"}
    for name in names:
        assert load_network(name).name == name
        figures = read_manifest()["networks"][name]["cross_validated"]
        assert figures == {key: summary["methods"][name][key]["mean"] for key in figures}
        assert summary["networks"][name]["folds"] == 5


def test_weights_are_below_size_limit() -> None:
    sizes = {path.name: path.stat().st_size for path in Path(MODELS).glob("*.safetensors")}
    assert len(sizes) == 4 and max(sizes.values()) <= 20 << 20
