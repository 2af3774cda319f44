"""Tests of the case preview: equal to the loaded series, few bytes read, bad headers refused."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from perfcore.errors import InputDataError
from perfcore.io.byte_source import ByteStream
from perfcore.io.case_preview import early_mean_slice, lesion_ml, preview_case
from perfcore.io.datasets.case_folders import CaseFiles, find_cases
from perfcore.phantom.files import write_cohort
from tests.perfcore.io.datasets.test_case_folders import save


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> CaseFiles:
    root = tmp_path_factory.mktemp("cohort")
    write_cohort(root, 1, 5)
    return find_cases(root)[0]


def test_the_preview_equals_the_loaded_series(case: CaseFiles) -> None:
    preview, series = preview_case(case), case.load()
    assert (preview.grid, preview.n_time, preview.dt_s) == (series.grid, series.n_time, series.dt_s)
    assert preview.spacing_mm == pytest.approx(series.spacing_mm)
    assert preview.voxel_ml == pytest.approx(series.voxel_ml)
    np.testing.assert_allclose(preview.affine, series.affine)
    assert series.lesion is not None
    assert lesion_ml(case, preview) == pytest.approx(series.lesion.sum() * series.voxel_ml)
    for z in (0, 5):
        np.testing.assert_allclose(early_mean_slice(case, z), series.data[:, :, z, :2].mean(axis=2), atol=1e-3)


def test_the_preview_image_reads_only_the_first_frames(case: CaseFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    n_read = 0
    read_into = ByteStream.read_into

    def counted(self: ByteStream, target: memoryview) -> int:
        nonlocal n_read
        n_read += len(target)
        return read_into(self, target)

    monkeypatch.setattr(ByteStream, "read_into", counted)
    preview = preview_case(case)
    assert n_read < 1000
    early_mean_slice(case, 4)
    assert n_read < 3 * 2 * np.prod(preview.grid) * 2


def test_confounders_are_read_from_phantom_case_json(tmp_path: Path) -> None:
    scan = tmp_path / "TRAINING" / "case_1"
    save(np.random.default_rng(0).normal(size=(4, 4, 2, 12)), scan / "a.CT_4DPWI.1" / "a.CT_4DPWI.1.nii")
    description = tmp_path / "truth" / "case_1" / "case.json"
    description.parent.mkdir(parents=True)
    (case,) = find_cases(tmp_path)
    assert preview_case(case).confounders == ()
    description.write_text(json.dumps({"confounders": ["motion", "<b>", "truncated", 5]}))
    assert preview_case(case).confounders == ("motion", "<b>", "truncated")
    for hostile in ("[", "[]", '"x"', '{"confounders": 3}', "[" * 20_000, " " * 70_000 + "{}"):
        description.write_text(hostile)
        assert preview_case(case).confounders == ()


def test_bad_headers_are_refused(tmp_path: Path) -> None:
    data = np.random.default_rng(0).normal(size=(4, 4, 2, 12))
    save(data[..., :5], tmp_path / "few.nii")
    (tmp_path / "text.nii").write_bytes(b"no series at all" * 40)
    save(data, tmp_path / "whole.nii")
    (tmp_path / "packed.nii.gz").write_bytes(gzip.compress((tmp_path / "whole.nii").read_bytes()))
    found = {case.name: case for case in find_cases(tmp_path)}
    for name, part in (("few", "5 frames"), ("text", "not a NIfTI")):
        with pytest.raises(InputDataError, match=part):
            preview_case(found[name])
    for name in ("whole", "packed"):
        assert preview_case(found[name]).n_time == 12
        assert early_mean_slice(found[name], 1) == pytest.approx(
            data[:, :, 1, :2].mean(axis=2), rel=1e-3, abs=1e-3
        )


def test_a_series_of_few_frames_has_no_preview(tmp_path: Path) -> None:
    save(np.ones((4, 4, 2, 5), np.int16), tmp_path / "case.nii")
    with pytest.raises(InputDataError, match="has 5 frames; expected 10"):
        preview_case(find_cases(tmp_path)[0])


def test_the_preview_image_of_a_truncated_archive_is_refused(tmp_path: Path) -> None:
    """The size behind a gzip stream is known only when it is read."""
    save(np.ones((8, 8, 2, 12), np.int16), tmp_path / "whole.nii")
    content = gzip.compress((tmp_path / "whole.nii").read_bytes()[:500])
    (tmp_path / "whole.nii").unlink()
    (tmp_path / "case.nii.gz").write_bytes(content)
    with pytest.raises(InputDataError, match="truncated"):
        early_mean_slice(find_cases(tmp_path)[0], 1)
