"""Settings of every test process: one torch thread per parallel worker, browser tests last."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # Torch's threads wait for each other in every operation: with a worker per core, more than one is slower.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put browser tests last: Playwright keeps an event loop running, and no Dask client starts beside it."""
    items.sort(key=lambda item: "browser" in item.keywords)
