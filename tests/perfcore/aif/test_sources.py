"""Tests of the sources of input functions: networks and their null models have labels, groups and colours."""

from __future__ import annotations

import pytest

from perfcore.aif.sources import (
    NETWORK_SOURCES,
    TYPICAL,
    aif_methods,
    is_network,
    is_null,
    null_of,
    source_colour,
    source_info,
    source_label,
)
from perfcore.display.colours import OUTLINES


@pytest.mark.parametrize(("source_id", "label"), [
    ("cnn-paper", "Network, the paper's recipe"),
    (TYPICAL, "Typical curve (null model)"),
    ("null-cnn-regression", "Network, regression (null model)"),
    ("null-cnn-mine", "cnn-mine (null model)"),
    ("null-cnn-paper", "Network, the paper's recipe (null model)"),
])  # fmt: skip
def test_labels(source_id: str, label: str) -> None:
    assert source_label(source_id) == label


def test_a_null_model_is_neither_a_network_nor_a_method_of_a_case() -> None:
    for name in NETWORK_SOURCES:
        null = null_of(name)
        assert is_null(null)
        assert not is_network(null)
        assert not is_null(name)
        assert source_colour(null) == source_colour(name), "its line is dashed"
        assert source_info(null).group != source_info(name).group
        assert null not in aif_methods()
    assert TYPICAL not in aif_methods()


def test_the_vein_has_the_colour_of_its_voxels() -> None:
    assert source_colour("vein") == OUTLINES["vof"]
