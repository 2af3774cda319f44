"""A Dask scheduler and workers as processes of their own, as users start them."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from distributed import Client

from tests import ROOT


@contextmanager
def _running(commands: list[list[str]], folder: Path) -> Iterator[None]:
    processes = []
    # One thread, as in the tests that compare results: sums are computed in the same order.
    around = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    try:
        for command in commands:
            processes.append(subprocess.Popen(
                [sys.executable, "-m", *command], cwd=folder, env=around,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            ))  # fmt: skip
        yield
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def scheduler(folder: Path) -> Iterator[str]:
    """Start a scheduler without a worker; yields its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    command = ["distributed.cli.dask_scheduler", "--host", address, "--no-dashboard"]
    with _running([command], folder), Client(address, timeout=60, set_as_default=False):
        yield address


@contextmanager
def workers(address: str, folder: Path, n: int = 2) -> Iterator[None]:
    """Start workers of two threads in a folder of their own."""
    command = ["distributed.cli.dask_worker", address, "--no-nanny", "--nthreads", "2", "--no-dashboard",
               "--local-directory", str(folder), "--death-timeout", "60"]  # fmt: skip
    with _running([command] * n, folder):
        with Client(address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(n, timeout=90)
        yield
