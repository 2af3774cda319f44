"""Tests of the DICOM reader: choice of series, voxel values, geometry and timing."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from pydicom.uid import SecondaryCaptureImageStorage

from perfcore.errors import ArgumentError, InputDataError
from perfcore.io import downsampling
from perfcore.io.dicom.files import holds_dicom
from perfcore.io.dicom.reader import read_dicom
from perfcore.io.load import load_series
from perfcore.types import PerfusionSeries
from tests.support.dicom_export import (
    DT,
    N_SLICES,
    N_TIME,
    NAME,
    NOON,
    ORIGIN,
    PIXEL,
    SERIES,
    SIDE,
    SYNTAXES,
    as_read,
    bolus,
    clock,
    export,
    image,
    images,
    position,
    save,
    zipped,
)

DATA = bolus()
AFFINE = np.array(
    [
        [-PIXEL[1], 0, 0, -ORIGIN[0]],
        [0, PIXEL[0], 0, -ORIGIN[1] - PIXEL[0] * (SIDE - 1)],
        [0, 0, 5, ORIGIN[2]],
        [0, 0, 0, 1],
    ]
)


def read(files: dict[str, bytes], **options: Any) -> PerfusionSeries:
    return read_dicom(zipped(files), **options)


def check(series: PerfusionSeries, data: np.ndarray = DATA, *warnings: str) -> None:
    np.testing.assert_array_equal(series.data, as_read(data))
    np.testing.assert_allclose(series.affine, AFFINE, atol=1e-6)
    assert series.dt_s == DT
    assert len(series.warnings) == len(warnings)
    for flag, part in zip(series.warnings, warnings, strict=True):
        assert part in flag.sentence
        assert flag.sentence.endswith(".")


# Files and archives


def test_folder_zip_file_and_zip_bytes_are_equivalent(tmp_path: Path) -> None:
    files = export()
    folder = save(files, tmp_path / f"Größe {NAME}")
    (tmp_path / "a.zip").write_bytes(zipped(files))
    for source in (folder, tmp_path / "a.zip", zipped(files), zipped(files, compression=0)):
        series = read_dicom(source)
        check(series)
        assert (series.case, series.units, series.mask, series.lesion) == ("case", "hu", None, None)
        assert series.data.flags.c_contiguous


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_uncompressed_transfer_syntaxes(syntax: str) -> None:
    check(read(export(syntax=syntax)))


def other_series(data: np.ndarray) -> dict[str, bytes]:
    """A second series at the same position."""
    return export(data, SeriesInstanceUID=f"{SERIES}7", SOPInstanceUID=lambda t, z: f"{SERIES}7.{t}.{z}")


def strays() -> dict[str, bytes]:
    """Other files of an exported CD."""
    pixels = bolus(2, 3, seed=8)
    upright = [1, 0, 0, 0, 0, -1]
    scout = {
        f"scout{z}": image(pixels[0, z], ImageOrientationPatient=upright, SOPInstanceUID=f"{SERIES}.8.{z}")
        for z in range(3)
    }
    earlier = other_series(bolus(9, seed=3))
    map_of_it = image(pixels[0, 0], SeriesInstanceUID=f"{SERIES}9", SOPInstanceUID=f"{SERIES}.9")
    capture = image(pixels[0, 1], SOPClassUID=SecondaryCaptureImageStorage, ImagePositionPatient=None)
    magnetic = export(bolus(40, 1, seed=4), Modality="MR", SeriesInstanceUID=f"{SERIES}6")
    return {
        "README.txt": b"hello",
        "empty": b"",
        "short": b"\0" * 131,
        "DICOMDIR": b"\0" * 128 + b"DICM",
        "._IM00001": b"\0\5\x16\7" + bytes(300),
        "brain.nii": nib.Nifti1Image(np.zeros((4, 4, 4), np.uint8), np.eye(4)).to_bytes(),
        "map": map_of_it,
        "capture": capture,
        **scout,
        **{f"earlier/{k}": content for k, content in enumerate(earlier.values())},
        **{f"mr/{k}": content for k, content in enumerate(magnetic.values())},
    }


def test_other_files_are_ignored(tmp_path: Path) -> None:
    folder = save(export() | strays(), tmp_path)
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to(folder)
    (folder / "nowhere").symlink_to(folder / "none")
    check(read_dicom(folder))
    check(read(export() | strays()))


def test_series_with_enough_frames_is_preferred_to_a_larger_one() -> None:
    many = other_series(bolus(3, 30, seed=3))
    check(read(export() | {f"x{name}": content for name, content in many.items()}))


def test_duplicate_images_are_ignored() -> None:
    check(read(export() | {f"copy of {name}": content for name, content in export().items()}))


def test_positions_with_few_images_are_left_out() -> None:
    extra = {
        f"plain{z}": content for (_, z), content in images(bolus(1, 6), SeriesInstanceUID=SERIES,
        SOPInstanceUID=lambda _t, z: f"{SERIES}.99.{z}", ImagePositionPatient=lambda _t, z: position(N_SLICES + z))
    }  # fmt: skip
    check(read(export() | extra), DATA, "Slice positions with few images were left out (6 of 10)")


def test_damaged_files_give_a_warning() -> None:
    sound = image(DATA[0, 0])
    broken = sound[: sound.index(b"\x08\0\x16\0UI")] + b"\x08\0\x06\0SQ\0\0\xff\xff\xff\xff\x01\x02"
    series = read(export() | {"broken": broken})
    check(series, DATA, "Damaged DICOM files beside the series were left out (1)")


def test_path_traversal_and_links_in_an_archive_have_no_effect(tmp_path: Path) -> None:
    files = {f"../../{k}/../../../etc/{k}": content for k, content in enumerate(export().values())}
    before = sorted(tmp_path.parent.rglob("*"))
    (tmp_path / "a.zip").write_bytes(zipped(files))
    check(read_dicom(tmp_path / "a.zip"))
    assert sorted(tmp_path.parent.rglob("*")) == sorted([*before, tmp_path / "a.zip"])


# Values


@pytest.mark.parametrize(("slope", "intercept"), [(1, 0), (0.5, -1000), (2, -8192.5), ("1.0 ", "-1024 ")])
def test_rescaling(slope: Any, intercept: Any) -> None:
    series = read(export(RescaleSlope=slope, RescaleIntercept=intercept))
    np.testing.assert_array_equal(series.data, as_read(DATA, float(slope), float(intercept)))
    assert series.warnings == ()


def test_each_image_has_its_own_rescaling() -> None:
    slopes = 1 + np.arange(N_TIME * N_SLICES).reshape(N_TIME, N_SLICES) / 8
    series = read(export(RescaleSlope=lambda t, z: float(slopes[t, z])))
    np.testing.assert_array_equal(series.data, as_read(DATA * slopes[:, :, None, None]))


def test_without_rescaling_stored_numbers_are_hu_with_a_warning() -> None:
    files = export(RescaleSlope=None, RescaleIntercept=None)
    series = read(files)
    np.testing.assert_array_equal(series.data, as_read(DATA, 1, 0))
    assert "names no rescaling" in series.warnings[0].sentence
    assert read(files, units="concentration").warnings == ()


def test_bits_above_bits_stored_are_masked() -> None:
    garbage = np.random.default_rng(2).integers(0, 16, DATA.shape) << 12
    series = read(export(DATA | garbage, PixelRepresentation=0, BitsStored=12, HighBit=11))
    check(series)


@pytest.mark.parametrize("syntax", ["explicit", "big-endian"])
def test_signed_twelve_bits_keep_their_sign(syntax: str) -> None:
    data = DATA - 1500
    series = read(export(data & 0xFFF, PixelRepresentation=0, BitsStored=12, HighBit=11, syntax=syntax))
    np.testing.assert_array_equal(series.data, as_read(data & 0xFFF))
    files = export(data, BitsStored=12, HighBit=11, syntax=syntax)
    np.testing.assert_array_equal(read(files).data, as_read(data))


def test_unsigned_sixteen_bits() -> None:
    data = DATA + 40_000
    np.testing.assert_array_equal(read(export(data, PixelRepresentation=0)).data, as_read(data))


def test_pixel_data_with_odd_length() -> None:
    data = bolus(12, 1, side=7)
    np.testing.assert_array_equal(read(export(data)).data, as_read(data))


def test_a_series_above_the_size_limit_is_downsampled(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read(export())
    for factor in (2, 4):
        monkeypatch.setattr(downsampling, "MAX_VOXEL_BYTES", whole.data.nbytes // factor**2)
        series = read(export())
        n = SIDE // factor
        expected = as_read(DATA).reshape(n, factor, n, factor, N_SLICES, N_TIME).mean((1, 3))
        np.testing.assert_allclose(series.data, expected, rtol=1e-6)
        assert f"{factor} × {factor} pixels of a slice were averaged to one" in series.warnings[0].sentence
        corner = np.array([-0.5, -0.5, 0, 1])
        np.testing.assert_allclose(series.affine @ corner, whole.affine @ corner, atol=1e-5)
        assert series.spacing_mm[0] == pytest.approx(factor * whole.spacing_mm[0])
    monkeypatch.setattr(downsampling, "MAX_VOXEL_BYTES", whole.data.nbytes // 17)
    with pytest.raises(InputDataError, match="32 × 32 × 4 × 14 voxels is too large"):
        read(export())


# Positions and orientation


def world(t: int, z: int, row: int, column: int, fields: dict[str, Any]) -> np.ndarray:
    """Where a pixel lies by DICOM's own formula (PS3.3 C.7.6.2.1.1), in RAS+."""
    along, across = np.array(fields["ImageOrientationPatient"]).reshape(2, 3)
    place = np.array(fields["ImagePositionPatient"](t, z)) + along * PIXEL[1] * column + across * PIXEL[0] * row
    return place * (-1, -1, 1)


