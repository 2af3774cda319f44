"""Tests of the NIfTI reader: refused files, accepted files with exact values, memory and time."""

from __future__ import annotations

import gzip
import math
import os
import re
import socket
import struct
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from perfcore.errors import ArgumentError, InputDataError, PerfcoreError
from perfcore.io import downsampling
from perfcore.io.nifti import frames as frames_module
from perfcore.io.nifti import header as header_module
from perfcore.io.nifti.reader import read_series
from perfcore.quality_flags import make_flag

GRID = (5, 4, 3)
N_TIME = 12
AFFINE = np.array([[-0.9, 0, 0, 10], [0, 0.9, 0, -20], [0, 0, 5, 30], [0, 0, 0, 1]], float)


def values(seed: int = 0, shape: tuple[int, ...] = (*GRID, N_TIME)) -> np.ndarray:
    return np.random.default_rng(seed).integers(-900, 900, shape).astype(np.int16)


def image(
    data: np.ndarray | None = None,
    *,
    dt: float = 1.5,
    unit: str = "sec",
    affine: np.ndarray = AFFINE,
    kind: Any = nib.Nifti1Image,
    **fields: Any,
) -> Any:
    made = kind(values() if data is None else data, affine, dtype=None if data is None else data.dtype)
    made.header.set_xyzt_units("mm", unit)
    if made.ndim > 3:
        made.header["pixdim"][4] = dt
    for name, value in fields.items():
        made.header[name] = value
    return made


def packed(header: bytes | None = None, voxels: bytes | None = None, **fields: Any) -> bytes:
    """A NIfTI-1 file laid out by hand, so that no library corrects it."""
    content = image().to_bytes()
    raw = nib.Nifti1Header(content[:348], check=False) if header is None else nib.Nifti1Header(header, check=False)
    for name, value in fields.items():
        if isinstance(value, dict):
            for at, entry in value.items():
                raw[name][at] = entry
        else:
            raw[name] = value
    return raw.binaryblock + content[348:352] + (content[352:] if voxels is None else voxels)


def truncated_gzip() -> bytes:
    return gzip.compress(image().to_bytes())[:-400]


def bad_crc() -> bytes:
    content = bytearray(gzip.compress(image().to_bytes()))
    content[-8] ^= 0xFF
    return bytes(content)


def broken_deflate() -> bytes:
    content = bytearray(gzip.compress(image().to_bytes()))
    content[60:90] = b"\xff" * 30
    return bytes(content)


def with_voxel(bad: float) -> bytes:
    data = values().astype(np.float32)
    data[1, 2, 1, 7] = bad
    return image(data).to_bytes()


def of_type(dtype: Any, shape: tuple[int, ...] = (*GRID, N_TIME)) -> bytes:
    return nib.Nifti1Image(np.zeros(shape, dtype), AFFINE).to_bytes()


RGB = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
RGBA = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1"), ("A", "u1")])
NIFTI2 = image(kind=nib.Nifti2Image).to_bytes()

