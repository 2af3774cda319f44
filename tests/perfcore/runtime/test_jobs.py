"""Tests of run_jobs: order, progress and errors, serially, in worker processes and on a Dask cluster."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perfcore.cli import app
from perfcore.errors import ArgumentError, InputDataError
from perfcore.runtime import jobs
from perfcore.runtime.jobs import run_jobs
from tests import ROOT
from tests.support import dask_cluster, job_work
from tests.support.job_work import (
    fails_on_three,
    later_is_faster,
    n_concurrent,
    n_torch_threads,
    slow_except_three,
)

# Serially, in this process


def test_no_jobs_give_an_empty_list() -> None:
    assert run_jobs(fails_on_three, []) == []


def test_one_worker_runs_in_this_process_and_reports_progress() -> None:
    seen: list[tuple[int, int]] = []
    found = run_jobs(later_is_faster, [1, 2, 3], workers=1, progress=lambda *at: seen.append(at))
    assert found == [(job * job, os.getpid()) for job in (1, 2, 3)]
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_an_error_in_this_process_is_raised_and_cancels_the_rest() -> None:
    done: list[int] = []
    with pytest.raises(InputDataError, match="three is refused"):
        run_jobs(fails_on_three, [1, 2, 3, 4], workers=1, progress=lambda at, _total: done.append(at))
    assert done == [1, 2]


def test_watch_is_called_while_a_single_job_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "WATCH_INTERVAL_S", 0.02)
    calls: list[float] = []
    run_jobs(lambda _job: time.sleep(0.3), [1], watch=lambda: calls.append(time.monotonic()))
    assert len(calls) >= 3
    seen = len(calls)
    time.sleep(0.1)
    assert len(calls) == seen


# In worker processes


def test_processes_return_results_in_order_and_report_progress() -> None:
    seen: list[tuple[int, int]] = []
    found = run_jobs(later_is_faster, range(6), workers=2, progress=lambda *at: seen.append(at))
    assert [value for value, _ in found] == [job * job for job in range(6)]
    pids = {pid for _, pid in found}
    assert len(pids) <= 2
    assert os.getpid() not in pids
    assert seen == [(done, 6) for done in range(1, 7)]


def test_each_worker_process_uses_one_torch_thread() -> None:
    assert run_jobs(n_torch_threads, [1, 2], workers=2) == [1, 1]


def test_an_error_in_a_process_stops_the_others_at_once() -> None:
    start = time.monotonic()
    with pytest.raises(InputDataError, match="three is refused"):
        run_jobs(slow_except_three, [1, 3, 2], workers=2)
    assert time.monotonic() - start < 50  # a job that runs would take 60 s


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def _until(what: str, true: object, timeout_s: float = 60.0) -> None:
    end = time.monotonic() + timeout_s
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end, f"timed out waiting until {what}"
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["terminated", "killed"])
def test_workers_exit_with_their_parent(how: signal.Signals, tmp_path: Path) -> None:
    """Otherwise a restarted training would run beside the workers of the old one."""
    command = [sys.executable, "-m", job_work.__name__, str(tmp_path)]
    parent = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _until("both workers run", lambda: len(list(tmp_path.glob("beat-*"))) == 2)
        workers = [int(path.name.split("-")[1]) for path in tmp_path.glob("pid-*")]
        assert all(_alive(pid) for pid in workers)
        parent.send_signal(how)
        assert parent.wait(30) != 0
        _until("the workers are gone", lambda: not any(_alive(pid) for pid in workers), 15)
    finally:
        parent.kill()
        parent.wait()


# On a Dask cluster


def test_a_scheduler_without_workers_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with dask_cluster.scheduler(tmp_path) as address:
        monkeypatch.setattr(jobs, "SCHEDULER_TIMEOUT_S", 1)
        with pytest.raises(ArgumentError, match=r"^The Dask scheduler has no worker; start at least one worker"):
            run_jobs(fails_on_three, [1], scheduler=address)


def test_a_cluster_returns_results_in_order_and_uses_both_workers(cluster: str) -> None:
    seen: list[tuple[int, int]] = []
    found = run_jobs(later_is_faster, range(8), scheduler=cluster, progress=lambda *at: seen.append(at))
    assert [value for value, _ in found] == [job * job for job in range(8)]
    pids = {pid for _, pid in found}
    assert len(pids) == 2
    assert os.getpid() not in pids
    assert seen == [(done, 8) for done in range(1, 9)]


def test_equal_jobs_are_not_deduplicated(cluster: str) -> None:
    assert run_jobs(fails_on_three, [1, 1, 2, 1], scheduler=cluster) == [1, 1, 2, 1]


def test_an_error_on_a_cluster_is_raised_unchanged(cluster: str) -> None:
    with pytest.raises(InputDataError, match=r"^three is refused\.$"):
        run_jobs(fails_on_three, [1, 2, 3, 4], scheduler=cluster)
    assert run_jobs(fails_on_three, [1, 2], scheduler=cluster) == [1, 2]


def test_a_worker_with_several_threads_runs_one_job_at_a_time(cluster: str) -> None:
    """Two training jobs in one process would share one random state."""
    assert run_jobs(n_concurrent, range(8), scheduler=cluster) == [1] * 8


@pytest.mark.parametrize(
    "address", ["nonsense", "", "8786", "tcp://", "foo://127.0.0.1:1", "tcp://127.0.0.1:no", "tcp://127.0.0.1:1"]
)
def test_an_address_without_a_scheduler_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "SCHEDULER_TIMEOUT_S", 1)
    with pytest.raises(ArgumentError, match=r"^No Dask scheduler answers at .*; expected an address like tcp://"):
        run_jobs(fails_on_three, [1], scheduler=address)


def test_a_server_that_is_not_a_scheduler_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "SCHEDULER_TIMEOUT_S", 1)
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(ArgumentError, match="No Dask scheduler"):
        run_jobs(fails_on_three, [1], scheduler=f"tcp://127.0.0.1:{server.getsockname()[1]}")


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_commands_report_a_missing_scheduler_in_one_line(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "SCHEDULER_TIMEOUT_S", 1)
    for k in range(1, 6):
        (tmp_path / "data" / f"case_{k}").mkdir(parents=True)
    options = [
        "--data",
        str(tmp_path / "data"),
        "--out",
        str(tmp_path / "out"),
        "--scheduler",
        "tcp://127.0.0.1:1",
    ]
    result = CliRunner().invoke(app, [command, *options])
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: No Dask scheduler answers at 'tcp://127.0.0.1:1'")
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
