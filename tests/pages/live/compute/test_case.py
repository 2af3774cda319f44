"""The live case: previews, volumes, orientation on the screen, curves of a voxel."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
import torch
from safetensors.torch import save

from pages.library.catalog import demonstrations, open_case
from pages.live.compute import aif_sources
from pages.live.compute.aif_sources import AifSources, finders
from pages.live.compute.case import MAX_START_FLOWS, LiveCase
from pages.live.compute.flow import Flow
from pages.live.compute.voxel_probe import probe_voxel
from pages.live.handlers.lesion_target import target_of
from pages.live.handlers.viewport import Viewport
from perfcore.aif.network.models import RegressionNet
from perfcore.aif.network.weights import load_network, network_names
from perfcore.aif.select import SELECTORS, is_fallback
from perfcore.aif.sources import source_info, source_label
from perfcore.deconvolution.inverse import build_operator
from perfcore.errors import InputDataError, NoArteryError
from perfcore.losses import lesions
from perfcore.metrics import auc_below, binned_auc_below
from perfcore.phantom.cases import make_demonstration
from perfcore.pipeline import analyse, find_curve, flow, tile
from perfcore.settings import Settings
from perfcore.types import Aif

SETTINGS = Settings()


@pytest.fixture(scope="module")
def case() -> LiveCase:
    return open_case(demonstrations()[0], SETTINGS)


@pytest.fixture(scope="module")
def curve(case: LiveCase) -> np.ndarray:
    return next(iter(case.sources.values())).value


def test_a_volume_equals_the_pipelines(case: LiveCase, curve: np.ndarray) -> None:
    live = case.volume_flow(curve, SETTINGS)
    own = flow(case.prepared, tile(case.prepared), next(iter(case.sources.values())), SETTINGS)
    np.testing.assert_array_equal(live.cbf, own.cbf.numpy()[case.order])
    np.testing.assert_array_equal(live.tmax, own.tmax.numpy()[case.order])
    assert live.reference_cbf == pytest.approx(own.reference_cbf, rel=1e-9)


HEALTHY = Settings(tmax_reference="healthy")
SAMPLE_ERROR_S = 0.05
"""Of a median over 4096 of the healthy voxels: 1.25 of their spread of 1.5 s over 64."""


def test_every_route_to_tmax_has_the_clock_of_the_command_line(case: LiveCase, curve: np.ndarray) -> None:
    late = 3.0 * case.prepared.dt_s
    time_s = case.prepared.time_s
    shifted = np.interp(time_s - late, time_s, curve, left=0.0)
    written = analyse(
        make_demonstration("m1-occlusion").series, Aif(time_s, shifted), HEALTHY, prepared=case.prepared
    )
    expected = written.maps.tmax.reshape(-1)[case.prepared.index[case.order]]
    assert written.maps.tmax_shift_s > 2

    volume = case.volume_flow(shifted, HEALTHY)
    np.testing.assert_allclose(volume.tmax, expected, rtol=0, atol=1e-5)
    numbers = case.numbers(volume, HEALTHY)
    assert numbers["hypoperfused_ml"] == pytest.approx(written.numbers.hypoperfused_ml, rel=1e-3)
    start = case.start_numbers(Aif(time_s, shifted), HEALTHY)
    assert start == numbers

    operator = case.operator(shifted, HEALTHY)
    part = slice(int(case.starts[3]), int(case.starts[4]))
    for is_preview in (False, True):
        one = case.slice_flow(operator, 3, preview=is_preview).tmax
        assert np.abs(np.nanmedian(one - expected[part])) < SAMPLE_ERROR_S
    view = Viewport(3)
    for view.all_slices in (False, True):
        preview = case.gather([job() for job in case.chunks(operator, preview=True)], HEALTHY)
        kind, _, shown = view.part(case, preview)
        where = part if kind == "slice" else slice(None)
        assert np.abs(np.nanmedian(shown.tmax - expected[where])) < SAMPLE_ERROR_S

    voxel = int(np.flatnonzero(case.reference.numpy())[7])
    place = np.unravel_index(case.prepared.index[case.order[voxel]], case.prepared.grid)
    probed = probe_voxel(case, shifted, HEALTHY, tuple(int(v) for v in place))
    at = probed["residue_time"][probed["residue"].argmax()]
    assert at == pytest.approx(expected[voxel], abs=case.prepared.dt_s / 2 + SAMPLE_ERROR_S)

    whole = target_of(case, np.zeros(case.tiles.n_voxels, bool))
    soft = lesions(torch.from_numpy(shifted), whole, HEALTHY, with_tmax=True).tmax
    assert soft is not None
    healthy = case.reference.numpy()
    assert float(soft.numpy()[healthy].mean()) == pytest.approx(np.nanmean(expected[healthy]), abs=0.3)


def test_the_error_of_a_preview_is_below_its_bound(case: LiveCase, curve: np.ndarray) -> None:
    assert case.basis is not None
    assert 0 < case.basis_error < 1e-3
    operator = case.operator(curve, SETTINGS)
    exact = case.slice_flow(operator, 4)
    preview = case.slice_flow(operator, 4, preview=True)
    flowing = exact.cbf > 0.02 * exact.cbf.max()
    assert np.abs(preview.cbf / exact.cbf - 1)[flowing].mean() < 1e-3
    assert not np.array_equal(preview.cbf, exact.cbf)


def test_oscillation_index_uses_no_temporal_basis(case: LiveCase, curve: np.ndarray) -> None:
    operator = case.operator(curve, Settings(regularization="oscillation"))
    assert case.tissue(operator, preview=True) is case.tiles


def test_a_probe_returns_the_voxels_own_curves(case: LiveCase, curve: np.ndarray) -> None:
    voxel = tuple(int(v) for v in np.unravel_index(case.prepared.index[500], case.prepared.grid))
    found = probe_voxel(case, curve, SETTINGS, voxel)
    np.testing.assert_array_equal(found["raw"], case.prepared.enhancement[voxel])
    np.testing.assert_array_equal(found["tissue"], case.prepared.tissue[500])
    operator = build_operator(torch.from_numpy(np.array(curve)), 1.0, SETTINGS).matrix.numpy()
    np.testing.assert_allclose(found["residue"], operator @ case.prepared.tissue[500], rtol=1e-4, atol=1e-9)
    assert set(probe_voxel(case, curve, SETTINGS, (0, 0, 0))) == {"raw"}
    with pytest.raises(InputDataError, match="outside the image"):
        probe_voxel(case, curve, SETTINGS, (0, 0, 8))


def test_the_maps_of_a_start_curve_are_computed_once_and_those_of_few_kept(
    case: LiveCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    whole = LiveCase.volume_flow

    def counted(self: LiveCase, curve: np.ndarray, settings: Settings) -> Flow:
        asked.append(settings.lambda_rel)
        return whole(self, curve, settings)

    monkeypatch.setattr(LiveCase, "volume_flow", counted)
    start, before = next(iter(case.sources.values())), case.nbytes
    settings = [Settings(lambda_rel=0.2 + 0.01 * i) for i in range(MAX_START_FLOWS + 1)]
    flows = [case.start_flow(start, one) for one in settings]
    assert case.start_flow(start, settings[-1]) is flows[-1]
    np.testing.assert_array_equal(flows[1].cbf, whole(case, start.value, settings[1]).cbf)
    assert case.start_flow(start, settings[0]) is not flows[0], "the least recently used one is dropped"
    assert len(asked) == MAX_START_FLOWS + 2
    assert case.nbytes == before


def test_numbers_equal_the_metrics(case: LiveCase, curve: np.ndarray) -> None:
    flow_ = case.volume_flow(curve, SETTINGS)
    rcbf = flow_.cbf / np.float32(flow_.reference_cbf)
    assert case.lesion is not None
    own = auc_below(rcbf, case.lesion)
    assert case.numbers(flow_, SETTINGS)["auc"] == pytest.approx(own, abs=1e-9)
    assert case.numbers(flow_, SETTINGS, exact=False)["auc"] == pytest.approx(own, abs=1e-3)
    assert binned_auc_below(rcbf, np.zeros(rcbf.size, bool)) is None
    assert (
        binned_auc_below(np.array([0.1, 0.5, 0.5, 3.0], np.float32), np.array([True, True, False, False])) == 0.875
    )


def test_a_source_for_which_the_default_stands_in_keeps_its_id(
    case: LiveCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_prepared: object) -> NoReturn:
        raise NoArteryError("No artery was found.")

    monkeypatch.setitem(SELECTORS, "murase", replace(SELECTORS["murase"], function=nothing))
    found = AifSources(case.prepared, {}, finders()).get("murase")
    assert found.source_id == "murase"
    assert is_fallback(found)
    np.testing.assert_array_equal(found.value, case.sources["straka"].value)


def test_start_curves_are_corrected_for_partial_volume_as_on_the_command_line(case: LiveCase) -> None:
    raw = find_curve(case.prepared)
    assert raw.partial_volume is not None
    assert raw.partial_volume > 1.05
    np.testing.assert_array_equal(case.sources["straka"].value, raw.aif.value * raw.partial_volume)
    mouridsen = find_curve(case.prepared, "mouridsen")
    np.testing.assert_array_equal(case.offered.get("mouridsen").value, mouridsen.corrected().value)


def test_sources_are_computed_once_at_first_use(case: LiveCase) -> None:
    asked: list[str] = []

    def way(name: str, *, there: bool) -> object:
        def find(prepared: object) -> object:
            asked.append(name)
            if not there:
                raise NoArteryError("No artery was found: it is a test.")
            return case.sources["straka"]

        return find

    known = {"truth": case.sources["truth"]}
    book = AifSources(case.prepared, known, {"a": way("a", there=True), "b": way("b", there=False)})
    assert book.methods == ["truth", "a", "b"]
    assert book.get("truth") is case.sources["truth"]
    assert asked == []
    for _ in range(2):
        assert book.get("a") is case.sources["straka"]
        with pytest.raises(NoArteryError, match="it is a test"):
            book.get("b")
    assert asked == ["a", "b"]
    assert list(known) == ["truth", "a"], "computed sources are cached"


def test_networks_are_offered_where_their_weights_are(
    case: LiveCase, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    net = RegressionNet()
    weights = save({name: tensor.contiguous() for name, tensor in net.state_dict().items()})
    (tmp_path / "a.safetensors").write_bytes(weights)
    digest = sha256(weights).hexdigest()
    entry = {"file": "a.safetensors", "sha256": digest, "network": "regression", "loss": "core"}
    manifest = {"best": "cnn-regression-core", "networks": {"cnn-regression-core": entry}}
    (tmp_path / "MANIFEST.json").write_text(json.dumps(manifest))
    monkeypatch.setattr(aif_sources, "network_names", lambda: network_names(tmp_path))
    ways = finders()
    assert "cnn-regression-core" in ways
    source = source_info("cnn-regression-core")
    assert (source.label, source.group) == ("Network, regression, core loss", "Learned")
    monkeypatch.setattr("perfcore.pipeline.load_network", lambda name: load_network(name, tmp_path))
    offered = AifSources(case.prepared, dict(case.sources), ways)
    try:
        found = offered.get("cnn-regression-core")
    except NoArteryError as error:  # untrained weights may give a curve without a bolus
        assert "cnn-regression-core" in str(error)
    else:
        assert (found.source_id, found.value.shape) == ("cnn-regression-core", (60,))
    (tmp_path / "MANIFEST.json").write_text("{")
    assert set(finders()) == set(SELECTORS)


def test_every_selector_is_offered_under_a_name() -> None:
    assert set(SELECTORS) <= set(finders())
    labels = [source_label(name) for name in finders()]
    assert len(set(labels)) == len(labels)
    assert all(label != name for name, label in zip(finders(), labels, strict=True))