REFUSED: dict[str, tuple[Any, str]] = {
    "empty": (b"", "empty file of 0 bytes"),
    "one byte": (b"x", "not a NIfTI file"),
    "text": (b"time_s,value\n" * 60, "not a NIfTI file"),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(600), "not a NIfTI file"),
    "header cut": (packed()[:200], "ends within its header, after 200 of 348"),
    "nifti-2 header cut": (NIFTI2[:500], "ends within its header, after 500 of 540"),
    "header alone": (packed()[:348], "declares more data than the file holds"),
    "voxels cut": (packed()[:-1], "declares more data than the file holds"),
    "gzip, voxels cut": (gzip.compress(packed()[:-1]), "declares more data than the file holds"),
    "gzip truncated": (truncated_gzip(), "truncated or damaged"),
    "gzip of 5 bytes": (gzip.compress(packed())[:5], "truncated or damaged"),
    "gzip checksum": (bad_crc(), "gzip stream of the series is damaged"),
    "gzip broken inside": (broken_deflate(), "damaged"),
    "gzip, rubbish behind": (gzip.compress(packed()) + b"rubbish", "gzip stream of the series is damaged"),
    "gzip of gzip": (gzip.compress(gzip.compress(packed())), "not a NIfTI file"),
    "gzip, more than promised": (gzip.compress(packed() + bytes(3 << 20)), "unpacks to more bytes"),
    "analyze": (nib.AnalyzeImage(values(), AFFINE).header.binaryblock + bytes(3000), "Analyze or two-file NIfTI"),
    "pair": (packed(magic=b"ni1\0"), "Analyze or two-file NIfTI"),
    "nifti-2 magic": (NIFTI2[:4] + b"n+2\0\r\n\x1a\r" + NIFTI2[12:], "Analyze or two-file NIfTI"),
    "9.8 GB in 362 bytes": (
        packed(dim=[4, 350, 350, 100, 200, 1, 1, 1], voxels=bytes(10)),
        "declares more data than the file holds",
    ),
    "largest dimensions": (packed(dim=[7] + [32767] * 7), "dimensions"),
    "more than noise compresses to": (
        gzip.compress(packed(dim=[4, 600, 600, 40, 60, 1, 1, 1], voxels=np.random.default_rng(0).bytes(2 << 20))),
        "declares more data than the file holds",
    ),
    "no dimensions": (packed(dim={0: 0}), "has 0 dimensions"),
    "8 dimensions": (packed(dim={0: 8}), "has 8 dimensions"),
    "negative dimension": (packed(dim={2: -4}), "dimension of -4 voxels"),
    "zero dimension": (packed(dim={3: 0}), "dimension of 0 voxels"),
    "3D": (image(values()[..., 0]).to_bytes(), "has 3 dimensions (5 × 4 × 3)"),
    "3D and singletons": (image(values()[..., :1, None]).to_bytes(), "has 3 dimensions (5 × 4 × 3)"),
    "5D": (image(np.stack([values()] * 2, -1)).to_bytes(), "has 5 dimensions"),
    "9 frames": (image(values()[..., :9]).to_bytes(), "has 9 frames; expected 10 or more"),
    "constant in time": (image(np.repeat(values()[..., :1], 12, -1)).to_bytes(), "does not change in time"),
    "bits": (packed(datatype=1), "single bits"),
    "rgb": (of_type(RGB), "RGB colours"),
    "rgba": (of_type(RGBA), "RGBA colours"),
    "complex64": (of_type(np.complex64), "complex numbers"),
    "complex128": (of_type(np.complex128), "complex numbers"),
    "128 bits": (packed(datatype=1536), "128-bit numbers"),
    "unknown type": (packed(datatype=777), "unknown code 777"),
    "nan": (with_voxel(np.nan), "NaN or infinite voxels"),
    "infinity": (with_voxel(np.inf), "NaN or infinite voxels"),
    "minus infinity": (with_voxel(-np.inf), "NaN or infinite voxels"),
    "beyond float32": (image(values() * 1e300).to_bytes(), "NaN or infinite voxels"),
    "scaled beyond float32": (packed(scl_slope=3e38, scl_inter=0), "NaN or infinite voxels"),
    "far beyond any enhancement": (with_voxel(-3.4e38), "voxels of up to 3.4e+38"),
    "scaled far beyond": (packed(scl_slope=1e10, scl_inter=0), "expected values within ±1e+12"),
    "voxels of a microscope": (
        image(affine=AFFINE * [[0.01], [0.01], [0.01], [1]]).to_bytes(),
        "singular or implausible",
    ),
    "intercept nan": (packed(scl_slope=2, scl_inter=np.nan), "scaling"),
    "offset within header": (packed(vox_offset=100), "puts the voxels at byte 100"),
    "offset negative": (packed(vox_offset=-352), "puts the voxels at byte -352"),
    "offset nan": (packed(vox_offset=np.nan), "puts the voxels at byte nan"),
    "offset infinite": (packed(vox_offset=np.inf), "puts the voxels at byte inf"),
    "offset fractional": (packed(vox_offset=352.5), "puts the voxels at byte 352.5"),
    "offset behind the end": (packed(vox_offset=4096), "declares more data than the file holds"),
    "offset absurd": (packed(vox_offset=1e9), "puts the voxels at byte 1e+09"),
    "affine zero": (packed(srow_x=0, srow_y=0, srow_z=0), "affine of the series is singular"),
    "affine one row zero": (packed(srow_y=0), "affine of the series is singular"),
    "affine in a plane": (packed(srow_x=[1, 1, 0, 0], srow_y=[1, 1, 0, 0], srow_z=[0, 0, 1, 0]), "in one plane"),
    "affine nan": (packed(srow_x={2: np.nan}), "not finite or implausible"),
    "affine infinite": (packed(srow_z={3: np.inf}), "not finite or implausible"),
    "affine huge": (packed(srow_x={0: 1e30}), "not finite or implausible"),
    "quaternion impossible": (
        packed(sform_code=0, qform_code=1, quatern_b=3, quatern_c=3, quatern_d=3),
        "orientation of the series cannot be resolved",
    ),
    "voxel size zero, no forms": (packed(sform_code=0, qform_code=0, pixdim={1: 0}), "singular or implausible"),
    "voxel size nan, no forms": (packed(sform_code=0, qform_code=0, pixdim={1: np.nan}), "not finite"),
    "step 0": (packed(pixdim={4: 0}), "time step in the header is unusable (0 seconds)"),
    "step negative": (packed(pixdim={4: -1}), "time step in the header is unusable (-1 seconds)"),
    "step nan": (packed(pixdim={4: np.nan}), "time step in the header is unusable (nan seconds)"),
    "step infinite": (packed(pixdim={4: np.inf}), "time step in the header is unusable (inf seconds)"),
    "step of a millisecond": (packed(pixdim={4: 1}, xyzt_units=2 | 16), "unusable (1 milliseconds)"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("way", ["upload", "file"])
def test_bad_files_are_refused(name: str, way: str, tmp_path: Path) -> None:
    content, part = REFUSED[name]
    path = tmp_path / "Erika Mustermann.nii.gz"
    path.write_bytes(content)
    with pytest.raises(InputDataError) as caught:
        read_series(content if way == "upload" else path)
    sentence = str(caught.value)
    assert part in sentence
    assert sentence.endswith(".")
    assert sentence.startswith("The ")
    assert "\n" not in sentence
    assert len(sentence) < 260
    assert "Mustermann" not in sentence


def test_bad_paths_are_refused(tmp_path: Path) -> None:
    for path, part in [
        (tmp_path, "is a folder, not a regular file"),
        (tmp_path / "none.nii", "does not exist"),
        (tmp_path / "a\0b.nii", "path of the series is not valid"),
        (Path("/dev/zero"), "is a device, not a regular file"),
        (tmp_path / ("x" * 300), "cannot be read"),
    ]:
        with pytest.raises(InputDataError, match=part):
            read_series(path)
    file = tmp_path / "file"
    file.write_bytes(b"x")
    with pytest.raises(InputDataError, match="does not exist"):
        read_series(file / "below.nii")


def test_named_pipe_is_refused_without_blocking(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.nii")
    with pytest.raises(InputDataError, match="is a pipe"):
        read_series(tmp_path / "pipe.nii")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        with pytest.raises(InputDataError, match="is a socket"):
            read_series(tmp_path / "s")


def test_a_link_to_a_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.nii").write_bytes(image().to_bytes())
    (tmp_path / "link.nii").symlink_to(tmp_path / "real.nii")
    assert (read_series(tmp_path / "link.nii").data == values()).all()
    (tmp_path / "loop.nii").symlink_to(tmp_path / "loop.nii")
    with pytest.raises(InputDataError):
        read_series(tmp_path / "loop.nii")


def test_error_messages_never_contain_header_text() -> None:
    content = packed(descrip=b"Erika Mustermann 1964", db_name=b"ERIKA", aux_file=b"MUSTERMANN", datatype=128)
    with pytest.raises(InputDataError) as caught:
        read_series(content)
    chain: BaseException | None = caught.value
    while chain is not None:
        assert "rika" not in str(chain).lower()
        assert "mustermann" not in str(chain).lower()
        chain = chain.__cause__


# Accepted variants


def scaled(slope: float, inter: float) -> bytes:
    return packed(scl_slope=slope, scl_inter=inter)


def extended() -> bytes:
    made = image()
    made.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"x" * 5000))
    return made.to_bytes()


