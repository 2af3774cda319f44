"""Tests of weight loading: manifest, hashes, sizes and damaged files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

from perfcore.aif.network import weights
from perfcore.aif.network.models import make_network
from perfcore.aif.network.weights import (
    MANIFEST,
    MODELS,
    load_network,
    method_name,
    network_names,
    read_manifest,
    read_network,
)
from perfcore.errors import InputDataError


def content_of(kind: str, seed: int = 0) -> bytes:
    torch.manual_seed(seed)
    return save({name: value.contiguous() for name, value in make_network(kind).state_dict().items()})


def entry(kind: str, content: bytes, file: str, loss: str = "core+tmax") -> dict[str, Any]:
    return {"file": file, "sha256": hashlib.sha256(content).hexdigest(), "network": kind, "loss": loss}


def write_manifest(folder: Path, manifest: Any) -> None:
    text = manifest if isinstance(manifest, str) else json.dumps(manifest)
    (folder / MANIFEST).write_text(text, encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Models folder with two networks; the second is the best."""
    networks = {}
    for kind, loss in (("regression", "core"), ("weighting", "core+tmax")):
        name = method_name(kind, loss)
        content = content_of(kind)
        (tmp_path / f"{name}.safetensors").write_bytes(content)
        networks[name] = entry(kind, content, f"{name}.safetensors", loss)
    write_manifest(tmp_path, {"best": "cnn-weighting", "networks": networks})
    return tmp_path


def change(folder: Path, name: str, **more: Any) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["networks"][name].update(more)
    write_manifest(folder, manifest)


def test_method_names():
    assert method_name("regression", "core+tmax") == "cnn-regression"
    assert method_name("weighting", "core") == "cnn-weighting-core"


def test_best_network_is_listed_first(folder):
    assert network_names(folder) == ("cnn-weighting", "cnn-regression-core")
    assert load_network("cnn", folder).name == load_network(folder=folder).name == "cnn-weighting"


@pytest.mark.parametrize(("name", "kind", "loss"), [
    ("cnn-regression-core", "regression", "core"), ("cnn-weighting", "weighting", "core+tmax"),
])  # fmt: skip
def test_load_network_returns_weights(folder, name, kind, loss):
    network = load_network(name, folder)
    assert (network.name, network.loss, network.about["network"]) == (name, loss, kind)
    torch.manual_seed(0)
    made = make_network(kind).eval()
    expected, found = made.state_dict(), network.net.state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], expected[key]) for key in expected)
    given = torch.rand(1, 64, 48, 48, 2), torch.ones(1, 48, 48, 2, dtype=torch.bool)
    with torch.no_grad():
        assert torch.equal(network.net(*given), made(*given))
    assert not network.net.training
    assert not any(weight.requires_grad for weight in network.net.parameters())


def test_loading_keeps_torch_random_state(folder):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load_network("cnn-weighting", folder)
    assert torch.equal(torch.rand(3), expected)


def test_changed_byte_raises(folder):
    path = folder / "cnn-weighting.safetensors"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputDataError, match=r"^The weights of cnn-weighting do not match the manifest .*SHA-256"):
        load_network("cnn", folder)
    assert load_network("cnn-regression-core", folder).loss == "core"


def test_weights_with_other_hash_raise(folder):
    (folder / "cnn-weighting.safetensors").write_bytes(content_of("weighting", 1))
    with pytest.raises(InputDataError, match="SHA-256"):
        load_network("cnn", folder)


def test_missing_weights_file_raises(folder):
    (folder / "cnn-weighting.safetensors").unlink()
    with pytest.raises(InputDataError, match=r"^The weights of cnn-weighting are missing; install"):
        load_network("cnn", folder)


def test_oversized_weights_file_is_not_read(folder, monkeypatch):
    monkeypatch.setattr(weights, "MAX_WEIGHTS_BYTES", 1000)
    assert (folder / "cnn-weighting.safetensors").stat().st_size > 1000
    with pytest.raises(InputDataError, match="do not match the manifest"):
        load_network("cnn", folder)


def test_max_weights_size_is_20_mib():
    assert weights.MAX_WEIGHTS_BYTES == 20 * 2**20


