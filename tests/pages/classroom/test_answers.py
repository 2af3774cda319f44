"""Answers and their numbers, against the pipeline on the same curve."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pages.classroom.answers import MAX_CLICKED, MAX_RUNS, read_answer
from pages.classroom.references import computed_references, references_of
from pages.classroom.tasks import Task, TaskCase, TaskKind, runs_of
from perfcore.errors import InputDataError, PerfcoreError
from perfcore.metrics import lesion_numbers
from perfcore.pipeline import make_maps, tile
from perfcore.types import Aif

BASIS_ERROR = 1e-3
"""Relative error of a volume by the temporal basis."""


def task(of: TaskCase, kind: TaskKind) -> Task:
    return Task(kind, "Title", "Text", case=of)


def moved(of: TaskCase, shift: int, scale: float) -> np.ndarray:
    return scale * np.interp(
        np.arange(of.start.value.size) - shift, np.arange(of.start.value.size), of.start.value
    )


@pytest.mark.parametrize(("shift", "scale"), [(0, 1.0), (2, 0.7), (-3, 1.5)])
def test_numbers_of_a_curve_are_those_of_the_pipeline(of: TaskCase, shift: int, scale: float) -> None:
    curve = moved(of, shift, scale)
    numbers = read_answer(task(of, "curve"), 7, {"curve": curve.tolist()}).numbers
    prepared = of.case.prepared
    maps = make_maps(prepared, tile(prepared), Aif(of.start.time_s, curve, source_id="edited"), of.settings)
    lesion = np.zeros(np.prod(prepared.grid), bool)
    lesion[prepared.index[of.case.order]] = of.case.lesion
    # Lesion outside the mask: the metrics count its voxels, wherever they are.
    outside = np.flatnonzero(~prepared.mask.reshape(-1))
    lesion[outside[: of.case.lesion_voxels - lesion.sum()]] = True
    known = lesion_numbers(maps, lesion.reshape(prepared.grid), prepared.voxel_ml, prepared.spacing_mm)
    for name in ("core_ml", "hypoperfused_ml", "reference_cbf", "dice", "auc"):
        assert numbers[name] == pytest.approx(getattr(known, name), rel=BASIS_ERROR), name
    assert known.core_ml > 1


def test_clicked_voxels_are_averaged(of: TaskCase) -> None:
    prepared = of.case.prepared
    voxels = [[int(v) for v in np.unravel_index(prepared.index[i], prepared.grid)] for i in (5000, 5001, 9000)]
    answer = read_answer(task(of, "artery"), 1, {"voxels": voxels})
    mean = np.mean([prepared.enhancement[tuple(v)] for v in voxels], axis=0)
    assert answer.curve is not None
    np.testing.assert_allclose(answer.curve, mean, rtol=1e-5, atol=1e-4)
    assert [list(v) for v in answer.voxels] == voxels
    again = read_answer(task(of, "curve"), 1, {"curve": answer.curve.tolist()})
    assert answer.numbers == again.numbers


def test_a_painted_core_is_compared_with_the_lesion(of: TaskCase) -> None:
    start, stop = of.case.starts[of.slice_index : of.slice_index + 2]
    lesion = of.case.lesion[start:stop]  # type: ignore[index]
    assert lesion.any()
    answer = read_answer(task(of, "paint"), 1, {"runs": runs_of(lesion)})
    assert answer.numbers["dice"] == 1.0
    assert answer.numbers["painted_ml"] == pytest.approx(lesion.sum() * of.case.prepared.voxel_ml)
    half = lesion.copy()
    half[np.flatnonzero(lesion)[::2]] = False
    share = half.sum() / lesion.sum()
    assert read_answer(task(of, "paint"), 2, {"runs": runs_of(half)}).numbers["dice"] == pytest.approx(
        2 * share / (1 + share)
    )
    nothing = read_answer(task(of, "paint"), 3, {"runs": []})
    assert nothing.numbers == {"painted_ml": 0.0, "dice": 0.0}


def test_questions_need_no_case(quiz: Task) -> None:
    assert read_answer(quiz, 1, {"values": [1, 20]}).values == (1, 20.0)
    with pytest.raises(InputDataError, match="options"):
        read_answer(quiz, 1, {"values": [2, 20]})


N = 60
INVALID: dict[str, tuple[TaskKind, Any, str]] = {
    "no object": ("curve", [1.0] * N, "Invalid request"),
    "no curve": ("curve", {}, "Invalid request"),
    "short": ("curve", {"curve": [0.0, 1.0]}, "2 points; the series has 60"),
    "long": ("curve", {"curve": [1.0] * 3000}, "3000 points"),
    "text": ("curve", {"curve": "x"}, "Invalid request"),
    "flat": ("curve", {"curve": [0.0] * N}, "no positive bolus"),
    "negative": ("curve", {"curve": [-5.0] * N}, "no positive bolus"),
    "null": ("curve", {"curve": [None] * N}, "not finite"),
    "NaN": ("curve", {"curve": [float("nan")] * N}, "not finite"),
    "huge": ("curve", {"curve": [1e30] * N}, "out of range"),
    "ragged": ("curve", {"curve": [[1.0], [1.0, 2.0]]}, "Invalid request"),
    "nested": ("curve", {"curve": json.loads("[" * 900 + "]" * 900)}, "Invalid request|not a curve"),
    "no voxel": ("artery", {"voxels": []}, "between 1 and"),
    "many voxels": ("artery", {"voxels": [[0, 0, 0]] * (MAX_CLICKED + 1)}, "at most 20"),
    "air": ("artery", {"voxels": [[0, 0, 0]]}, "outside the brain"),
    "outside": ("artery", {"voxels": [[0, 0, 99]]}, "outside the image"),
    "infinite": ("artery", {"voxels": [[float("inf"), 0, 0]]}, "Invalid request"),
    "flat voxel": ("artery", {"voxels": [1, 2, 3]}, "Invalid request"),
    "odd": ("paint", {"runs": [1, 2, 3]}, "Invalid request"),
    "before": ("paint", {"runs": [-1, 2]}, "outside the brain mask"),
    "after": ("paint", {"runs": [0, 10**9]}, "outside the brain mask"),
    "overflow": ("paint", {"runs": [2**63 - 1, 2**63 - 1]}, "outside the brain mask"),
    "overflow down": ("paint", {"runs": [-(2**63), 1]}, "outside the brain mask"),
    "beyond 64 bits": ("paint", {"runs": [2**64, 1]}, "Invalid request"),
    "empty run": ("paint", {"runs": [5, 0]}, "outside the brain mask"),
    "pieces": ("paint", {"runs": [1, 1] * (MAX_RUNS + 1)}, "too many pieces"),
    "no runs": ("paint", {"runs": 5}, "Invalid request"),
}


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_answer_has_a_sentence(of: TaskCase, name: str) -> None:
    kind, value, sentence = INVALID[name]
    with pytest.raises(InputDataError if sentence == "Invalid request" else PerfcoreError, match=sentence):
        read_answer(task(of, kind), 1, value)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(curve=st.lists(st.floats(-1e5, 1e5) | st.sampled_from([0.0, 1e-300, 5e-324, 1e5]), min_size=N, max_size=N))
def test_any_curve_gives_json_or_a_sentence(of: TaskCase, curve: list[float]) -> None:
    """One answer that is no JSON would break the screens of the whole class."""
    try:
        answer = read_answer(task(of, "curve"), 1, {"curve": curve})
    except PerfcoreError as error:
        assert len(str(error)) < 300
    else:
        json.dumps(answer.own_header(), allow_nan=False)


def test_references_are_computed_once_for_all_screens(of: TaskCase) -> None:
    futures = computed_references(of)
    assert computed_references(of) is futures
    found = {one.method: future.result(120) for one, future in zip(references_of(of), futures, strict=True)}
    assert next(iter(found)) == next(iter(of.case.sources))
    assert "truth" in found
    for method, reference in found.items():
        if reference is not None:
            assert reference["id"] == method
            curve = of.case.offered.get(method).value
            np.testing.assert_allclose(reference["curve"], curve, atol=6e-4)
            json.dumps(reference, allow_nan=False)
    truth = found["truth"]
    assert truth is not None
    exact = of.case.numbers(of.case.volume_flow(of.case.sources["truth"].value, of.settings), of.settings)
    assert truth["numbers"]["core_ml"] == pytest.approx(exact["core_ml"], rel=BASIS_ERROR)
