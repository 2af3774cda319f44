"""Brain templates of nilearn: a missing or different installation is refused with a sentence."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest

from perfcore.errors import InputDataError
from perfcore.phantom import templates

READ = templates.load_templates.__wrapped__


def install(root: Path, monkeypatch: pytest.MonkeyPatch, **volumes: tuple[np.ndarray, np.ndarray]) -> None:
    """Put an installation of nilearn with these templates in place of the real one."""
    folder = root / "datasets" / "data"
    folder.mkdir(parents=True)
    for kind, (data, affine) in volumes.items():
        nib.save(nib.Nifti1Image(data, affine), folder / templates._FILE.format(kind))
    monkeypatch.setattr(templates, "find_spec", lambda _name: SimpleNamespace(origin=str(root / "__init__.py")))


def volume(shape: tuple[int, ...] = (4, 5, 6), kind: type = np.uint8) -> np.ndarray:
    return np.arange(np.prod(shape)).reshape(shape).astype(kind)


def test_templates_on_one_grid_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    affine = np.eye(4)
    affine[:3, 3] = (-98, -134, -72)
    install(tmp_path, monkeypatch, t1=(volume(), affine), gm=(volume(), affine), wm=(volume(), affine))
    found = READ()
    np.testing.assert_array_equal(found.gm, volume())
    np.testing.assert_array_equal(found.origin_mm, affine[:3, 3])


@pytest.mark.parametrize("spec", [None, SimpleNamespace(origin=None)])
def test_missing_nilearn_is_refused(spec: SimpleNamespace | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "find_spec", lambda _name: spec)
    with pytest.raises(InputDataError, match="install nilearn"):
        READ()


def test_a_missing_template_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, t1=(volume(), np.eye(4)))
    with pytest.raises(InputDataError, match="has no gm template"):
        READ()


@pytest.mark.parametrize(
    ("gm", "affine", "message"),
    [
        (volume(kind=np.float32), np.eye(4), "gm template is not bytes"),
        (volume(), np.diag([-1.0, 1.0, 1.0, 1.0]), "gm template is not bytes in RAS"),
        (volume((4, 5, 5)), np.eye(4), "do not share one grid"),
    ],
)
def test_a_template_of_another_kind_is_refused(
    gm: np.ndarray, affine: np.ndarray, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    same = (volume(), np.eye(4))
    install(tmp_path, monkeypatch, t1=same, gm=(gm, affine), wm=same)
    with pytest.raises(InputDataError, match=message):
        READ()
