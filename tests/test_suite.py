"""The test suite's own settings."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

MAIN = sys.modules["__main__"]


@pytest.mark.xdist_group("group")
def test_pytest_xdist_reads_groups(request: pytest.FixtureRequest) -> None:
    """Without groups (pytest 9.2 with pytest-xdist 3.8) every process builds every expensive fixture."""
    if not request.config.getoption("loadgroup", default=False):
        pytest.skip("needs pytest-xdist with --dist loadgroup")
    assert request.node.nodeid.endswith("@group")


@pytest.mark.parametrize("number", [1, 2])
def test_the_main_module_is_restored_after_each_test(number: int) -> None:
    """AppTest replaces it, and worker processes would run what it leaves there."""
    assert sys.modules["__main__"] is MAIN
    sys.modules["__main__"] = ModuleType("__main__")
