"""The networks that ship: only what the manifest names, and only the bytes that it names."""

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
    """A manifest of two networks, the second one the best."""
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


def test_names_of_methods():
    assert method_name("regression", "core+tmax") == "cnn-regression"
    assert method_name("weighting", "core") == "cnn-weighting-core"


def test_the_best_comes_first(folder):
    assert network_names(folder) == ("cnn-weighting", "cnn-regression-core")
    assert load_network("cnn", folder).name == load_network(folder=folder).name == "cnn-weighting"


@pytest.mark.parametrize(("name", "kind", "loss"), [
    ("cnn-regression-core", "regression", "core"), ("cnn-weighting", "weighting", "core+tmax"),
])  # fmt: skip
def test_a_network_comes_with_its_weights(folder, name, kind, loss):
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


def test_loading_leaves_the_random_state_of_a_training_alone(folder):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load_network("cnn-weighting", folder)
    assert torch.equal(torch.rand(3), expected)


def test_a_changed_byte_is_refused(folder):
    path = folder / "cnn-weighting.safetensors"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputDataError, match=r"^The weights of cnn-weighting are not those of .*SHA-256"):
        load_network("cnn", folder)
    assert load_network("cnn-regression-core", folder).loss == "core"


def test_other_weights_of_the_same_kind_are_refused(folder):
    (folder / "cnn-weighting.safetensors").write_bytes(content_of("weighting", 1))
    with pytest.raises(InputDataError, match="SHA-256"):
        load_network("cnn", folder)


def test_a_missing_file_is_named(folder):
    (folder / "cnn-weighting.safetensors").unlink()
    with pytest.raises(InputDataError, match=r"^The weights of cnn-weighting are missing; install"):
        load_network("cnn", folder)


def test_a_file_that_is_too_large_is_not_read(folder, monkeypatch):
    monkeypatch.setattr(weights, "MAX_WEIGHTS_BYTES", 1000)
    assert (folder / "cnn-weighting.safetensors").stat().st_size > 1000
    with pytest.raises(InputDataError, match="do not match the manifest"):
        load_network("cnn", folder)


def test_what_ships_may_have_20_mb():
    assert weights.MAX_WEIGHTS_BYTES == 20 * 2**20


def test_an_unknown_name_lists_the_known_ones(folder):
    with pytest.raises(InputDataError, match=r"'cnn-x'; .* there: cnn-weighting, cnn-regression-core"):
        load_network("cnn-x", folder)


@pytest.mark.parametrize("manifest", [None, {"networks": {}}, {"best": None, "networks": {}}])
def test_a_folder_without_networks_says_so(tmp_path, manifest):
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
def test_a_damaged_manifest_is_one_sentence(tmp_path, manifest):
    write_manifest(tmp_path, manifest)
    for read in (read_manifest, network_names, lambda folder: load_network("cnn", folder)):
        with pytest.raises(InputDataError, match=r"^The manifest of .* (cannot be read|is incomplete); "):
            read(tmp_path)


def test_a_manifest_that_is_no_text(tmp_path):
    (tmp_path / MANIFEST).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputDataError, match="cannot be read"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("place", ["../outside.safetensors", "{outside}", "models/../../outside.safetensors"])
def test_no_file_outside_the_folder_is_read(tmp_path, place):
    """Its hash fits, and still it is not taken: weights come from one folder."""
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
def test_a_folder_is_no_file(folder, place):
    change(folder, "cnn-weighting", file=place)
    with pytest.raises(InputDataError, match="are missing"):
        load_network("cnn", folder)


@pytest.mark.parametrize("content", [
    b"", b"rubbish", content_of("regression"), content_of("weighting")[:-100], b"\x80\x04K\x05.",
    save({"score.bias": torch.zeros(1)}),
], ids=["empty", "rubbish", "another network", "cut off", "a pickle", "some layers"])  # fmt: skip
def test_what_is_no_such_network_is_refused(folder, content):
    with pytest.raises(InputDataError, match=r"^The weights are not those of a weighting network\.$"):
        read_network(content, "weighting")
    (folder / "cnn-weighting.safetensors").write_bytes(content)
    change(folder, "cnn-weighting", sha256=hashlib.sha256(content).hexdigest())
    with pytest.raises(InputDataError, match="not those of a weighting network"):
        load_network("cnn", folder)


def test_what_ships_is_what_the_manifest_names():
    """Every network in the repository can be loaded, and nothing lies beside them."""
    names = network_names()
    for name in names:
        network = load_network(name)
        assert name == method_name(network.about["network"], network.loss)
    files = {path.name for path in MODELS.glob("*.safetensors")}
    assert files == {about["file"] for about in read_manifest()["networks"].values()}
