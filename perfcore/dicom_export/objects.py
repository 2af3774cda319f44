"""DICOM objects of an analysis, built by highdicom: one Parametric Map per map, one Segmentation of both lesions.

Maps are stored as 16-bit numbers with a Real World Value Mapping, not as 32-bit floats: both conform, but many
archives, viewers and toolkits (GDCM, hence SimpleITK) cannot read Float Pixel Data.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import numpy as np
from highdicom import (
    AlgorithmIdentificationSequence,
    ContentQualificationValues,
    PixelMeasuresSequence,
    PlaneOrientationSequence,
    PlanePositionSequence,
    SOPClass,
    VOILUTTransformation,
)
from highdicom.color import CIELabColor
from highdicom.pm import ParametricMap, RealWorldValueMapping
from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentationTypeValues, SegmentDescription
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import generate_uid

from perfcore.dicom_export.geometry import Planes, frames
from perfcore.dicom_export.quantities import LAST, NO_VALUE, QUANTITIES
from perfcore.dicom_export.source import DicomSource
from perfcore.errors import InputDataError
from perfcore.io.dicom.elements import PARSE_ERRORS, suppress_warnings
from perfcore.map_info import MAPS
from perfcore.pipeline import Analysis

SEGMENTATION: Final = "lesions"
_MAKER: Final = "AIF Lab"
_CAUTION: Final = "not for clinical use"
_SERIES_PER_SOURCE: Final = 100
_MAX_SOURCE_NUMBER: Final = 20_000_000
"""Largest number of a source series from which the numbers of new series fit into 31 bits."""
_DISTRIBUTION: Final = "aif-lab"
_INFARCT: Final = Code("55641003", "SCT", "Infarct")
_ISCHEMIA: Final = Code("287731003", "SCT", "Cerebral ischemia")
_CORE_RGB: Final = (255, 0, 255)
_HYPOPERFUSED_RGB: Final = (0, 255, 0)


def file_names() -> tuple[str, ...]:
    """Return the name of every file that is written of an analysis."""
    return tuple(f"{name}.dcm" for name in (*QUANTITIES, SEGMENTATION))


def dicom_files(analysis: Analysis, source: DicomSource) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the DICOM files of an analysis; they hold the patient's identity.

    Every object is a series of its own in the study of the source, with new UIDs, numbered from 100 times the
    number of the source series.

    Parameters
    ----------
    analysis
        Analysis of the series that ``source`` was read from.
    source
        Its headers.

    Raises
    ------
    InputDataError
        A header of the source has a value that DICOM objects cannot have.
    """
    with _header_errors():
        context = _Context.of(analysis, source)
    for number, name in enumerate((*QUANTITIES, SEGMENTATION), 1):
        file = io.BytesIO()
        with _header_errors():
            made = _segmentation(context, number) if name == SEGMENTATION else _map(context, name, number)
            made.save_as(file, enforce_file_format=True)
        yield f"{name}.dcm", file.getvalue()


@contextmanager
def _header_errors() -> Iterator[None]:
    """Raise what pydicom and highdicom raise as one ``InputDataError``; suppress warnings, which quote names."""
    with suppress_warnings():
        try:
            yield
        except PARSE_ERRORS as error:
            raise InputDataError(
                "The headers of the DICOM series have values that DICOM objects cannot take over; export the "
                "series again, or leave out --dicom-out."
            ) from error