def turned(degrees: tuple[float, float, float]) -> np.ndarray:
    a, b, c = np.deg2rad(degrees)
    one = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    two = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    three = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return np.asarray(one @ two @ three)


def placed(rotation: np.ndarray, step: np.ndarray) -> dict[str, Any]:
    orientation = [round(float(value), 6) for value in (*rotation[:, 0], *rotation[:, 1])]
    return {
        "ImageOrientationPatient": orientation,
        "ImagePositionPatient": lambda _t, z: [round(float(value), 4) for value in ORIGIN + z * step],
    }


OBLIQUE = turned((20, -12, 7))
SAGITTAL = np.array([[0, 0, -1], [1, 0, 0], [0, -1, 0]], float)
FEET_FIRST = np.diag([-1.0, 1.0, -1.0])
TILTED = turned((-18, 0, 0))
PLACES = {
    "axial": (np.eye(3), np.array([0, 0, 5.0]), None),
    "from the head down": (np.eye(3), np.array([0, 0, -5.0]), None),
    "oblique": (OBLIQUE, OBLIQUE @ (0, 0, 4.0), None),
    "sagittal": (SAGITTAL, SAGITTAL @ (0, 0, 4.0), None),
    "feet first": (FEET_FIRST, np.array([0, 0, 5.0]), None),
    "gantry tilted": (TILTED, np.array([0, 0, 5.0]), "The gantry was tilted by 18°"),
}


