"""Tests of inference: scale, timing, voxel weights, errors and units of the predicted AIF."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from perfcore import pipeline
from perfcore.aif.network.grid_input import HEALTHY_PEAK_HU, N_FRAMES
from perfcore.aif.network.inference import (
    N_REPORTED_VOXELS,
    mean_curve_aif,
    predict_aif,
    typical_aif,
    voxel_attention,
)
from perfcore.aif.network.models import AifNet, make_network
from perfcore.aif.network.placement import MAX_DELAY_S, delayed, healthy_delay_s
from perfcore.aif.network.weights import Network, load_network, network_names
from perfcore.aif.select.candidates import find_candidates, healthy_curve
from perfcore.aif.select.features import bolus_features
from perfcore.cli import app
from perfcore.errors import ArgumentError, InputDataError, NoArteryError
from perfcore.maps import HEALTHY_TMAX_S
from perfcore.pipeline import find_curve
from perfcore.preprocess import Prepared, prepare
from perfcore.settings import Settings
from perfcore.types import PerfusionSeries
from tests.support import oracle
from tests.support.synthetic_head import draw_head
from tests.support.tiny_cohort import write_series

FRAMES = np.arange(N_FRAMES)


def prepared_head(n_time=48, **more) -> Prepared:
    return prepare(draw_head(64, 2, n_time, **more).series, Settings())


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    return prepared_head()


class ConstantNet(AifNet):
    """Network that predicts one curve for any input."""

    def __init__(self, curve: np.ndarray) -> None:
        super().__init__()
        self.curve = torch.from_numpy(np.asarray(curve, np.float32))

    def with_penalty(self, curves: torch.Tensor, inside: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.curve.expand(len(curves), -1), curves.new_zeros(())

    @property
    def last_layer(self) -> torch.nn.Module:
        return self


def regression_network(curve: np.ndarray, loss: str = "core+tmax") -> Network:
    """Regression network that predicts a given curve for any input."""
    return Network("cnn-regression" + ("-core" if loss == "core" else ""), ConstantNet(curve).eval(), loss, {})


def weighting_network(seed: int = 0, loss: str = "core+tmax") -> Network:
    """Weighting network with random weights, large enough for a non-uniform softmax."""
    torch.manual_seed(seed)
    net = make_network("weighting").eval()
    with torch.no_grad():
        net.score.weight.mul_(30)
    return Network("cnn-weighting", net, loss, {})


def bolus(onset_s: float, peak: float = 70.0) -> np.ndarray:
    return oracle.gamma_variate(FRAMES, onset_s, peak=peak)


def arrival_s(curve: np.ndarray, dt_s: float = 1.0) -> float:
    return float(bolus_features(np.asarray(curve, np.float32)[None]).arrival[0]) * dt_s


# Scale


@pytest.mark.parametrize("peak", [1.0, 70.0, 5000.0])
def test_area_equals_vein_area(prepared, peak):
    found = predict_aif(prepared, regression_network(bolus(14.0, peak)))
    assert found.vof is not None
    assert found.aif.area == pytest.approx(found.vof.area, rel=1e-9)
    assert "its area is that of the vein" in found.why
    # The vein of the synthetic head: later than the artery, with the same peak.
    head = draw_head(64, 2, 48)
    assert found.vof.area == pytest.approx(head.vof.sum(), rel=0.05)
    assert found.aif.source_id == "cnn-regression"
    assert found.partial_volume == pytest.approx(1.0)
    np.testing.assert_array_equal(found.aif.time_s, prepared.time_s)


def test_truncated_vein_scales_peak_to_highest_vessels():
    prepared = prepared_head(23)
    found = predict_aif(prepared, regression_network(bolus(14.0)))
    candidates = find_candidates(prepared)
    tallest = candidates.flat[np.argsort(candidates.features.height)[-3:]]
    expected = prepared.enhancement.reshape(-1, 23)[tallest].mean(0).max()
    assert found.aif.peak == pytest.approx(float(expected), rel=1e-6)
    assert "no usable vein was found" in found.why
    assert found.partial_volume is None


def test_without_vessels_scale_is_network_output():
    prepared = prepared_head(vessels=False, noise=1.0)
    with pytest.raises(NoArteryError):
        find_candidates(prepared)
    found = predict_aif(prepared, regression_network(bolus(14.0, 70.0)))
    # At most: the peak can lie between two frames of the series.
    assert found.aif.peak == pytest.approx(70, rel=0.05)
    assert found.vof is None
    assert "absolute CBF and CBV are unreliable" in found.why


# Timing


def healthy_tmax_s(prepared: Prepared, value: np.ndarray) -> float:
    """Median Tmax of the healthy hemisphere, from the maps of the whole brain."""
    aif = replace(predict_aif(prepared, regression_network(bolus(14.0))).aif, value=value)
    tmax = pipeline.flow(prepared, pipeline.tile(prepared), aif, Settings()).tmax.numpy()
    return float(np.nanmedian(tmax[prepared.reference]))


@pytest.mark.parametrize("onset_s", [9.0, 14.0, 19.0])
def test_median_tmax_of_healthy_tissue_is_the_anchor(prepared, onset_s):
    found = predict_aif(prepared, regression_network(bolus(onset_s)))
    # The delay comes from 500 of the healthy voxels.
    assert healthy_tmax_s(prepared, found.aif.value) == pytest.approx(HEALTHY_TMAX_S, abs=0.2)
    assert "median Tmax of healthy tissue is 3.5 s" in found.why


def test_time_of_prediction_does_not_depend_on_its_shift(prepared):
    curves = [predict_aif(prepared, regression_network(bolus(onset))).aif.value for onset in (12.0, 14.0, 16.0)]
    for other in curves[1:]:
        np.testing.assert_allclose(other, curves[0], rtol=0, atol=0.02 * curves[0].max())


def test_delay_beyond_the_range_is_the_limit(prepared):
    assert healthy_delay_s(prepared, bolus(38.0)[:48]) == -MAX_DELAY_S


@pytest.mark.parametrize("late_s", [-3.0, 0.0, 2.0])
def test_delayed_shifts_whole_frames_exactly(prepared, late_s):
    value = bolus(14.0)[:48]
    expected = np.interp(np.arange(48) - late_s, np.arange(48), value)
    np.testing.assert_allclose(delayed(prepared, value, late_s), expected, atol=1e-9)


# Null models


def test_null_models_are_placed_as_predictions(prepared):
    network = regression_network(bolus(20.0))
    network.net.mean_curve.copy_(torch.from_numpy(bolus(15.0, 1.0)))
    null, same = mean_curve_aif(prepared, network), predict_aif(prepared, regression_network(bolus(15.0)))
    np.testing.assert_allclose(null.aif.value, same.aif.value, rtol=1e-4, atol=1e-4 * same.aif.peak)
    assert null.aif.source_id == "null-cnn-regression"
    typical = typical_aif(prepared)
    drawn = predict_aif(prepared, regression_network(bolus(14.0)))
    np.testing.assert_allclose(typical.aif.value, drawn.aif.value, rtol=1e-4, atol=1e-4 * drawn.aif.peak)
    assert typical.aif.source_id == "null-typical"


def test_network_without_mean_curve_has_no_null_model(prepared):
    with pytest.raises(
        ArgumentError, match=r"^The network cnn-regression was stored without its mean curve; train"
    ):
        mean_curve_aif(prepared, regression_network(bolus(14.0)))


@pytest.mark.parametrize("loss", ["core", "core+tmax"])
@pytest.mark.parametrize("dt_s", [0.5, 2.0])
def test_other_time_steps(dt_s, loss):
    prepared = prepared_head(round(48 / dt_s), dt_s=dt_s)
    found = predict_aif(prepared, regression_network(bolus(14.0), loss))
    assert found.aif.value.shape == (prepared.n_time,)
    assert found.vof is not None
    assert found.aif.area == pytest.approx(found.vof.area, rel=1e-9)
    assert healthy_tmax_s(prepared, found.aif.value) == pytest.approx(HEALTHY_TMAX_S, abs=0.2)


@pytest.mark.parametrize(
    "network",
    [regression_network(bolus(14.0)), regression_network(bolus(20.0), "core"), weighting_network()],
    ids=["regression", "regression-core", "weighting"],
)
def test_aif_shifts_with_series(prepared, network):
    later, tissue = np.roll(prepared.enhancement, 3, axis=3), np.roll(prepared.tissue, 3, axis=1)
    later[..., :3], tissue[:, :3] = prepared.enhancement[..., :1], prepared.tissue[:, :1]
    one = predict_aif(prepared, network).aif.value
    other = predict_aif(replace(prepared, enhancement=later, tissue=tissue), network).aif.value
    shape, moved = one[:-3] / one.max(), other[3:] / other.max()
    np.testing.assert_allclose(moved, shape, rtol=0, atol=0.01)


# Voxel weights


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_weighting_network_returns_weighted_mean_of_curves(prepared, seed):
    network = weighting_network(seed)
    attention = voxel_attention(prepared, network)
    assert attention is not None
    assert attention.shape == prepared.grid
    assert prepared.hull is not None
    assert (attention >= 0).all()
    assert float(attention.sum(dtype=float)) == pytest.approx(1, abs=1e-5)
    assert (attention[~(prepared.hull | prepared.mask)] == 0).all()
    by_hand = np.tensordot(attention.astype(float), prepared.enhancement.astype(float), 3)
    by_hand = delayed(prepared, by_hand, healthy_delay_s(prepared, by_hand))
    found = predict_aif(prepared, network).aif
    scale = found.area / (by_hand.sum() * prepared.dt_s)
    np.testing.assert_allclose(found.value, scale * by_hand, rtol=0, atol=1e-4 * found.peak)


def test_reported_voxels_have_largest_weights(prepared):
    network = weighting_network()
    attention = voxel_attention(prepared, network)
    voxels = predict_aif(prepared, network).aif.voxels
    assert attention is not None
    assert len(voxels) == len(set(voxels)) == N_REPORTED_VOXELS
    weights = [float(attention[voxel]) for voxel in voxels]
    assert weights == sorted(weights, reverse=True)
    assert weights[-1] >= np.sort(attention, axis=None)[-N_REPORTED_VOXELS]


def test_regression_network_has_no_voxel_attention(prepared):
    network = regression_network(bolus(14.0))
    assert voxel_attention(prepared, network) is None
    assert predict_aif(prepared, network).aif.voxels == ()


@pytest.mark.parametrize(
    "network", [regression_network(bolus(14.0)), weighting_network()], ids=["regression", "weighting"]
)
def test_prediction_is_deterministic(prepared, network):
    one, other = predict_aif(prepared, network), predict_aif(prepared, network)
    np.testing.assert_array_equal(one.aif.value, other.aif.value)
    assert one.aif.voxels == other.aif.voxels
    assert one.why == other.why


# Curves without a bolus


@pytest.mark.parametrize(
    "curve", [-bolus(14.0), np.zeros(N_FRAMES), np.full(N_FRAMES, np.nan), bolus(14.0) - 60],
    ids=["below zero", "nothing", "NaN", "a negative area"],
)  # fmt: skip
@pytest.mark.parametrize("loss", ["core", "core+tmax"])
def test_prediction_without_bolus_raises(prepared, curve, loss):
    name = "cnn-regression-core" if loss == "core" else "cnn-regression"
    message = rf"^No artery was found: the network \({name}\) predicted no bolus; give an AIF"
    with pytest.raises(NoArteryError, match=message):
        predict_aif(prepared, regression_network(curve, loss))


@pytest.mark.parametrize(
    "network", [regression_network(bolus(14.0)), weighting_network()], ids=["regression", "weighting"]
)
def test_tissue_without_bolus_raises(network):
    head = draw_head(64, 2, 48)
    still = np.repeat(head.series.data[..., :1], 48, axis=3)
    noise = np.random.default_rng(1).normal(0, 3, still.shape).astype(np.float32)
    nothing = prepare(replace(head.series, data=still + noise), Settings())
    with pytest.raises(NoArteryError, match=r"^No artery was found: the tissue shows no bolus either; give"):
        predict_aif(nothing, network)


# Concentration


@pytest.mark.parametrize("name", network_names())
def test_prediction_is_invariant_to_concentration_unit(prepared, name):
    """The installed networks are trained in HU; a proportional series is the same input."""
    assert prepared.hull is not None
    values = np.where(prepared.hull[..., None], prepared.enhancement, 0)
    curves = []
    for unit in (1.0, 2.0**-12, 2.0**9):
        series = PerfusionSeries(values * unit, prepared.affine, 1.0, units="concentration", mask=prepared.mask)
        found = predict_aif(prepare(series, Settings()), load_network(name)).aif
        curves.append(found.value / unit)
    for other in curves[1:]:
        np.testing.assert_allclose(other, curves[0], rtol=0, atol=1e-4 * curves[0].max())


def test_without_vessels_aif_keeps_series_unit():
    """A prediction in HU is converted to the unit of the series by the peak of healthy tissue."""
    head = draw_head(64, 2, 48, vessels=False, noise=1.0)
    in_hu = prepare(head.series, Settings())
    unit = 2.0**-8
    series = PerfusionSeries(in_hu.enhancement * unit, in_hu.affine, 1.0, units="concentration", mask=in_hu.mask)
    given = prepare(series, Settings())
    found = predict_aif(given, regression_network(bolus(14.0, 70.0)))
    healthy = float(healthy_curve(given).max())
    assert found.aif.peak == pytest.approx(70 * healthy / HEALTHY_PEAK_HU, rel=0.05)


# From the pipeline


def test_pipeline_accepts_networks_and_selectors(prepared, monkeypatch):
    asked: list[str] = []

    def loaded(name: str) -> Network:
        asked.append(name)
        return regression_network(bolus(14.0))

    monkeypatch.setattr(pipeline, "load_network", loaded)
    for name in ("cnn", "cnn-regression", "cnn-weighting-core"):
        assert find_curve(prepared, name).aif.source_id == "cnn-regression"
    assert asked == ["cnn", "cnn-regression", "cnn-weighting-core"]
    assert find_curve(prepared, "straka").aif.source_id == "straka"
    with pytest.raises(ArgumentError):
        find_curve(prepared, "cnnn")
    assert len(asked) == 3


def test_missing_weights_raise(prepared, monkeypatch, tmp_path: Path):
    monkeypatch.setattr(pipeline, "load_network", lambda name: load_network(name, tmp_path))
    with pytest.raises(InputDataError, match=r"^There are no weights for 'cnn'; installed networks: none\.$"):
        find_curve(prepared, "cnn")


def test_maps_command_accepts_network(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(pipeline, "load_network", lambda _name: regression_network(bolus(14.0)))
    write_series(draw_head(64, 2, 48), tmp_path / "case_1")
    out = tmp_path / "out"
    result = CliRunner().invoke(app, ["maps", str(tmp_path / "case_1"), "--out", str(out), "--aif", "cnn"])
    assert result.exit_code == 0, result.output
    assert json.loads((out / "summary.json").read_text())["aif"]["method"] == "cnn-regression"
    aif, vof = (np.loadtxt(out / name, delimiter=",", skiprows=1)[:, 1] for name in ("aif.csv", "vof.csv"))
    assert aif.sum() == pytest.approx(vof.sum(), rel=1e-6)


def test_maps_command_without_weights_exits_2(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(pipeline, "load_network", lambda name: load_network(name, tmp_path / "nothing"))
    write_series(draw_head(48, 1, 40), tmp_path / "case_1")
    options = ["--out", str(tmp_path / "out"), "--aif", "cnn-weighting"]
    result = CliRunner().invoke(app, ["maps", str(tmp_path / "case_1"), *options])
    assert result.exit_code == 2
    assert result.stderr == "Error: There are no weights for 'cnn-weighting'; installed networks: none.\n"
    assert not (tmp_path / "out").exists()
