"""Files as converters and tools write them give the figures of the plain file they were made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from perfcore.io.load import load_series
from perfcore.pipeline import Analysis, analyse
from perfcore.results import write_results
from perfcore.types import PerfusionSeries
from tests.support.synthetic_head import draw_head

HEAD = draw_head(n=64, n_slices=3, n_time=60, noise=1.0)
DATA, AFFINE = np.rint(HEAD.series.data).astype(np.int16), HEAD.series.affine


def save(path: Path, data: np.ndarray = DATA, affine: np.ndarray = AFFINE, dt: float = 1.0) -> Path:
    made = nib.Nifti1Image(data, affine)
    made.header.set_xyzt_units("mm", "sec")
    made.header["pixdim"][4] = dt
    nib.save(made, path)
    return path


def figures(series: PerfusionSeries) -> Analysis:
    return analyse(series, device="cpu")


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    found = figures(load_series(save(tmp_path_factory.mktemp("plain") / "series.nii.gz")))
    assert found.numbers.core_ml > 10
    assert found.numbers.hypoperfused_ml > found.numbers.core_ml
    return found


UNEVEN = [*range(30), *range(30, 60, 3)]
EVERY_SECOND = list(range(0, 60, 2))
MEAN = (UNEVEN[-1] - UNEVEN[0]) / (len(UNEVEN) - 1)
SIDECARS: dict[str, tuple[list[int], float, dict[str, Any]]] = {
    "dcm2niix, step varies": (UNEVEN, MEAN, {"Modality": "CT", "RepetitionTime": MEAN, "FrameTimesStart": UNEVEN}),
    "step of 1 and VolumeTiming": (UNEVEN, 1.0, {"VolumeTiming": UNEVEN}),
    "no step in the header": (UNEVEN, 0.0, {"FrameTimesStart": UNEVEN}),
    "step reset to 1 by a tool": (EVERY_SECOND, 1.0, {"RepetitionTime": 2.0}),
}


@pytest.mark.parametrize("name", SIDECARS)
def test_figures_with_the_times_of_the_sidecar(name: str, tmp_path: Path, reference: Analysis) -> None:
    """Frames that are missing change the noise and the shape of late curves: 2 % of a volume."""
    frames, dt, fields = SIDECARS[name]
    path = save(tmp_path / "series.nii.gz", DATA[..., frames], dt=dt)
    path.with_name("series.json").write_text(json.dumps(fields))
    found, own = figures(load_series(path)).numbers, reference.numbers
    assert found.hypoperfused_ml == pytest.approx(own.hypoperfused_ml, rel=0.02)
    assert found.core_ml == pytest.approx(own.core_ml, rel=0.02)


def test_figures_with_the_step_of_the_header_alone_are_wrong(tmp_path: Path, reference: Analysis) -> None:
    """What the sidecar is worth: hypoperfused volumes with the mean step, and with the one that a tool left."""
    for name in ("dcm2niix, step varies", "step reset to 1 by a tool"):
        frames, dt, _ = SIDECARS[name]
        found = figures(load_series(save(tmp_path / "series.nii.gz", DATA[..., frames], dt=dt))).numbers
        assert found.hypoperfused_ml != pytest.approx(reference.numbers.hypoperfused_ml, rel=0.1)


@pytest.mark.parametrize("order", [(2, 0, 1), (0, 2, 1), (1, 0, 2)])
def test_figures_and_maps_with_slices_along_another_axis(
    order: tuple[int, ...], tmp_path: Path, reference: Analysis
) -> None:
    path = save(tmp_path / "series.nii.gz", DATA.transpose(*order, 3), AFFINE[:, [*order, 3]])
    found = figures(load_series(path))
    assert found.numbers == reference.numbers
    write_results(found, tmp_path / "out")
    write_results(reference, tmp_path / "plain")
    for name in ("tmax", "core", "brain_mask"):
        one, plain = (nib.load(tmp_path / folder / f"{name}.nii.gz") for folder in ("out", "plain"))
        assert one.shape == nib.load(path).shape[:3]
        np.testing.assert_allclose(one.affine, nib.load(path).affine, rtol=1e-6)
        np.testing.assert_array_equal(one.get_fdata(), plain.get_fdata().transpose(order))
