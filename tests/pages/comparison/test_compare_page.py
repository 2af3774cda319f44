"""Compare by value: columns are the pipeline's, tables are the evaluation's, a point opens its case."""

from __future__ import annotations

import gc
import io
import json
import re
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import ndimage
from streamlit.testing.v1 import AppTest

from pages.comparison import charts, evaluate_view, evaluation_runner
from pages.comparison.charts import selected_point
from pages.comparison.cohort_view import table
from pages.comparison.columns import AifOption, ComparisonCache, aif_options
from pages.comparison.evaluation_results import CaseFilter, read_results
from pages.comparison.evaluation_results import summary_of as summary_of_cases
from pages.comparison.evaluation_runner import EvaluationRun
from pages.comparison.map_images import CORE, DIVERGING, SCALE, TRUTH, Slice, difference_picture, map_picture
from pages.library import cohort_cases
from pages.library.catalog import demonstrations, open_case
from pages.library.cohort_cases import Cohort, cohort_entry, cohort_of, key_of
from pages.live.compute.case import LiveCase
from pages.live.server.static_files import LIVE_FRONTEND
from pages.session.share_link import SavedView
from pages.session.state import UserState
from perfcore.aif.network.weights import MODELS, network_names
from perfcore.aif.select import SELECTORS
from perfcore.aif.sources import source_label
from perfcore.errors import ArgumentError, InputDataError
from perfcore.evaluation.run import evaluate
from perfcore.evaluation.statistics import summarise
from perfcore.evaluation.wording import difference_text
from perfcore.io.cohort import find_cohort
from perfcore.metric_info import METRICS
from perfcore.phantom.cases import make_case
from perfcore.phantom.files import write_case
from perfcore.pipeline import analyse
from perfcore.settings import Settings
from perfcore.types import Aif
from tests.pages.test_pages import ROOT, run
from tests.support.user_session import APP_TIMEOUT_S, live_of, new_user, share_user, user_of

SEED = 20260
CASES = (5, 7, 10, 24)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohort")
    for index in CASES:
        write_case(make_case(SEED, index), folder, index)
    return folder


