"""Tests of the released models: tables of the documents, manifest and weight sizes."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from perfcore.aif.network.weights import (
    MAX_WEIGHTS_BYTES,
    MODELS,
    load_network,
    network_names,
    read_manifest,
)
from perfcore.training.choice import CHOICE_FILE, beats_own_mean, best_network
from perfcore.training.release import markdown_table

ROOT = MODELS.parent


@pytest.mark.parametrize("document", ["README.md", "models/README.md"])
def test_documents_contain_evaluation_table(document: str) -> None:
    summary = json.loads((MODELS / "evaluation" / "summary.json").read_text(encoding="utf-8"))
    assert markdown_table(summary) in (ROOT / document).read_text(encoding="utf-8")


def test_manifest_networks_load_and_are_evaluated() -> None:
    summary = json.loads((MODELS / "evaluation" / "summary.json").read_text(encoding="utf-8"))
    broad = json.loads((MODELS / "evaluation" / "summary_broad.json").read_text(encoding="utf-8"))
    choice = pd.read_csv(MODELS / "evaluation" / CHOICE_FILE)
    names = network_names()
    assert names[0] == best_network(choice, list(names))
    for name in names:
        network = load_network(name)
        assert network.name == name
        assert beats_own_mean(summary, name) or beats_own_mean(broad, name)
        mean = network.net.mean_curve
        assert 0.5 < float(mean.max()) <= 1, (
            "the null model, a mean of curves of peak 1, is stored with the weights"
        )
        assert set(choice.loc[choice["network"] == name, "seed"]) == {0, 1, 2}
        figures = read_manifest()["networks"][name]["evaluated"]
        assert figures == {key: summary["methods"][name][key]["mean"] for key in figures}
        assert summary["networks"][name]["folds"] == 0, "evaluated on other cases than those of the training"


def test_weights_are_below_size_limit() -> None:
    sizes = {path.name: path.stat().st_size for path in Path(MODELS).glob("*.safetensors")}
    assert len(sizes) == len(network_names())
    assert max(sizes.values()) <= MAX_WEIGHTS_BYTES
