"""Tests of multi-frame DICOM: each frame is read as a single-frame image is, wherever its elements are stored."""

from __future__ import annotations

import io
import struct
from typing import Any

import highdicom
import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydicom.uid import generate_uid

from perfcore.errors import InputDataError
from perfcore.io.dicom.elements import Elements, ReadBudget, suppress_warnings
from perfcore.io.dicom.files import open_files
from perfcore.io.dicom.header import DicomImage, read_images
from perfcore.io.dicom.reader import read_dicom
from perfcore.io.dicom.source_headers import read_source_headers
from perfcore.types import PerfusionSeries
from tests.support.dicom_enhanced import SHARED_KINDS, TIME_TAGS, enhanced
from tests.support.dicom_export import DT, NAME, SIDE, as_read, bolus, export, zipped

N_TIME, N_SLICES = 12, 3
DATA = bolus(N_TIME, N_SLICES)
FRAMES = [(t, z) for t in range(N_TIME) for z in range(N_SLICES)]
SHUFFLED = [FRAMES[i] for i in np.random.default_rng(2).permutation(len(FRAMES))]
CLASSIC = read_dicom(zipped(export(DATA)))


def check(series: PerfusionSeries, *warnings: str) -> None:
    """The series equals the same images as single-frame files."""
    np.testing.assert_array_equal(series.data, CLASSIC.data)
    np.testing.assert_array_equal(series.affine, CLASSIC.affine)
    assert series.dt_s == DT
    assert [flag.sentence for flag in series.warnings] == list(warnings)


@pytest.mark.parametrize("time", TIME_TAGS)
def test_one_file_of_all_frames(time: str) -> None:
    check(read_dicom(zipped({"a": enhanced(DATA, time=time)})))


@pytest.mark.parametrize("options", [{"implicit": True}, {"undefined_lengths": True}, {"shared": ()}])
def test_encodings_of_functional_groups(options: dict[str, Any]) -> None:
    check(read_dicom(zipped({"a": enhanced(DATA, **options)})))


def test_the_order_of_frames_is_arbitrary() -> None:
    check(read_dicom(zipped({"a": enhanced(DATA, SHUFFLED)})))


def test_one_file_per_volume() -> None:
    files = {f"{t}": enhanced(DATA, [(t, z) for z in range(N_SLICES)]) for t in range(N_TIME)}
    check(read_dicom(zipped(files)))


def test_one_file_per_slice() -> None:
    files = {f"{z}": enhanced(DATA, [(t, z) for t in range(N_TIME)]) for z in range(N_SLICES)}
    check(read_dicom(zipped(files)))


@pytest.mark.parametrize("codec", ["jpeg lossless", "jpeg-ls", "run lengths"])
def test_compressed_frames(codec: str) -> None:
    content = enhanced(DATA, SHUFFLED, compression=codec, PixelRepresentation=0)
    check(read_dicom(zipped({"a": content})))


def test_compressed_frames_of_several_fragments_by_their_offset_table() -> None:
    dataset = pydicom.dcmread(io.BytesIO(enhanced(DATA, compression="jpeg lossless", PixelRepresentation=0)))
    codes = list(pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=len(FRAMES)))
    for has_bot in (True, False):
        dataset.PixelData = pydicom.encaps.encapsulate(codes, fragments_per_frame=2, has_bot=has_bot)
        out = io.BytesIO()
        dataset.save_as(out)
        if has_bot:
            check(read_dicom(zipped({"a": out.getvalue()})))
        else:
            with pytest.raises(InputDataError, match="another image than its header declares"):
                read_dicom(zipped({"a": out.getvalue()}))


def test_a_folder_is_read_like_an_archive(tmp_path: Any) -> None:
    (tmp_path / "a").write_bytes(enhanced(DATA))
    check(read_dicom(tmp_path))


def test_deflated_multi_frame_file() -> None:
    dataset = pydicom.dcmread(io.BytesIO(enhanced(DATA)))
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    out = io.BytesIO()
    dataset.save_as(out)
    check(read_dicom(zipped({"a": out.getvalue()})))


def test_each_frame_has_its_own_rescaling() -> None:
    slopes = 1 + np.arange(N_TIME * N_SLICES).reshape(N_TIME, N_SLICES) / 8
    series = read_dicom(zipped({"a": enhanced(DATA, shared=SHARED_KINDS[:2], slopes=slopes)}))
    np.testing.assert_array_equal(series.data, as_read(DATA * slopes[:, :, None, None]))


@pytest.mark.parametrize("time", ["TemporalPositionIndex", "DimensionIndexValues"])
def test_frames_that_are_only_counted_need_a_time_step(time: str) -> None:
    content = zipped({"a": enhanced(DATA, SHUFFLED, time=time)})
    with pytest.raises(InputDataError, match="no times that distinguish its frames"):
        read_dicom(content)
    check(read_dicom(content, dt_s=DT))