def test_unknown_network_error_lists_installed_networks(folder):
    with pytest.raises(InputDataError, match=r"'cnn-x'; installed networks: cnn-weighting, cnn-regression-core"):
        load_network("cnn-x", folder)


@pytest.mark.parametrize("manifest", [None, {"networks": {}}, {"best": None, "networks": {}}])
def test_empty_models_folder_raises(tmp_path, manifest):
    if manifest is not None:
        write_manifest(tmp_path, manifest)
    assert network_names(tmp_path) == ()
    assert read_manifest(tmp_path)["best"] is None
    for name in ("cnn", "cnn-regression"):
        message = rf"^There are no weights for '{name}'; installed networks: none\.$"
        with pytest.raises(InputDataError, match=message):
            load_network(name, tmp_path)


@pytest.mark.parametrize("manifest", [
    "", "{", "[]", "null", '"text"', "{}", '{"networks": []}', '{"networks": null}', '{"networks": {"a": 3}}',
    '{"best": "a", "networks": {"a": {}}}',
    '{"best": "a", "networks": {"a": ["file", "sha256", "network", "loss"]}}',
    '{"best": "a", "networks": {"a": {"file": 3, "sha256": "", "network": "regression", "loss": "core"}}}',
    '{"best": "a", "networks": {"a": {"file": "f", "sha256": "", "network": "unet", "loss": "core"}}}',
    '{"best": "a", "networks": {"a": {"file": "f", "sha256": "", "network": {}, "loss": "core"}}}',
    '{"best": "b", "networks": {"a": {"file": "f", "sha256": "", "network": "regression", "loss": "core"}}}',
    '{"networks": {"a": {"file": "f", "sha256": "", "network": "regression", "loss": "core"}}}',
])  # fmt: skip
def test_damaged_manifest_raises(tmp_path, manifest):
    write_manifest(tmp_path, manifest)
    for read in (read_manifest, network_names, lambda folder: load_network("cnn", folder)):
        with pytest.raises(InputDataError, match=r"^The manifest of .* (cannot be read|is incomplete); "):
            read(tmp_path)


def test_binary_manifest_raises(tmp_path):
    (tmp_path / MANIFEST).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputDataError, match="cannot be read"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("place", ["../outside.safetensors", "{outside}", "models/../../outside.safetensors"])
def test_weights_outside_models_folder_are_not_read(tmp_path, place):
    """The hash matches, but weights are loaded from the models folder only."""
    models = tmp_path / "models"
    models.mkdir()
    content = content_of("weighting")
    outside = tmp_path / "outside.safetensors"
    outside.write_bytes(content)
    named = entry("weighting", content, place.format(outside=outside))
    write_manifest(models, {"best": "a", "networks": {"a": named}})
    with pytest.raises(InputDataError, match="are missing"):
        load_network("a", models)
    (models / outside.name).write_bytes(content)
    assert load_network("a", models).name == "a"


@pytest.mark.parametrize("place", ["", ".", "..", "/", "../.."])
def test_folder_as_weights_file_raises(folder, place):
    change(folder, "cnn-weighting", file=place)
    with pytest.raises(InputDataError, match="are missing"):
        load_network("cnn", folder)


@pytest.mark.parametrize("content", [
    b"", b"rubbish", content_of("regression"), content_of("weighting")[:-100], b"\x80\x04K\x05.",
    save({"score.bias": torch.zeros(1)}),
], ids=["empty", "rubbish", "another network", "cut off", "a pickle", "some layers"])  # fmt: skip
def test_weights_of_other_architecture_raise(folder, content):
    with pytest.raises(InputDataError, match=r"^The weights are not those of a weighting network\.$"):
        read_network(content, "weighting")
    (folder / "cnn-weighting.safetensors").write_bytes(content)
    change(folder, "cnn-weighting", sha256=hashlib.sha256(content).hexdigest())
    with pytest.raises(InputDataError, match="not those of a weighting network"):
        load_network("cnn", folder)


def test_models_folder_matches_manifest():
    """Every network of the repository loads, and there are no other weight files."""
    names = network_names()
    for name in names:
        network = load_network(name)
        assert name == method_name(network.about["network"], network.loss)
    files = {path.name for path in MODELS.glob("*.safetensors")}
    assert files == {about["file"] for about in read_manifest()["networks"].values()}
