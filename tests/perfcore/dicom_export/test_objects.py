"""DICOM objects read back by pydicom, highdicom and SimpleITK, and their conformance."""

from __future__ import annotations

import io
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK
from highdicom.seg import segread
from pydicom.dataset import Dataset
from pydicom.uid import EnhancedCTImageStorage, ParametricMapStorage, SegmentationStorage

from perfcore.dicom_export.objects import SEGMENTATION, dicom_files, file_names
from perfcore.dicom_export.quantities import QUANTITIES
from perfcore.dicom_export.source import read_dicom_source
from perfcore.io.dicom.reader import read_dicom
from perfcore.map_info import MAPS
from perfcore.pipeline import Analysis, analyse
from perfcore.types import PerfusionSeries
from tests.perfcore.dicom_export.conftest import IDENTITY, N_SLICES, SIDE, Exported, head_files
from tests.support.dicom_conformance import errors_between, object_messages
from tests.support.dicom_export import NAME, SERIES, zipped

NAMES = (*QUANTITIES, SEGMENTATION)


def lps(series: PerfusionSeries, voxel: np.ndarray) -> np.ndarray:
    """Position of voxels, shape ``(n, 3)``, in DICOM's coordinates."""
    world = voxel @ series.affine[:3, :3].T + series.affine[:3, 3]
    return world * [-1, -1, 1]


def real_values(dataset: Dataset, pixels: np.ndarray) -> np.ndarray:
    """Values that the Real World Value Mapping gives, NaN where it maps none."""
    (mapping,) = dataset.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence
    mapped = (pixels >= mapping.RealWorldValueFirstValueMapped) & (pixels <= mapping.RealWorldValueLastValueMapped)
    return np.where(mapped, pixels * mapping.RealWorldValueSlope + mapping.RealWorldValueIntercept, np.nan)


def read_objects(analysis: Analysis, content: bytes) -> dict[str, Dataset]:
    made = dicom_files(analysis, read_dicom_source(content))
    return {name.removesuffix(".dcm"): pydicom.dcmread(io.BytesIO(file)) for name, file in made}


# Conformance


@pytest.mark.parametrize("name", NAMES)
def test_objects_conform(exported: Exported, name: str) -> None:
    assert object_messages(exported.path(name)) == []


def test_objects_agree_with_each_other_and_with_the_source(exported: Exported) -> None:
    assert errors_between([*(exported.path(name) for name in NAMES), exported.source_file]) == []


# Maps


@pytest.mark.parametrize("name", QUANTITIES)
def test_a_map_returns_with_its_values_at_its_places(exported: Exported, name: str) -> None:
    dataset, analysis = pydicom.dcmread(exported.path(name)), exported.analysis
    assert dataset.SOPClassUID == ParametricMapStorage
    values = real_values(dataset, dataset.pixel_array)
    known = {str(header.SOPInstanceUID): z for z, header in enumerate(exported.source.headers)}
    seen = set()
    for frame, groups in zip(values, dataset.PerFrameFunctionalGroupsSequence, strict=True):
        (origin,) = groups.DerivationImageSequence[0].SourceImageSequence
        z = known[origin.ReferencedSOPInstanceUID]
        seen.add(z)
        source = exported.source.headers[z]
        position = groups.PlanePositionSequence[0].ImagePositionPatient
        np.testing.assert_allclose(position, source.ImagePositionPatient, atol=1e-3)
        inside = analysis.prepared.mask[:, ::-1, z].T
        expected = np.where(inside, analysis.maps.volume(name)[:, ::-1, z].T, np.nan)
        np.testing.assert_allclose(frame, expected, atol=QUANTITIES[name].step / 2 * 1.001)
    assert seen == set(range(N_SLICES))
    shared = dataset.SharedFunctionalGroupsSequence[0]
    first = exported.source.headers[0]
    orientation = shared.PlaneOrientationSequence[0].ImageOrientationPatient
    np.testing.assert_allclose(orientation, first.ImageOrientationPatient, atol=1e-6)
    measures = shared.PixelMeasuresSequence[0]
    np.testing.assert_allclose(measures.PixelSpacing, first.PixelSpacing, atol=1e-9)
    assert float(measures.SpacingBetweenSlices) == pytest.approx(5.0, abs=1e-6)