def big_endian(kind: Any) -> bytes:
    made = kind(values(), AFFINE, kind.header_class(endianness=">"))
    made.header.set_xyzt_units("mm", "sec")
    made.header["pixdim"][4] = 1.5
    made.set_data_dtype(">i2")
    content = made.to_bytes()
    assert content[:2] == b"\0\0"  # sizeof_hdr, big end first
    return content


ACCEPTED: dict[str, bytes] = {
    "int16": image().to_bytes(),
    "gzip": gzip.compress(image().to_bytes()),
    "gzip in two members": gzip.compress(packed()[:900]) + gzip.compress(packed()[900:]),
    "gzip, zero padding": gzip.compress(packed()) + bytes(512),
    "bytes behind the voxels": packed() + bytes(2 << 20),
    "gzip, some bytes behind the voxels": gzip.compress(packed() + bytes(4096)),
    "big-endian": big_endian(nib.Nifti1Image),
    "nifti-2": NIFTI2,
    "nifti-2 big-endian": big_endian(nib.Nifti2Image),
    "nifti-2 gzip": gzip.compress(NIFTI2),
    "extension": extended(),
    "offset 0": packed(vox_offset=0),
    "float32": image(values().astype(np.float32)).to_bytes(),
    "float64": image(values().astype(np.float64)).to_bytes(),
    "int32": image(values().astype(np.int32)).to_bytes(),
    "int64": image(values().astype(np.int64)).to_bytes(),
    "milliseconds": image(dt=1500, unit="msec").to_bytes(),
    "microseconds": image(dt=1.5e6, unit="usec").to_bytes(),
    "5D, last is 1": image(values()[..., None]).to_bytes(),
    "5D, fourth is 1": image(values()[..., None, :]).to_bytes(),
    "7D": packed(dim=[7, *GRID, 1, 1, N_TIME, 1]),
    "slope 0": scaled(0, 7),
    "slope nan": scaled(np.nan, np.nan),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_valid_variants_are_read_with_correct_values(name: str, tmp_path: Path) -> None:
    path = tmp_path / "Größe 大 😀.nii"
    path.write_bytes(ACCEPTED[name])
    for source in (ACCEPTED[name], path):
        series = read_series(source)
        assert series.data.shape == (*GRID, N_TIME)
        assert series.data.dtype == np.float32
        assert series.data.flags.c_contiguous
        np.testing.assert_array_equal(series.data, values())
        np.testing.assert_allclose(series.affine, AFFINE, rtol=1e-6)
        assert series.dt_s == 1.5
        assert series.warnings == ()
        assert (series.case, series.units, series.mask, series.lesion) == ("case", "hu", None, None)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("slope", "inter"), [(1, 0), (0.5, -1024), (-2, 3)])
