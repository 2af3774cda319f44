"""Damaged weights and a deleted cache under a running server: one error message, and the page still works."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from pages.library import catalog, demonstrations
from pages.library.catalog import forget_entry, open_series
from perfcore.aif.network import weights
from perfcore.aif.network.weights import load_network
from tests.pages.test_pages import config, run
from tests.support.user_session import live_of, new_user, user_of


@pytest.fixture
def damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copies of the shipped networks, each with one flipped bit."""
    folder = tmp_path / "models"
    shutil.copytree(weights.MODELS, folder)
    for file in folder.glob("*.safetensors"):
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    monkeypatch.setattr(load_network, "__defaults__", ("cnn", folder))
    return folder


@pytest.mark.usefixtures("damaged")
def test_a_network_with_damaged_weights_is_refused_and_the_curve_stays() -> None:
    entry = catalog.demonstrations()[0]
    forget_entry(entry)  # the shared case may have cached the curve of the network
    try:
        app = run(user=new_user(case=entry.key))
        before = live_of(app).workspace
        offered = [source["id"] for source in config(app)["sources"]]
        network = next(method for method in offered if method.startswith("cnn-"))
        user_of(app).aif.methods = {entry.key: network}
        app.run()
        assert not app.exception
        sent = config(app)
        assert sent["notice"]["text"].endswith(
            f"The weights of {network} do not match the manifest (SHA-256); install the models again."
        )
        assert sent["start"] == before.start.source_id
        assert live_of(app).workspace is before
        user_of(app).aif.methods = {entry.key: "truth"}
        app.run()
        assert config(app)["start"] == "truth"
    finally:
        forget_entry(entry)  # the case has cached the error of the network


def test_a_cache_deleted_under_a_running_server_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache" / "demonstrations"
    monkeypatch.setattr(demonstrations, "cache_folder", lambda: cache)
    entry = catalog.demonstrations()[0]
    forget_entry(entry)
    first = open_series(entry)
    wait_for_writers()
    app = run(user=new_user(case=entry.key))
    shutil.rmtree(cache.parent)
    app.run()  # the open case is not reloaded
    assert not app.exception
    forget_entry(entry)  # as after eviction from the shared cache
    app.run()
    assert not app.exception
    assert not app.error
    np.testing.assert_array_equal(open_series(entry).data, first.data)
    wait_for_writers()
    assert len(list(cache.glob("*/TRAINING/case_1/*CT_4DPWI*/*.nii"))) == 1


def wait_for_writers() -> None:
    for thread in threading.enumerate():
        if thread.name.startswith("write-"):
            thread.join()
