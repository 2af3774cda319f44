"""Trained networks: safetensors weights, verified against the hashes of a manifest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors

from perfcore.aif.network.models import NETWORKS, AifNet, make_network
from perfcore.aif.sources import NETWORK
from perfcore.errors import InputDataError

_INSTALLED: Final = Path(__file__).resolve().parents[2] / "models"
MODELS: Final = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).resolve().parents[3] / "models"
"""The only folder that weights are read from: in the installed package, or at the root of the repository."""
MANIFEST: Final = "MANIFEST.json"
TRAINING_FILE: Final = "training.json"
"""Record of a finished training, beside the weights of its folds."""
MAX_WEIGHTS_BYTES: Final = 20 << 20


@dataclass(frozen=True, eq=False)
class Network:
    """A trained network.

    Attributes
    ----------
    name
        ``cnn-regression``; with the suffix ``-core`` if it was trained on the core alone; ``cnn-paper`` by the
        paper's recipe.
    net
        The model in evaluation mode, without gradients.
    loss
        Training loss, ``core`` or ``core+tmax``.
    about
        Entry in the manifest.
    """

    name: str
    net: AifNet
    loss: str
    about: dict[str, Any]


def method_name(network: str, loss: str) -> str:
    """Return the method name of a network: ``cnn-regression``, ``cnn-regression-core`` or ``cnn-paper``."""
    if network == "paper":
        return f"{NETWORK}-{network}"
    return f"{NETWORK}-{network}" + ("-core" if loss == "core" else "")


def read_manifest(folder: Path = MODELS) -> dict[str, Any]:
    """Return the manifest of the installed networks; empty if the file does not exist.

    Raises
    ------
    InputDataError
        The manifest cannot be read or is incomplete.
    """
    path = folder / MANIFEST
    if not path.exists():
        return {"best": None, "networks": {}}
    try:
        manifest = {"best": None, **json.loads(path.read_text(encoding="utf-8"))}
        networks = manifest["networks"]
        complete = all(_is_complete(entry) for entry in networks.values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputDataError("The manifest of the networks cannot be read; install the models again.") from error
    if not complete or (networks and manifest["best"] not in networks):
        raise InputDataError("The manifest of the networks is incomplete; install the models again.")
    return manifest


def _is_complete(entry: dict[str, Any]) -> bool:
    text = all(isinstance(entry[key], str) for key in ("file", "sha256", "network", "loss"))
    return text and entry["network"] in NETWORKS


def learning_file(name: str) -> str:
    """Return the name of the file with the loss of an installed network by epoch, in `MODELS`."""
    return f"{name}-learning.csv"


def network_names(folder: Path = MODELS) -> tuple[str, ...]:
    """Return the names of the installed networks, the best one first."""
    manifest = read_manifest(folder)
    names = list(manifest["networks"])
    return tuple(sorted(names, key=lambda name: (name != manifest["best"], names.index(name))))


def load_network(name: str = NETWORK, folder: Path = MODELS) -> Network:
    """Load an installed network.

    Parameters
    ----------
    name
        A name of :func:`network_names`, or ``cnn`` for the best.
    folder
        Folder of the manifest and the weights.

    Raises
    ------
    InputDataError
        The network is unknown, or its file is missing, damaged or has another hash than in the manifest.
    """
    manifest = read_manifest(folder)
    wanted = manifest["best"] if name == NETWORK else name
    if wanted not in manifest["networks"]:
        known = ", ".join(network_names(folder)) or "none"
        raise InputDataError(f"There are no weights for {name!r}; installed networks: {known}.")
    entry = manifest["networks"][wanted]
    return _load(folder, wanted, json.dumps(entry, sort_keys=True))


@cache
def _load(folder: Path, name: str, entry_text: str) -> Network:
    entry = json.loads(entry_text)
    path = folder / Path(entry["file"]).name
    try:
        content = path.read_bytes() if path.stat().st_size <= MAX_WEIGHTS_BYTES else b""
    except OSError as error:
        raise InputDataError(f"The weights of {name} are missing; install the models again.") from error
    if hashlib.sha256(content).hexdigest() != entry["sha256"]:
        raise InputDataError(
            f"The weights of {name} do not match the manifest (SHA-256); install the models again."
        )
    return Network(name, read_network(content, entry["network"]), entry["loss"], entry)


def read_network(content: bytes, kind: str) -> AifNet:
    """Build a network from the content of a safetensors file.

    Raises
    ------
    InputDataError
        The content is not a safetensors file, or its tensors do not fit this network.
    """
    with torch.device("meta"):  # does not initialise weights, which would advance the global random state
        net = make_network(kind)
    try:
        net.load_state_dict(load_tensors(content), assign=True)
    except (SafetensorError, RuntimeError, ValueError) as error:
        raise InputDataError(f"The weights are not those of a {kind} network.") from error
    return net.eval().requires_grad_(requires_grad=False)
