"""Tests of pixel values that depend on more than the stored number: padding and photometric interpretation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.tag import Tag

from perfcore.io.dicom.elements import ReadBudget, suppress_warnings
from perfcore.io.dicom.files import open_files
from perfcore.io.dicom.header import read_images
from perfcore.io.dicom.reader import read_dicom
from tests.support.dicom_export import as_read, bolus, export, image, zipped

DATA = bolus(12, 2)
AIR = -1024


def circle(inside: np.ndarray, padding: int) -> tuple[np.ndarray, np.ndarray]:
    """Images with padding outside a circle, and where it is."""
    side = inside.shape[-1]
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    outside = np.broadcast_to(np.hypot(x, y) > side / 2, inside.shape)
    return np.where(outside, padding, inside), outside


@pytest.mark.parametrize(
    ("padding", "fields"),
    [
        (-2000, {}),
        (-32768, {}),
        (32767, {}),
        (65535, {"PixelRepresentation": 0}),
        (4095, {"PixelRepresentation": 0, "BitsStored": 12, "HighBit": 11, "RescaleIntercept": -1000}),
        (-2048, {"BitsStored": 12, "HighBit": 11}),
        (0xF830, {"PixelRepresentation": 0, "BitsStored": 12, "HighBit": 11}),
    ],
)
def test_padding_is_air(padding: int, fields: dict[str, Any]) -> None:
    """The last value lies beyond its 12 bits: without them it would be 1,072 HU, the value of bone."""
    data, outside = circle(DATA, padding)
    intercept = fields.get("RescaleIntercept", -1024)
    series = read_dicom(zipped(export(data, PixelPaddingValue=padding, **fields)))
    expected = as_read(DATA, intercept=intercept)
    expected[as_read(outside, intercept=0) > 0] = AIR
    np.testing.assert_array_equal(series.data, expected)


def test_padding_range() -> None:
    data, outside = circle(DATA, -3000)
    data = data - outside * np.arange(data.shape[-1])
    series = read_dicom(zipped(export(data, PixelPaddingValue=-3000, PixelPaddingRangeLimit=-3031)))
    np.testing.assert_array_equal(series.data, np.where(as_read(outside, intercept=0) > 0, AIR, as_read(DATA)))


def test_a_padding_value_that_tissue_may_have_is_kept() -> None:
    """0 HU: many writers name 0 for padding although it is the value of water in their images."""
    data = DATA - 1040
    series = read_dicom(zipped(export(data, PixelPaddingValue=0, RescaleIntercept=0)))
    np.testing.assert_array_equal(series.data, as_read(data, intercept=0))
    assert (series.data == 0).any()


def test_without_a_padding_value_no_pixel_is_changed() -> None:
    data, _ = circle(DATA, -2000)
    np.testing.assert_array_equal(read_dicom(zipped(export(data))).data, as_read(data))


def test_hounsfield_units_do_not_depend_on_how_they_are_displayed() -> None:
    """MONOCHROME1 shows low values white; the rescaled values are the same (PS3.3 C.7.6.3.1.2)."""
    series = read_dicom(zipped(export(DATA, PhotometricInterpretation="MONOCHROME1")))
    np.testing.assert_array_equal(series.data, as_read(DATA))


@pytest.mark.parametrize("slope", [1.0, 0.0123, 2.5])
@pytest.mark.parametrize("intercept", [-1024.0, -1000.4, 0.0])
def test_rescaling_is_rounded_once(slope: float, intercept: float) -> None:
    series = read_dicom(zipped(export(DATA, RescaleSlope=slope, RescaleIntercept=intercept)))
    np.testing.assert_array_equal(series.data, as_read(DATA, slope, intercept))


def test_magnetic_resonance_images_are_parsed() -> None:
    """Whether they are used is decided with their series."""
    content = image(DATA[0, 0], Modality="MR", RescaleSlope=None, RescaleIntercept=None)
    with suppress_warnings(), open_files(zipped({"a": content})) as (blob,):
        (found,) = read_images(blob, ReadBudget())  # type: ignore[misc]
    assert (found.modality, found.slope, found.frame) == ("MR", None, 0)  # type: ignore[union-attr]


def test_pixels_behind_much_private_data() -> None:
    """Siemens writes its own headers between rescaling and pixels, longer than the first bytes that are read."""

    def private(content: bytes, n_bytes: int) -> bytes:
        at = content.index(b"\xe0\x7f\x10\0OW")
        tag = Tag(0x0029, 0x1010)
        head = tag.group.to_bytes(2, "little") + tag.element.to_bytes(2, "little") + b"OB\0\0"
        return content[:at] + head + n_bytes.to_bytes(4, "little") + bytes(n_bytes) + content[at:]

    for n_bytes in (100_000, 1_500_000):
        files = {name: private(content, n_bytes) for name, content in export(DATA).items()}
        np.testing.assert_array_equal(read_dicom(zipped(files, compression=0)).data, as_read(DATA))