@pytest.fixture(scope="module")
def evaluated(cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("evaluation")
    evaluate(cohort, out)
    return out


@pytest.fixture
def served(cohort: Path, evaluated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIF_LAB_DATA", str(cohort))
    monkeypatch.setenv("AIF_LAB_EVALUATION", str(evaluated))


@pytest.fixture(scope="module")
def case() -> LiveCase:
    return open_case(demonstrations()[0], Settings())


def summary_of(folder: Path) -> dict:
    return json.loads((folder / "summary.json").read_text())


def cohort_page() -> AppTest:
    app = run("pages/compare.py", new_user(view="cohort"))
    assert not app.exception
    return app


# --- this case -------------------------------------------------------------------------------------------------


def test_columns_equal_the_pipelines_results() -> None:
    app = run("pages/compare.py")
    shown = app.dataframe[0].value.set_index("Method")
    networks = [source_label(method) for method in network_names()[:2]]
    assert list(shown.index) == ["True AIF", *(info.label for info in SELECTORS.values()), *networks]
    series = live_of(app).workspace.case.prepared
    for method in ("straka", "murase"):
        result = analyse(make_demo(), method, prepared=series)
        row = shown.loc[method.capitalize()]
        assert row["Core, ml"] == pytest.approx(result.numbers.core_ml, rel=1e-5)
        assert row["Hypoperfused, ml"] == pytest.approx(result.numbers.hypoperfused_ml, rel=1e-5)
        assert row["Target"] == ("yes" if result.numbers.target_mismatch else "no")
        assert row["Index"] == pytest.approx(result.numbers.hypoperfusion_index, rel=1e-3)
        assert row["Dice"] == pytest.approx(result.numbers.dice, rel=1e-4)
        assert row["AUC"] == pytest.approx(result.numbers.auc, rel=1e-4)
        assert row["Healthy CBF, ml/100 g/min"] == pytest.approx(result.numbers.reference_cbf, rel=1e-5)
        assert row["Peak"] == pytest.approx(result.aif.peak)
        assert row["at, s"] == result.aif.peak_time_s
        assert row["Voxels"] == len(result.aif.voxels)


def test_the_figures_above_the_maps_have_the_digits_of_the_table() -> None:
    app = run("pages/compare.py")
    shown = app.dataframe[0].value.set_index("Method")
    headings = [one.value for one in app.markdown if one.value.startswith("**") and "core " in one.value]
    assert len(headings) > 1
    for text in headings:
        row = shown.loc[text.removeprefix("**").partition("**")[0]]
        assert f"Dice {row['Dice']:.3f}" in text
        assert f"core {row['Core, ml']:.1f} ml" in text


def make_demo():
    from perfcore.phantom.cases import make_demonstration

    return make_demonstration("m1-occlusion").series


def test_the_columns_follow_the_sidebar_and_the_chosen_aifs() -> None:
    app = run("pages/compare.py")
    before = app.dataframe[0].value.set_index("Method")
    app.slider(key="set_core_threshold").set_value(0.25).run()
    after = app.dataframe[0].value.set_index("Method")
    assert (after["Core, ml"] < before["Core, ml"]).all()
    app.multiselect(key="compare_columns_demo-m1-occlusion").set_value(["murase", "truth"]).run()
    assert list(app.dataframe[0].value["Method"]) == ["Murase", "True AIF"]
    assert any("differences are to the first, **Murase**" in c.value for c in app.main.caption)
    app.switch_page("pages/lab.py").run()
    app.switch_page("pages/compare.py").run()
    assert list(app.dataframe[0].value["Method"]) == ["Murase", "True AIF"], "the choice outlives a page change"
    app.multiselect(key="compare_columns_demo-m1-occlusion").set_value([]).run()
    assert not app.exception
    assert [i.value for i in app.main.info] == ["Choose at least one AIF."]


def test_the_edited_aif_has_its_own_column() -> None:
    app = run()
    now = live_of(app).workspace
    curve = now.start.value * np.linspace(1.0, 0.4, now.start.value.size)
    live_of(app).keep_curve(now.curve_key, curve)
    app.switch_page("pages/compare.py").run()
    shown = app.dataframe[0].value.set_index("Method")
    assert list(shown.index[:3]) == ["True AIF", "Your edit", "Straka"], "next to what it is compared with"
    row = shown.loc["Your edit"]
    expected = analyse(make_demo(), Aif(now.start.time_s, curve), prepared=now.case.prepared).numbers
    assert row["Core, ml"] == pytest.approx(expected.core_ml, rel=1e-5)
    assert row["Dice"] == pytest.approx(expected.dice, rel=1e-4)


def test_private_columns_are_not_in_the_shared_cache(case: LiveCase) -> None:
    mine = {"edited:1": ("Your edit", Aif(case.prepared.time_s, next(iter(case.sources.values())).value))}
    found = {offer.key: offer for offer in aif_options(case, mine)}
    assert found["edited:1"].own
    assert list(found)[:3] == ["truth", "edited:1", next(iter(SELECTORS))]
    assert not any(offer.own for key, offer in found.items() if key != "edited:1")
    short = {"own:x": ("x", Aif(np.arange(5.0), np.ones(5)))}
    assert "own:x" not in {offer.key for offer in aif_options(case, short)}, (
        "a curve of another length is no column"
    )


def test_a_method_without_an_aif_gives_the_reason(case: LiveCase) -> None:
    column = ComparisonCache(1 << 20).column(case, Settings(), AifOption("cnn-nothing", "Network"))
    assert column.flow is None
    assert column.problem.startswith("There are no weights for 'cnn-nothing'")


def test_outlines_follow_the_core(case: LiveCase) -> None:
    desk = ComparisonCache(100 << 20)
    truth, weak = (
        desk.column(case, Settings(), offer)
        for offer in (AifOption("truth", "True AIF", case.sources["truth"]), AifOption("murase", "Murase"))
    )
    z = case.first_slice
    here = Slice.of(case, z)
    picture = np.asarray(Image.open(io.BytesIO(map_picture(here, truth, "rcbf", None))))
    drawn = (picture == CORE).all(-1)
    core = here.plane(truth.core, False)
    large = core.repeat(SCALE, 0).repeat(SCALE, 1)
    np.testing.assert_array_equal(drawn, large & ~ndimage.binary_erosion(large, iterations=SCALE - 1))
    assert core.sum() == truth.core[here.voxels].sum(), "nothing of the slice is cut off"
    lesion = np.asarray(Image.open(io.BytesIO(map_picture(here, truth, "rcbf", case.lesion))))
    assert (lesion == TRUTH).all(-1).sum() > 50
    # Equal columns differ nowhere; where a map is higher than the first, it is more red than blue.
    scaled = desk.column(
        case, Settings(), AifOption("half", "Half", Aif(case.prepared.time_s, case.sources["truth"].value / 2))
    )
    picture = np.asarray(Image.open(io.BytesIO(difference_picture(here, scaled, truth, "cbf")))).astype(int)
    healthy = here.plane(truth.flow.cbf > 15, False).repeat(SCALE, 0).repeat(SCALE, 1)
    assert (picture[healthy][:, 0] > picture[healthy][:, 2]).mean() > 0.95, "half the curve, twice the flow"
    picture = np.asarray(Image.open(io.BytesIO(difference_picture(here, scaled, truth, "rcbf")))).astype(int)
    assert np.abs(picture[healthy] - 236).max(-1).mean() < 12, "and the same relative flow: light grey"
    assert weak.aif is not None
    assert weak.why.startswith(f"{len(weak.aif.voxels)} voxels")


# --- the cohort ------------------------------------------------------------------------------------------------


def test_without_an_evaluation_the_command_is_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AIF_LAB_EVALUATION", raising=False)
    monkeypatch.setattr("perfcore.aif.network.weights.MODELS", tmp_path)
    app = cohort_page()
    (info,) = app.main.info
    assert "python -m perfcore evaluate" in info.value
    assert "AIF_LAB_EVALUATION" in info.value


@pytest.mark.usefixtures("served")
def test_the_table_shows_the_evaluation(evaluated: Path) -> None:
    app = cohort_page()
    fits = [list(app.dataframe[0].value)]
    fits.append(list(app.segmented_control(key="cohort_figures").set_value("time").run().dataframe[0].value))
    app.segmented_control(key="cohort_figures").set_value("all").run()
    assert set(fits[0]) | set(fits[1]) == set(app.dataframe[0].value), "the groups hold every metric"
    assert set(fits[0]) & set(fits[1]) == {"Method", "Failures"}
    shown = app.dataframe[0].value.set_index("Method")
    summary = summary_of(evaluated)
    assert len(shown) == len(summary["methods"])
    straka = summary["methods"]["straka"]
    bias, low, high = (f"{straka['volume_bias_ml'][key]:.1f}".replace("-", "−") for key in ("mean", "low", "high"))
    assert shown.loc["Straka", "Volume bias, ml"] == f"{bias} ({low} to {high})"
    assert straka["dice"]["n"] == 2
    assert shown.loc["Straka", "Dice"] == f"{straka['dice']['mean']:.3f}", "two patients have no interval"
    assert shown.loc["Straka", "Dice, other scan"].startswith(f"{straka['hard_dice']['mean']:.3f}")
    assert shown.loc["Straka", "Failures"] == str(straka["failed"])
    assert {"Typical curve (null model)", "Network, regression (null model)"} <= set(shown.index)
    text = " ".join(m.value.replace("\\", "") for m in app.main.markdown)
    assert all(sentence in text for sentence in summary["headline"])
    assert len(summary["headline"]) == len(network_names())


@pytest.mark.usefixtures("served")
def test_two_patients_are_too_few_for_a_test_and_the_page_says_so() -> None:
    (info,) = cohort_page().main.info
    assert info.value.startswith("Differences and tests need at least 3 patients; the cases shown are of 2.")


def test_the_differences_follow_reference_and_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIF_LAB_EVALUATION", raising=False)
    app = cohort_page()
    summary = summary_of(MODELS / "evaluation")
    for reference, metric in (("straka", "dice"), ("truth", "hypoperfused_dice"), ("null", "hypoperfused_dice")):
        app.segmented_control(key="cohort_reference").set_value(reference)
        app.selectbox(key="cohort_difference_metric").set_value(metric).run()
        shown = app.dataframe[1].value.set_index("Method")
        expected = summary["differences"][reference]
        assert list(shown.index) == [source_label(name) for name in expected]
        for name, found in expected.items():
            row, about = shown.loc[source_label(name)], found[metric]
            assert row["Difference (95 % interval)"] == difference_text(METRICS[metric], about)
            assert row["Patients"] == about["n_patients"]
    p = expected["cnn-regression"]["hypoperfused_dice"]
    assert set(p) > {"mean", "low", "high", "n_patients", "wilcoxon", "wilcoxon_holm"}


def test_another_scans_lesion_gives_a_lower_dice(evaluated: Path) -> None:
    rows = pd.read_csv(evaluated / "cases.csv")
    true = rows[(rows["method"] == "truth") & rows["hard_dice"].notna() & rows["dice"].notna()]
    assert len(true) >= 2
    assert true["hard_dice"].mean() < true["dice"].mean()


def test_the_sweep_shows_each_method(evaluated: Path) -> None:
    found = read_results(evaluated, "x", lambda _case, _n: None)
    figure = charts.sweep(found.sweep, found.methods, 0.38)
    table = found.sweep[found.sweep["method"] == "straka"]
    line = next(line for line in figure.data if line.name == "Straka")
    np.testing.assert_array_equal(line.x, table["threshold"])
    np.testing.assert_array_equal(line.y, table["dice_mean"])
    assert [line.name for line in figure.data] == [source_label(name) for name in found.sweep["method"].unique()]
    assert [shape.x0 for shape in figure.layout.shapes] == [0.38]


def test_a_failed_case_is_in_the_charts_with_its_figures() -> None:
    rows = pd.DataFrame({
        "case": ["case_1", "case_2"] * 2, "method": ["straka"] * 2 + ["murase"] * 2,
        "found": [True, True, True, False], "dice": [0.6, 0.5, 0.4, 0.0],
        "core_ml": [9.0, 9, 9, np.nan], "lesion_ml": [5.0] * 4,
    })  # fmt: skip
    assert list(charts.boxes(rows, ["murase"], "dice").data[0].x) == [0.4, 0.0]
    points = charts.method_scatter(rows, "straka", "murase", "dice").data[1]
    assert list(zip(points.x, points.y, strict=True)) == [(0.6, 0.4), (0.5, 0.0)]
    assert len(charts.agreement(rows, "murase").data[0].x) == 1, "it has no volume"


@pytest.mark.usefixtures("served")
def test_metrics_are_those_of_the_filtered_cases(evaluated: Path) -> None:
    app = cohort_page()
    rows = pd.read_csv(evaluated / "cases.csv")
    per_case = rows.groupby("case")["n_slices"].first()
    n_slices = int(per_case.value_counts().idxmin())  # a thickness that not all cases have
    assert (per_case == n_slices).sum() < len(CASES)
    app.multiselect(key="cohort_slices").set_value([n_slices]).run()
    kept = rows[rows["n_slices"] == n_slices].assign(found=lambda r: r["found"].astype(bool))
    n = kept["case"].nunique()
    assert any(c.value.startswith(f"{n} of {len(CASES)} cases.") for c in app.main.caption)
    expected = table(summarise(kept), "core")
    pd.testing.assert_frame_equal(app.dataframe[0].value.reset_index(drop=True), expected)


def test_a_filter_summarises_all_of_its_cases(evaluated: Path) -> None:
    found = read_results(evaluated, "x", lambda _case, _n: None)
    assert summary_of_cases(found, CaseFilter()) is found.summary
    one = CaseFilter(lesion_ml=(found.rows["lesion_ml"].max() - 1, 1e9))
    assert set(one.apply(found.rows)["case"]) == {found.rows.loc[found.rows["lesion_ml"].idxmax(), "case"]}
    confounded = CaseFilter(confounders=("none",)).apply(found.rows)
    assert set(confounded["case"]) == set(found.rows.loc[found.rows["confounders"] == "", "case"])
    unfiltered = summary_of_cases(found, CaseFilter(slices=tuple(found.rows["n_slices"].unique())))
    for method, about in found.summary["methods"].items():
        mean = about["dice"]["mean"]
        # A method that found nothing has no mean, over all cases or over a part.
        expected = None if mean is None else pytest.approx(mean, rel=1e-5)
        assert unfiltered["methods"][method]["dice"]["mean"] == expected


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("summary.json", b"{"),
        ("summary.json", b"{}"),
        ("cases.csv", b"case,method\n1,2\n"),
        ("roc.csv", b""),
        ("sweep.csv", b"method\nstraka\n"),
    ],
)
def test_a_damaged_evaluation_gives_one_error(evaluated: Path, tmp_path: Path, name: str, content: bytes) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(evaluated, folder)
    (folder / name).write_bytes(content)
    with pytest.raises(InputDataError, match=r"The evaluation .*make it again"):
        read_results(folder, "x", lambda _case, _n: None)


