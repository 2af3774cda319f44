"""Training loop of one network on one fold, resumable after every epoch.

All random numbers of an epoch depend only on seed, fold and epoch number, so that an interrupted run ends with the
same weights as an uninterrupted one.
"""

from __future__ import annotations

import csv
import json
import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn

from perfcore.aif.edits import shift
from perfcore.aif.network.grid_input import FRAME_S, TISSUE_ARRIVAL_S
from perfcore.aif.network.models import ARTERY_LEAD_S, AifNet, make_network
from perfcore.aif.select.features import bolus_features
from perfcore.errors import ArgumentError
from perfcore.io.atomic_write import write_file, write_text
from perfcore.losses import Target, lesion_loss
from perfcore.runtime.device import resolve_device
from perfcore.settings import Settings
from perfcore.training.augment import Augmentation, Batch, make_batch
from perfcore.training.data import TrainingCase, read_training_case
from perfcore.training.recipes import NETWORK_RECIPES
from perfcore.types import DoubleArray

CHECKPOINT_FILE: Final = "checkpoint.safetensors"
WEIGHTS_FILE: Final = "weights.safetensors"
LOG_FILE: Final = "log.csv"
LOG_COLUMNS: Final = ("epoch", "train_loss", "held_out_loss", "seconds")
MOMENTUM: Final = 0.9
TRAINING_OPTIMIZERS: Final[dict[str, Callable[[Iterable[nn.Parameter], float], torch.optim.Optimizer]]] = {
    "sgd": partial(torch.optim.SGD, momentum=MOMENTUM),
    "adam": torch.optim.Adam,
}
MAX_TRAINING_GRADIENT: Final = 1.0
PRIOR_WEIGHT: Final = 5.0
"""Weight of the prior penalty: the lesions hardly see the curve's fine shape, which drifts with 0.1 (r 0.97)."""
WARM_UP_EPOCHS: Final = 2.0
"""Epochs of linear warm-up of the learning rate; a cosine decay follows."""


@dataclass(frozen=True)
class TrainingPlan:
    """Network, loss and optimizer of a training.

    Attributes
    ----------
    network, loss
        A key of ``NETWORKS`` and of ``LOSSES``.
    optimizer
        ``sgd`` with momentum 0.9, as in the paper, or ``adam``.
    rate
        Maximum learning rate.
    epochs
        Number of passes over the cases.
    seed
        Seed of folds, initial weights and augmentation.
    """

    network: str
    loss: str
    optimizer: str
    rate: float
    epochs: int
    seed: int = 0


@dataclass(frozen=True)
class FoldJob:
    """Training of one fold: training cases, held-out cases and output folder."""

    plan: TrainingPlan
    fold: int
    train: tuple[Path, ...]
    held_out: tuple[Path, ...]
    out: Path
    device: str = "cpu"


@dataclass(frozen=True, eq=False)
class Example:
    """A training case and its target on the training device."""

    case: TrainingCase
    target: Target