def test_a_header_larger_than_the_first_bytes_that_are_read() -> None:
    """Functional groups of 2,000 frames take megabytes; here each frame has as much private text."""
    data = bolus(N_TIME, N_SLICES, side=8)
    dataset = pydicom.dcmread(io.BytesIO(enhanced(data)))
    for group in dataset.PerFrameFunctionalGroupsSequence:
        group.private_block(0x0009, "perfcore tests", create=True).add_new(1, "UT", "x" * 40_000)
    out = io.BytesIO()
    dataset.save_as(out)
    assert out.tell() > 1 << 20
    np.testing.assert_array_equal(read_dicom(zipped({"a": out.getvalue()})).data, as_read(data))


def test_images_converted_by_highdicom() -> None:
    """Legacy converted enhanced CT keeps the classic elements of a frame in one of its functional groups."""
    classic = [
        pydicom.dcmread(io.BytesIO(content))
        for content in export(
            DATA, StudyInstanceUID="1.2.3", FrameOfReferenceUID="1.2.4", StudyDate="20200101", StudyTime="120000",
            PatientSex="O", AccessionNumber="1", StudyID="1", ReferringPhysicianName="", SeriesNumber=1,
            AcquisitionDate="20200101", ImageType=["ORIGINAL", "PRIMARY", "AXIAL"], Manufacturer="m",
            PositionReferenceIndicator="", PatientPosition="HFS", KVP=80, ContentDate="20200101",
            ContentTime="120000",
        ).values()
    ]  # fmt: skip
    whole = highdicom.legacy.LegacyConvertedEnhancedCTImage(
        legacy_datasets=classic, series_instance_uid=generate_uid(), series_number=2,
        sop_instance_uid=generate_uid(), instance_number=1,
    )  # fmt: skip
    out = io.BytesIO()
    whole.save_as(out, enforce_file_format=True)
    check(read_dicom(zipped({"a": out.getvalue()})))


# Refusals


def headers(content: bytes) -> Any:
    with suppress_warnings(), open_files(zipped({"a": content})) as (blob,):
        return read_images(blob, ReadBudget())


def test_frames_have_the_uid_of_their_file_and_their_index() -> None:
    found = headers(enhanced(DATA, SHUFFLED))
    assert [image.frame for image in found] == list(range(len(FRAMES)))
    assert len({image.uid for image in found}) == 1
    assert isinstance(found[0], DicomImage)


def with_count(content: bytes, n_frames: int) -> bytes:
    at = content.index(b"\x28\0\x08\0IS") + 6
    (n_bytes,) = struct.unpack_from("<H", content, at)
    return content[: at + 2] + str(n_frames).encode().ljust(n_bytes) + content[at + 2 + n_bytes :]


@pytest.mark.parametrize("n_frames", [0, 35, 37, 99, -1])
def test_another_number_of_frames_than_groups_is_refused(n_frames: int) -> None:
    with pytest.raises(InputDataError, match="without the position and time of each frame"):
        read_dicom(zipped({"a": with_count(enhanced(DATA), n_frames)}))


def test_too_few_pixels_are_refused() -> None:
    content = enhanced(DATA)
    with pytest.raises(InputDataError, match="ends before its image does"):
        read_dicom(zipped({"a": content[:-2000]}))
    at = content.index(b"\xe0\x7f\x10\0OW") + 8
    short = content[:at] + (2 * SIDE * SIDE * 35).to_bytes(4, "little") + content[at + 4 : -2 * SIDE * SIDE]
    with pytest.raises(InputDataError, match="ends before its image does"):
        read_dicom(zipped({"a": short}))


def test_reads_of_functional_groups_are_limited() -> None:
    budget = ReadBudget(800)
    refused = pytest.raises(InputDataError, match="far more elements")
    with suppress_warnings(), open_files(zipped({"a": enhanced(DATA)})) as (blob,), refused:
        read_images(blob, budget)


def test_parts_of_a_budget_count() -> None:
    budget = ReadBudget(100)
    with budget.at_most(30) as part:
        Elements(b"", part)
        part.spend(20)
    assert budget.left == 80
    with pytest.raises(InputDataError), budget.at_most(30) as part:
        part.spend(31)
    assert budget.left == 50


SMALL = enhanced(bolus(12, 1, side=4))
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@FUZZ
@given(
    st.lists(
        st.tuples(st.integers(300, len(SMALL) - 1), st.binary(min_size=1, max_size=4)), min_size=1, max_size=5
    ),
    st.integers(0, 60),
)
@example([(SMALL.index(b"\x00\x52\x30\x92") + 8, b"\xff\xff\xff\xff")], 0)
def test_fuzzed_frames_are_read_or_refused(changes: list[tuple[int, bytes]], n_cut: int) -> None:
    content = bytearray(SMALL)
    for at, value in changes:
        content[at : at + len(value)] = value
    try:
        series = read_dicom(zipped({"a": bytes(content[: len(content) - n_cut])}))
    except InputDataError as error:
        assert str(error).endswith(".")
        assert NAME not in str(error)
    else:
        assert np.isfinite(series.data).all()


def test_source_headers_are_those_of_the_file_for_each_slice() -> None:
    found = read_source_headers(zipped({"a": enhanced(DATA)}))
    assert [header.NumberOfFrames for header in found] == [N_TIME * N_SLICES] * N_SLICES
    assert "PixelData" not in found[0]
