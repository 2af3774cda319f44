"""Tests of the ISLES 2024 layout: one case per subject, with its lesion if the grids agree."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from perfcore.errors import InputDataError
from perfcore.io import downsampling
from perfcore.io.datasets.case_folders import find_cases
from perfcore.io.load import load_series
from perfcore.quality_flags import make_flag

GRID = (6, 5, 4)
RAW_GRID = (8, 7, 2)
RNG = np.random.default_rng(0)
SERIES = RNG.integers(0, 90, (*GRID, 12)).astype(np.int16)
RAW = RNG.integers(0, 90, (*RAW_GRID, 15)).astype(np.int16)
LESION = (SERIES[..., 0] > 60).astype(np.uint8)
AFFINE = np.diag([0.5, 0.5, 2.0, 1.0])


def save(data: np.ndarray, path: Path, affine: np.ndarray = AFFINE, dt: float = 1.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = nib.Nifti1Image(data, affine)
    made.header.set_xyzt_units("mm", "sec")
    if data.ndim > 3:
        made.header["pixdim"][4] = dt
    nib.save(made, path)
    return path


def write_subject(
    root: Path,
    subject: str,
    *,
    registered: bool = True,
    lesion: bool = True,
    raw: str = "raw_data",
    session: str = "ses-0{}",
    space: str = "space-ncct_",
) -> None:
    one, two = session.format(1), session.format(2)
    derived, own = root / "derivatives" / subject, root / raw / subject
    save(RAW, own / one / f"{subject}_{one}_ctp.nii.gz")
    save(RAW[..., 0], own / one / f"{subject}_{one}_ncct.nii.gz")
    save(RAW[..., 0], own / one / "perfusion-maps" / f"{subject}_{one}_tmax.nii.gz")
    save(RAW[..., 0], own / two / f"{subject}_{two}_dwi.nii.gz")
    save(LESION, derived / one / "perfusion-maps" / f"{subject}_{one}_space-ncct_cbf.nii.gz")
    save(LESION, derived / one / f"{subject}_{one}_space-ncct_lvo-msk.nii.gz")
    save(LESION, derived / one / f"{subject}_{one}_space-ncct_cta.nii.gz")
    if registered:
        save(SERIES, derived / one / f"{subject}_{one}_space-ncct_ctp.nii.gz")
    if lesion:
        save(LESION, derived / two / f"{subject}_{two}_{space}lesion-msk.nii.gz")
    (root / "phenotype" / subject / one).mkdir(parents=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "ISLES 2024"
    for number in (12, 2):
        write_subject(root / "train", f"sub-stroke{number:04d}")
    write_subject(root / "train", "sub-stroke0005", registered=False)
    (root / "train" / "raw_data" / "sub-stroke0007" / "ses-01").mkdir(parents=True)
    (root / "train" / "derivatives" / ".DS_Store").write_bytes(b"x")
    return root


def test_listing(root: Path) -> None:
    train = root / "train"
    expected = ["sub-stroke0002", "sub-stroke0012", "sub-stroke0005"]
    for folder in (root, train):
        cases = find_cases(folder)
        assert [case.name for case in cases] == expected
        assert [case.path.parent.name for case in cases] == ["derivatives", "derivatives", "raw_data"]
        assert {case.number for case in cases} == {None}
    assert [case.name for case in find_cases(train / "derivatives")] == expected[:2]
    assert [case.name for case in find_cases(train / "raw_data")] == sorted(expected)
    assert [case.name for case in find_cases(train / "raw_data" / "sub-stroke0012")] == ["sub-stroke0012"]


def test_a_registered_series_has_its_lesion(root: Path) -> None:
    for series in (find_cases(root)[0].load(), load_series(root / "train" / "derivatives" / "sub-stroke0002")):
        np.testing.assert_array_equal(series.data, SERIES)
        assert series.lesion is not None
        np.testing.assert_array_equal(series.lesion, LESION > 0)
        assert (series.case, series.dt_s, series.units, series.warnings) == ("sub-stroke0002", 1.0, "hu", ())


def test_a_raw_series_has_no_lesion_and_a_warning(root: Path) -> None:
    for series in (find_cases(root)[2].load(dt_s=2), load_series(root / "train/raw_data/sub-stroke0012", dt_s=2)):
        np.testing.assert_array_equal(series.data, RAW)
        assert series.dt_s == 2
        assert series.lesion is None
        sentence = "The lesion mask lies in another space than the perfusion series and was left out."
        assert series.warnings == (make_flag("lesion_left_out", sentence),)


def test_a_single_subject_folder_with_any_name(root: Path, tmp_path: Path) -> None:
    (root / "train" / "derivatives" / "sub-stroke0012").rename(tmp_path / "Erika Mustermann")
    series = load_series(tmp_path / "Erika Mustermann")
    assert series.case == "case"
    assert series.lesion is not None


@pytest.mark.parametrize(("raw", "session", "space"), [("rawdata", "ses-000{}", ""), ("raw_data", "ses-0{}", "")])
def test_earlier_releases(tmp_path: Path, raw: str, session: str, space: str) -> None:
    write_subject(tmp_path, "sub-strokecase0001", raw=raw, session=session, space=space)
    series = load_series(tmp_path)
    assert series.case == "sub-strokecase0001"
    assert series.lesion is not None
    assert series.lesion.sum() == LESION.sum()


def test_an_unregistered_second_lesion_is_ignored(tmp_path: Path) -> None:
    write_subject(tmp_path, "sub-stroke0142")
    stray = tmp_path / "derivatives/sub-stroke0142/ses-02/sub-stroke0142_ses-02_lesion-msk.nii"
    save(np.ones((9, 9, 9), np.uint8), stray)
    lesion = load_series(tmp_path).lesion
    assert lesion is not None
    assert lesion.sum() == LESION.sum()
    save(LESION, stray.with_name("again_space-ncct_lesion-msk.nii"))
    with pytest.raises(InputDataError, match=r"holds 2 files of the lesion mask"):
        load_series(tmp_path)


def test_without_a_lesion(tmp_path: Path) -> None:
    write_subject(tmp_path, "sub-stroke0001", lesion=False)
    series = load_series(tmp_path)
    assert series.lesion is None
    assert series.warnings == ()


def test_an_empty_lesion(tmp_path: Path) -> None:
    write_subject(tmp_path, "sub-stroke0001")
    save(np.zeros(GRID, np.uint8), next(tmp_path.rglob("*lesion-msk.nii.gz")))
    lesion = load_series(tmp_path).lesion
    assert lesion is not None
    assert not lesion.any()


def test_a_displaced_lesion_is_brought_onto_the_series(tmp_path: Path) -> None:
    write_subject(tmp_path, "sub-stroke0001")
    path = next(tmp_path.rglob("*lesion-msk.nii.gz"))
    moved = AFFINE.copy()
    moved[1, 3] = 0.2
    save(LESION, path, moved)
    series = load_series(tmp_path)
    np.testing.assert_array_equal(series.lesion, LESION > 0)
    assert series.warnings == ()
    moved[1, 3] = -0.5
    save(LESION, path, moved)
    series = load_series(tmp_path)
    assert series.lesion is not None
    np.testing.assert_array_equal(series.lesion[:, :-1], LESION[:, 1:] > 0)
    (flag,) = series.warnings
    assert flag.code == "mask_resampled"
    assert "lies up to 0.5 mm away" in flag.sentence


def test_a_lesion_that_does_not_cover_the_series_is_left_out(tmp_path: Path) -> None:
    write_subject(tmp_path, "sub-stroke0001")
    moved = AFFINE.copy()
    moved[2, 3] = 4
    save(LESION[..., :3], next(tmp_path.rglob("*lesion-msk.nii.gz")), moved)
    series = load_series(tmp_path)
    assert series.lesion is None
    (flag,) = series.warnings
    assert flag.code == "lesion_left_out"


def test_a_full_size_series_is_averaged_and_its_lesion_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Registered series of the data set have 512 × 586 × 74 × 55 voxels, above the size limit."""
    write_subject(tmp_path, "sub-stroke0001")
    path = next(tmp_path.rglob("*space-ncct_ctp.nii.gz"))
    monkeypatch.setattr(downsampling, "MAX_VOXEL_BYTES", 4 * SERIES.size // 4)
    series = load_series(tmp_path)
    expected = SERIES[:, :4].reshape(3, 2, 2, 2, 4, 12).mean((1, 3))
    np.testing.assert_allclose(series.data, expected, rtol=1e-6)
    centre = np.array([0.5, 0.5, 0, 1])
    np.testing.assert_allclose(series.affine @ [0, 0, 0, 1], nib.load(path).affine @ centre, atol=1e-6)
    share = (LESION[:, :4] > 0).reshape(3, 2, 2, 2, 4).mean((1, 3))
    assert series.lesion is not None
    np.testing.assert_array_equal(series.lesion[share != 0.5], share[share != 0.5] > 0.5)
    assert [flag.code for flag in series.warnings] == ["downsampled"]
    assert "2 × 2 pixels of a slice were averaged to one" in series.warnings[0].sentence
    save(np.zeros(GRID, np.uint8), next(tmp_path.rglob("*lesion-msk.nii.gz")))
    lesion = load_series(tmp_path).lesion
    assert lesion is not None
    assert not lesion.any()


def test_a_bad_file_is_refused_and_does_not_hide_others(root: Path) -> None:
    derived = root / "train" / "derivatives"
    next((derived / "sub-stroke0002").rglob("*_ctp.nii.gz")).write_bytes(b"rubbish")
    next((derived / "sub-stroke0012").rglob("*lesion-msk.nii.gz")).write_bytes(b"")
    cases = find_cases(root)
    assert len(cases) == 3
    for case, part in zip(cases, ("series is not a NIfTI file", "lesion mask is an empty file"), strict=False):
        with pytest.raises(InputDataError, match=part):
            case.load()
    assert cases[2].load().grid == RAW_GRID


def test_two_series_and_no_series_are_refused(tmp_path: Path) -> None:
    write_subject(tmp_path, "sub-stroke0001")
    path = next(tmp_path.rglob("*space-ncct_ctp.nii.gz"))
    (case,) = find_cases(tmp_path)
    twin = save(SERIES, path.with_name("x_space-ncct_ctp.nii"))
    with pytest.raises(InputDataError, match=r"holds 2 files of the perfusion series"):
        case.load()
    twin.unlink()
    path.unlink()
    with pytest.raises(InputDataError, match="no perfusion series"):
        case.load()


def test_a_brain_mask_can_be_given(root: Path, tmp_path: Path) -> None:
    mask = save(np.ones(GRID, np.uint8), tmp_path / "mask.nii.gz")
    series = load_series(root / "train" / "derivatives" / "sub-stroke0002", mask=mask)
    assert series.mask is not None
    assert series.mask.all()