def test_simpleitk_finds_the_voxels_of_a_map(exported: Exported, tmp_path: Path) -> None:
    """GDCM, which SimpleITK reads with, knows no Parametric Map; an enhanced CT has the same functional groups."""
    dataset = pydicom.dcmread(exported.path("tmax"))
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
    dataset.save_as(tmp_path / "as CT.dcm")
    image = SimpleITK.ReadImage(str(tmp_path / "as CT.dcm"))
    series = exported.series
    assert image.GetSize() == series.grid
    if exported.layout == "tilted gantry":  # an image of SimpleITK cannot be sheared
        np.testing.assert_allclose(image.GetSpacing()[:2], series.spacing_mm[:2], atol=1e-4)
        return
    np.testing.assert_allclose(image.GetSpacing(), series.spacing_mm, atol=1e-4)
    values = QUANTITIES["tmax"].stored(exported.analysis.maps.tmax, exported.analysis.prepared.mask)
    voxels = np.argwhere(values > 0)[::97]
    assert len(voxels) > 20
    for voxel, place in zip(voxels, lps(series, voxels), strict=True):
        index = image.TransformPhysicalPointToContinuousIndex(place.tolist())
        np.testing.assert_allclose(index, np.round(index), atol=1e-3)
        assert image[tuple(round(i) for i in index)] == values[tuple(voxel)]


@pytest.mark.parametrize("name", QUANTITIES)
def test_what_is_said_about_a_map(exported: Exported, name: str) -> None:
    dataset, info, quantity = pydicom.dcmread(exported.path(name)), MAPS[name], QUANTITIES[name]
    shared = dataset.SharedFunctionalGroupsSequence[0]
    (mapping,) = shared.RealWorldValueMappingSequence
    assert mapping.LUTLabel == info.label
    assert mapping.MeasurementUnitsCodeSequence[0].CodeValue == quantity.unit.value
    assert mapping.QuantityDefinitionSequence[0].ConceptCodeSequence[0].CodeValue == quantity.code.value
    (window,) = shared.FrameVOILUTSequence
    ends = np.array([window.WindowCenter - window.WindowWidth / 2, window.WindowCenter + window.WindowWidth / 2])
    np.testing.assert_allclose(ends * quantity.step + quantity.intercept, info.window, atol=quantity.step)
    assert dataset.ContentLabel == name.upper()
    assert dataset.ContentQualification == "RESEARCH"
    assert dataset.BurnedInAnnotation == dataset.RecognizableVisualFeatures == "NO"
    assert dataset.LossyImageCompression == "00"
    assert dataset.PixelPaddingValue == 0
    assert dataset.SeriesDescription == f"AIF Lab: {info.label} map, not for clinical use"
    assert "lambda_rel 0.3" in dataset.DerivationDescription
    assert dataset.DerivationDescription.endswith("not for clinical use.")
    assert len(dataset.DerivationDescription) <= 1024


