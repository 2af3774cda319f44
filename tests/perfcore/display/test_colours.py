"""Colour scales: those of Plotly."""

from __future__ import annotations

import numpy as np
import pytest
from plotly import colors

from perfcore.display.colours import LUTS, OUTLINES, SCALES, outline_rgb


def test_every_scale_has_256_colours_and_a_label() -> None:
    assert set(LUTS) == set(SCALES)
    assert {(lut.shape, lut.dtype) for lut in LUTS.values()} == {((768,), np.dtype(np.uint8))}


@pytest.mark.parametrize("name", ["viridis", "inferno", "cividis"])
def test_scales_are_those_of_plotly(name: str) -> None:
    keys = np.array([colors.hex_to_rgb(key) for key in getattr(colors.sequential, name.capitalize())])
    at = np.linspace(0, len(keys) - 1, 256)
    expected = np.stack([np.interp(at, range(len(keys)), channel) for channel in keys.T], 1)
    np.testing.assert_array_equal(LUTS[name].reshape(256, 3), expected.round())


def test_grey_and_outlines() -> None:
    np.testing.assert_array_equal(LUTS["grey"].reshape(256, 3), np.arange(256)[:, None].repeat(3, 1))
    assert outline_rgb("truth") == (255, 255, 255)
    assert all(colour == "#{:02x}{:02x}{:02x}".format(*outline_rgb(name)) for name, colour in OUTLINES.items())