@pytest.mark.usefixtures("served")
def test_a_selected_point_opens_its_case_in_the_lab() -> None:
    app = cohort_page()
    app.session_state["cohort_against"] = None

    def press(case: str, method: str) -> None:
        import streamlit as st

        from pages.comparison.cohort_view import folder_key, open_selected
        from pages.comparison.evaluation_results import read_results
        from pages.server import config

        found = read_results(config.evaluation_folder(), "x", folder_key)
        st.session_state["pressed"] = {"selection": {"points": [{"customdata": [case, method]}]}}
        open_selected("pressed", found)

    helper = AppTest.from_function(press, args=("case_7", "peruzzo"), default_timeout=APP_TIMEOUT_S)
    helper.run()
    assert not helper.exception
    assert user_of(helper).case.key == "folder-case_7"
    assert user_of(helper).aif.methods == {"folder-case_7": "peruzzo"}, (
        "the Lab starts from the curve of the point"
    )
    share_user(helper, app)
    app.run()
    assert not app.exception
    assert live_of(app).workspace.case.name == "folder-case_7"
    assert any("lab" in c.proto.component_name for c in app.main.get("bidi_component")), "the Lab is shown"
    null = AppTest.from_function(press, args=("case_7", "null-cnn-regression"), default_timeout=APP_TIMEOUT_S)
    null.run()
    assert user_of(null).aif.methods == {}
    assert user_of(null).notices.text.startswith("The Lab has no AIF of “Network, regression (null model)”")
    gone = AppTest.from_function(press, args=("case_99", "peruzzo"), default_timeout=APP_TIMEOUT_S)
    share_user(app, gone)
    gone.run()
    assert not user_of(gone).comparison.opens_lab
    assert user_of(gone).case.key == "folder-case_7"
    assert [t.value for t in gone.toast] == ["case_99 is not in this server's library."]


