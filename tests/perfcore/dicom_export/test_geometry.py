"""Planes in DICOM's coordinates against positions that are known from the export."""

from __future__ import annotations

import numpy as np
import pytest

from perfcore.dicom_export.geometry import Planes, frames
from perfcore.io.dicom.reader import read_dicom
from tests.perfcore.dicom_export.conftest import LAYOUTS, N_SLICES, PIXEL, head_files
from tests.support.dicom_export import as_read, bolus, export, zipped


@pytest.mark.parametrize("layout", LAYOUTS)
def test_planes_lie_where_the_export_has_them(layout: str) -> None:
    series = read_dicom(zipped(head_files(layout)))
    planes = Planes.of(series.affine, series.grid)
    known = LAYOUTS[layout]
    np.testing.assert_allclose(planes.positions, [known.position(z) for z in range(N_SLICES)], atol=1e-5)
    np.testing.assert_allclose(planes.orientation, known.orientation, atol=1e-7)
    assert planes.pixel_mm == pytest.approx((PIXEL, PIXEL))
    assert planes.slice_mm == pytest.approx(5.0)


def test_rows_and_columns_have_their_own_spacing() -> None:
    series = read_dicom(zipped(export(PixelSpacing=[0.9, 0.8])))
    assert Planes.of(series.affine, series.grid).pixel_mm == pytest.approx((0.9, 0.8))


def test_pixels_that_are_means_of_four_lie_between_them() -> None:
    """Halved in size, the first pixel lies half a pixel further along rows and columns."""
    series = read_dicom(zipped(head_files("oblique")))
    halved = np.diag([2.0, 2.0, 1.0, 1.0])
    halved[:2, 3] = 0.5
    nx, ny, nz = series.grid
    whole, planes = (
        Planes.of(series.affine, series.grid),
        Planes.of(series.affine @ halved, (nx // 2, ny // 2, nz)),
    )
    shift = 0.5 * PIXEL * (whole.orientation[:3] + whole.orientation[3:])
    np.testing.assert_allclose(planes.positions, whole.positions + shift, atol=1e-9)
    assert planes.pixel_mm == pytest.approx((2 * PIXEL, 2 * PIXEL))


def test_frames_invert_the_order_of_the_reader() -> None:
    data = bolus()
    np.testing.assert_array_equal(frames(as_read(data, 1.0, 0.0)[..., 3]), data[3])
    np.testing.assert_array_equal(np.moveaxis(frames(as_read(data, 1.0, 0.0)), -1, 0), data)
