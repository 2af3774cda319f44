"""Frozen data types refuse arrays of wrong shapes and values that are not finite."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from perfcore.errors import ArgumentError
from perfcore.types import Aif, PerfusionSeries

GRID = (3, 4, 2)


def series(**changes: Any) -> PerfusionSeries:
    return PerfusionSeries(**{"data": np.zeros((*GRID, 5)), "affine": np.eye(4), "dt_s": 1.0, **changes})


def test_a_series_keeps_read_only_float32() -> None:
    made = series(mask=np.ones(GRID, int), lesion=np.zeros(GRID))
    assert made.data.dtype == np.float32
    assert made.mask is not None
    assert made.mask.dtype == bool
    assert made.lesion is not None
    with pytest.raises(ValueError, match="read-only"):
        made.data[0] = 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": np.zeros((3, 4, 5))}, "A series has 4 dimensions"),
        ({"dt_s": 0.0}, "The time step must be positive and finite; got 0"),
        ({"dt_s": np.nan}, "The time step must be positive and finite; got nan"),
        ({"stored_axes": (0, 1, 1)}, "stored_axes must be a permutation"),
        ({"mask": np.ones((3, 4, 1))}, r"The mask has shape \(3, 4, 1\)"),
        ({"lesion": np.ones((4, 3, 2))}, r"The lesion has shape \(4, 3, 2\)"),
    ],
)
def test_a_series_of_wrong_shape_or_step_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        series(**changes)


@pytest.mark.parametrize(
    ("time", "value", "message"),
    [
        ([0, 1, 2], [1, 2], "one length"),
        ([0], [1], "one length"),
        ([[0, 1]], [[1, 2]], "one length"),
        ([0, 1], [1, np.nan], "must be finite"),
        ([0, 1], [np.inf, 0], "must be finite"),
    ],
)
def test_a_malformed_aif_is_refused(time: list[Any], value: list[Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Aif(np.array(time), np.array(value))