@pytest.mark.parametrize("name", PLACES)
def test_affine_matches_dicom_positions(name: str) -> None:
    rotation, step, warning = PLACES[name]
    fields = placed(rotation, step)
    series = read(export(**fields))
    assert [part in flag.sentence for part, flag in zip([warning], series.warnings, strict=False)] == [
        True for _ in series.warnings
    ]
    assert len(series.warnings) == (warning is not None)
    rng = np.random.default_rng(1)
    for _ in range(40):
        t, z, row, column = (int(rng.integers(n)) for n in (N_TIME, N_SLICES, SIDE, SIDE))
        index = np.linalg.solve(series.affine, np.append(world(t, z, row, column, fields), 1))[:3]
        voxel = np.rint(index).astype(int)
        np.testing.assert_allclose(index, voxel, atol=1e-2)
        assert series.data[(*voxel, t)] == DATA[t, z, row, column] - 1024
    normal = np.cross(rotation[:, 0], rotation[:, 1]) * (-1, -1, 1)
    assert series.affine[:3, 2] @ normal > 0
    assert series.voxel_ml == pytest.approx(abs(PIXEL[0] * PIXEL[1] * float(step @ (normal * (-1, -1, 1)))) / 1000)


def test_single_slice_uses_slice_thickness() -> None:
    data = bolus(12, 1)
    assert read(export(data)).spacing_mm == pytest.approx((0.8, 0.9, 5))
    assert read(export(data, SpacingBetweenSlices=7)).spacing_mm[2] == pytest.approx(7)
    with pytest.raises(InputDataError, match="nan mm apart"):
        read(export(data, SliceThickness=None))


# Times


def test_acquisition_across_midnight() -> None:
    late = [86_400 - 9 + DT * t for t in range(N_TIME)]
    check(read(export(times=late)))
    dates = {"AcquisitionTime": None, "AcquisitionDateTime": lambda t, _z: "20240229" + clock(late[t])}
    check(read(export(**dates)))


