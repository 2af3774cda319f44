"""The analysis that the tests of the report share."""

from __future__ import annotations

import pytest

from perfcore.pipeline import Analysis
from tests.support.report_case import stroke


@pytest.fixture(scope="session")
def analysis() -> Analysis:
    return stroke()
