"""Pictures of the report: orientation, colours, choice of slices, outlines."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from perfcore.display.colours import LUTS, OUTLINES
from perfcore.map_info import MAPS
from perfcore.pipeline import Analysis
from perfcore.report.pictures import MARGIN_MM, MAX_PIXELS, MAX_SLICES, SliceFrame, make_pictures, shown_slices
from tests.support.report_case import AFFINE, with_slices


def screen(analysis: Analysis, volume: np.ndarray, z: int) -> np.ndarray:
    """A slice around the brain, rows and columns sorted by world coordinates: anterior up, right at the left."""
    affine, mask = analysis.series.affine, analysis.prepared.mask
    i, j = (np.arange(n) for n in mask.shape[:2])
    columns, rows = np.argsort(-affine[0, 0] * i), np.argsort(-affine[1, 1] * j)
    inside = mask.any(axis=2)[columns][:, rows]
    spans = []
    for axis, mm in ((0, analysis.series.spacing_mm[0]), (1, analysis.series.spacing_mm[1])):
        at, margin = np.flatnonzero(inside.any(axis=1 - axis)), round(MARGIN_MM / mm)
        spans.append(slice(max(at[0] - margin, 0), at[-1] + margin + 1))
    return volume[..., z][columns][:, rows][spans[0], spans[1]].T


def decoded(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


@pytest.mark.parametrize("name", ["rcbf", "cbf", "cbv", "mtt", "tmax"])
def test_every_pixel_has_the_colour_of_its_voxel(analysis: Analysis, name: str) -> None:
    pictures = make_pictures(analysis)
    (block,) = [block for block in pictures.blocks if block.id == name]
    low, high = MAPS[name].window
    lut = LUTS[MAPS[name].scale].reshape(256, 3).astype(int)
    for z, picture in zip(pictures.slices, block.pictures, strict=True):
        values = screen(analysis, analysis.maps.volume(name), z)
        shown = decoded(picture.png()).astype(int)
        known = np.isfinite(values)
        assert shown.shape[:2] == values.shape
        assert (shown[~known] == 0).all(), "black where there is no value"
        level = (255 * np.clip((values[known] - low) / (high - low), 0, 1)).astype(int)
        np.testing.assert_array_less(np.abs(shown[known] - lut[level]), 4)
        above = level > 0
        np.testing.assert_array_equal(shown[known][above], lut[level[above]])
        assert len(np.unique(level)) > 20


def test_the_stroke_on_the_left_is_at_the_right_of_the_picture(analysis: Analysis) -> None:
    pictures = make_pictures(analysis)
    assert (pictures.sides, analysis.numbers.side) == (("R", "L"), "left")
    tmax = next(block for block in pictures.blocks if block.id == "tmax")
    bright = tmax.pictures[1].rgb.astype(int).sum(axis=2) > 500
    columns = np.nonzero(bright)[1]
    assert columns.mean() > 0.6 * bright.shape[1]


def test_lesions_are_tinted_on_the_ct(analysis: Analysis) -> None:
    pictures = make_pictures(analysis)
    lesions, z = pictures.blocks[0], pictures.slices[1]
    shown = decoded(lesions.pictures[1].png()).astype(float)
    low, high = MAPS["baseline"].window
    grey = 255 * np.clip((screen(analysis, analysis.prepared.baseline, z) - low) / (high - low), 0, 1)
    core, late = (screen(analysis, getattr(analysis.maps, name), z) for name in ("core", "hypoperfused"))
    assert core.any() and (late & ~core).any()
    step = 255 / 84 + 1
    regions = ((core, 0.7, "core"), (late & ~core, 0.5, "hypoperfused"), (~core & ~late, 0.0, "core"))
    for where, share, name in regions:
        colour = np.array([*bytes.fromhex(OUTLINES[name][1:])])
        expected = (1 - share) * grey[where][:, None] + share * colour
        assert np.abs(shown[where] - expected).max() <= step
    assert lesions.unit == "on the CT"


def test_concentration_has_no_ct(analysis: Analysis) -> None:
    prepared = replace(analysis.prepared, baseline=np.zeros_like(analysis.prepared.baseline))
    block = make_pictures(
        replace(analysis, prepared=prepared, series=replace(analysis.series, units="concentration"))
    ).blocks[0]
    assert block.unit == "on the MIP"
    assert len(np.unique(block.pictures[0].index)) > 20


@pytest.mark.parametrize(
    ("n", "up", "expected"),
    [
        (1, True, [0]),
        (2, True, [0, 1]),
        (8, True, list(range(8))),
        (8, False, list(range(7, -1, -1))),
        (16, True, list(range(1, 16, 2))),
        (22, True, [1, 4, 6, 9, 12, 15, 17, 20]),
    ],
)
def test_slices_are_evenly_spaced_from_the_feet_to_the_head(n: int, up: bool, expected: list[int]) -> None:
    affine = np.diag([1.0, 1.0, 1.0 if up else -1.0, 1.0])
    mask = np.zeros((4, 4, n + 3), bool)
    mask[1:3, 1:3, 2 : n + 2] = True
    slices = shown_slices(mask, affine)
    assert list(slices) == [z + 2 for z in expected], "slices without brain do not count"
    assert len(slices) == min(n, MAX_SLICES)


def test_pictures_of_many_slices_are_those_of_their_slices(analysis: Analysis) -> None:
    many = with_slices(analysis, 22)
    pictures = make_pictures(many)
    assert (len(pictures.slices), pictures.n_slices) == (8, 22)
    rcbf = next(block for block in pictures.blocks if block.id == "rcbf")
    for z, picture in zip(pictures.slices, rcbf.pictures, strict=True):
        known = np.isfinite(screen(many, many.maps.rcbf, z))
        np.testing.assert_array_equal(picture.index > 0, known)


def test_size_is_in_millimetres_and_a_large_slice_is_sampled() -> None:
    mask = np.zeros((800, 500, 1), bool)
    mask[100:700, 50:450] = True
    frame = SliceFrame.around(mask, np.diag([0.3, 0.5, 5.0, 1.0]))
    picture = frame.cut(np.asarray(mask), 0)
    assert max(picture.shape) <= MAX_PIXELS
    width, height = frame.size_mm(mask.shape)
    assert width == pytest.approx(600 * 0.3 + 2 * MARGIN_MM, abs=1.0)
    assert height == pytest.approx(400 * 0.5 + 2 * MARGIN_MM, abs=1.0)


@pytest.mark.parametrize("affine", [np.diag([2.0, 3.0, 5.0, 1.0]), np.diag([-2.0, -3.0, 5.0, 1.0])])
def test_outlines_run_along_the_edges_of_pixels(affine: np.ndarray) -> None:
    mask = np.ones((40, 30, 2), bool)
    frame = SliceFrame.around(mask, affine)
    region = np.zeros_like(mask)
    region[10:14, 5:11, 1] = True
    (line,) = frame.outline(region, 1)
    plane = np.asarray(frame.cut(region, 1))
    columns, rows = (np.flatnonzero(plane.any(axis=axis)) for axis in (0, 1))
    assert line[:, 0].min() == pytest.approx(columns[0] * 2.0)
    assert line[:, 0].max() == pytest.approx((columns[-1] + 1) * 2.0)
    assert line[:, 1].min() == pytest.approx(rows[0] * 3.0)
    assert line[:, 1].max() == pytest.approx((rows[-1] + 1) * 3.0)
    assert frame.outline(region, 0) == ()


def test_vessels_are_ringed_in_their_slices(analysis: Analysis) -> None:
    assert analysis.vof is not None
    assert make_pictures(analysis).vessel_slices["aif"] == {z for _, _, z in analysis.aif.voxels}
    aif = replace(analysis.aif, voxels=((20, 40, 0),))
    vof = replace(analysis.vof, voxels=((31, 10, 2), (31, 11, 2), (5, 5, 1)))
    pictures = make_pictures(replace(analysis, aif=aif, vof=vof))
    assert [(vessel.z, [n for n, lines in vessel.outlines.items() if lines]) for vessel in pictures.vessels] == [
        (0, ["aif"]),
        (2, ["vof"]),
    ]
    (ring,) = pictures.vessels[0].outlines["aif"]
    frame = SliceFrame.around(analysis.prepared.mask, AFFINE)
    marked = np.zeros(analysis.series.grid)
    marked[20, 40, 0] = 1
    row, column = np.argwhere(frame.cut(marked, 0))[0]
    centre = ((column + 0.5) * frame.pixel_mm[0], (row + 0.5) * frame.pixel_mm[1])
    np.testing.assert_allclose((ring.min(axis=0) + ring.max(axis=0)) / 2, centre, atol=1e-6)
    assert make_pictures(replace(analysis, aif=replace(aif, voxels=()), vof=None)).vessels == ()
    both = replace(vof, voxels=(*vof.voxels, (30, 10, 0)))
    assert [vessel.z for vessel in make_pictures(replace(analysis, aif=aif, vof=both)).vessels] == [0]
