"""The tables in the documents are those of the evaluation that ships."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perfcore.aif.network.weights import MODELS, load_network, network_names, read_manifest
from perfcore.training.release import markdown_table

ROOT = MODELS.parent


@pytest.mark.parametrize("document", ["README.md", "models/README.md"])
def test_documents_hold_the_evaluations_table(document: str) -> None:
    summary = json.loads((MODELS / "evaluation" / "summary.json").read_text(encoding="utf-8"))
    assert markdown_table(summary) in (ROOT / document).read_text(encoding="utf-8")


def test_every_network_of_the_manifest_loads_and_was_judged() -> None:
    summary = json.loads((MODELS / "evaluation" / "summary.json").read_text(encoding="utf-8"))
    names = network_names()
    assert set(names) == {"cnn-regression", "cnn-weighting", "cnn-regression-core", "cnn-weighting-core"}
    for name in names:
        assert load_network(name).name == name
        figures = read_manifest()["networks"][name]["cross_validated"]
        assert figures == {key: summary["methods"][name][key]["mean"] for key in figures}
        assert summary["networks"][name]["folds"] == 5


def test_weights_are_small_enough_to_ship() -> None:
    sizes = {path.name: path.stat().st_size for path in Path(MODELS).glob("*.safetensors")}
    assert len(sizes) == 4 and max(sizes.values()) <= 20 << 20
