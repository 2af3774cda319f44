"""A case seen without reading it: what the header says is what the reader finds, and little is read for it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from perfcore.errors import InputDataError
from perfcore.io.byte_source import ByteStream
from perfcore.io.case_preview import early_slice, glance, lesion_ml
from perfcore.io.datasets.case_folders import IslesCase, find_cases
from perfcore.phantom.files import write_cohort
from tests.perfcore.io.datasets.test_case_folders import save


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> IslesCase:
    root = tmp_path_factory.mktemp("cohort")
    write_cohort(root, 1, 5)
    return find_cases(root)[0]


def test_a_glance_is_what_the_reader_finds(case: IslesCase) -> None:
    seen, series = glance(case), case.load()
    assert (seen.grid, seen.n_time, seen.dt_s) == (series.grid, series.n_time, series.dt_s)
    assert seen.spacing_mm == pytest.approx(series.spacing_mm)
    assert seen.voxel_ml == pytest.approx(series.voxel_ml)
    np.testing.assert_allclose(seen.affine, series.affine)
    assert series.lesion is not None
    assert lesion_ml(case, seen) == pytest.approx(series.lesion.sum() * series.voxel_ml)
    for z in (0, 5):
        np.testing.assert_allclose(early_slice(case, z), series.data[:, :, z, :2].mean(axis=2), atol=1e-3)


def test_a_picture_reads_the_first_frames_alone(case: IslesCase, monkeypatch: pytest.MonkeyPatch) -> None:
    n_read = 0
    plain = ByteStream.read_into

    def counted(self: ByteStream, target: memoryview) -> int:
        nonlocal n_read
        n_read += len(target)
        return plain(self, target)

    monkeypatch.setattr(ByteStream, "read_into", counted)
    seen = glance(case)
    assert n_read < 1000
    early_slice(case, 4)
    assert n_read < 3 * 2 * np.prod(seen.grid) * 2


def test_confounders_come_from_the_note_beside_a_phantom(tmp_path: Path) -> None:
    scan = tmp_path / "TRAINING" / "case_1"
    save(np.random.default_rng(0).normal(size=(4, 4, 2, 12)), scan / "a.CT_4DPWI.1" / "a.CT_4DPWI.1.nii")
    note = tmp_path / "truth" / "case_1" / "case.json"
    note.parent.mkdir(parents=True)
    (case,) = find_cases(tmp_path)
    assert glance(case).confounders == ()
    note.write_text(json.dumps({"confounders": ["motion", "<b>", "truncated", 5]}))
    assert glance(case).confounders == ("truncated", "motion")
    for hostile in ("[", "[]", '"x"', '{"confounders": 3}', "[" * 20_000, " " * 70_000 + "{}"):
        note.write_text(hostile)
        assert glance(case).confounders == ()


def test_what_the_header_refuses_is_refused_at_a_glance(tmp_path: Path) -> None:
    data = np.random.default_rng(0).normal(size=(4, 4, 2, 12))
    save(data[..., :5], tmp_path / "few.nii")
    (tmp_path / "text.nii").write_bytes(b"no series at all" * 40)
    save(data, tmp_path / "whole.nii")
    (tmp_path / "packed.nii.gz").write_bytes(gzip.compress((tmp_path / "whole.nii").read_bytes()))
    found = {case.name: case for case in find_cases(tmp_path)}
    for name, part in (("few", "5 frames"), ("text", "not a NIfTI")):
        with pytest.raises(InputDataError, match=part):
            glance(found[name])
    for name in ("whole", "packed"):
        assert glance(found[name]).n_time == 12
        assert early_slice(found[name], 1) == pytest.approx(data[:, :, 1, :2].mean(axis=2), rel=1e-3, abs=1e-3)
