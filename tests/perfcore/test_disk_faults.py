"""Commands on a full disk and with damaged weights: one error line, exit status 2, no partial output."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from perfcore.aif.network import weights
from perfcore.aif.network.weights import load_network
from perfcore.cli import app
from tests.support import oracle
from tests.support.synthetic_head import draw_head
from tests.support.tiny_cohort import write_series, write_tiny_cohort

KB = 1024


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    yield from oracle.one_thread()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A single case and a cohort."""
    folder = tmp_path_factory.mktemp("data")
    write_series(draw_head(64, 2, 48), folder / "case_1")
    write_tiny_cohort(folder / "cohort", 3)
    return folder


@contextmanager
def disk_limit(n_bytes: int) -> Iterator[None]:
    """Limit the size of every file, so that a write fails halfway, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def run(*args: object) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args])


@pytest.mark.parametrize("n_bytes", [0, KB + 100, 4 * KB])
def test_maps_on_a_full_disk(data: Path, tmp_path: Path, n_bytes: int) -> None:
    """Fail at the first byte, within the masks (1124 bytes) and within the maps."""
    with disk_limit(n_bytes):
        result = run("maps", data / "case_1", "--out", tmp_path / "new" / "out")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: The output folder cannot be written (File too large)")
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_maps_on_a_full_disk_keep_an_earlier_run(data: Path, tmp_path: Path) -> None:
    assert run("maps", data / "case_1", "--out", tmp_path).exit_code == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*")}
    with disk_limit(4 * KB):
        assert run("maps", data / "case_1", "--out", tmp_path, "--preset", "vendor").exit_code == 2
    assert {path: path.read_bytes() for path in tmp_path.rglob("*")} == before


@pytest.mark.parametrize(
    "command",
    [
        ("phantom", "--cases", "1", "--seed", "3", "--out", "OUT"),
        ("train", "--data", "cohort", "--network", "regression", "--loss", "core", "--folds", "0", "--epochs", "1",
         "--device", "cpu", "--out", "OUT"),
        ("evaluate", "--data", "cohort", "--out", "OUT"),
        ("benchmark", "--voxels", "2000", "--repeats", "1", "--device", "cpu", "--out", "OUT/benchmark.json"),
    ],
    ids=lambda command: command[0],
)  # fmt: skip
def test_other_commands_on_a_full_disk(data: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    out = tmp_path / "out"
    places = {"cohort": data / "cohort", "OUT": out, "OUT/benchmark.json": out / "benchmark.json"}
    words = [places.get(word, word) for word in command]
    with disk_limit(KB // 2):
        result = run(*words)
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("Error: The output folder cannot be written")
    assert result.stderr.count("\n") == 1
    if command[0] != "train":  # training keeps its checkpoints, to resume from them
        assert list(tmp_path.iterdir()) == []


def test_damaged_weights_are_refused(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = tmp_path / "models"
    shutil.copytree(weights.MODELS, damaged)
    for file in damaged.glob("*.safetensors"):
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    monkeypatch.setattr(load_network, "__defaults__", ("cnn", damaged))
    result = run("maps", data / "case_1", "--out", tmp_path / "out", "--aif", "cnn-regression")
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: The weights of cnn-regression do not match the manifest (SHA-256); install the models again.\n"
    )
    assert not (tmp_path / "out").exists()