def test_every_marker_carries_its_case(evaluated: Path) -> None:
    found = read_results(evaluated, "x", lambda _case, _n: None)
    drawn = charts.agreement(found.rows, "straka").data[0]
    own = found.rows[found.rows["method"] == "straka"].set_index("case")
    for (name, _), x, y in zip(drawn.customdata, drawn.x, drawn.y, strict=True):
        assert y == pytest.approx(own.loc[name, "core_ml"] - own.loc[name, "lesion_ml"])
        assert x == pytest.approx((own.loc[name, "core_ml"] + own.loc[name, "lesion_ml"]) / 2)
    lines = sorted(shape.y0 for shape in charts.agreement(found.rows, "straka").layout.shapes)
    known = found.summary["methods"]["straka"]["bland_altman"]
    assert lines == pytest.approx(sorted(known.values()), rel=1e-4)
    points = charts.method_scatter(found.rows, "truth", "straka", "dice").data[1]
    other = found.rows[found.rows["method"] == "truth"].set_index("case")
    for (name, _), x, y in zip(points.customdata, points.x, points.y, strict=True):
        assert (x, y) == (other.loc[name, "dice"], own.loc[name, "dice"])
    assert {method for _, method in points.customdata} == {"straka"}, "the vertical method"
    event = {"selection": {"points": [{"customdata": {"0": "case_7", "1": "straka"}}]}}
    assert selected_point(event) == ("case_7", "straka")
    assert selected_point({"selection": {"points": []}}) is None
    assert selected_point(None) is None


