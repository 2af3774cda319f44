"""Chunks of tensor work: their order, their threads, and what happens to torch's own setting."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from perfcore.runtime import threads
from perfcore.runtime.threads import run_chunks


@pytest.fixture(autouse=True)
def two_torch_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def in_new_thread(work):
    with ThreadPoolExecutor(1) as alone:
        return alone.submit(work).result()


@pytest.mark.parametrize("n_items", [0, 1, 4, 5, 23])
@pytest.mark.parametrize("with_pool", [False, True])
def test_results_are_in_the_order_of_the_chunks(n_items: int, with_pool: bool) -> None:
    with ThreadPoolExecutor(3) as pool:
        found = run_chunks(lambda part: list(range(n_items))[part], n_items, 4, pool if with_pool else None)
    assert found == [list(range(i, min(i + 4, n_items))) for i in range(0, n_items, 4)]


def test_several_chunks_run_at_the_same_time_with_one_torch_thread_in_each(monkeypatch) -> None:
    monkeypatch.setattr(threads.os, "cpu_count", lambda: 2)
    pool = threads._start_pool()
    monkeypatch.setattr(threads, "_shared_pool", lambda: pool)
    both = threading.Barrier(2, timeout=60)

    def work(_part: slice) -> tuple[int, int]:
        both.wait()  # passes only where two chunks run at once
        return torch.get_num_threads(), threading.get_ident()

    found = run_chunks(work, 2, 1)
    assert [number for number, _ in found] == [1, 1]
    assert len({thread for _, thread in found} | {threading.get_ident()}) == 3


def test_pool_restores_torch_thread_count() -> None:
    """For this thread, for one that exists, and for new ones."""
    before = in_new_thread(torch.get_num_threads)
    pool = threads._start_pool()
    assert torch.get_num_threads() == 2
    assert in_new_thread(torch.get_num_threads) == before
    assert {pool.submit(torch.get_num_threads).result() for _ in range(20)} == {1}
    pool.shutdown()


def test_single_torch_thread_computes_inline() -> None:
    def work(_part: slice) -> int:
        return threading.get_ident()

    torch.set_num_threads(1)
    assert set(run_chunks(work, 9, 2)) == {threading.get_ident()}


@pytest.mark.parametrize("with_pool", [False, True])
def test_the_error_of_a_chunk_is_raised(with_pool: bool) -> None:
    def work(part: slice) -> None:
        if part.start == 4:
            raise ValueError("the third chunk")

    with ThreadPoolExecutor(2) as pool, pytest.raises(ValueError, match="the third chunk"):
        run_chunks(work, 10, 2, pool if with_pool else None)


def test_busy_pool_does_not_block_the_caller() -> None:
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(lambda: run_chunks(lambda part: part.start, 8, 2, pool)).result(timeout=60)
    assert found == [0, 2, 4, 6]


def test_nested_chunks_do_not_deadlock() -> None:
    found = run_chunks(lambda part: run_chunks(lambda inner: part.start + inner.start, 4, 2), 6, 2)
    assert found == [[0, 2], [2, 4], [4, 6]]
