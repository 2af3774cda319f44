"""Settings of every test process: order, shared fixtures on one process, one torch thread per process."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Final

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # Torch's threads wait for each other in every operation: with a process per core, more than one is slower.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

GROUPS: Final = {
    "evaluation": {"folder", "weights", "judged", "rows", "cluster"},
    "training": {"cohort", "paths"},
}
"""Expensive session fixtures by group: tests that use one run on the same process, so that it is built once."""
CHEAP: Final = {"one_thread", "_one_thread"}
"""Module-scoped fixtures that are cheap to build."""


@pytest.fixture(autouse=True)
def _main_module() -> Iterator[None]:
    """Restore ``__main__``: AppTest leaves its script there, and worker processes of a later test would run it."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put browser tests last; group tests that share a fixture, so that they run on one process.

    Browser tests are last because Playwright keeps an event loop running, beside which no Dask client starts.
    Groups come before single tests: the processes end together where short tests are left for the end.
    """
    groups = {item: _group(item) for item in items}
    items.sort(key=lambda item: ("browser" in item.keywords, groups[item] is None))
    for item, group in groups.items():
        if group:
            item.add_marker(pytest.mark.xdist_group(group))


def _group(item: pytest.Item) -> str | None:
    if not isinstance(item, pytest.Function):
        return None
    scopes = {name: found[-1].scope for name, found in item._fixtureinfo.name2fixturedefs.items()}
    of_session = {name for name, scope in scopes.items() if scope == "session"}
    for group, fixtures in GROUPS.items():
        if fixtures & of_session:
            return group
    return str(item.path) if any(scopes[name] == "module" for name in scopes.keys() - CHEAP) else None