def train_fold(job: FoldJob) -> float:
    """Train one network, resuming from its last checkpoint; return the total seconds of its epochs.

    Writes ``checkpoint.safetensors`` and ``log.csv`` after every epoch, ``weights.safetensors`` at the end.
    """
    device = resolve_device(job.device)
    job.out.mkdir(parents=True, exist_ok=True)
    training, held_out = ([_example(path, device) for path in paths] for paths in (job.train, job.held_out))
    torch.manual_seed(_seed(job, 0))
    network = make_network(job.plan.network).to(device)
    optimizer = TRAINING_OPTIMIZERS[job.plan.optimizer](network.parameters(), job.plan.rate)
    fingerprints = sorted(example.case.fingerprint for example in training)
    rows = _resume(job, network, optimizer, fingerprints)
    recipe = NETWORK_RECIPES[job.plan.network]
    augmentation = Augmentation(recipe.shift_s, scan_clock=network.scan_clock)
    for epoch in range(len(rows) + 1, job.plan.epochs + 1):
        start = time.perf_counter()
        for group in optimizer.param_groups:
            group["lr"] = job.plan.rate * _rate_factor(epoch, job.plan.epochs)
        rng = _random(job, epoch)
        shuffled = [training[int(i)] for i in rng.permutation(len(training))]

        def draw(example: Example, rng: np.random.Generator = rng) -> Batch:
            return augmentation.draw(example.case.grid_input, rng).to(device)

        train_loss = _epoch(network, optimizer, shuffled, draw, job.plan.loss, clips=recipe.clips_gradient)
        held_loss = _held_out(network, held_out, job.plan.loss, device)
        rows.append({
            "epoch": epoch, "train_loss": train_loss, "held_out_loss": held_loss,
            "seconds": time.perf_counter() - start,
        })  # fmt: skip
        _save_checkpoint(job, network, optimizer, rows, fingerprints)
    _write_log(job, rows)
    network.mean_curve.copy_(torch.from_numpy(_mean_curve(network, training, device)))
    state = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    about = {"network": job.plan.network, "loss": job.plan.loss, "epochs": str(job.plan.epochs)}
    _save(state, job.out / WEIGHTS_FILE, about)
    return float(sum(row["seconds"] for row in rows))


def case_loss(network: AifNet, batch: Batch, target: Target, loss: str) -> tuple[Tensor, Tensor]:
    """Return loss and prior penalty of a network on one case, differentiable in its weights.

    Tmax is counted from healthy tissue, because inference sets the time of a curve in that way.
    """
    curve, penalty = network.with_penalty(batch.curves, batch.inside)
    settings = Settings(tmax_reference="healthy")
    return lesion_loss((batch.to_series @ curve[0]).double(), target, settings, loss), penalty


@torch.no_grad()
def _mean_curve(network: AifNet, examples: list[Example], device: torch.device) -> DoubleArray:
    """Return the mean of all cases' curves, each of peak 1 and 2 s before healthy tissue; shape ``(64,)``."""
    network.eval()
    curves = []
    for example in examples:
        batch = make_batch(example.case.grid_input, scan_clock=network.scan_clock).to(device)
        curve = network(batch.curves, batch.inside)[0].cpu().numpy()
        if not curve.max() > 0:
            continue
        late_s = float(bolus_features(curve[None]).arrival[0]) * FRAME_S - (TISSUE_ARRIVAL_S - ARTERY_LEAD_S)
        curves.append(shift(np.asarray(curve / curve.max(), np.float64), FRAME_S, -late_s))
    return np.mean(curves, 0) if curves else np.zeros(network.mean_curve.shape)


def _example(path: Path, device: torch.device) -> Example:
    case = read_training_case(path)
    return Example(case, case.target(device))


def _seed(job: FoldJob, epoch: int) -> int:
    """Derive a seed from the seed of the plan, the fold and the epoch."""
    return int(np.random.SeedSequence([job.plan.seed, job.fold, epoch]).generate_state(1)[0])


def _rate_factor(epoch: int, epochs: int) -> float:
    """Return the learning rate of an epoch (from 1) relative to its maximum."""
    rise = min(epoch / WARM_UP_EPOCHS, 1.0)
    return rise * 0.5 * (1 + math.cos(math.pi * (epoch - 1) / epochs))


def _random(job: FoldJob, epoch: int) -> np.random.Generator:
    """Return the random generator of an epoch; also seeds torch, for dropout."""
    seed = _seed(job, epoch)
    torch.manual_seed(seed)
    return np.random.default_rng(seed)


def _epoch(
    network: AifNet,
    optimizer: torch.optim.Optimizer,
    examples: list[Example],
    draw: Callable[[Example], Batch],
    loss_name: str,
    *,
    clips: bool,
) -> float:
    """Train on every example once, in the given order, and return the mean loss."""
    network.train()
    losses = []
    for example in examples:
        try:
            loss, prior_penalty = case_loss(network, draw(example), example.target, loss_name)
        except ArgumentError:  # a curve without a bolus has no gradient
            continue
        optimizer.zero_grad()
        (loss + PRIOR_WEIGHT * prior_penalty).backward()  # type: ignore[no-untyped-call]
        if clips:
            torch.nn.utils.clip_grad_norm_(network.parameters(), MAX_TRAINING_GRADIENT)
        optimizer.step()
        losses.append(float(loss.detach()))
    return float(np.mean(losses)) if losses else float("nan")