def test_every_dtype_matches_nibabel(dtype: str, order: str, slope: float, inter: float) -> None:
    data = (values() % 100).astype(dtype)
    made = nib.Nifti1Image(data, AFFINE, nib.Nifti1Header(endianness=order), dtype=order + dtype)
    made.header.set_slope_inter(slope, inter)
    made.header["pixdim"][4] = 1.0
    content = made.to_bytes()
    raw = nib.Nifti1Header(content[:348], endianness=order)
    raw["scl_slope"], raw["scl_inter"] = slope, inter
    content = raw.binaryblock + content[348:]
    np.testing.assert_allclose(
        read_series(content).data, nib.Nifti1Image.from_bytes(content).get_fdata(), rtol=1e-6, atol=1e-4
    )


def test_single_slice_keeps_its_dimension() -> None:
    assert read_series(image(values(shape=(5, 4, 1, 12))).to_bytes()).grid == (5, 4, 1)


@pytest.mark.parametrize("n_time", [10, 15, 16, 17, 32, 33, 65])
def test_block_boundaries_do_not_change_the_frames(n_time: int) -> None:
    data = values(3, (3, 2, 2, n_time))
    np.testing.assert_array_equal(read_series(image(data).to_bytes()).data, data)


def test_series_that_changes_only_in_the_last_frame_is_accepted() -> None:
    data = np.full((3, 2, 2, 40), 7, np.int16)
    data[1, 1, 1, 39] = 8
    assert read_series(image(data).to_bytes()).data[1, 1, 1, 39] == 8


