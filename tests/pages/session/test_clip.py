"""Clip of a morph through snapshots, and the zip of everything that holds it."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime

import numpy as np
import pytest
from PIL import Image

from pages.library.catalog import demonstrations
from pages.session.clip import FRAME_MS, FRAMES_OF_REST, FRAMES_PER_MORPH, MAX_FRAMES, Station, make_clip, morph
from pages.session.export import Export
from pages.session.share_link import SavedView
from pages.session.snapshots import SnapshotStore, table_csv
from perfcore.errors import InputDataError
from perfcore.io.aif_csv import read_aif_csv
from perfcore.settings import Settings
from tests.pages.session.test_export import export


@pytest.fixture(scope="module")
def taken() -> Export:
    return export(demonstrations()[0], Settings())


@pytest.fixture(scope="module")
def snapshots(taken: Export) -> SnapshotStore:
    """Two snapshots of the case and one of another."""
    store, vof = SnapshotStore(), taken.state.case.vof
    assert vof is not None
    start = taken.state.start.value
    curves = {
        "arterial": (taken.entry.key, start),
        "vein / late": (taken.entry.key, vof.value),
        "else": ("x", start),
    }
    for name, (case, curve) in curves.items():
        store.add(
            name, case, SavedView(case=case, curve=curve), {"core_ml": 1.0}, datetime(2024, 1, 1, tzinfo=UTC)
        )
    return store


def test_a_morph_rests_at_each_curve_and_lies_between_them() -> None:
    curves = [np.array([0.0, 4, 1]), np.array([0.0, 1, 3]), np.array([2.0, 2, 2])]
    frames = list(morph([Station(str(i), curve) for i, curve in enumerate(curves)]))
    assert len(frames) == 3 * FRAMES_OF_REST + 2 * FRAMES_PER_MORPH
    assert [name for _, name in frames[:: FRAMES_OF_REST + FRAMES_PER_MORPH]] == ["0", "1", "2"]
    first = np.array([curve for curve, name in frames if name == "0 → 1"])
    assert ((first >= np.minimum(*curves[:2])) & (first <= np.maximum(*curves[:2]))).all()
    assert (np.diff(first[:, 2]) > 0).all()
    many = list(morph([Station("", curve) for curve in curves] * 10))
    assert len(many) <= 30 * FRAMES_OF_REST + MAX_FRAMES


def test_the_clip_shows_the_maps_of_its_curves(taken: Export, snapshots: SnapshotStore) -> None:
    assert [station.name for station in taken.stations(snapshots)] == ["arterial", "vein / late"]
    clip = Image.open(io.BytesIO(taken.clip(snapshots)))
    assert (clip.format, clip.n_frames) == ("WEBP", 2 + FRAMES_PER_MORPH)
    tmax = []
    for frame in range(clip.n_frames):
        clip.seek(frame)
        right = np.asarray(clip.convert("RGB"), float)[64:544, 480:]
        tmax.append((right[..., 0] > 180).mean())  # the bright end of inferno: late tissue
        resting = frame in {0, clip.n_frames - 1}
        assert clip.info["duration"] == (FRAME_MS * FRAMES_OF_REST if resting else FRAME_MS)
    assert tmax[0] > 3 * tmax[-1] > 0, "with the vein, hardly any tissue is late"
    with pytest.raises(InputDataError, match="two snapshots"):
        make_clip(taken.state.case, Settings(), taken.stations(snapshots)[:1])


def test_everything_is_in_one_zip(taken: Export, snapshots: SnapshotStore) -> None:
    def read(content: bytes) -> dict[str, bytes]:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}

    files, maps = read(taken.everything_zip(snapshots)), read(taken.maps_zip())
    assert set(files) == {
        "aif.csv", "settings.json", "commands.txt", "report.html", "report.pdf", "snapshots.csv", "clip.webp",
        "snapshots/01-arterial.csv", "snapshots/02-vein-late.csv", *(f"maps/{name}" for name in maps),
    }  # fmt: skip
    for name in ("rcbf.nii.gz", "core.nii.gz", "aif.csv"):
        assert files[f"maps/{name}"] == maps[name]
    assert files["aif.csv"].decode() == taken.curve_csv()
    assert files["commands.txt"].decode().splitlines() == taken.commands()
    assert files["snapshots.csv"].decode() == table_csv(snapshots)
    vein = read_aif_csv(files["snapshots/02-vein-late.csv"], taken.state.start.time_s)
    np.testing.assert_allclose(vein.value, taken.stations(snapshots)[1].curve, rtol=1e-6)
    assert set(read(taken.everything_zip(SnapshotStore()))) == set(files) - {
        "snapshots.csv", "clip.webp", "snapshots/01-arterial.csv", "snapshots/02-vein-late.csv",
    }  # fmt: skip
