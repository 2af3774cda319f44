"""Tests of the BIDS sidecar: times and step of the frames, contradictions with the header, bad files."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfcore.errors import InputDataError
from perfcore.io import downsampling
from perfcore.io.datasets.case_folders import find_cases
from perfcore.io.load import load_series
from perfcore.io.nifti.reader import read_series
from perfcore.io.nifti.sidecar import (
    MAX_SIDECAR_BYTES,
    read_sidecar_file,
    sidecar_fields,
    sidecar_step,
    sidecar_times,
)
from perfcore.quality_flags import make_flag

DATA = np.random.default_rng(0).integers(0, 90, (5, 4, 3, 14)).astype(np.int16)


def image_bytes(dt: float) -> bytes:
    made = nib.Nifti1Image(DATA, np.diag([2, 2, 5, 1]))
    made.header.set_xyzt_units("mm", "sec")
    made.header["pixdim"][4] = dt
    return made.to_bytes()


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


def test_the_option_overrides_header_and_sidecar(tmp_path: Path) -> None:
    for fields in ({"RepetitionTime": 1.5}, {"FrameTimesStart": [0, *range(2, 15)]}, {"VolumeTiming": "bad"}):
        for dt in (0, 1, 2):
            series = read_series(save(tmp_path, fields, dt=dt), dt_s=3)
            assert (series.dt_s, series.time_source, series.warnings) == (3, "--dt", ())
            np.testing.assert_array_equal(series.data, DATA)


@pytest.mark.parametrize("step", [2, 2.01, 1.99, 2000])
def test_a_sidecar_that_agrees_with_the_header_is_not_mentioned(tmp_path: Path, step: float) -> None:
    series = read_series(save(tmp_path, {"RepetitionTime": step}, dt=2))
    assert (series.dt_s, series.time_source, series.warnings) == (2, "header", ())


@pytest.mark.parametrize(("dt", "step"), [(1, 2.0), (1.5, 2.0), (2, 1.0), (60, 0.5)])
def test_the_step_of_the_sidecar_wins_over_another_one_of_the_header(
    tmp_path: Path, dt: float, step: float
) -> None:
    """Tools that rewrite a series often reset ``pixdim[4]`` to 1 (CaPTk issue 1299)."""
    series = read_series(save(tmp_path, {"RepetitionTime": step}, dt=dt), default_dt_s=1.0)
    assert (series.dt_s, series.time_source) == (step, "sidecar RepetitionTime")
    sentence = (
        f"The time step of {step:g} s was read from the JSON file beside the series (RepetitionTime); the header "
        f"says {dt:g} s."
    )
    assert series.warnings == (make_flag("time_step", sentence),)


def test_the_sidecar_wins_over_the_default(tmp_path: Path) -> None:
    assert read_series(save(tmp_path, {"RepetitionTime": 1.5}), default_dt_s=1.0).dt_s == 1.5
    series = read_series(save(tmp_path, {}), default_dt_s=1.0)
    assert (series.dt_s, series.time_source) == (1.0, "default")


def test_the_content_of_a_sidecar_may_be_given() -> None:
    content = image_bytes(dt=1)
    series = read_series(content, sidecar=b'{"RepetitionTime": 2}')
    assert (series.dt_s, series.time_source) == (2, "sidecar RepetitionTime")
    assert read_series(content).time_source == "header"


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


UNEVEN = np.concatenate([np.arange(10), 9 + 3.0 * np.arange(1, 5)])
MEAN = float(np.diff(UNEVEN).mean())
BESIDE = "The times of the frames were read from the JSON file beside the series"


@pytest.mark.parametrize("field", ["FrameTimesStart", "VolumeTiming"])
@pytest.mark.parametrize("start", [0, 3.5, 40_000.25])
def test_even_frame_times(tmp_path: Path, field: str, start: float) -> None:
    fields = {field: list(start + 1.4 * np.arange(14)), "RepetitionTime": 9}
    series = read_series(save(tmp_path, fields))
    np.testing.assert_array_equal(series.data, DATA)
    assert series.dt_s == pytest.approx(1.4)
    assert series.time_source == f"sidecar {field}"
    assert series.warnings == (make_flag("frame_times", f"{BESIDE} ({field})."),)
    assert read_series(save(tmp_path, fields, dt=1.4)).warnings == ()
    (flag,) = read_series(save(tmp_path, fields, dt=1)).warnings
    assert flag.sentence == f"{BESIDE} ({field}); the header says that they are 1 s apart."


@pytest.mark.parametrize("field", ["FrameTimesStart", "VolumeTiming"])
@pytest.mark.parametrize("dt", [0, 1, MEAN])
@pytest.mark.parametrize("unit", [1, 1000])
def test_uneven_frame_times_win_over_the_header(tmp_path: Path, field: str, dt: float, unit: float) -> None:
    """dcm2niix writes the mean step into the header of a CT whose step varies."""
    times = UNEVEN * unit if unit == 1 else (UNEVEN * 45) * unit  # seconds of up to 135 are not believed
    series = read_series(save(tmp_path, {"RepetitionTime": MEAN, field: list(times)}, dt=dt))
    scale = 1 if unit == 1 else 45
    assert (series.dt_s, series.time_source) == (scale, f"sidecar {field}")
    assert series.data.shape == (5, 4, 3, 22)
    expected = np.array([np.interp(np.arange(22), UNEVEN, curve) for curve in DATA.reshape(-1, 14)])
    np.testing.assert_allclose(series.data.reshape(-1, 22), expected, atol=1e-4)
    np.testing.assert_array_equal(series.data[..., UNEVEN.astype(int)], DATA)
    said, resampled = (flag.sentence for flag in series.warnings)
    assert said == f"{BESIDE} ({field})" + (f"; the header says that they are {dt:.4g} s apart." if dt else ".")
    assert f"uneven ({scale:g} to {3 * scale:g} s)" in resampled
    assert "(8 of 22 frames lie between measured ones)" in resampled


def test_frame_times_across_midnight(tmp_path: Path) -> None:
    times = (86_390 + 2.0 * np.arange(14)) % 86_400
    series = read_series(save(tmp_path, {"FrameTimesStart": list(times)}, dt=2))
    assert (series.dt_s, series.n_time, series.warnings) == (2, 14, ())


def test_a_missing_frame_is_filled(tmp_path: Path) -> None:
    times = np.delete(np.arange(15), 7)
    series = read_series(save(tmp_path, {"FrameTimesStart": times.tolist()}, dt=1))
    assert series.n_time == 15
    np.testing.assert_array_equal(series.data[..., times], DATA)
    np.testing.assert_allclose(series.data[..., 7], DATA[..., 6:8].mean(-1))
    assert [flag.code for flag in series.warnings] == ["frames_filled"]


def test_uneven_times_that_give_too_many_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = np.concatenate([np.arange(10), 9 + 9.0 * np.arange(1, 5)])
    path = save(tmp_path, {"VolumeTiming": list(many)})
    monkeypatch.setattr(downsampling, "MAX_VOXEL_BYTES", 4 * 60 * 30)
    series = read_series(path)
    assert (series.grid, series.n_time) == ((2, 2, 3), 46)
    monkeypatch.setattr(downsampling, "MAX_VOXEL_BYTES", 4 * 3 * 45)
    with pytest.raises(InputDataError, match="5 × 4 × 3 × 46 voxels is too large"):
        read_series(path)


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
    "step beyond milliseconds": (b'{"RepetitionTime": 1500000}', "expected 0.02 to 60 s"),
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
    "times far apart": (json.dumps({"VolumeTiming": [1e5 * t for t in range(14)]}).encode(), "are 100000 s apart"),
    "starts too few": (
        b'{"FrameTimesStart": [0, 1, 2]}',
        "FrameTimesStart in the JSON file beside the series is unusable",
    ),
    "starts back": (json.dumps({"FrameTimesStart": [*range(13), 11]}).encode(), "FrameTimesStart"),
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
    with_step = save(tmp_path, raw=raw, dt=2)
    if "times" in name or "starts" in name or "gap" in name:  # the header cannot tell which frame is when
        with pytest.raises(InputDataError, match=re.escape(part)):
            read_series(with_step)
    else:
        series = read_series(with_step)
        assert (series.dt_s, series.time_source) == (2, "header")
        sentence = "The JSON file beside the series has no usable time step; that of the header was used."
        assert series.warnings == (make_flag("time_step", sentence),)


@pytest.mark.parametrize("raw", [b"{}", b"[]", b"3", b"null", b'{"RepetitionTime": null}', b'{"TR": 2}'])
def test_a_sidecar_without_times_is_ignored(tmp_path: Path, raw: bytes) -> None:
    path = save(tmp_path, raw=raw)
    with pytest.raises(InputDataError, match=r"time step in the header is unusable.*--dt"):
        read_series(path)


def test_sidecar_with_byte_order_mark(tmp_path: Path) -> None:
    assert read_series(save(tmp_path, raw=b'\xef\xbb\xbf{"RepetitionTime": 2}')).dt_s == 2


def test_a_folder_or_pipe_is_not_a_sidecar(tmp_path: Path) -> None:
    path = save(tmp_path)
    beside = tmp_path / "a.b.json"
    os.mkfifo(beside)
    assert read_sidecar_file(path) is None
    beside.unlink()
    beside.mkdir()
    assert read_sidecar_file(path) is None
    beside.rmdir()
    beside.symlink_to(beside)
    with pytest.raises(InputDataError, match="JSON file beside the series cannot be read"):
        read_sidecar_file(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=60),
        JSON.map(lambda value: json.dumps(value).encode()),
        st.tuples(st.sampled_from(["RepetitionTime", "VolumeTiming", "FrameTimesStart"]), JSON).map(
            lambda field: json.dumps({field[0]: field[1]}).encode()
        ),
        st.lists(st.floats(-1e5, 1e5), min_size=14, max_size=14).map(
            lambda value: json.dumps({"FrameTimesStart": sorted(value)}).encode()
        ),
    ),
    st.sampled_from([0.0, 1.0, 1.5]),
)
def test_fuzzed_sidecar_is_read_or_refused(raw: bytes, dt: float) -> None:
    try:
        series = read_series(image_bytes(dt), sidecar=raw)
    except InputDataError as error:
        assert str(error).endswith(".")
        assert "\n" not in str(error)
    else:
        assert 0.004 <= series.dt_s <= 60
        assert series.n_time >= 10
        assert np.isfinite(series.data).all()
        assert series.time_source


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(0.02, 60), min_size=13, max_size=13), st.floats(0, 86_399), st.booleans())
def test_listed_times_keep_their_differences(steps: list[float], start: float, milliseconds: bool) -> None:
    """Times of day are counted from the first frame, also across midnight, in seconds or milliseconds."""
    own = np.concatenate([[0], np.cumsum(steps)])
    stored = (start + own) % 86_400
    if milliseconds and np.median(steps) > 0.061:
        stored = stored * 1000
    name, times = sidecar_times({"FrameTimesStart": stored.tolist()}, 14) or ("", own)
    assert name == "FrameTimesStart"
    np.testing.assert_allclose(times, own, atol=1e-6)


def test_steps_of_a_sidecar() -> None:
    assert sidecar_step({"RepetitionTime": 1500}) == 1.5
    assert sidecar_step({}) is None
    assert sidecar_fields(b"[1]") == {}
