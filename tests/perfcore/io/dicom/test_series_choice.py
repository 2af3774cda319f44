"""Tests of the catalogue of scans: joined series, derived objects, and the choice among several scans."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import MRImageStorage, MultiFrameGrayscaleWordSecondaryCaptureImageStorage

from perfcore.errors import InputDataError
from perfcore.io.dicom.choice import SeveralScansError, list_scans, open_scan
from perfcore.io.dicom.reader import read_dicom
from perfcore.io.load import load_series
from perfcore.quality_flags import codes
from perfcore.types import PerfusionSeries, SeriesChoice
from tests.support.dicom_export import (
    DT,
    N_SLICES,
    N_TIME,
    NAME,
    NOON,
    SERIES,
    as_read,
    bolus,
    clock,
    export,
    image,
    images,
    position,
    save,
    zipped,
)  # fmt: skip

DATA = bolus()
OTHER = bolus(seed=7)
REFERENCE = read_dicom(zipped(export()))


def read(*exports: dict[str, bytes], **options: Any) -> PerfusionSeries:
    return read_dicom(zipped(merged(*exports)), **options)


def merged(*exports: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{k}/{name}": content for k, files in enumerate(exports) for name, content in files.items()}


def another(data: np.ndarray = OTHER, suffix: str = "7", **fields: Any) -> dict[str, bytes]:
    """A scan of other pixels and other UIDs at the same positions and times."""
    own = f"{SERIES}{suffix}"
    return export(
        data, **{"SeriesInstanceUID": own, "SOPInstanceUID": lambda t, z: f"{own}.{t}.{z}"} | fields
    )  # fmt: skip


def check_is_reference(series: PerfusionSeries, *flags: str) -> None:
    """Assert that a series is that of one sound export, but for its flags."""
    np.testing.assert_array_equal(series.data, REFERENCE.data)
    np.testing.assert_array_equal(series.affine, REFERENCE.affine)
    assert series.dt_s == REFERENCE.dt_s
    assert codes(series.warnings) == list(flags)


def choice(series: PerfusionSeries) -> SeriesChoice:
    assert series.choice is not None
    return series.choice


# One scan stored as several series


def by_slab(_t: int, z: int) -> str:
    return f"{SERIES}.{z // 2}"


def by_phase(t: int, _z: int) -> str:
    return f"{SERIES}.{t > 8}"


def by_volume(t: int, _z: int) -> str:
    return f"{SERIES}.{(t * 5) % N_TIME}"


def by_phase_and_slab(t: int, z: int) -> str:
    return f"{SERIES}.{t > 8:d}.{z > 2:d}"


def by_slice(_t: int, z: int) -> str:
    return f"{SERIES}.{z}"


@pytest.mark.parametrize(
    ("series", "n_series", "how"),
    [
        (by_slab, 2, "slabs of one volume"),
        (by_slice, N_SLICES, "slabs of one volume"),
        (by_phase, 2, "phases that follow each other"),
        (by_volume, N_TIME, "one of each frame"),
        (by_phase_and_slab, 4, "phases that follow each other and slabs of one volume"),
    ],
)
def test_parts_of_one_scan_are_joined(series: Callable[[int, int], str], n_series: int, how: str) -> None:
    joined = read(export(SeriesInstanceUID=series))
    check_is_reference(joined, "series_joined")
    assert (
        joined.warnings[0].sentence
        == f"The scan was stored as {n_series} DICOM series, which were joined ({how})."
    )
    chosen = choice(joined).chosen
    assert (chosen.number, chosen.frames, chosen.slices, chosen.dt_s) == (1, N_TIME, N_SLICES, DT)
    assert (chosen.joined, chosen.time_source) == (n_series, "acquisition time")
    assert choice(joined).left_out == ()


def test_phases_with_a_pause_and_over_midnight_are_joined() -> None:
    times = [86_400 - 9 + DT * t + 20 * (t > 8) for t in range(N_TIME)]
    whole = read(export(times=times))
    parted = read(export(times=times, SeriesInstanceUID=by_phase))
    np.testing.assert_array_equal(parted.data, whole.data)
    assert parted.dt_s == whole.dt_s


def test_a_volume_that_lacks_a_slice_is_joined() -> None:
    files = {f"{t}-{z}": own for (t, z), own in images(DATA, SeriesInstanceUID=by_volume) if (t, z) != (6, 1)}
    series = read(files)
    expected = as_read(DATA)
    expected[:, :, 1, 6] = (expected[:, :, 1, 5] + expected[:, :, 1, 7]) / 2
    np.testing.assert_allclose(series.data, expected, atol=1e-4)
    assert codes(series.warnings) == ["series_joined", "frames_filled"]


SEPARATE: dict[str, Callable[[int, int], Any]] = {
    "PatientID": lambda t, z: f"{by_phase(t, z)}",
    "StudyInstanceUID": by_phase,
    "FrameOfReferenceUID": by_phase,
    "ConvolutionKernel": lambda t, _z: "H20f" if t > 8 else "H30f",
    "SliceThickness": lambda t, _z: 5 if t > 8 else 2.5,
    "KVP": lambda t, _z: 80 if t > 8 else 140,
    "PixelSpacing": lambda t, _z: [0.9, 0.8] if t > 8 else [0.9, 0.9],
    "ImageOrientationPatient": lambda t, _z: [1, 0, 0, 0, 1, 0] if t > 8 else [1, 0, 0, 0, 0.9999, 0.0141],
    "AcquisitionTime": lambda t, _z: clock(NOON + DT * t + 40 * (t > 8)),
    "ImagePositionPatient": lambda t, z: position(z + 0.4 * (t > 8)),
}


@pytest.mark.parametrize("name", SEPARATE)
def test_phases_are_joined_only_if_they_are_alike(name: str) -> None:
    data = bolus(2 * N_TIME)
    fields: dict[str, Any] = {"SeriesInstanceUID": lambda t, z: f"{SERIES}.{t > 8}", name: SEPARATE[name]}
    scans = list_scans(zipped(export(data, **fields))).scans
    assert [scan.n_frames for scan in scans] in ([9, 2 * N_TIME - 9], [2 * N_TIME - 9, 9])
    assert [scan.n_series for scan in scans] == [1, 1]


def test_slabs_that_do_not_continue_each_other_are_not_joined() -> None:
    gap = export(SeriesInstanceUID=by_slab, ImagePositionPatient=lambda _t, z: position(z + z // 2))
    beside = export(SeriesInstanceUID=by_slab, ImagePositionPatient=lambda _t, z: position(z, shift=(z // 2, 0)))
    later = export(SeriesInstanceUID=by_slab, times=lambda t, z: NOON + DT * t + 10 * (z // 2))
    for files in (gap, beside, later):
        with pytest.raises(SeveralScansError, match="2 series that can be read"):
            read(files)


# Several scans


def test_two_patients_are_refused_with_the_list_and_either_can_be_chosen(tmp_path: Path) -> None:
    first, second = export(PatientID="first"), another(PatientID="second")
    for place, files in enumerate((merged(first, second), merged(second, first))):
        folder = save(files, tmp_path / str(place))
        with pytest.raises(SeveralScansError) as caught:
            load_series(folder)
        assert str(caught.value) == (
            "The DICOM files hold series of 2 patients: 1 (14 frames × 4 slices, 1.5 s apart) and "
            "2 (14 frames × 4 slices, 1.5 s apart); choose one by its number (--series N)."
        )
        assert [scan.patient for scan in caught.value.scans] == [1, 2]
        for number, data in ((1, DATA), (2, OTHER)):
            series = load_series(folder, series=number)
            np.testing.assert_array_equal(series.data, as_read(data))
            assert codes(series.warnings) == ["several_patients"]
            (left_out,) = choice(series).left_out
            assert (left_out.number, left_out.count, left_out.reason) == (3 - number, 56, "not chosen")


@pytest.mark.parametrize(
    "fields",
    [
        {"PatientID": None, "PatientName": "Other"},
        {"PatientID": "", "PatientBirthDate": "19700101"},
    ],
)
def test_patients_without_an_id_differ_by_name_or_birth_date(fields: dict[str, Any]) -> None:
    with pytest.raises(SeveralScansError, match="of 2 patients"):
        read(export(PatientID=fields["PatientID"]), another(**fields))


def test_two_studies_are_refused_though_only_one_can_be_read() -> None:
    with pytest.raises(SeveralScansError, match="of 2 studies"):
        read(export(StudyInstanceUID="1.2.1"), another(StudyInstanceUID="1.2.2", BitsStored=8))


def test_a_study_without_a_perfusion_scan_does_not_hinder() -> None:
    earlier = another(bolus(1, 8), StudyInstanceUID="1.2.2")
    check_is_reference(read(export(StudyInstanceUID="1.2.1"), earlier))


def test_two_scans_of_one_study_are_refused_with_frames_slices_and_step() -> None:
    late = another(bolus(12, 2, seed=3), times=lambda t, _z: NOON + 600 + 2 * t)
    with pytest.raises(SeveralScansError) as caught:
        read(late, export())
    sentence = "1 (14 frames × 4 slices, 1.5 s apart) and 2 (12 frames × 2 slices, 2 s apart); choose one"
    assert sentence in str(caught.value)
    assert NAME not in str(caught.value)
    assert read(late, export(), series=2).n_time == 12


def test_a_readable_scan_is_not_displaced_by_a_larger_unreadable_one() -> None:
    larger = another(bolus(20, 8, seed=3), BitsStored=8)
    series = read(export(), larger)
    check_is_reference(series, "series_left_out")
    assert series.warnings[0].sentence == (
        "Series 2 (20 frames × 8 slices, 1.5 s apart) was left out: the DICOM images store 8 of 16 bits up to bit "
        "15; expected up to 16 of 16 bits, the lowest first, so export the series again."
    )
    (left_out,) = choice(series).left_out
    assert (left_out.number, left_out.kind, left_out.count) == (2, "CT time series", 160)
    with pytest.raises(InputDataError, match="store 8 of 16 bits"):
        read(export(), larger, series=2)


@pytest.mark.parametrize("number", [0, -1, 3])
def test_a_number_out_of_range_is_refused(number: int) -> None:
    with pytest.raises(InputDataError, match=rf"no series {number}: its series are numbered 1 to 2; list them"):
        read(export(), another(), series=number)


def test_a_number_is_refused_without_dicom_series(tmp_path: Path) -> None:
    with pytest.raises(InputDataError, match="no series 1, since it holds no DICOM series"):
        read({"a": b"text"}, series=1)
    with pytest.raises(InputDataError, match="for DICOM input, and this is NIfTI"):
        load_series(tmp_path / "a.nii", series=1)


def test_a_long_list_is_shortened() -> None:
    scans = [another(bolus(11, 1, seed=k), f"1{k}", PatientID=f"P{k}") for k in range(10)]
    with pytest.raises(SeveralScansError, match=r"of 10 patients: 1 \(.* 8 \(11 frames × 1 slice, .* and 2 more;"):
        read(*scans)


def test_magnetic_resonance_is_recognised() -> None:
    magnetic = another(Modality="MR", SOPClassUID=MRImageStorage)
    with pytest.raises(InputDataError, match="is an MR series by its header, not CT; read it with --units dsc"):
        read(magnetic)
    check_is_reference(read(export(), magnetic))
    both = read(export(), magnetic, units="concentration")
    np.testing.assert_array_equal(both.data, REFERENCE.data)
    np.testing.assert_array_equal(read(export(), magnetic, units="dsc").data, as_read(OTHER))
    scans = list_scans(zipped(merged(export(), magnetic)), units="dsc").scans
    assert [(scan.modality, scan.is_usable) for scan in scans] == [("CT", False), ("MR", True)]


# Derived objects

DERIVED: dict[str, tuple[dict[str, Any], str]] = {
    "MIP": ({"ImageType": ["DERIVED", "SECONDARY", "MIP"]}, "projection"),
    "temporal MIP": ({"ImageType": ["DERIVED", "SECONDARY", "AXIAL", "CT_SOM5 TMIP"]}, "projection"),
    "map": ({"ImageType": ["DERIVED", "SECONDARY", "AXIAL", "PERFUSION", "CBF"]}, "perfusion map"),
    "screen": ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, "capture"),
    "scout": ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER", "CT_SOM5 TOP"]}, "localizer"),
    "capture": ({"SOPClassUID": MultiFrameGrayscaleWordSecondaryCaptureImageStorage}, "capture"),
    "colour": ({"SamplesPerPixel": 3}, "capture"),
}


@pytest.mark.parametrize("name", DERIVED)
def test_derived_objects_are_counted_and_never_read(name: str) -> None:
    fields, kind = DERIVED[name]
    larger = another(bolus(20, 5), **fields)
    series = read(larger, export())
    check_is_reference(series)
    assert [(one.number, one.kind, one.count) for one in choice(series).left_out] == [(None, kind, 100)]
    with pytest.raises(InputDataError, match="no CT perfusion series that can be read"):
        read(larger)


@pytest.mark.parametrize(
    "image_type",
    [
        ["DERIVED", "SECONDARY"], ["DERIVED", "SECONDARY", "REFORMATTED", "AVERAGE"],
        ["DERIVED", "PRIMARY", "MPR"],
        ["ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 SEQ DYNEVA"], ["ORIGINAL", "PRIMARY", "PERFUSION", "NONE"],
    ],
)  # fmt: skip
def test_perfusion_images_exported_as_derived_are_read(image_type: list[str]) -> None:
    check_is_reference(read(export(ImageType=image_type)))


# Order and identity


PARTED = export(SeriesInstanceUID=by_phase_and_slab, SOPInstanceUID="1.2.3")
MIXED = [
    *PARTED.values(),
    *list(PARTED.values())[:3],
    *another(bolus(9, 2), PatientID="x").values(),
    image(DATA[0, 0]),
]
"""A scan in joined series with copies and one UID, a short scan of another patient, an image without a time."""
SORTED = {str(k): content for k, content in enumerate(MIXED)}


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(len(MIXED))), st.integers(1, 5))
def test_names_and_order_of_files_decide_nothing(order: list[int], n_folders: int) -> None:
    files = {f"{k % n_folders}/{k}": MIXED[at] for k, at in enumerate(order)}
    series = read(files)
    check_is_reference(series, "several_patients", "series_joined", "uids_repeated")
    assert series.choice == read(SORTED).choice
    assert list_scans(zipped(files)).scans == list_scans(zipped(SORTED)).scans


def test_the_images_of_the_chosen_scan_can_be_read_by_slice_and_time() -> None:
    files = merged(export(SeriesInstanceUID=by_slab), another(bolus(9)))
    with open_scan(zipped(files)) as scan:
        assert [len(own) for own in scan.slices] == [N_TIME] * N_SLICES
        for z, own in enumerate(scan.slices):
            for t, one in enumerate(own):
                content = one.blob.read(one.blob.n_bytes)
                assert DATA[t, z].astype("<i2").tobytes() in content
    assert scan.choice.chosen.joined == 2


def test_the_choice_holds_no_field_of_a_patient() -> None:
    files = merged(export(), another(bolus(9)), {NAME: NAME.encode()})
    series = read(files)
    assert NAME not in json.dumps(repr(series.choice))
    assert NAME not in repr(list_scans(zipped(files)).scans)