@dataclass(frozen=True, eq=False)
class _Context:
    """What the objects of an analysis have in common.

    ``common`` holds the arguments of both constructors of highdicom, ``first_number`` what the numbers of the new
    series are counted from.
    """

    analysis: Analysis
    modality: str
    first_number: int
    common: dict[str, Any]

    @classmethod
    def of(cls, analysis: Analysis, source: DicomSource) -> _Context:
        planes = Planes.of(analysis.series.affine, analysis.series.grid)
        images, others = source.parts()
        first = images[0]
        number = first.get("SeriesNumber") or 0
        return cls(
            analysis,
            str(first.get("Modality", "CT")),
            (number if 0 < number <= _MAX_SOURCE_NUMBER else 1) * _SERIES_PER_SOURCE,
            {
                "source_images": images,
                "further_source_images": others or None,
                "instance_number": 1,
                "manufacturer": _MAKER,
                "manufacturer_model_name": "perfcore",
                "software_versions": _version(),
                "device_serial_number": "none",  # software has none, but the attribute is of type 1
                "pixel_measures": _measures(planes, source),
                "plane_orientation": PlaneOrientationSequence("PATIENT", planes.orientation.tolist()),
                "plane_positions": [PlanePositionSequence("PATIENT", p.tolist()) for p in planes.positions],
            },
        )

    def arguments(self, number: int, label: str, description: str) -> dict[str, Any]:
        """Return the common arguments with those that each object has of its own."""
        return self.common | {
            "series_instance_uid": generate_uid(prefix=None),
            "sop_instance_uid": generate_uid(prefix=None),
            "series_number": self.first_number + number,
            "series_description": f"{_MAKER}: {description}, {_CAUTION}",
            "content_label": label,
            "content_description": f"{description}, {_CAUTION}",
        }

    def finished(self, made: SOPClass) -> SOPClass:
        """Add what highdicom takes from the source, or has no argument for."""
        made.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence = self.common["pixel_measures"]
        made.BodyPartExamined = "BRAIN"
        made.DerivationDescription = self.derivation
        return made

    @property
    def derivation(self) -> str:
        """How the objects were made; plain text of at most 1024 characters."""
        settings = ", ".join(f"{name} {value}" for name, value in self.analysis.settings.as_dict().items())
        return (
            f"{self.modality} perfusion by deconvolution with an arterial input function "
            f"({self.analysis.aif.source_id}); {settings}. Research and teaching only, {_CAUTION}."
        )


def _measures(planes: Planes, source: DicomSource) -> PixelMeasuresSequence:
    return PixelMeasuresSequence(planes.pixel_mm, source.slice_thickness_mm or planes.slice_mm, planes.slice_mm)


def _map(context: _Context, name: str, number: int) -> SOPClass:
    analysis, info, quantity = context.analysis, MAPS[name], QUANTITIES[name]
    low, high = (quantity.position(value) for value in info.window)
    made = ParametricMap(
        pixel_array=frames(quantity.stored(analysis.maps.volume(name), analysis.prepared.mask)),
        real_world_value_mappings=[
            RealWorldValueMapping(
                lut_label=info.label,
                lut_explanation=info.title,
                unit=quantity.unit,
                value_range=(NO_VALUE + 1, LAST),
                slope=quantity.step,
                intercept=quantity.intercept,
                quantity_definition=quantity.code,
            )
        ],
        voi_lut_transformations=[VOILUTTransformation((low + high) / 2, high - low)],
        contains_recognizable_visual_features=False,
        content_qualification=ContentQualificationValues.RESEARCH,
        derivation=codes.DCM.PerfusionImageAnalysis,
        **context.arguments(number, name.upper(), f"{info.label} map"),
    )
    made.PixelPaddingValue = NO_VALUE
    return context.finished(made)


def _segmentation(context: _Context, number: int) -> SOPClass:
    analysis, settings = context.analysis, context.analysis.settings
    lesions = np.stack([analysis.maps.core, analysis.maps.hypoperfused], -1) & analysis.prepared.mask[..., None]
    technique = codes.DCM.PerfusionAnalysisByIVIodinatedContrastCTTechnique
    if context.modality == "MR":
        technique = codes.DCM.PerfusionAnalysisBySusceptibilityMRTechnique
    algorithm = AlgorithmIdentificationSequence(_MAKER, technique, _version())
    segments = [
        SegmentDescription(
            segment_number=at,
            segment_label=label,
            segmented_property_category=category,
            segmented_property_type=kind,
            algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
            algorithm_identification=algorithm,
            anatomic_regions=[codes.SCT.Brain],
            display_color=CIELabColor.from_rgb(*rgb),
        )
        for at, label, category, kind, rgb in (
            (
                1, f"Core (rCBF < {settings.core_threshold:g})",
                codes.SCT.MorphologicallyAbnormalStructure, _INFARCT, _CORE_RGB,
            ),
            (
                2, f"Hypoperfused (Tmax > {settings.tmax_threshold_s:g} s)",
                codes.SCT.Function, _ISCHEMIA, _HYPOPERFUSED_RGB,
            ),
        )
    ]  # fmt: skip
    made = Segmentation(
        pixel_array=frames(lesions),
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=segments,
        omit_empty_frames=False,
        **context.arguments(number, SEGMENTATION.upper(), "Core and hypoperfused tissue"),
    )
    return context.finished(made)


def _version() -> str:
    try:
        return version(_DISTRIBUTION)
    except PackageNotFoundError:  # run from the repository
        return "unreleased"