def test_series_that_changes_only_between_blocks_is_accepted() -> None:
    data = np.full((3, 2, 2, 48), 7, np.int16)
    data[..., 16:] = 8
    assert read_series(image(data).to_bytes()).data[0, 0, 0, 16] == 8


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"sform_code": 0, "qform_code": 1}, "qform"),
        ({"sform_code": 0, "qform_code": 0}, "base"),
        ({"sform_code": 1}, "sform"),
    ],
)
def test_affine_matches_nibabel(fields: dict[str, int], expected: str) -> None:
    made = image()
    made.set_qform(AFFINE, 1)
    content = packed(made.to_bytes()[:348], **fields)
    np.testing.assert_allclose(read_series(content).affine, nib.Nifti1Image.from_bytes(content).affine, rtol=1e-6)


def test_lengths_in_metres_and_micrometres_become_millimetres() -> None:
    for factor, code in ((1e-3, 1), (1e3, 3)):
        rows = {f"srow_{axis}": AFFINE[i] * factor for i, axis in enumerate("xyz")}
        series = read_series(packed(xyzt_units=code | 8, **rows))
        np.testing.assert_allclose(series.affine, AFFINE, rtol=1e-5)
        assert "converted to millimetres" in series.warnings[0].sentence


# Time


@pytest.mark.parametrize(
    ("step", "unit", "expected", "warning"),
    [
        (2.0, 0, 2.0, "names no unit of time"),
        (1500.0, 0, 1.5, "read as milliseconds"),
        (1500.0, 8, 1.5, "read as milliseconds"),
        (1.5, 48, 1.5, "names no unit of time"),
        (0.8, 8, 0.8, None),
        (800.0, 16, 0.8, None),
        (2.5e6, 24, 2.5, None),
    ],
)
def test_time_unit_is_resolved(step: float, unit: int, expected: float, warning: str | None) -> None:
    series = read_series(packed(pixdim={4: step}, xyzt_units=2 | unit))
    assert series.dt_s == expected
    if warning is None:
        assert series.warnings == ()
    else:
        assert len(series.warnings) == 1
        assert warning in series.warnings[0].sentence


@pytest.mark.parametrize("step", [0, -1, np.nan, np.inf, 1e9])
def test_given_or_default_time_step_replaces_an_invalid_one(step: float) -> None:
    content = packed(pixdim={4: step})
    assert read_series(content, dt_s=2).dt_s == 2
    assert read_series(content, dt_s=2).warnings == ()
    series = read_series(content, default_dt_s=1.0)
    assert series.dt_s == 1
    assert "unusable" in series.warnings[0].sentence
    assert "1 s was used" in series.warnings[0].sentence


def test_a_given_time_step_overrides_the_header_but_a_default_does_not() -> None:
    assert read_series(packed(), dt_s=0.5).dt_s == 0.5
    assert read_series(packed(), default_dt_s=1.0).dt_s == 1.5
    assert read_series(packed(pixdim={4: 1}, xyzt_units=2), default_dt_s=1.0).warnings == ()


@pytest.mark.parametrize("dt_s", [0, -1, np.nan, np.inf, 1e6, 1e-6])
def test_time_step_out_of_range_is_an_argument_error(dt_s: float) -> None:
    with pytest.raises(ArgumentError, match="time step must lie between"):
        read_series(packed(), dt_s=dt_s)


def test_time_step_of_a_fifth_dimension() -> None:
    made = image(values()[..., None, :]).to_bytes()
    for fourth, fifth, expected in [(1.5, 1, 1.5), (1, 1.5, 1.5), (0, 1.5, 1.5), (2, 2, 2), (1.5, 0, 1.5)]:
        series = read_series(packed(made[:348], pixdim={4: fourth, 5: fifth}))
        assert series.dt_s == expected, (fourth, fifth)
        assert series.warnings == ()
    series = read_series(packed(made[:348], pixdim={4: 2, 5: 3}))
    assert series.dt_s == 2
    assert "two time steps" in series.warnings[0].sentence


