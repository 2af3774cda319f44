"""The test suite's own settings."""

from __future__ import annotations

import pytest


@pytest.mark.xdist_group("group")
def test_pytest_xdist_reads_groups(request: pytest.FixtureRequest) -> None:
    """Without groups (pytest 9.2 with pytest-xdist 3.8) every process builds every expensive fixture."""
    if not request.config.getoption("loadgroup", default=False):
        pytest.skip("needs pytest-xdist with --dist loadgroup")
    assert request.node.nodeid.endswith("@group")
