"""The networks that ship: weights as safetensors, named and hashed in a manifest."""

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

from perfcore.aif.network.models import NETWORKS, RegressionNet, WeightingNet, make_network
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
        ``cnn-regression``; with ``-core`` at the end where it was trained on the core alone.
    net
        In evaluation mode, not to be trained further.
    loss
        What it was trained with, ``core`` or ``core+tmax``.
    about
        Its entry in the manifest.
    """

    name: str
    net: RegressionNet | WeightingNet
    loss: str
    about: dict[str, Any]


def method_name(network: str, loss: str) -> str:
    """Return the name of a network's method: ``cnn-regression``, or ``cnn-regression-core``."""
    return f"{NETWORK}-{network}" + ("-core" if loss == "core" else "")


def read_manifest(folder: Path = MODELS) -> dict[str, Any]:
    """Return the manifest of the networks that are there; empty where there is none.

    Raises
    ------
    InputDataError
        It cannot be read.
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


def network_names(folder: Path = MODELS) -> tuple[str, ...]:
    """Return the names of the networks that are there, the best one first."""
    manifest = read_manifest(folder)
    names = list(manifest["networks"])
    return tuple(sorted(names, key=lambda name: (name != manifest["best"], names.index(name))))


def load_network(name: str = NETWORK, folder: Path = MODELS) -> Network:
    """Load a network that ships.

    Parameters
    ----------
    name
        A name of :func:`network_names`, or ``cnn`` for the best.
    folder
        With its manifest.

    Raises
    ------
    InputDataError
        There is no such network, or its file is missing, damaged or not the one that the manifest names.
    """
    manifest = read_manifest(folder)
    wanted = manifest["best"] if name == NETWORK else name
    if wanted not in manifest["networks"]:
        known = ", ".join(network_names(folder)) or "none"
        raise InputDataError(f"There are no weights for {name!r}; the networks that are there: {known}.")
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
            f"The weights of {name} are not those of the manifest (SHA-256); install the models again."
        )
    return Network(name, read_network(content, entry["network"]), entry["loss"], entry)


def read_network(content: bytes, kind: str) -> RegressionNet | WeightingNet:
    """Return the network whose weights a safetensors file holds.

    Raises
    ------
    InputDataError
        It is not such a file, or not of this network.
    """
    with torch.device("meta"):  # draws no weights, which would move the random state of whoever calls
        net = make_network(kind)
    try:
        net.load_state_dict(load_tensors(content), assign=True)
    except (SafetensorError, RuntimeError, ValueError) as error:
        raise InputDataError(f"The weights are not those of a {kind} network.") from error
    return net.eval().requires_grad_(requires_grad=False)