def at_noon(t: int, _z: int) -> str:
    return clock(NOON + DT * t)


def on_a_day(t: int, _z: int) -> str:
    return f"20200101{at_noon(t, 0)}+0100"


def rank(t: int, _z: int) -> int:
    return t + 1


@pytest.mark.parametrize(
    ("fields", "warning"),
    [
        ({"AcquisitionDateTime": on_a_day, "AcquisitionTime": None}, None),
        ({"AcquisitionDateTime": "20200101120000", "AcquisitionTime": at_noon}, None),
        ({"AcquisitionTime": "120000", "ContentTime": at_noon}, "content times were used"),
        ({"AcquisitionTime": None} | {"TemporalPositionIdentifier": rank, "TemporalResolution": 1500}, None),
        ({"AcquisitionTime": at_noon, "ContentTime": lambda t, _z: clock(7 * t)}, None),
    ],
)
def test_the_first_clock_that_distinguishes_frames_is_used(fields: dict[str, Any], warning: str | None) -> None:
    check(read(export(**fields)), DATA, *([warning] if warning else []))


def test_times_with_colons() -> None:
    check(read(export(AcquisitionTime=lambda t, _z: f"12:00:{DT * t:05.2f}")))


def test_times_in_whole_seconds() -> None:
    series = read(export(times=[np.floor(NOON + 0.2 + DT * t) for t in range(N_TIME)]))
    np.testing.assert_array_equal(series.data, as_read(DATA))
    assert series.dt_s == pytest.approx(DT, rel=0.02)
    assert "whole seconds" in series.warnings[0].sentence


def on_grid(times: np.ndarray, at: np.ndarray, data: np.ndarray = DATA) -> np.ndarray:
    """Each slice's curves at other times, by numpy's interpolation; ``times`` has shape (n_time, n_slices)."""
    read_data = as_read(data).astype(float)
    out = np.empty((*read_data.shape[:3], at.size))
    for z in range(read_data.shape[2]):
        flat = read_data[:, :, z].reshape(-1, read_data.shape[3])
        curves = [np.interp(at, times[:, z], curve) for curve in flat]
        out[:, :, z] = np.array(curves).reshape(SIDE, SIDE, -1)
    return out


def test_shuttle_mode() -> None:
    times = NOON + 3.0 * np.arange(N_TIME)[:, None] + np.array([0, 0, 1.5, 1.5])
    series = read(export(times=lambda t, z: times[t, z]))
    assert series.dt_s == 1.5
    assert series.n_time == 2 * N_TIME - 2
    expected = on_grid(times, NOON + 1.5 * np.arange(1, 2 * N_TIME - 1))
    np.testing.assert_allclose(series.data, expected, atol=1e-3)
    np.testing.assert_array_equal(series.data[:, :, 2:, ::2], as_read(DATA)[:, :, 2:, :-1])
    (note,) = series.warnings
    assert "shuttles" in note.sentence
    assert "resampled linearly" in note.sentence


def test_uneven_protocol_is_resampled() -> None:
    own = NOON + np.concatenate([np.arange(9), 8 + 2.0 * np.arange(1, 6)])
    series = read(export(times=own))
    assert series.dt_s == 1
    expected = on_grid(np.tile(own[:, None], N_SLICES), np.arange(NOON, own[-1] + 0.5))
    np.testing.assert_allclose(series.data, expected, atol=1e-3)
    assert "uneven (1 to 2 s)" in series.warnings[0].sentence


def without(files: Any, *gone: tuple[int, int]) -> dict[str, bytes]:
    return {f"{t}-{z}": content for (t, z), content in files if (t, z) not in gone}


def test_an_image_missing_in_the_middle_is_filled() -> None:
    series = read(without(images(DATA), (5, 2)))
    expected = as_read(DATA)
    expected[:, :, 2, 5] = (expected[:, :, 2, 4] + expected[:, :, 2, 6]) / 2
    np.testing.assert_allclose(series.data, expected, atol=1e-4)
    assert "filled linearly in time (1 of them)" in series.warnings[0].sentence


def test_an_incomplete_last_frame_is_left_out() -> None:
    gone = [(N_TIME - 1, 1), (N_TIME - 1, 2)]
    for options in ({}, {"dt_s": DT}):
        series = read(without(images(DATA), *gone), **options)
        check(series, DATA[:-1], "Incomplete frames at the ends of the series were left out (2 images)")


