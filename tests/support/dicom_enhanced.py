"""Small CT perfusion series as enhanced multi-frame DICOM, written with pydicom (PS3.3 A.38)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import EnhancedCTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from tests.support import dicom_codecs
from tests.support.dicom_export import AXIAL, DT, NAME, NOON, PIXEL, SERIES, clock, position

SHARED_KINDS = ("PixelMeasuresSequence", "PlaneOrientationSequence", "PixelValueTransformationSequence")
TIME_TAGS = ("FrameAcquisitionDateTime", "FrameReferenceDateTime", "TemporalPositionTimeOffset")


def macro(**fields: Any) -> list[Dataset]:
    item = Dataset()
    for name, value in fields.items():
        setattr(item, name, value)
    return [item]


def enhanced(
    data: np.ndarray,
    frames: Sequence[tuple[int, int]] | None = None,
    *,
    time: str = "FrameAcquisitionDateTime",
    shared: Sequence[str] = SHARED_KINDS,
    implicit: bool = False,
    undefined_lengths: bool = False,
    compression: str | None = None,
    slopes: np.ndarray | None = None,
    **fields: Any,
) -> bytes:
    """One file of frames (time, slice) of data of shape ``(n_time, n_slices, rows, columns)``, in the order given.

    ``time`` names the element that tells the time of a frame, ``shared`` the functional groups that all frames
    share; ``slopes`` of shape ``(n_time, n_slices)`` gives each frame its own rescaling.
    """
    n_time, n_slices = data.shape[:2]
    frames = frames or [(t, z) for t in range(n_time) for z in range(n_slices)]
    dataset = Dataset()
    header = {
        "SOPClassUID": EnhancedCTImageStorage, "SOPInstanceUID": f"{SERIES}.{frames[0][0]}.{frames[0][1]}",
        "ImageType": ["ORIGINAL", "PRIMARY", "PERFUSION", "NONE"], "PatientName": f"{NAME}^Erika",
        "Modality": "CT", "SeriesInstanceUID": SERIES, "AcquisitionDateTime": "20200101120000",
        "ContentTime": "130000", "InstanceNumber": frames[0][0] + 1, "SamplesPerPixel": 1,
        "NumberOfFrames": len(frames),
        "PhotometricInterpretation": "MONOCHROME2", "Rows": data.shape[2], "Columns": data.shape[3],
        "BitsAllocated": 16, "BitsStored": 16, "HighBit": 15, "PixelRepresentation": 1,
    }  # fmt: skip
    for name, value in (header | fields).items():
        setattr(dataset, name, value)
    pointers = (0x00209057, 0x00209128)  # in-stack position number, temporal position index
    dataset.DimensionIndexSequence = [macro(DimensionIndexPointer=pointer)[0] for pointer in pointers]
    groups = [_groups(t, z, time, 1.0 if slopes is None else float(slopes[t, z])) for t, z in frames]
    common = Dataset()
    for kind in shared:
        setattr(common, kind, groups[0][kind].value)
        for group in groups:
            del group[kind]
    dataset.SharedFunctionalGroupsSequence = [common]
    dataset.PerFrameFunctionalGroupsSequence = groups
    dataset.PixelData = np.stack([data[t, z] for t, z in frames]).astype("<i2").tobytes()
    dataset["PixelData"].VR = "OW"
    if undefined_lengths:
        for element in dataset.iterall():
            if element.VR == "SQ":
                element.is_undefined_length = True
                for item in element.value:
                    item.is_undefined_length_sequence_item = True
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    if compression is not None:
        dicom_codecs.compress(dataset, compression)
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def _groups(t: int, z: int, time: str, slope: float) -> Dataset:
    """Functional groups of one frame."""
    group = Dataset()
    content: dict[str, Any] = {
        "DimensionIndexValues": [z + 1, t + 1],
        "StackID": "1",
        "InStackPositionNumber": z + 1,
    }
    if time in ("FrameAcquisitionDateTime", "FrameReferenceDateTime"):
        content[time] = "20200101" + clock(NOON + DT * t)
    if time == "TemporalPositionIndex":
        content[time] = t + 1
    group.FrameContentSequence = macro(**content)
    if time == "TemporalPositionTimeOffset":
        group.TemporalPositionSequence = macro(TemporalPositionTimeOffset=DT * t)
    group.PlanePositionSequence = macro(ImagePositionPatient=position(z))
    group.PlaneOrientationSequence = macro(ImageOrientationPatient=list(AXIAL))
    group.PixelMeasuresSequence = macro(PixelSpacing=list(PIXEL), SliceThickness=5)
    group.PixelValueTransformationSequence = macro(RescaleSlope=slope, RescaleIntercept=-1024, RescaleType="HU")
    group.CTImageFrameTypeSequence = macro(FrameType=["ORIGINAL", "PRIMARY", "PERFUSION", "NONE"])
    return group