# --- the cohort that ships -------------------------------------------------------------------------------------


def test_the_cohorts_command_names_its_cases() -> None:
    data = "python -m perfcore phantom --cases 94 --seed 20260"
    assert cohort_of({"evaluation": data}) == Cohort(20260, 94)
    other = "python -m perfcore phantom --seed 3 --out DIR --cases 12"
    assert cohort_of({"evaluation": other}) == Cohort(3, 12)
    assert cohort_of({"evaluation": "ISLES 2018"}) is None
    assert cohort_of({"networks": {}}) is None


def test_a_case_of_the_cohort_is_made_when_it_is_opened(monkeypatch: pytest.MonkeyPatch, cohort: Path) -> None:
    monkeypatch.setattr(cohort_cases, "included_cohort", lambda: Cohort(SEED, 94))
    made = make_case(SEED, 7)
    assert key_of("case_7", made.series.grid[2]) == f"cohort-{SEED}-7"
    assert key_of("case_7", made.series.grid[2] + 1) is None, "a case of another cohort is not this one"
    for other in ("case_95", "case_0", "case_-1", "5x", ""):
        assert key_of(other, made.series.grid[2]) is None
    for other in ("cohort-1-7", f"cohort-{SEED}-95", "cohort-x-1", "demo-noisy"):
        assert cohort_entry(other) is None
    source = cohort_entry(f"cohort-{SEED}-7").read()
    np.testing.assert_array_equal(source.series.data, made.series.data)
    np.testing.assert_array_equal(source.truth.value, made.truth.aif.value)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=APP_TIMEOUT_S)
    app.query_params["case"] = f"cohort-{SEED}-7"
    app.run()
    assert not app.exception
    assert live_of(app).workspace.case.name == f"cohort-{SEED}-7"
    assert "case_7 (evaluation)" in app.sidebar.selectbox[0].options