def test_a_given_time_step_overrides_the_header() -> None:
    series = read(export(), dt_s=2)
    np.testing.assert_array_equal(series.data, as_read(DATA))
    assert (series.dt_s, series.warnings) == (2, ())
    uneven = export(times=NOON + np.concatenate([np.arange(9), 8 + 2.0 * np.arange(1, 6)]))
    np.testing.assert_array_equal(read(uneven, dt_s=1).data, as_read(DATA))


@pytest.mark.parametrize("name", ["InstanceNumber", "AcquisitionNumber", "TemporalPositionIdentifier"])
def test_given_time_step_replaces_missing_times(name: str) -> None:
    order = {"AcquisitionTime": None, "InstanceNumber": None} | {name: lambda t, _z: t + 3}
    with pytest.raises(InputDataError, match=r"no times that distinguish its frames; give the time step \(--dt"):
        read(export(**order))
    check(read(export(**order), dt_s=DT))


# Masks, options, load_series


def mask_bytes(shape: tuple[int, ...], affine: np.ndarray = AFFINE) -> bytes:
    mask = np.zeros(shape, np.uint8)
    mask[3:9, 4:7] = 1
    return nib.Nifti1Image(mask, affine).to_bytes()


def test_mask_and_lesion() -> None:
    mask = mask_bytes((SIDE, SIDE, N_SLICES))
    series = read(export(), mask=mask, lesion=mask, case="a")
    assert series.case == "a"
    assert series.mask is not None
    assert series.lesion is not None
    assert series.mask.sum() == series.lesion.sum() == 18 * N_SLICES
    assert series.warnings == ()
    moved = AFFINE.copy()
    moved[1, 3] += 12
    (flag,) = read(export(), mask=mask_bytes((SIDE, SIDE, N_SLICES), moved)).warnings
    assert "lies up to 12.0 mm away" in flag.sentence
    with pytest.raises(InputDataError, match="brain mask has shape"):
        read(export(), mask=mask_bytes((SIDE, SIDE, 2)))


def test_invalid_arguments_raise() -> None:
    with pytest.raises(ArgumentError, match="units must be one of"):
        read(export(), units="mol")
    for dt in (0, -1, np.nan, 1e3):
        with pytest.raises(ArgumentError, match="time step must lie between"):
            read(export(), dt_s=dt)


def test_load_series_reads_dicom(tmp_path: Path) -> None:
    folder = save(export() | strays(), tmp_path / "cd")
    check(load_series(folder))
    assert load_series(folder, dt_s=3, units="concentration").dt_s == 3
    (tmp_path / "cd.ZIP").write_bytes(zipped(export()))
    check(load_series(tmp_path / "cd.ZIP"))
    (tmp_path / "mask.nii").write_bytes(mask_bytes((SIDE, SIDE, N_SLICES)))
    assert load_series(folder, mask=tmp_path / "mask.nii").mask is not None
    with pytest.raises(InputDataError, match="does not exist"):
        load_series(tmp_path / "none.zip")
    (tmp_path / "folder.zip").mkdir()
    with pytest.raises(InputDataError, match="no DICOM file"):
        load_series(tmp_path / "folder.zip")


def test_dicom_files_are_found_at_any_depth(tmp_path: Path) -> None:
    assert not holds_dicom(tmp_path)
    (tmp_path / "text").write_bytes(b"DICOM" * 80)
    assert not holds_dicom(tmp_path)
    save({"a/b/c/d": b"\0" * 128 + b"DICM"}, tmp_path)
    assert holds_dicom(tmp_path)


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += record.getMessage()


def test_no_patient_field_is_exposed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    files = export(SpecificCharacterSet="ISO_IR 100")
    files = {name: content.replace(b"ISO_IR 100", NAME.encode()) for name, content in files.items()}
    files[f"{NAME}.txt"] = NAME.encode()
    nothing = save(export(AcquisitionTime=None), tmp_path / f"{NAME} 2")
    capfd.readouterr()
    kept = Kept()
    logging.getLogger().addHandler(kept)
    try:
        series = read_dicom(save(files, tmp_path / NAME))
        with pytest.raises(InputDataError) as caught:
            read_dicom(nothing)
    finally:
        logging.getLogger().removeHandler(kept)
    assert NAME not in f"{series.case} {series.warnings} {caught.value} {kept.text} {capfd.readouterr()}"