def test_a_map_of_a_downsampled_series_lies_on_its_grid(analysis: Analysis, tmp_path: Path) -> None:
    """The geometry follows the series that was analysed, not the source's pixels."""
    content = zipped(head_files())
    whole = read_dicom(content)
    halved = np.diag([2.0, 2.0, 1.0, 1.0])
    halved[:2, 3] = 0.5
    data = whole.data.reshape(SIDE // 2, 2, SIDE // 2, 2, N_SLICES, -1).mean((1, 3))
    small = analyse(replace(whole, data=data, affine=whole.affine @ halved), analysis.aif)
    for name, file in dicom_files(small, read_dicom_source(content)):
        (tmp_path / name).write_bytes(file)
        assert object_messages(tmp_path / name) == []
    dataset = pydicom.dcmread(tmp_path / "cbf.dcm")
    assert (dataset.Rows, dataset.Columns) == (SIDE // 2, SIDE // 2)
    assert dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing == [10, 10]
    frames = dataset.PerFrameFunctionalGroupsSequence
    places = [tuple(frame.PlanePositionSequence[0].ImagePositionPatient) for frame in frames]
    assert sorted(places) == [(-115.5, -114.5, 40.0), (-115.5, -114.5, 45.0), (-115.5, -114.5, 50.0)]


# Segmentation


def test_the_segmentation_returns_with_its_volumes(exported: Exported) -> None:
    dataset, analysis, series = segread(exported.path(SEGMENTATION)), exported.analysis, exported.series
    assert dataset.SOPClassUID == SegmentationStorage
    assert dataset.SegmentationType == "BINARY"
    pixels = dataset.get_pixels_by_source_instance([h.SOPInstanceUID for h in exported.source.headers])
    measures = dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    voxel_ml = float(np.prod(measures.PixelSpacing) * measures.SpacingBetweenSlices) / 1000
    assert voxel_ml == pytest.approx(series.voxel_ml)
    for at, lesion in enumerate((analysis.maps.core, analysis.maps.hypoperfused)):
        assert lesion.any()
        found = pixels[..., at].transpose(2, 1, 0)[:, ::-1].astype(bool)
        np.testing.assert_array_equal(found, lesion)
        assert found.sum() * voxel_ml == pytest.approx(lesion.sum() * series.voxel_ml)
    assert analysis.numbers.core_ml == pytest.approx(analysis.maps.core.sum() * analysis.series.voxel_ml)


def test_segments_are_described(exported: Exported) -> None:
    dataset = pydicom.dcmread(exported.path(SEGMENTATION))
    described = [
        (
            segment.SegmentLabel,
            segment.SegmentedPropertyTypeCodeSequence[0].CodeMeaning,
            segment.AnatomicRegionSequence[0].CodeMeaning,
            segment.SegmentAlgorithmType,
            segment.SegmentAlgorithmName,
        )
        for segment in dataset.SegmentSequence
    ]
    assert described == [
        ("Core (rCBF < 0.38)", "Infarct", "Brain", "AUTOMATIC", "AIF Lab"),
        ("Hypoperfused (Tmax > 6 s)", "Cerebral ischemia", "Brain", "AUTOMATIC", "AIF Lab"),
    ]
    image = SimpleITK.ReadImage(str(exported.path(SEGMENTATION)))
    assert (SimpleITK.GetArrayFromImage(image) > 0).sum() == dataset.pixel_array.sum() > 0


def test_lesions_that_are_empty(analysis: Analysis, tmp_path: Path) -> None:
    nothing = np.zeros(analysis.series.grid, bool)
    maps = replace(analysis.maps, core=nothing, hypoperfused=nothing)
    files = dict(dicom_files(replace(analysis, maps=maps), read_dicom_source(zipped(head_files()))))
    path = tmp_path / "lesions.dcm"
    path.write_bytes(files[f"{SEGMENTATION}.dcm"])
    assert object_messages(path) == []
    dataset = pydicom.dcmread(path)
    assert [segment.SegmentNumber for segment in dataset.SegmentSequence] == [1, 2]
    assert not dataset.pixel_array.any()


# Identity


def test_patient_and_study_are_those_of_the_source(exported: Exported) -> None:
    numbers, instances, series = set(), set(), set()
    for name in NAMES:
        dataset = pydicom.dcmread(exported.path(name))
        for keyword, value in IDENTITY.items():
            if keyword != "SeriesNumber":
                assert str(dataset.get(keyword)) == str(value), keyword
        assert (dataset.PatientName, dataset.PatientID) == (f"{NAME}^Erika", NAME)
        (reference,) = dataset.ReferencedSeriesSequence
        assert reference.SeriesInstanceUID == SERIES
        referred = {item.ReferencedSOPInstanceUID for item in reference.ReferencedInstanceSequence}
        assert referred == {f"{SERIES}.0.{z}" for z in range(N_SLICES)}
        numbers.add(dataset.SeriesNumber)
        instances.add(dataset.SOPInstanceUID)
        series.add(dataset.SeriesInstanceUID)
        assert dataset.Manufacturer == "AIF Lab"
    assert numbers == set(range(501, 508))
    assert len(instances) == len(series) == len(NAMES) == len(file_names())
    assert SERIES not in series


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("ISO_IR 100", "Müller^Jörg"),
        ("ISO_IR 192", "Łukasz^Žofie"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎"),
    ],
)
def test_names_in_other_character_sets(analysis: Analysis, charset: str | list[str], name: str) -> None:
    content = zipped(head_files(SpecificCharacterSet=charset, PatientName=name))
    for dataset in read_objects(analysis, content).values():
        assert str(dataset.PatientName) == name


def test_a_big_endian_source_with_nested_items(analysis: Analysis) -> None:
    other = Dataset()
    other.PatientID = "second"
    other.TypeOfPatientID = "TEXT"
    content = zipped(head_files(syntax="big-endian", OtherPatientIDsSequence=[other], PatientWeight="81.5"))
    for dataset in read_objects(analysis, content).values():
        assert dataset.OtherPatientIDsSequence[0].PatientID == "second"
        assert dataset.PatientWeight == 81.5


@pytest.mark.parametrize("fields", [{"PatientName": NAME}, {"PatientID": f"{NAME} " * 9}, {"StudyDate": NAME}])
def test_nothing_is_said_about_the_patient(
    analysis: Analysis, fields: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    """Warnings are errors here, and highdicom warns of a name in one part, quoting it."""
    content = zipped(head_files(**fields))
    heard: list[str] = []
    handler = logging.Handler(logging.DEBUG)
    handler.emit = lambda record: heard.append(record.getMessage())  # type: ignore[method-assign]
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        assert len(dict(dicom_files(analysis, read_dicom_source(content)))) == len(NAMES)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    said = f"{heard} {capfd.readouterr()}"
    assert NAME not in said
    assert SERIES not in said