@torch.no_grad()
def _held_out(network: AifNet, examples: list[Example], loss: str, device: torch.device) -> float:
    network.eval()
    losses = []
    for example in examples:
        try:
            batch = make_batch(example.case.grid_input, scan_clock=network.scan_clock).to(device)
            losses.append(float(case_loss(network, batch, example.target, loss)[0]))
        except ArgumentError:
            losses.append(1.0)
    return float(np.mean(losses)) if losses else float("nan")


def _optimizer_state(network: AifNet, optimizer: torch.optim.Optimizer) -> Iterator[tuple[str, Tensor]]:
    """Yield the optimizer state of each weight as ``memory/KIND/NAME``."""
    for name, parameter in network.named_parameters():
        for kind, value in optimizer.state.get(parameter, {}).items():
            if isinstance(value, Tensor):
                yield f"memory/{kind}/{name}", value.detach().cpu()


def _save_checkpoint(
    job: FoldJob,
    network: AifNet,
    optimizer: torch.optim.Optimizer,
    rows: list[dict[str, Any]],
    fingerprints: list[str],
) -> None:
    state = {f"weights/{name}": value.detach().cpu() for name, value in network.state_dict().items()}
    state |= dict(_optimizer_state(network, optimizer))
    about = {"plan": asdict(job.plan), "rows": rows, "cases": fingerprints}
    _save(state, job.out / CHECKPOINT_FILE, {name: json.dumps(value) for name, value in about.items()})
    _write_log(job, rows)


def _write_log(job: FoldJob, rows: list[dict[str, Any]]) -> None:
    lines = [",".join(LOG_COLUMNS), *(",".join(f"{row[name]:.6g}" for name in LOG_COLUMNS) for row in rows)]
    write_text(job.out / LOG_FILE, "\n".join(lines) + "\n")


def _resume(
    job: FoldJob, network: AifNet, optimizer: torch.optim.Optimizer, fingerprints: list[str]
) -> list[dict[str, Any]]:
    """Load the last checkpoint, if there is one, and return its log rows."""
    path = job.out / CHECKPOINT_FILE
    if not path.exists():
        return []
    with safe_open(path, "pt") as file:
        about = file.metadata()
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if json.loads(about["plan"]) != asdict(job.plan):
        raise ArgumentError(
            f"The output folder holds a training with other settings ({about['plan']}); choose another folder."
        )
    # Other cases or folds would leak evaluation cases into the resumed training.
    if json.loads(about.get("cases", "null")) not in (None, fingerprints):
        raise ArgumentError("The output folder holds a training on other cases or folds; choose another folder.")
    own = "weights/"
    network.load_state_dict({name[len(own) :]: value for name, value in state.items() if name.startswith(own)})
    parameters = dict(network.named_parameters())
    for name, value in state.items():
        if name.startswith("memory/"):
            _, kind, weight = name.split("/")
            # Adam keeps its step counter on the CPU, independent of the device of the weights.
            place = value if kind == "step" else value.to(parameters[weight].device)
            optimizer.state[parameters[weight]][kind] = place
    rows: list[dict[str, Any]] = json.loads(about["rows"])
    return rows


def _save(state: dict[str, Tensor], path: Path, about: dict[str, str]) -> None:
    # In place of save_file, which does not raise OSError on a full disk.
    content = save({name: value.contiguous() for name, value in state.items()}, about)
    write_file(path, content, unfinished=f".{path.name}")


def read_log(path: Path) -> list[dict[str, float]]:
    """Read the log of a training; empty if there is none yet."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [{name: float(row[name]) for name in LOG_COLUMNS} for row in csv.DictReader(file)]
