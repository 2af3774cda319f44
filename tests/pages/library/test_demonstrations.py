"""Demonstration cases: the cached case equals the generated one; a broken or missing cache is replaced."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from pages.library import demonstrations
from perfcore.phantom.cases import make_demonstration

NAME = "m1-occlusion"


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(demonstrations, "cache_folder", lambda: tmp_path)
    return tmp_path


def wait_for_writers() -> None:
    for thread in threading.enumerate():
        if thread.name.startswith("write-"):
            thread.join()


def test_a_cached_demonstration_equals_the_made_one(monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_demonstration(NAME)
    demonstrations.read_demonstration(NAME)
    wait_for_writers()
    monkeypatch.setattr(demonstrations, "make_demonstration", None)  # a second making would fail
    series, truth, hypoperfused = demonstrations.read_demonstration(NAME)
    np.testing.assert_array_equal(hypoperfused, made.truth.core | made.truth.penumbra)
    np.testing.assert_array_equal(series.data, made.series.data)
    np.testing.assert_array_equal(series.lesion, made.series.lesion)
    np.testing.assert_allclose(series.affine, made.series.affine, atol=1e-5)
    np.testing.assert_allclose(truth.value, made.truth.aif.value, rtol=1e-6, atol=1e-6)
    assert (series.case, series.warnings, truth.source_id) == (NAME, (), "truth")


def test_a_broken_cache_is_made_again(own_cache: Path) -> None:
    demonstrations.read_demonstration(NAME)
    wait_for_writers()
    (file,) = own_cache.glob(f"{NAME}/TRAINING/case_1/*CT_4DPWI*/*.nii")
    file.write_bytes(file.read_bytes()[:5000])
    series, *_ = demonstrations.read_demonstration(NAME)
    wait_for_writers()
    assert series.data.shape == (256, 256, 8, 60)
    assert file.stat().st_size > 5000


def test_a_read_only_cache_is_ignored(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = own_cache / "file"
    blocked.write_text("in the way")
    monkeypatch.setattr(demonstrations, "cache_folder", lambda: blocked)
    series, truth, _ = demonstrations.read_demonstration(NAME)
    wait_for_writers()
    assert series.n_time == truth.value.size == 60