# --- an evaluation from the page -------------------------------------------------------------------------------


def wait_for(run: EvaluationRun) -> None:
    for _ in range(1200):
        if not run.is_running:
            return
        time.sleep(0.1)
    raise AssertionError("the evaluation does not end")


def test_an_evaluation_from_the_page_equals_the_commands(cohort: Path, evaluated: Path) -> None:
    started = EvaluationRun([("folder-case_7", "case_7")], cohort)
    with pytest.raises(ArgumentError, match="Another evaluation is running"):
        EvaluationRun([("folder-case_24", "case_24")], cohort)
    wait_for(started)
    assert (started.progress.done, started.progress.total) == (1, 1)
    found = started.results("mine", lambda case, _n: started.keys.get(case))
    assert found.catalog_key("case_7") == "folder-case_7"
    theirs = pd.read_csv(evaluated / "cases.csv")
    others = ["seconds", "calibrated_dice", "calibrated_threshold"]  # the calibration is of other patients
    theirs = theirs[theirs["case"] == "case_7"].drop(columns=others).reset_index(drop=True)
    mine = found.rows.drop(columns=others).assign(confounders=theirs["confounders"])
    pd.testing.assert_frame_equal(mine, theirs, rtol=1e-5, check_dtype=False)
    assert not started._folder.exists(), "nothing is left behind"


def test_a_users_curve_is_a_method_of_its_own(cohort: Path) -> None:
    truth = {c.name: c for c in find_cohort(cohort)}["case_7"]
    aif = truth.load_truth(truth.load()).aif
    own = [("case_7", "Half & half", aif.value / 2), ("case_7", "Short", np.ones(5))]
    started = EvaluationRun([("folder-case_7", "case_7")], cohort, own)
    seen = set()
    while started.is_running:
        seen.add((started.progress.now, round(started.progress.fraction, 3)))
        time.sleep(0.02)
    found = started.results("mine", lambda case, _n: started.keys.get(case))
    rows = found.rows.set_index("method")
    assert rows.loc["Half & half", "dice"] == pytest.approx(rows.loc["truth", "dice"], abs=2e-3)
    assert not rows.loc["Short", "found"] and not rows.loc["Short", "failed"]
    assert rows.loc["Short", "note"].startswith("The curve has 5 points")
    assert "Half &amp; half" in found.files["report.html"].decode()
    assert len({part for _, part in seen}) > 2, "the progress moves within a case"
    assert any(now.startswith("case_7, ") for now, _ in seen)


def test_curves_of_one_name_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    user, curve = UserState(), np.ones(60)
    for name in ("A", "A", "straka"):
        user.snapshots.add(name, "Case", SavedView(case="demo-x", curve=curve), {}, datetime.now(UTC))
    user.snapshots.add("Other", "Case", SavedView(case="demo-y", curve=curve), {}, datetime.now(UTC))
    monkeypatch.setattr(evaluate_view, "user_state", lambda: user)
    monkeypatch.setattr(evaluate_view, "live_session", lambda: SimpleNamespace(workspace=None))
    assert [one.name for one in evaluate_view.own_curves(["demo-x"])] == ["A", "A (2)", "straka (2)"]


