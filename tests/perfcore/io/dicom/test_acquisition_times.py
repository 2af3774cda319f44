"""Tests of the clock by which a DICOM series is timed: what vendors write, and times of reconstruction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from perfcore.errors import InputDataError
from perfcore.io.dicom.acquisition_times import order_in_time
from perfcore.io.dicom.clocks import CLOCKS
from perfcore.io.dicom.elements import ReadBudget, suppress_warnings
from perfcore.io.dicom.files import open_files
from perfcore.io.dicom.header import DicomImage, read_images
from perfcore.io.dicom.reader import read_dicom
from perfcore.io.dicom.stack import stack
from perfcore.io.frame_timing import FramePlan
from tests.support.dicom_enhanced import TIME_TAGS, enhanced
from tests.support.dicom_export import DT, N_SLICES, N_TIME, NOON, as_read, bolus, clock, export, images, zipped

DATA = bolus()
SAME = {"AcquisitionTime": "120000"}
"""One acquisition time in all images."""
RECONSTRUCTED = "content times, which follow the reconstruction"
ORDER = np.random.default_rng(0).permutation(N_TIME * N_SLICES)


def plan_of(files: dict[str, bytes], dt_s: float | None = None) -> FramePlan:
    with suppress_warnings(), open_files(zipped(files)) as blobs:
        found = [
            image for blob in blobs for image in read_images(blob, ReadBudget()) if isinstance(image, DicomImage)
        ]
        return order_in_time(stack(found).slices, dt_s)[1]


def check(files: dict[str, bytes], source: str, dt_s: float | None = None, data: np.ndarray = DATA) -> None:
    """Frames come in the order of acquisition, at the right step, by the clock named."""
    series = read_dicom(zipped(files), dt_s=dt_s)
    np.testing.assert_array_equal(series.data, as_read(data))
    assert series.dt_s == pytest.approx(DT)
    assert series.time_source == plan_of(files, dt_s).time_source == source


def seconds(t: int, _z: int) -> float:
    return DT * t


def milliseconds(t: int, _z: int) -> float:
    return 1000 * DT * t


def rank(t: int, _z: int) -> int:
    return t + 1


def at_noon(t: int, _z: int) -> str:
    return clock(NOON + DT * t)


def dated(t: int, _z: int) -> str:
    return f"20200101{at_noon(t, 0)}"


@pytest.mark.parametrize(
    ("fields", "source"),
    [
        ({"AcquisitionDateTime": dated, "AcquisitionTime": None}, "acquisition date and time"),
        ({}, "acquisition time"),
        (SAME | {"TemporalPositionIdentifier": rank, "TemporalResolution": 1000 * DT}, "temporal position"),
        (SAME | {"TriggerTime": milliseconds}, "trigger time"),
        (SAME | {"FrameReferenceTime": milliseconds}, "frame reference offset"),
        (SAME | {"ContentTime": at_noon}, "content time"),
    ],
)
def test_time_source_is_recorded(fields: dict[str, Any], source: str) -> None:
    plan = plan_of(export(**fields))
    assert (plan.dt_s, plan.time_source) == (DT, source)
    assert source in CLOCKS
    assert plan_of(export(**fields), dt_s=2.0).time_source == "--dt"


@pytest.mark.parametrize("time", TIME_TAGS)
def test_time_source_of_enhanced_images(time: str) -> None:
    names = dict(
        zip(TIME_TAGS, ("frame acquisition time", "frame reference time", "temporal position offset"), strict=True)
    )
    assert plan_of({"a": enhanced(DATA, time=time)}).time_source == names[time]


# GE: one acquisition time in all frames, the time of a frame only in a private element


def with_private(
    made: Iterable[tuple[tuple[int, int], bytes]],
    creator: bytes = b"GEMS_ACQU_01",
    block: int = 0x10,
    value: Any = seconds,
) -> dict[str, bytes]:
    """Files with mid-scan time in the private block of group 0019 that the creator has reserved."""
    files = {}
    for (t, z), content in made:
        at = content.index(b"\x20\0\x0e\0UI")  # the first element behind group 0019
        text = f"{value(t, z):.6f}".encode()
        text += b" " * (len(text) % 2)
        reserved = b"\x19\0" + bytes([block, 0]) + b"LO" + len(creator).to_bytes(2, "little") + creator
        element = b"\x19\0" + bytes([0x24, block]) + b"DS" + len(text).to_bytes(2, "little") + text
        files[f"{t}-{z}"] = content[:at] + reserved + element + content[at:]
    return files


@pytest.mark.parametrize("block", [0x10, 0x13])
def test_mid_scan_time_of_ge(block: int) -> None:
    check(with_private(images(DATA, **SAME), block=block), "GE mid-scan time")


def test_mid_scan_time_orders_frames_that_are_numbered_otherwise() -> None:
    backwards = SAME | {"InstanceNumber": lambda t, z: 500 - t * N_SLICES - z, "AcquisitionNumber": 1}
    check(with_private(images(DATA, **backwards)), "GE mid-scan time")


def test_the_same_element_of_another_creator_is_no_time() -> None:
    with pytest.raises(InputDataError, match="no times that distinguish its frames"):
        read_dicom(zipped(with_private(images(DATA, **SAME), creator=b"GEMS_OTHER_1")))


def test_mid_scan_time_is_used_before_content_time() -> None:
    late = SAME | {"ContentTime": lambda t, _z: clock(NOON + 60 + 0.2 * t)}
    check(with_private(images(DATA, **late)), "GE mid-scan time")


def test_mid_scan_time_of_each_half_of_a_slab() -> None:
    """Two table positions, taken in turn: every slice keeps its own times."""
    times = 2 * DT * np.arange(N_TIME)[:, None] + np.array([0, 0, DT, DT])
    plan = plan_of(with_private(images(DATA, **SAME), value=lambda t, z: times[t, z]))
    assert plan.time_source == "GE mid-scan time"


def test_acquisition_time_in_whole_seconds_gives_way_to_a_finer_clock() -> None:
    whole = {"AcquisitionTime": lambda t, _z: clock(np.floor(NOON + DT * t))}
    check(with_private(images(DATA, **whole)), "GE mid-scan time")
    check(export(**whole, AcquisitionDateTime=dated), "acquisition date and time")


def test_a_finer_clock_that_disagrees_is_not_used() -> None:
    whole = {"AcquisitionTime": lambda t, _z: clock(NOON + 2 * t)}
    plan = plan_of(with_private(images(DATA, **whole), value=lambda t, _z: 0.31 * t))
    assert (plan.dt_s, plan.time_source) == (2, "acquisition time")


# Trigger time counts within a heart beat in gated images


def test_trigger_time_against_the_order_of_the_numbers_is_not_used() -> None:
    fields = SAME | {"TriggerTime": lambda t, _z: 1000 * DT * ((5 * t) % N_TIME), "AcquisitionNumber": rank}
    with pytest.raises(InputDataError, match="no times that distinguish its frames"):
        read_dicom(zipped(export(**fields)))
    check(export(**fields), "--dt", dt_s=DT)


# Content times


def in_order_of_reconstruction(t: int, z: int) -> str:
    return clock(NOON + 30 + 0.2 * ORDER[t * N_SLICES + z])


def one_after_another(t: int, z: int) -> str:
    return clock(NOON + 60 + 0.31 * (t * N_SLICES + z))


def slice_after_slice(t: int, z: int) -> str:
    return clock(NOON + 60 + 0.31 * (z * N_TIME + t))


@pytest.mark.parametrize("time", [in_order_of_reconstruction, one_after_another, slice_after_slice])
def test_times_of_reconstruction_are_refused_and_do_not_order(time: Any) -> None:
    files = export(**SAME, ContentTime=time, AcquisitionNumber=rank)
    with pytest.raises(InputDataError, match=RECONSTRUCTED):
        read_dicom(zipped(files))
    check(files, "--dt", dt_s=DT)


@pytest.mark.parametrize("n_slices", [1, 2, 3])
def test_few_slices_reconstructed_one_after_another_are_refused(n_slices: int) -> None:
    data = bolus(n_slices=n_slices)
    files = export(data, **SAME, ContentTime=lambda t, z: clock(NOON + 60 + 0.31 * (t * n_slices + z)))
    with pytest.raises(InputDataError, match=RECONSTRUCTED):
        read_dicom(zipped(files))


@pytest.mark.parametrize("number", ["AcquisitionNumber", "InstanceNumber", "TemporalPositionIdentifier"])
def test_content_times_against_a_number_are_refused(number: str) -> None:
    numbers = {"InstanceNumber": None} | {number: lambda t, _z: 100 - t}
    with pytest.raises(InputDataError, match=RECONSTRUCTED):
        read_dicom(zipped(export(**SAME, **numbers, ContentTime=at_noon)))


def test_content_times_without_any_number_are_not_trusted_but_order() -> None:
    files = export(**SAME, InstanceNumber=None, ContentTime=at_noon)
    with pytest.raises(InputDataError, match=RECONSTRUCTED):
        read_dicom(zipped(files))
    check(files, "--dt", dt_s=DT)


def test_content_times_that_slices_nearly_share_are_used() -> None:
    files = export(**SAME, ContentTime=lambda t, z: clock(NOON + DT * t + 0.01 * z))
    series = read_dicom(zipped(files))
    np.testing.assert_array_equal(series.data, as_read(DATA))
    assert series.dt_s == DT
    assert "content times were used" in series.warnings[0].sentence


# Numbers of frames


def test_a_missing_image_is_known_by_its_acquisition_number() -> None:
    """With a given step, later images of the slice keep their frames."""
    made = images(DATA, **SAME, AcquisitionNumber=rank)
    series = read_dicom(zipped({f"{at}": content for at, content in made if at != (5, 2)}), dt_s=DT)
    expected = as_read(DATA)
    expected[:, :, 2, 5] = (expected[:, :, 2, 4] + expected[:, :, 2, 6]) / 2
    np.testing.assert_allclose(series.data, expected, atol=1e-4)
    assert "filled linearly in time (1 of them)" in series.warnings[0].sentence


def test_acquisition_numbers_of_two_table_positions_do_not_count_frames() -> None:
    numbered = {"AcquisitionNumber": lambda t, z: 2 * t + z // 2 + 1, "InstanceNumber": None}
    check(export(**SAME, **numbered), "--dt", dt_s=DT)
