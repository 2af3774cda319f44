"""Pictures of a lesson: slice, colours and numbers against the pipeline's analysis of the case."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pages.comparison.map_images import SCALE, Slice
from pages.library.catalog import demonstrations, open_case
from pages.live.compute.case import LiveCase
from pages.teaching.lesson import Lesson
from pages.teaching.lesson_pictures import middle_column, pair_of_maps, picture_data
from pages.teaching.lesson_results import LessonResults
from perfcore.display.colours import LUTS, outline_rgb
from perfcore.map_info import MAPS
from perfcore.maps import PerfusionMaps
from perfcore.pipeline import make_maps, tile
from perfcore.preprocess import Prepared
from perfcore.teaching import CurveExperiment
from tests.support.lesson_case import results_of

ENTRIES = {entry.key: entry for entry in demonstrations()}


def analysed(results: LessonResults, name: str) -> tuple[PerfusionMaps, Prepared]:
    """Analyse the case of an experiment by the pipeline, prepared under its settings, cut where the scan ends."""
    settings = results.settings_of(name)
    prepared = open_case(ENTRIES[results.lesson.case], settings).prepared
    experiment, curve = results.lesson.experiments[name], results[name].curve
    if isinstance(experiment, CurveExperiment) and experiment.stop_s is not None:
        n = curve.size
        prepared = replace(prepared, tissue=prepared.tissue[:, :n], n_time=n)
    truth = results.live_case.sources["truth"]
    aif = replace(truth, time_s=prepared.time_s, value=curve)
    return make_maps(prepared, tile(prepared), aif, settings), prepared


def test_the_picture_is_of_the_slice_with_the_largest_difference(lesson: Lesson) -> None:
    results, picture = results_of(lesson), lesson.picture
    (before, _), (after, _) = (analysed(results, name) for name in (picture.before, picture.after))
    if picture.differ_by == "map":
        low, high = MAPS[picture.map].window
        both = [np.clip(maps.volume(picture.map), low, high) for maps in (before, after)]
        differences = np.nansum(np.abs(both[0] - both[1]), axis=(0, 1))
    else:
        differences = (getattr(before, picture.differ_by) ^ getattr(after, picture.differ_by)).sum((0, 1))
    assert pair_of_maps(results).slice_index == differences.argmax()
    assert differences.max() > 0


def test_the_divider_begins_over_the_pixels_that_differ_most() -> None:
    differences = np.full((4, 10), 0.1)
    differences[1:3, 6:9] = [1, 2, 1.5]
    assert middle_column(differences) == pytest.approx(0.75)
    assert middle_column(np.zeros((4, 10))) == 0.5


def screen(case: LiveCase, volume: Any, z: int) -> Any:
    """Return a slice as the picture shows it, one pixel per voxel."""
    return case.layout.apply(volume[:, :, z])[Slice.of(case, z).box]


@pytest.mark.parametrize("side", ["before", "after"])
def test_the_colours_are_those_of_the_map_in_its_window(lesson: Lesson, side: str) -> None:
    results, picture = results_of(lesson), lesson.picture
    case, pair = results.live_case, pair_of_maps(results)
    maps, _ = analysed(results, getattr(picture, side))
    png = np.asarray(Image.open(io.BytesIO(getattr(pair, side))))[SCALE // 2 :: SCALE, SCALE // 2 :: SCALE]
    values = screen(case, maps.volume(picture.map), pair.slice_index)
    inside = np.isfinite(values)
    assert png.shape[:2] == values.shape
    info = MAPS[picture.map]
    low, high = info.window
    place = 255 * np.clip((values[inside] - low) / (high - low), 0, 1)
    lut = LUTS[info.scale].reshape(256, 3)
    shown = png[inside]
    # The value may lie on the border of two colours.
    near = [lut[np.clip((place + e).astype(int), 0, 255)] for e in (-0.01, 0, 0.01)]
    right = np.any([np.all(shown == colours, -1) for colours in near], 0)
    outlines = [outline_rgb(name) for name in ("core", "hypoperfused", "truth")]
    lined = np.any([np.all(shown == colour, -1) for colour in outlines], 0)
    assert (right | lined).all()
    assert right.mean() > 0.6
    for name, colour in (("core", outlines[0]), ("hypoperfused", outlines[1])):
        region = screen(case, getattr(maps, name), pair.slice_index)
        drawn = np.all(png == colour, -1)
        assert not (drawn & ~region).any()  # an outline lies within its region
    assert screen(case, maps.core, pair.slice_index).any() == np.all(png == outlines[0], -1).any()


def number_of(label: str, maps: PerfusionMaps, prepared: Prepared, n_lesion: int) -> float:
    """Compute the number of a picture by its label; the known core counts outside the mask, too."""
    flat = {name: maps.volume(name).reshape(-1)[prepared.index] for name in ("cbf", "cbv", "tmax")}
    if label.endswith("core, ml"):
        return maps.core.sum() * prepared.voxel_ml
    if label == "Tmax > 6 s, ml":
        return maps.hypoperfused.sum() * prepared.voxel_ml
    if label == "brain with Tmax < 0, %":
        return 100 * (flat["tmax"][~prepared.vessels] < 0).mean()
    if label.startswith("Dice"):
        core = maps.core.reshape(-1)[prepared.index]
        return 2 * (core & prepared.lesion).sum() / (core.sum() + n_lesion)
    if label.startswith("CBV of the core"):
        return flat["cbv"][prepared.lesion].mean()
    name = label.removeprefix("healthy ").split(",")[0].lower()
    return flat[name][prepared.reference].mean()


def test_the_numbers_are_those_of_the_analysis(lesson: Lesson) -> None:
    results, picture = results_of(lesson), lesson.picture
    data = picture_data(lesson, results, reveals=True)
    for side in ("before", "after"):
        name = getattr(picture, side)
        shown = float(data[side]["number"].replace("−", "-"))
        true = number_of(picture.label, *analysed(results, name), results.live_case.lesion_voxels)
        assert shown == pytest.approx(true, abs=0.51 * 10**-picture.digits)
        assert data[side]["name"] == lesson.experiments[name].label
    assert data["before"]["number"] != data["after"]["number"]


def test_before_the_prediction_only_the_picture_before_is_sent(lesson: Lesson) -> None:
    data = picture_data(lesson, results_of(lesson), reveals=False)
    assert data["before"]["src"].startswith("data:image/png;base64,")
    assert data["after"] is None