def test_what_is_missing_for_an_own_curve_is_said() -> None:
    user = new_user(view="evaluate")
    case = next(one.key for one in demonstrations())
    user.snapshots.add("A", "Case", SavedView(case=case, curve=np.ones(60)), {}, datetime.now(UTC))
    app = run("pages/compare.py", user)
    assert any(text.value.startswith("Choose a case that you have edited") for text in app.main.caption)
    user.snapshots.delete(1)
    app.run()
    assert any(text.value.startswith("Edit a curve in the Lab") for text in app.main.caption)


def test_the_difference_scale_is_the_labs() -> None:
    text = (LIVE_FRONTEND / "map" / "color_scales.js").read_text(encoding="utf-8")
    stops = json.loads(re.search(r"DIVERGING_STOPS = (\[.*?\]);", text, re.DOTALL)[1].replace(",\n]", "]"))
    at = np.linspace(0, 255, len(stops)).round().astype(int)
    np.testing.assert_allclose(DIVERGING[at], stops, atol=1)


def test_a_cancelled_evaluation_ends_at_once_and_allows_another(cohort: Path) -> None:
    first = EvaluationRun([("folder-case_24", "case_24"), ("folder-case_7", "case_7")], cohort)
    process = first._process
    start = time.monotonic()
    first.cancel()
    assert time.monotonic() - start < 5
    assert process.returncode is not None
    with pytest.raises(InputDataError, match="ended before"):
        first.results("x", lambda _case, _n: None)
    second = EvaluationRun([("folder-case_99", "case_99")], cohort)
    wait_for(second)
    with pytest.raises(InputDataError, match="case_99 is not in the server's folder any more"):
        second.results("x", lambda _case, _n: None)


def test_an_evaluation_ends_with_its_session(cohort: Path) -> None:
    started = EvaluationRun([("folder-case_24", "case_24")], cohort)
    process = started._process
    del started
    gc.collect()
    assert process.wait(5) != 0
    for _ in range(100):
        if evaluation_runner._running.acquire(blocking=False):
            evaluation_runner._running.release()
            return
        time.sleep(0.05)
    raise AssertionError("the turn was not given back")


@pytest.mark.parametrize("cases", [[], [(f"demo-{k}", f"{k}") for k in range(101)]])
def test_too_few_and_too_many_cases_are_refused(cases: list[tuple[str, str]]) -> None:
    with pytest.raises(ArgumentError, match="between 1 and 100"):
        EvaluationRun(cases, None)


def test_the_page_starts_and_shows_an_evaluation(cohort: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIF_LAB_DATA", str(cohort))
    monkeypatch.delenv("AIF_LAB_EVALUATION", raising=False)
    app = run("pages/compare.py", new_user(view="evaluate"))
    app.multiselect(key="evaluate_cases").set_value(["folder-case_7"]).run()
    next(b for b in app.main.button if b.label == "Evaluate").click().run()
    assert not app.exception
    started = user_of(app).comparison.run
    assert [b.label for b in app.main.button] == ["Cancel"]
    wait_for(started)
    app.run()
    assert not app.exception
    (found,) = user_of(app).comparison.evaluations
    assert found.title == "Yours, number 1"
    app.segmented_control(key="compare_view").set_value("evaluate").run()
    assert app.multiselect(key="evaluate_cases").value == ["folder-case_7"], "the choice is kept"
    app.segmented_control(key="compare_view").set_value("cohort").run()
    shown = app.dataframe[0].value.set_index("Method")
    mean = found.summary["methods"]["straka"]["dice"]["mean"]
    assert shown.loc["Straka", "Dice"] == f"{mean:.3f}", "one patient has no interval"


def test_cohort_cases_of_a_worker_are_the_librarys(tmp_path: Path, cohort: Path) -> None:
    from pages.comparison.evaluation_worker import case_of

    made = case_of(f"cohort-{SEED}-7", "case_7 (evaluation)", None, tmp_path)
    assert made.name == "case_7 (evaluation)"
    theirs = {c.name: c for c in find_cohort(cohort)}["case_7"]
    np.testing.assert_array_equal(made.load().data, theirs.load().data)
    assert made.patient == theirs.patient
    assert made.confounders == theirs.confounders