def test_unknown_units_are_an_argument_error() -> None:
    with pytest.raises(ArgumentError, match="units must be one of hu, concentration"):
        read_series(packed(), units="mol")  # type: ignore[arg-type]


# Memory and time limits


def test_tiny_file_that_declares_gigabytes_allocates_no_memory() -> None:
    content, _ = REFUSED["9.8 GB in 362 bytes"]
    assert len(content) == 362
    tracemalloc.start()
    start = time.process_time()
    with pytest.raises(InputDataError):
        read_series(content)
    seconds = time.process_time() - start
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20
    assert seconds < 0.5


def test_gzip_bomb_is_read_up_to_the_declared_size(tmp_path: Path) -> None:
    path = tmp_path / "bomb.nii.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(packed())
        for _ in range(512):
            file.write(bytes(1 << 20))
    tracemalloc.start()
    start = time.process_time()
    with pytest.raises(InputDataError, match="unpacks to more bytes"):
        read_series(path)
    seconds = time.process_time() - start
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
    assert seconds < 0.5  # 512 MB take longer to unpack


def test_a_size_beyond_the_deflate_ratio_is_refused_unread() -> None:
    content = gzip.compress(packed(dim=[4, 512, 512, 16, 40, 1, 1, 1], voxels=bytes(1000)))
    tracemalloc.start()
    with pytest.raises(InputDataError, match="declares more data than the file holds"):
        read_series(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_the_size_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """In memory a series counts as float32, after averaging of up to 4 × 4 pixels; a mask is not averaged."""
    data = values(shape=(8, 8, 3, 12))
    content = image(data).to_bytes()
    for factor in (1, 2, 3, 4):
        monkeypatch.setattr(downsampling, "MAX_VOXEL_BYTES", 4 * (8 // factor) ** 2 * 3 * 12)
        assert read_series(content).grid == (8 // factor, 8 // factor, 3)
    monkeypatch.setattr(downsampling, "MAX_VOXEL_BYTES", 4 * 2**2 * 3 * 12 - 1)
    with pytest.raises(InputDataError, match=r"8 × 8 × 3 × 12 voxels .*crop or downsample"):
        read_series(content)
    monkeypatch.setattr(downsampling, "MAX_VOXEL_BYTES", 4 * 8 * 8 * 3 - 1)
    with pytest.raises(InputDataError, match=r"brain mask of 8 × 8 × 3 voxels takes .*crop or downsample"):
        read_series(content, mask=nib.Nifti1Image(np.ones((8, 8, 3), np.uint8), AFFINE).to_bytes())
    monkeypatch.setattr(header_module, "MAX_STORED_BYTES", data.nbytes - 1)
    with pytest.raises(InputDataError, match=r"series of 8 × 8 × 3 × 12 voxels takes .*crop or downsample"):
        read_series(content)


@pytest.mark.parametrize("dtype", [np.int16, np.float64])
@pytest.mark.parametrize("shape", [(8, 6, 3, 12), (9, 7, 3, 12), (11, 10, 1, 20)])
@pytest.mark.parametrize("factor", [2, 3])
def test_a_large_series_is_averaged_while_it_is_read(
    shape: tuple[int, ...], dtype: Any, factor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = values(5, shape).astype(dtype)
    content = image(data).to_bytes()
    nx, ny = shape[0] // factor, shape[1] // factor
    monkeypatch.setattr(downsampling, "MAX_VOXEL_BYTES", 4 * nx * ny * math.prod(shape[2:]))
    for n_bytes in (frames_module._CHUNK_BYTES, 1):  # a chunk of many slices, and of one
        monkeypatch.setattr(frames_module, "_CHUNK_BYTES", n_bytes)
        series = read_series(content)
        whole = data[: nx * factor, : ny * factor].astype(float)
        expected = whole.reshape(nx, factor, ny, factor, *shape[2:]).mean((1, 3))
        np.testing.assert_allclose(series.data, expected, atol=1e-3)
        assert series.data.flags.c_contiguous
        for x, y, z in ((0, 0, 0), (nx - 1, ny - 1, shape[2] - 1)):
            block = np.array([x * factor + (factor - 1) / 2, y * factor + (factor - 1) / 2, z, 1])
            np.testing.assert_allclose(series.affine @ [x, y, z, 1], AFFINE @ block, atol=1e-5)
        sentence = (
            f"The series is too large as it is: {factor} × {factor} pixels of a slice were averaged to one, and "
            "the maps have the averaged pixels."
        )
        assert series.warnings == (make_flag("downsampled", sentence),)


def test_a_damaged_large_series_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downsampling, "MAX_VOXEL_BYTES", 4 * 2 * 2 * 3 * 12)
    for name in ("nan", "constant in time", "far beyond any enhancement", "gzip checksum"):
        content, part = REFUSED[name]
        with pytest.raises(InputDataError, match=re.escape(part)):
            read_series(content)


MEASURE = """
import resource, sys
from pathlib import Path
from perfcore.io.nifti.reader import read_series
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
series = read_series(Path(sys.argv[1]))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / series.data.nbytes)
"""


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_full_scan_memory_and_time_are_bounded(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"scan{suffix}"
    content = image(values(shape=(256, 256, 8, 60))).to_bytes()
    path.write_bytes(gzip.compress(content, 1) if suffix == ".nii.gz" else content)
    seconds = []
    for _ in range(3):
        start = time.process_time()
        read_series(path)
        seconds.append(time.process_time() - start)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert float(done.stdout) < 1.6
    assert min(seconds) < 1.0


# Fuzz: any bytes are read or raise InputDataError


def survives(content: bytes) -> None:
    try:
        series = read_series(content, mask=content if len(content) % 7 == 0 else None)
    except InputDataError as error:
        assert str(error).endswith(".")
        assert "\n" not in str(error)
    else:
        assert np.isfinite(series.data).all()
        assert np.isfinite(series.affine).all()
        assert series.dt_s > 0


FUZZ = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@FUZZ
@given(
    st.lists(st.tuples(st.integers(0, 347), st.integers(0, 255)), min_size=1, max_size=8),
    st.sampled_from(["plain", "gzip", "big"]),
)
@example([(40, 7)], "plain")
def test_fuzz_header_bytes(changes: list[tuple[int, int]], kind: str) -> None:
    content = bytearray(big_endian(nib.Nifti1Image) if kind == "big" else packed())
    for at, value in changes:
        content[at] = value
    survives(gzip.compress(bytes(content), 1) if kind == "gzip" else bytes(content))


@FUZZ
@given(
    st.sampled_from([40, 42, 44, 46, 48, 50, 70, 72, 252, 254]),
    st.integers(-32768, 32767),
    st.sampled_from([76, 80, 84, 88, 92, 108, 112, 116, 256, 260, 264, 268, 280, 284, 296, 312, 320]),
    st.floats(width=32),
)
def test_fuzz_header_fields(at: int, integer: int, at_float: int, number: float) -> None:
    content = bytearray(packed())
    struct.pack_into("<h", content, at, integer)
    struct.pack_into("<f", content, at_float, number)
    survives(bytes(content))


@FUZZ
@given(st.sampled_from(range(0, 536, 4)), st.binary(min_size=8, max_size=8))
def test_fuzz_nifti2_header(at: int, replacement: bytes) -> None:
    content = bytearray(NIFTI2)
    content[at : at + 8] = replacement
    survives(bytes(content))


@FUZZ
@given(st.integers(0, 3000), st.binary(max_size=20))
def test_fuzz_gzip_stream(at: int, replacement: bytes) -> None:
    content = bytearray(gzip.compress(packed()))
    at %= len(content)
    content[at : at + len(replacement)] = replacement
    survives(bytes(content))


@FUZZ
@given(st.binary(max_size=2000))
def test_fuzz_any_bytes(content: bytes) -> None:
    survives(content)
    survives(packed()[:348] + content)


def test_every_error_is_a_perfcore_error() -> None:
    assert issubclass(InputDataError, PerfcoreError)
