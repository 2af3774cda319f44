"""Maps of another package on the Compare page: laid beside ours, measured, bounded and removed."""

from __future__ import annotations

import html
import re

import nibabel as nib
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.comparison import foreign_maps
from pages.comparison.foreign_maps import ForeignMap, keep_foreign_map, map_kinds, read_foreign_map
from pages.library.catalog import demonstrations, open_case
from pages.live.compute.case import LiveCase
from pages.session.state import ComparisonState
from perfcore.errors import InputDataError
from perfcore.map_info import MAPS
from perfcore.pipeline import Analysis, analyse
from perfcore.settings import Settings
from tests.pages.test_pages import run
from tests.support.lab_page import demonstration
from tests.support.user_session import user_of


@pytest.fixture(scope="module")
def case() -> LiveCase:
    return open_case(demonstrations()[0], Settings())


@pytest.fixture(scope="module")
def truth(case: LiveCase) -> Analysis:
    """The analysis with the first column's AIF, the phantom's own."""
    return analyse(demonstration().series, case.sources["truth"], prepared=case.prepared)


def packed(volume: np.ndarray, affine: np.ndarray) -> bytes:
    return nib.Nifti1Image(np.nan_to_num(volume).astype(np.float32), affine).to_bytes()


def add(app: AppTest, content: bytes | None, kind: str = "tmax", factor: float = 1.0) -> AppTest:
    (chooser,) = app.main.file_uploader
    if content is not None:
        chooser.set_value(("NAME-OF-A-PATIENT.nii", content, "application/octet-stream"))
    app.selectbox(key="foreign_kind").set_value(kind)
    app.number_input(key="foreign_factor").set_value(factor)
    app.button(key="foreign_add").click().run()
    assert not app.exception
    return app


def compare(aif: str = "truth") -> AppTest:
    app = run("pages/compare.py")
    app.multiselect(key="compare_columns_demo-m1-occlusion").set_value([aif]).run()
    return app


def figures(app: AppTest, label: str) -> dict[str, str]:
    """The rows of a map's table."""
    at = [one.kind for one in user_of(app).comparison.foreign["demo-m1-occlusion"]].index(label.lower())
    table = [one.proto.body for one in app.get("html") if "Mean difference" in one.proto.body][at]
    rows = re.findall(r"<th[^>]*>(.+?)</th><td[^>]*>(.+?)</td>", table)
    return {html.unescape(name): value for name, value in rows}


def number(text: str) -> float:
    found = re.match(r"[+−-]?[\d.,]+", text)
    assert found, text
    return float(found[0].replace("−", "-").replace(",", ""))


