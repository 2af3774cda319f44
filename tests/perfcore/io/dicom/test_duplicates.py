"""Tests of repeated images, repeated identifiers, and several reconstructions in one series."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from perfcore.errors import InputDataError
from perfcore.io.dicom import duplicates
from perfcore.io.dicom.choice import SeveralScansError, list_scans
from perfcore.io.dicom.reader import read_dicom
from perfcore.quality_flags import codes
from perfcore.types import PerfusionSeries
from tests.support.dicom_export import (
    DT,
    N_SLICES,
    N_TIME,
    NOON,
    SERIES,
    as_read,
    bolus,
    clock,
    export,
    image,
    images,
    position,
    zipped,
)

DATA = bolus()
REBUILT = DATA + np.random.default_rng(3).integers(1, 9, DATA.shape)
"""The same acquisition by another kernel: every image differs."""
N_IMAGES = N_TIME * N_SLICES


def read(files: dict[str, bytes], **options: Any) -> PerfusionSeries:
    return read_dicom(zipped(files), **options)


def check(series: PerfusionSeries, *flags: str, data: np.ndarray = DATA) -> None:
    np.testing.assert_array_equal(series.data, as_read(data))
    assert series.dt_s == DT
    assert codes(series.warnings) == list(flags)


def again(data: np.ndarray = DATA, **fields: Any) -> dict[str, bytes]:
    """The images once more, in the same series under new UIDs."""
    files = export(data, **{"SOPInstanceUID": lambda t, z: f"{SERIES}.9.{t}.{z}"} | fields)
    return {f"again {name}": content for name, content in files.items()}


def resent(t: int, z: int, **fields: Any) -> dict[str, bytes]:
    """One image once more, in the same series under a new UID."""
    files = dict(images(DATA, **{"SOPInstanceUID": f"{SERIES}.9"} | fields))
    return {"resent": files[t, z]}


# Repeated images


@pytest.mark.parametrize("options", [{}, {"dt_s": DT}])
def test_an_image_sent_twice_under_another_uid_is_left_out(options: dict[str, Any]) -> None:
    series = read(export() | resent(7, 1), **options)
    check(series, "duplicates_left_out")
    assert series.warnings[0].sentence == "Images that were sent twice under another identifier were left out (1)."
    assert series.choice is not None
    (left_out,) = series.choice.left_out
    assert (left_out.number, left_out.kind, left_out.count) == (1, "copy", 1)


def test_a_copied_folder_is_read_once_and_counted() -> None:
    series = read(export() | {f"copy of {name}": content for name, content in export().items()})
    check(series)
    assert series.choice is not None
    assert [(one.kind, one.count) for one in series.choice.left_out] == [("copy", N_IMAGES)]


@pytest.mark.parametrize(
    "fields", [{}, {"AcquisitionNumber": 101}, {"InstanceNumber": lambda t, z: 500 + t + 30 * z}]
)
def test_all_images_sent_twice(fields: dict[str, Any]) -> None:
    series = read(export() | again(**fields))
    check(series, "duplicates_left_out")
    assert f"({N_IMAGES})" in series.warnings[0].sentence


def test_only_the_pixels_of_possible_copies_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    n_read = 0
    true_read = duplicates.read_pixels

    def counted(*args: Any) -> Any:
        nonlocal n_read
        n_read += 1
        return true_read(*args)

    monkeypatch.setattr(duplicates, "read_pixels", counted)
    list_scans(zipped(export()))
    assert n_read == 0
    list_scans(zipped(export() | resent(7, 1)))
    assert n_read == 2


def test_equal_images_of_other_times_are_kept() -> None:
    """Frames before the bolus may be equal in a phantom, and an empty slice always is."""
    data = DATA.copy()
    data[:4] = data[0]
    data[:, 2] = 40
    check(read(export(data)), data=data)
    unclocked = export(data, AcquisitionTime=None)
    check(read(unclocked, dt_s=DT), data=data)
    ordered_by_uid = export(data, AcquisitionTime=None, InstanceNumber=1)
    with pytest.raises(InputDataError, match="cannot be ordered in time"):
        read(ordered_by_uid, dt_s=DT)


def test_a_resent_image_whose_pixels_differ_is_refused() -> None:
    other = image(
        REBUILT[7, 1], ImagePositionPatient=position(1), AcquisitionTime=clock(NOON + DT * 7), InstanceNumber=30
    )
    for options in ({}, {"dt_s": DT}):
        with pytest.raises(InputDataError, match=r"2 of the 57 images .* share position and time with another"):
            read(export() | {"other": other}, **options)


# Repeated identifiers


@pytest.mark.parametrize("options", [{}, {"dt_s": DT}])
def test_all_images_under_one_uid_are_kept(options: dict[str, Any]) -> None:
    series = read(export(SOPInstanceUID="1.2.3"), **options)
    check(series, "uids_repeated")
    assert f"share an identifier ({N_IMAGES} images)" in series.warnings[0].sentence


def test_images_whose_uids_collide_are_kept() -> None:
    data = bolus(12, 12)
    series = read(export(data, SOPInstanceUID=lambda t, z: f"{SERIES}.{t + 1}{z}"))
    check(series, "uids_repeated", data=data)
    collisions = [f"{t + 1}{z}" for t in range(12) for z in range(12)]
    n_shared = sum(collisions.count(one) > 1 for one in collisions)
    assert f"({n_shared} images)" in series.warnings[0].sentence


def test_copies_under_one_uid_are_told_from_other_images() -> None:
    files = export(SOPInstanceUID="1.2.3")
    check(read(files | {f"copy of {name}": content for name, content in files.items()}), "uids_repeated")


# Several reconstructions

SEPARATING: dict[str, dict[str, Any]] = {
    "kernel": {"ConvolutionKernel": "H60s"},
    "thickness": {"SliceThickness": 2.5},
    "image type": {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL", "IRIS"]},
    "description": {"SeriesDescription": "sharp"},
    "acquisition number": {"AcquisitionNumber": lambda t, _z: t + 101},
    "instance number": {"InstanceNumber": lambda t, z: 1000 + t * N_SLICES + z},
    "instance number by slice": {"InstanceNumber": lambda t, z: 1000 + t + N_TIME * z},
    "time of reconstruction": {
        "ContentTime": lambda t, _z: clock(NOON + 900 + t),
        "InstanceNumber": lambda t, z: 1000 + t * N_SLICES + z,
    },
}


@pytest.mark.parametrize("name", SEPARATING)
@pytest.mark.parametrize("options", [{}, {"dt_s": 1.0}])
def test_reconstructions_that_a_tag_separates_are_listed(name: str, options: dict[str, Any]) -> None:
    common = {"AcquisitionNumber": lambda t, _z: t + 1, "ContentTime": lambda t, _z: clock(NOON + 600 + t)}
    files = export(**common) | again(REBUILT, **common | SEPARATING[name])
    with pytest.raises(SeveralScansError, match="2 series that can be read") as caught:
        read(files, **options)
    assert [scan.n_frames for scan in caught.value.scans] == [N_TIME, N_TIME]
    found = [read(files, series=number, **options).data for number in (1, 2)]
    for data in (DATA, REBUILT):
        assert sum(bool((one == as_read(data)).all()) for one in found) == 1


@pytest.mark.parametrize("options", [{}, {"dt_s": 1.0}])
def test_reconstructions_that_nothing_separates_are_refused(options: dict[str, Any]) -> None:
    files = export() | again(REBUILT)
    with pytest.raises(
        InputDataError, match=f"{2 * N_IMAGES} of the {2 * N_IMAGES} images .* single reconstruction"
    ):
        read(files, **options)


def in_whole_seconds(t: int, _z: int) -> str:
    return clock(NOON + t // 2)


def test_frames_shorter_than_a_second_by_a_clock_of_whole_seconds_need_a_time_step() -> None:
    data = bolus(24)  # some of its frames are equal, yet none is a copy
    files = export(data, AcquisitionTime=in_whole_seconds)
    series = read(files, dt_s=0.5)
    np.testing.assert_array_equal(series.data, as_read(data))
    with pytest.raises(InputDataError, match="its clock does not allow frames 1 s apart; two reconstructions"):
        read(files, dt_s=1)


def test_one_time_for_many_frames_is_no_repetition() -> None:
    """GE writes one acquisition time into many frames."""
    data = bolus(24)
    files = export(
        data, AcquisitionTime=lambda t, _z: clock(NOON + t // 8), ContentTime=lambda t, _z: clock(NOON + DT * t)
    )
    np.testing.assert_array_equal(read(files).data, as_read(data))
