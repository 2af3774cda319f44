"""Headers that DICOM objects are made from: what is filled in, left out and refused."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.uid import EnhancedCTImageStorage

from perfcore.dicom_export.objects import dicom_files
from perfcore.dicom_export.source import DicomSource, complete_source, read_dicom_source
from perfcore.errors import InputDataError
from perfcore.pipeline import Analysis
from tests.perfcore.dicom_export.conftest import IDENTITY, LAYOUTS, N_SLICES, head_files
from tests.support.dicom_conformance import object_messages
from tests.support.dicom_export import NAME, SERIES, zipped

BARE = dict.fromkeys([*IDENTITY, "PatientName", "PatientID", "PatientBirthDate"]) | {
    "StudyInstanceUID": IDENTITY["StudyInstanceUID"]
}
DICOMDIR = "Missing attribute or value that would be needed to build DICOMDIR"


def source(**fields: Any) -> DicomSource:
    return read_dicom_source(zipped(head_files(**fields)))


def changed(keyword: str, value: bytes) -> DicomSource:
    """Headers of files in which an element has other bytes, as a careless exporter writes them."""
    files = {}
    for name, content in head_files().items():
        dataset = pydicom.dcmread(io.BytesIO(content))
        padded = value + b"\0" * (len(value) % 2)
        tag = pydicom.tag.Tag(keyword)
        vr = pydicom.datadict.dictionary_VR(tag)
        dataset[tag] = RawDataElement(tag, vr, len(padded), padded, 0, False, True)
        file = io.BytesIO()
        dataset.save_as(file)
        files[name] = file.getvalue()
    return read_dicom_source(zipped(files))


def test_the_first_image_in_time_of_each_slice() -> None:
    headers = source().headers
    assert [header.SOPInstanceUID for header in headers] == [f"{SERIES}.0.{z}" for z in range(N_SLICES)]
    assert all("PixelData" not in header for header in headers)


def test_a_bare_source_gives_objects_that_conform(analysis: Analysis, tmp_path: Path) -> None:
    """Of type 2, so empty: only an index of a medium (DICOMDIR) would need them."""
    for name, content in dicom_files(analysis, source(**BARE)):
        (tmp_path / name).write_bytes(content)
        found = object_messages(tmp_path / name)
        assert [line for line in found if DICOMDIR not in line] == []


def test_a_missing_frame_of_reference_is_replaced_by_one_for_all() -> None:
    first, second = source(FrameOfReferenceUID=None), source(FrameOfReferenceUID=None)
    made = {header.FrameOfReferenceUID for header in first.headers}
    assert len(made) == 1
    assert made != {header.FrameOfReferenceUID for header in second.headers}
    assert {header.FrameOfReferenceUID for header in source().headers} == {IDENTITY["FrameOfReferenceUID"]}


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("StudyInstanceUID", b""),
        ("StudyInstanceUID", b"1.2..x"),
        ("StudyInstanceUID", b"1." * 40 + b"1"),
        ("SOPInstanceUID", b""),
        ("SOPClassUID", b""),
    ],
)
def test_a_source_that_nothing_can_refer_to(keyword: str, value: bytes) -> None:
    with pytest.raises(InputDataError, match="no valid UIDs of study, series and images") as caught:
        changed(keyword, value)
    assert NAME not in str(caught.value)


@pytest.mark.parametrize(
    ("keyword", "value", "kept"),
    [
        ("PatientBirthDate", "1964-08-12", ""),
        ("PatientSex", "female", ""),
        ("StudyTime", "eleven", ""),
        ("PatientAge", "61", None),
        ("FrameOfReferenceUID", "none", "2.25."),
        ("LossyImageCompression", "", "00"),
        ("PatientID", "K 1/2", "K 1/2"),
    ],
)
def test_malformed_values_are_left_out(keyword: str, value: str, kept: str | None) -> None:
    for header in source(**{keyword: value}).headers:
        found = header.get(keyword)
        if kept == "2.25.":
            assert found.startswith(kept)
        else:
            assert found == kept


def test_elements_that_cannot_be_parsed_are_left_out(analysis: Analysis) -> None:
    made = changed("PatientWeight", b"81,5")
    assert "PatientWeight" not in made.headers[0]
    assert len(dict(dicom_files(analysis, made))) == 7


def written(analysis: Analysis, made: DicomSource, folder: Path) -> dict[str, Dataset]:
    """Objects of a source, which conform."""
    objects = {}
    for name, content in dicom_files(analysis, made):
        (folder / name).write_bytes(content)
        assert object_messages(folder / name) == []
        objects[name] = pydicom.dcmread(folder / name)
    return objects


def test_slabs_in_two_series(analysis: Analysis, tmp_path: Path) -> None:
    headers = source().headers
    headers[-1].SeriesInstanceUID = f"{SERIES}.9"
    for dataset in written(analysis, complete_source(headers), tmp_path).values():
        referred = {
            series.SeriesInstanceUID: len(series.ReferencedInstanceSequence)
            for series in dataset.ReferencedSeriesSequence
        }
        assert referred == {SERIES: N_SLICES - 1, f"{SERIES}.9": 1}


@pytest.mark.parametrize("shared", [True, False])
def test_an_enhanced_source(analysis: Analysis, tmp_path: Path, shared: bool) -> None:
    """A multi-frame image of two times, whose geometry is shared by its frames or repeated in each."""
    image = source().headers[0]
    group, frames = Dataset(), [Dataset() for _ in range(2 * N_SLICES)]
    measures, orientation = Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = image.PixelSpacing, 4
    orientation.ImageOrientationPatient = image.ImageOrientationPatient
    for at, frame in enumerate(frames):
        plane = Dataset()
        plane.ImagePositionPatient = LAYOUTS["axial"].position(at % N_SLICES)
        frame.PlanePositionSequence = [plane]
    for holder in [group] if shared else frames:
        holder.PixelMeasuresSequence, holder.PlaneOrientationSequence = [measures], [orientation]
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"):
        delattr(image, keyword)
    image.SOPClassUID, image.NumberOfFrames = EnhancedCTImageStorage, len(frames)
    image.SharedFunctionalGroupsSequence, image.PerFrameFunctionalGroupsSequence = [group], frames
    for dataset in written(analysis, complete_source([image] * N_SLICES), tmp_path).values():
        (reference,) = dataset.SourceImageSequence
        assert reference.ReferencedSOPInstanceUID == image.SOPInstanceUID
        assert dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SliceThickness == 4


def test_a_source_without_slice_thickness(analysis: Analysis, tmp_path: Path) -> None:
    """The spacing of the slices stands in, which a scanner's own element does not."""
    made = source(SliceThickness=None, SpacingBetweenSlices=5)
    for header in made.headers:
        header.SpacingBetweenSlices = -3
    for dataset in written(analysis, made, tmp_path).values():
        measures = dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
        assert (measures.SliceThickness, measures.SpacingBetweenSlices) == (5, 5)


def test_values_that_no_object_can_have(analysis: Analysis) -> None:
    made = source()
    for header in made.headers:
        header.SeriesNumber = [5, 6]
    with pytest.raises(InputDataError, match="cannot take over"):
        next(dicom_files(analysis, made))


def test_a_folder_without_a_series(tmp_path: Path) -> None:
    with pytest.raises(InputDataError, match="no DICOM file"):
        read_dicom_source(tmp_path)