def test_a_map_on_another_grid_is_measured_against_ours(truth: Analysis) -> None:
    """Ours plus 1 s in the left half, on a grid of slices in reverse order, with half of its voxels missing."""
    tmax, prepared = truth.maps.tmax, truth.prepared
    theirs = np.array(tmax)
    theirs[:100] += 1
    reverse = np.diag([1.0, 1, -1, 1])
    reverse[2, 3] = tmax.shape[2] - 1
    affine = prepared.affine @ reverse
    app = add(compare(), packed(1000 * theirs[..., ::-1], affine), factor=0.001)
    shown = figures(app, "Tmax")
    inside = np.isfinite(tmax)
    difference = (theirs - tmax)[inside]
    assert number(shown["Mean difference"]) == pytest.approx(difference.mean(), abs=0.006)
    low, high = shown["95 % of the voxels"].split(" to ")
    spread = 1.96 * difference.std(ddof=1)
    assert number(low) == pytest.approx(difference.mean() - spread, abs=0.006)
    assert number(high) == pytest.approx(difference.mean() + spread, abs=0.006)
    assert number(shown["Correlation r"]) == pytest.approx(
        np.corrcoef(theirs[inside], tmax[inside])[0, 1], abs=6e-4
    )
    assert shown["Voxels in both"] == f"{inside.sum():,} (100 %)"
    ours, other = tmax > 6, theirs > 6
    assert number(shown["Tmax > 6 s: ours"]) == pytest.approx(ours.sum() * prepared.voxel_ml, abs=0.06)
    # Voxels within a rounding error of the threshold may fall on either side.
    near = (np.abs(theirs - 6) < 1e-3).sum() * prepared.voxel_ml
    assert number(shown["Tmax > 6 s: other"]) == pytest.approx(other.sum() * prepared.voxel_ml, abs=0.06 + near)
    dice = 2 * (ours & other).sum() / (ours.sum() + other.sum())
    assert number(shown["Dice of the two"]) == pytest.approx(dice, abs=0.002)
    assert "NAME-OF-A-PATIENT" not in str(user_of(app)) + " ".join(m.value for m in app.main.markdown)

    # The same kind replaces it; another is added; both leave with their buttons and are in no other session.
    add(app, packed(tmax, prepared.affine))
    assert number(figures(app, "Tmax")["Mean difference"]) == 0
    assert figures(app, "Tmax")["Dice of the two"] == "1.000"
    add(app, packed(3 * truth.maps.cbf, prepared.affine), "cbf")
    shown = figures(app, "CBF")
    assert number(shown["Core, rCBF < 0.38: ours"]) == pytest.approx(truth.numbers.core_ml, abs=0.06)
    assert number(shown["Core, rCBF < 0.38: other"]) == pytest.approx(truth.numbers.core_ml, abs=0.06)
    kept = user_of(app).comparison.foreign["demo-m1-occlusion"]
    assert [one.kind for one in kept] == ["cbf", "tmax"]
    assert not user_of(run("pages/compare.py")).comparison.foreign
    app.button(key="remove_foreign_tmax").click().run()
    assert [one.kind for one in user_of(app).comparison.foreign["demo-m1-occlusion"]] == ["cbf"]


def test_what_cannot_be_read_gives_one_sentence_and_changes_nothing() -> None:
    app = compare()
    for content, part in [
        (None, "choose a NIfTI file first"),
        (b"not a map at all" * 40, "cannot be used"),
        (packed(np.zeros((9, 9, 9)), np.diag([1.0, 1, 1, 1])), "no value in the brain|no finite value"),
        (packed(np.ones((9, 9, 4, 5)), np.eye(4)), "expected 3 dimensions"),
    ]:
        add(app, content, "cbf")
        (error,) = app.main.error
        assert re.search(part, error.value), error.value
        assert "PATIENT" not in error.value
        assert not user_of(app).comparison.foreign
        assert not app.main.file_uploader[0].value


def test_the_maps_of_a_session_and_of_the_server_are_bounded(
    case: LiveCase, truth: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = ComparisonState()
    found = {
        kind: read_foreign_map(packed(truth.maps.tmax, truth.prepared.affine), kind, case)
        for kind in ("tmax", "mtt")
    }
    one = found["tmax"].volume.nbytes
    monkeypatch.setattr(foreign_maps, "MAX_SESSION_BYTES", int(1.5 * one))
    keep_foreign_map(state, "a", found["tmax"])
    keep_foreign_map(state, "a", ForeignMap("tmax", found["tmax"].volume))
    for name in ("a", "b"):
        with pytest.raises(InputDataError, match="remove one first"):
            keep_foreign_map(state, name, found["mtt"])
    monkeypatch.setattr(foreign_maps.config, "memory_for_uploads", lambda: 5 * one)
    with pytest.raises(InputDataError, match="server's memory"):
        keep_foreign_map(ComparisonState(), "a", found["mtt"])
    assert [kept.kind for kept in state.foreign["a"]] == ["tmax"]


def test_zero_is_no_flow_but_a_time(case: LiveCase, truth: Analysis) -> None:
    values = np.array(truth.maps.tmax)
    values[: values.shape[0] // 2] = 0
    content = packed(values, truth.prepared.affine)
    flow, delay = (read_foreign_map(content, kind, case).in_slice_order(case) for kind in ("cbf", "tmax"))
    assert np.isfinite(delay).all()
    assert 0.3 < np.isfinite(flow).mean() < 0.7
    other = read_foreign_map(content, "tmax", case, zero_is_value=False).in_slice_order(case)
    np.testing.assert_array_equal(np.isfinite(other), np.isfinite(flow))


def test_every_computed_map_can_be_compared() -> None:
    assert set(map_kinds()) == {name for name, info in MAPS.items() if info.compute}
