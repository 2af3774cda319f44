"""Tests of training cases: preparation, files and augmentation."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from perfcore.aif.network.grid_input import TISSUE_ARRIVAL_S
from perfcore.aif.select.features import bolus_features
from perfcore.io.cohort import find_cohort, fingerprint
from perfcore.preprocess import prepare
from perfcore.settings import Settings
from perfcore.training import augment, data
from perfcore.training.augment import Augmentation, make_batch
from perfcore.training.data import (
    file_signature,
    is_prepared,
    make_training_case,
    read_training_case,
    write_training_case,
)
from perfcore.training.run import PrepareJob, prepare_case
from tests.support import oracle
from tests.support.tiny_cohort import penumbra_of, tiny_head, write_series, write_tiny_cohort

CPU = torch.device("cpu")


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    yield from oracle.one_thread()


# Training cases


def test_training_case_matches_prepared_case(cohort: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "N_TISSUE", 200)
    case = find_cohort(cohort)[1]
    head = tiny_head(2)
    found = make_training_case(case)
    prepared = prepare(case.load(), Settings())
    assert 100 < len(found.tissue) <= 200 < prepared.n_voxels
    step = -(-prepared.n_voxels // 200)
    pick = prepared.index[::step]
    np.testing.assert_array_equal(found.tissue, prepared.tissue[::step])
    np.testing.assert_array_equal(found.core, head.lesion.reshape(-1)[pick])
    penumbra = penumbra_of(head, "right")
    np.testing.assert_array_equal(found.hypoperfused, (head.lesion | penumbra).reshape(-1)[pick])
    np.testing.assert_array_equal(found.reference, prepared.reference[::step])
    assert found.core.any()
    assert found.reference.any()
    assert not (found.reference & found.hypoperfused).any()  # the other hemisphere
    assert found.fingerprint == fingerprint(case.load())


def test_hypoperfused_is_none_without_truth(tmp_path: Path) -> None:
    write_tiny_cohort(tmp_path, 1, truth=False)
    found = make_training_case(find_cohort(tmp_path)[0])
    assert found.hypoperfused is None
    write_training_case(found, tmp_path / "case")
    again = read_training_case(tmp_path / "case")
    assert again.hypoperfused is None
    assert again.target(CPU).hypoperfused is None


def test_training_case_round_trip(cohort: Path, tmp_path: Path) -> None:
    case = make_training_case(find_cohort(cohort)[0])
    write_training_case(case, tmp_path / "case")
    assert [path.name for path in tmp_path.iterdir()] == ["case"]
    again = read_training_case(tmp_path / "case")
    assert (again.name, again.fingerprint) == (case.name, case.fingerprint)
    assert vars(again.grid_input.frame_mapping) == vars(case.grid_input.frame_mapping)
    assert again.grid_input.shape == case.grid_input.shape
    np.testing.assert_array_equal(again.grid_input.cell, case.grid_input.cell)
    np.testing.assert_allclose(
        again.grid_input.curves, case.grid_input.curves, rtol=1e-3, atol=0.01
    )  # half precision
    for name in ("tissue", "reference", "core", "hypoperfused"):
        np.testing.assert_array_equal(getattr(again, name), getattr(case, name))


def test_case_is_prepared_again_after_file_change(cohort: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(cohort, tmp_path / "cohort"))
    case = find_cohort(copy)[0]
    at = tmp_path / "case_1.safetensors"
    assert not is_prepared(at, file_signature(case))
    assert prepare_case(PrepareJob(case, at)) is None
    assert is_prepared(at, file_signature(case))
    at.write_bytes(at.read_bytes()[:500])
    assert not is_prepared(at, file_signature(case))
    assert prepare_case(PrepareJob(case, at)) is None
    shutil.rmtree(copy / "TRAINING" / "case_1")
    write_series(tiny_head(9), copy / "TRAINING" / "case_1")
    assert not is_prepared(at, file_signature(find_cohort(copy)[0]))


# Augmentation


def test_augmentation_is_reproducible(paths: list[Path]) -> None:
    grid_input, augmentation = read_training_case(paths[0]).grid_input, Augmentation(2.0)
    one, same, other = (augmentation.draw(grid_input, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert torch.equal(one.curves, same.curves)
    assert torch.equal(one.inside, same.inside)
    assert torch.equal(one.to_series, same.to_series)
    assert not torch.equal(one.curves, other.curves)
    assert one.curves.shape == (1, 64, 48, 48, 1)
    assert (one.curves[:, :, ~one.inside[0]] == 0).all()
    assert torch.isfinite(one.curves).all()


@pytest.mark.parametrize("seed", range(6))
def test_augmentation_shifts_and_scales_invertibly(
    paths: list[Path], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NOISE_HU", "ROTATION_RAD", "TRANSLATION_CELLS", "ZOOM"):
        monkeypatch.setattr(augment, name, 0.0)
    grid_input = read_training_case(paths[0]).grid_input
    drawn = Augmentation(2.0).draw(grid_input, np.random.default_rng(seed))
    curves, inside, heights = drawn.curves[0].numpy(), drawn.inside[0].numpy(), grid_input.volume().max(0)
    if np.corrcoef(curves.max(0).ravel(), heights[::-1].ravel())[0, 1] > 0.9:
        curves, inside = curves[:, ::-1], inside[::-1]
    np.testing.assert_array_equal(inside, grid_input.inside)
    assert np.corrcoef(curves.max(0).ravel(), heights.ravel())[0, 1] > 0.9
    seen = curves.reshape(64, -1)[:, grid_input.cell]
    tall = grid_input.curves.max(1) > 60
    # On the frames of the series it is the measured curve times one factor.
    back = (drawn.to_series.numpy() @ seen[:, tall]).T
    middle_s = [(c * np.arange(40)).sum(1) / c.sum(1) for c in (back, grid_input.curves[tall])]
    np.testing.assert_allclose(*middle_s, atol=0.1)
    hu_factor = back.sum(1) / grid_input.curves[tall].sum(1)
    assert np.ptp(hu_factor) < 0.02 * hu_factor.mean()
    assert 0.4 <= hu_factor.mean() <= 2.0
    # On the time axis of the network it is shifted by up to 2 s.
    late = (seen[:, tall] * np.arange(64)[:, None]).sum(0) / seen[:, tall].sum(0)
    plain_seen = make_batch(grid_input).curves[0].numpy().reshape(64, -1)[:, grid_input.cell][:, tall]
    usual = (plain_seen * np.arange(64)[:, None]).sum(0) / plain_seen.sum(0)
    assert np.ptp(late - usual) < 0.4  # the tail that leaves or enters differs with the vessel
    assert abs((late - usual).mean()) <= 2.2


def test_variants_differ_in_time_scale_and_position(paths: list[Path]) -> None:
    grid_input, augmentation = read_training_case(paths[0]).grid_input, Augmentation(2.0)
    drawn = [augmentation.draw(grid_input, np.random.default_rng(seed)) for seed in range(12)]
    heights = [float(batch.curves.max()) for batch in drawn]
    assert max(heights) > 1.8 * min(heights)
    assert len({batch.to_series.numpy().tobytes() for batch in drawn}) == 12
    assert len({batch.inside.numpy().tobytes() for batch in drawn}) > 6
    typical = [int(batch.inside.sum()) for batch in drawn]
    assert min(typical) > 0.6 * grid_input.inside.sum()


def test_make_batch_returns_grid_input(paths: list[Path]) -> None:
    grid_input = read_training_case(paths[0]).grid_input
    batch = make_batch(grid_input)
    np.testing.assert_array_equal(batch.curves[0], grid_input.volume())
    np.testing.assert_array_equal(batch.inside[0], grid_input.inside)
    tissue = batch.curves[0][:, batch.inside[0]].median(1).values.numpy()
    assert float(bolus_features(tissue[None]).arrival[0]) == pytest.approx(TISSUE_ARRIVAL_S, abs=1)
