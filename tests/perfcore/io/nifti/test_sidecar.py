"""Tests of the BIDS sidecar: used if the header has no time step; bad files are refused."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfcore.errors import InputDataError
from perfcore.io.datasets.case_folders import find_cases
from perfcore.io.load import load_series
from perfcore.io.nifti import reader as nifti_module
from perfcore.io.nifti.reader import read_series
from perfcore.io.nifti.sidecar import MAX_SIDECAR_BYTES, read_sidecar
from perfcore.quality_flags import make_flag

DATA = np.random.default_rng(0).integers(0, 90, (5, 4, 3, 14)).astype(np.int16)


def save(
    folder: Path, fields: Any = None, *, dt: float = 0, suffix: str = ".nii.gz", raw: bytes | None = None
) -> Path:
    made = nib.Nifti1Image(DATA, np.diag([2, 2, 5, 1]))
    made.header.set_xyzt_units("mm", "sec")
    made.header["pixdim"][4] = dt
    path = folder / f"a.b{suffix}"
    nib.save(made, path)
    if fields is not None or raw is not None:
        (folder / "a.b.json").write_bytes(json.dumps(fields).encode() if raw is None else raw)
    return path


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("step", [1.5, 2, 0.02, 60])
def test_sidecar_time_step(tmp_path: Path, suffix: str, step: float) -> None:
    series = load_series(save(tmp_path, {"RepetitionTime": step, "PatientName": "Mustermann"}, suffix=suffix))
    np.testing.assert_array_equal(series.data, DATA)
    assert series.dt_s == step
    sentence = f"The time step of {step:g} s was read from the JSON file beside the series."
    assert series.warnings == (make_flag("time_step", sentence),)


def test_header_and_option_override_the_sidecar(tmp_path: Path) -> None:
    path = save(tmp_path, {"RepetitionTime": 1.5}, dt=2)
    assert read_series(path).dt_s == 2
    assert read_series(path).warnings == ()
    path = save(tmp_path, {"RepetitionTime": 1.5})
    assert read_series(path, dt_s=3).dt_s == 3
    assert read_series(path, dt_s=3).warnings == ()
    assert read_series(path, default_dt_s=1.0).dt_s == 1.5


def test_sidecar_needs_a_path_and_the_same_name(tmp_path: Path) -> None:
    path = save(tmp_path, {"RepetitionTime": 1.5})
    with pytest.raises(InputDataError, match="--dt"):
        read_series(path.read_bytes())
    (tmp_path / "a.b.json").rename(tmp_path / "a.json")
    with pytest.raises(InputDataError, match="--dt"):
        read_series(path)


def test_a_folder_of_one_series_with_its_sidecar(tmp_path: Path) -> None:
    save(tmp_path, {"RepetitionTime": 1.5})
    assert [case.name for case in find_cases(tmp_path)] == ["a.b"]
    assert load_series(tmp_path).dt_s == 1.5


def test_even_volume_times(tmp_path: Path) -> None:
    series = read_series(save(tmp_path, {"VolumeTiming": list(1.4 * np.arange(14)), "RepetitionTime": 9}))
    np.testing.assert_array_equal(series.data, DATA)
    assert series.dt_s == pytest.approx(1.4)
    sentence = "The times of the frames were read from the JSON file beside the series."
    assert series.warnings == (make_flag("frame_times", sentence),)


def test_uneven_volume_times_are_resampled_with_a_warning(tmp_path: Path) -> None:
    times = np.concatenate([np.arange(10), 9 + 3.0 * np.arange(1, 5)])
    series = read_series(save(tmp_path, {"VolumeTiming": list(times)}))
    assert series.dt_s == 1
    assert series.data.shape == (5, 4, 3, 22)
    expected = np.array([np.interp(np.arange(22), times, curve) for curve in DATA.reshape(-1, 14)])
    np.testing.assert_allclose(series.data.reshape(-1, 22), expected, atol=1e-4)
    assert "uneven (1 to 3 s)" in series.warnings[1].sentence
    assert "resampled linearly" in series.warnings[1].sentence


def test_uneven_times_that_give_too_many_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = np.concatenate([np.arange(10), 9 + 9.0 * np.arange(1, 5)])
    monkeypatch.setattr(nifti_module, "MAX_VOXEL_BYTES", 4 * 60 * 30)
    with pytest.raises(InputDataError, match="so uneven that resampling would give 46 frames"):
        read_series(save(tmp_path, {"VolumeTiming": list(many)}))


REFUSED: dict[str, tuple[bytes, str]] = {
    "no json": (b"{RepetitionTime: 1}", "is not valid JSON"),
    "cut": (b'{"RepetitionTime": 1', "is not valid JSON"),
    "empty": (b"", "is not valid JSON"),
    "binary": (b"\xff\xfe\0\0", "is not valid JSON"),
    "deep": (b"[" * 200_000, "is not valid JSON"),
    "deep object": (b'{"a":' * 100_000, "is not valid JSON"),
    "a number without end": (b'{"RepetitionTime": ' + b"9" * 100_000 + b"}", "is not valid JSON"),
    "too large": (b" " * MAX_SIDECAR_BYTES + b"{}", "larger than 1 MB"),
    "step 0": (b'{"RepetitionTime": 0}', "RepetitionTime in the JSON file beside the series is unusable"),
    "step negative": (b'{"RepetitionTime": -1}', "RepetitionTime"),
    "step in milliseconds": (b'{"RepetitionTime": 1500}', "expected 0.02 to 60 s"),
    "step NaN": (b'{"RepetitionTime": NaN}', "RepetitionTime"),
    "step infinite": (b'{"RepetitionTime": 1e999}', "RepetitionTime"),
    "step huge": (b'{"RepetitionTime": 1' + b"0" * 400 + b"}", "RepetitionTime"),
    "step true": (b'{"RepetitionTime": true}', "RepetitionTime"),
    "step in words": (b'{"RepetitionTime": "1.5"}', "RepetitionTime"),
    "steps": (b'{"RepetitionTime": [1, 2]}', "RepetitionTime"),
    "times too few": (b'{"VolumeTiming": [0, 1, 2]}', "expected 14 times in seconds, one for each frame"),
    "times of words": (b'{"VolumeTiming": "now"}', "VolumeTiming"),
    "times back": (json.dumps({"VolumeTiming": [*range(13), 11]}).encode(), "VolumeTiming"),
    "times twice": (json.dumps({"VolumeTiming": [*range(13), 12]}).encode(), "VolumeTiming"),
    "times NaN": (json.dumps({"VolumeTiming": [*range(13), float("nan")]}).encode(), "VolumeTiming"),
    "times nested": (json.dumps({"VolumeTiming": [[t] for t in range(14)]}).encode(), "VolumeTiming"),
    "times far apart": (json.dumps({"VolumeTiming": [100 * t for t in range(14)]}).encode(), "are 100 s apart"),
    "a giant gap": (json.dumps({"VolumeTiming": [*range(13), 1e9]}).encode(), "leave gaps"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_sidecars_are_refused(name: str, tmp_path: Path) -> None:
    raw, part = REFUSED[name]
    path = save(tmp_path, raw=raw)
    with pytest.raises(InputDataError) as caught:
        read_series(path)
    assert part in str(caught.value)
    assert "--dt SECONDS" in str(caught.value)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
    assert read_series(path, dt_s=1.0).dt_s == 1


@pytest.mark.parametrize("raw", [b"{}", b"[]", b"3", b"null", b'{"RepetitionTime": null}', b'{"TR": 2}'])
def test_a_sidecar_without_times_is_ignored(tmp_path: Path, raw: bytes) -> None:
    path = save(tmp_path, raw=raw)
    assert read_sidecar(path, 14) is None
    with pytest.raises(InputDataError, match=r"time step in the header is unusable.*--dt"):
        read_series(path)


def test_sidecar_with_byte_order_mark(tmp_path: Path) -> None:
    assert read_series(save(tmp_path, raw=b'\xef\xbb\xbf{"RepetitionTime": 2}')).dt_s == 2


def test_a_folder_or_pipe_is_not_a_sidecar(tmp_path: Path) -> None:
    path = save(tmp_path)
    beside = tmp_path / "a.b.json"
    os.mkfifo(beside)
    assert read_sidecar(path, 14) is None
    beside.unlink()
    beside.mkdir()
    assert read_sidecar(path, 14) is None
    beside.rmdir()
    beside.symlink_to(beside)
    with pytest.raises(InputDataError, match="JSON file beside the series cannot be read"):
        read_sidecar(path, 14)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.binary(max_size=60),
        JSON.map(lambda value: json.dumps(value).encode()),
        JSON.map(lambda value: json.dumps({"RepetitionTime": value}).encode()),
        JSON.map(lambda value: json.dumps({"VolumeTiming": value}).encode()),
        st.lists(st.floats(-1e3, 1e3), min_size=14, max_size=14).map(
            lambda value: json.dumps({"VolumeTiming": sorted(value)}).encode()
        ),
    )
)
def test_fuzzed_sidecar_is_read_or_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "a.json").write_bytes(raw)
    try:
        timing = read_sidecar(tmp_path / "a.nii", 14)
    except InputDataError as error:
        assert str(error).endswith(".")
    else:
        assert timing is None or 0.02 <= timing.dt_s <= 60
