"""Small CT perfusion series as DICOM exports of a scanner, written with pydicom."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.config import IGNORE
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from tests.support import dicom_codecs

SIDE = 32
N_SLICES, N_TIME, DT = 4, 14, 1.5
NOON = 12 * 3600.0
ROOT = "1.2.826.0.1.3680043.8.498"
SERIES = f"{ROOT}.1"
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
ORIGIN = (-15.0, -14.0, 40.0)
PIXEL = (0.9, 0.8)
NAME = "Mustermann"
SYNTAXES = {
    "implicit": ImplicitVRLittleEndian,
    "explicit": ExplicitVRLittleEndian,
    "big-endian": ExplicitVRBigEndian,
}


def bolus(n_time: int = N_TIME, n_slices: int = N_SLICES, side: int = SIDE, seed: int = 0) -> np.ndarray:
    """Stored numbers of a head with a bolus, shape ``(n_time, n_slices, rows, columns)``."""
    rng = np.random.default_rng(seed)
    head = rng.integers(1000, 1100, (n_slices, side, side))
    time = np.arange(n_time)[:, None, None, None]
    height = rng.integers(0, 90, (n_slices, side, side))
    return (head + height * np.exp(-(((time - n_time / 2) / 2.5) ** 2))).astype(int)


def clock(seconds: float) -> str:
    seconds %= 86_400
    whole = int(seconds)
    return f"{whole // 3600:02d}{whole // 60 % 60:02d}{whole % 60:02d}.{round((seconds - whole) * 1e6):06d}"


def image(
    pixels: np.ndarray,
    *,
    syntax: str = "explicit",
    claim: str | None = None,
    compression: str | None = None,
    **fields: Any,
) -> bytes:
    """One DICOM file; a field that is None is left out.

    ``claim`` names a syntax that the file does not have, ``compression`` one of :data:`dicom_codecs.CODECS`.
    """
    header: dict[str, Any] = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": f"{SERIES}.{zlib.crc32(pixels.tobytes())}",
        "PatientName": f"{NAME}^Erika",
        "PatientID": NAME,
        "PatientBirthDate": "19640812",
        "InstitutionName": f"Klinik {NAME}",
        "SeriesDescription": f"CTP {NAME}",
        "Modality": "CT",
        "SeriesInstanceUID": SERIES,
        "ImagePositionPatient": list(ORIGIN),
        "ImageOrientationPatient": list(AXIAL),
        "PixelSpacing": list(PIXEL),
        "SliceThickness": 5,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": pixels.shape[0],
        "Columns": pixels.shape[1],
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 1,
        "RescaleSlope": 1,
        "RescaleIntercept": -1024,
    }
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    for name, value in (header | fields).items():
        if value is not None:
            tag = tag_for_keyword(name)
            assert tag is not None, name
            dataset.add(DataElement(tag, dictionary_VR(tag), value, validation_mode=IGNORE))
    order = ">" if syntax == "big-endian" else "<"
    kind = "i" if (header | fields)["PixelRepresentation"] else "u"
    dataset.PixelData = pixels.astype(f"{order}{kind}2").tobytes()
    dataset["PixelData"].VR = "OW"
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = SYNTAXES[syntax]
    if compression is not None:
        dicom_codecs.compress(dataset, compression)
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    if claim is None:
        return file.getvalue()
    stored = str(SYNTAXES[syntax]).encode()
    old, new = (value + b"\0" * (len(value) % 2) for value in (stored, claim.encode()))
    head = b"\x02\0\x10\0UI"
    return file.getvalue().replace(
        head + len(old).to_bytes(2, "little") + old, head + len(new).to_bytes(2, "little") + new, 1
    )


def position(z: int, *, gap: float = 5.0, shift: tuple[float, float] = (0.0, 0.0)) -> list[float]:
    return [round(ORIGIN[0] + shift[0] * z, 5), round(ORIGIN[1] + shift[1] * z, 5), ORIGIN[2] + gap * z]


def images(data: np.ndarray, times: Any = None, **fields: Any) -> Iterator[tuple[tuple[int, int], bytes]]:
    """Files of a series by (frame, slice); a field may be a function of both, ``times`` one, or a list."""
    n_time, n_slices = data.shape[:2]
    for t in range(n_time):
        for z in range(n_slices):
            own = {name: value(t, z) if callable(value) else value for name, value in fields.items()}
            own.setdefault("ImagePositionPatient", position(z))
            own.setdefault("SOPInstanceUID", f"{SERIES}.{t}.{z}")
            own.setdefault("InstanceNumber", t * n_slices + z + 1)
            if "AcquisitionTime" not in own:
                seconds = NOON + DT * t if times is None else times(t, z) if callable(times) else times[t]
                own["AcquisitionTime"] = clock(seconds)
            yield (t, z), image(data[t, z], **own)


def export(data: np.ndarray | None = None, times: Any = None, **fields: Any) -> dict[str, bytes]:
    """Files of a series by name; neither their order nor their names follow that of the images."""
    made = list(images(bolus() if data is None else data, times, **fields))
    order = np.random.default_rng(5).permutation(len(made))
    return {f"{NAME}/DIR{k % 3}/IM{k:05d}": made[i][1] for k, i in enumerate(order)}


def save(files: Mapping[str, bytes], folder: Path) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def zipped(files: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def as_read(data: np.ndarray, slope: float = 1.0, intercept: float = -1024.0) -> np.ndarray:
    """Values that a reader should return for stored numbers, shape ``(columns, rows, n_slices, n_time)``."""
    return (data[:, :, ::-1].transpose(3, 2, 1, 0) * slope + intercept).astype(np.float32)
