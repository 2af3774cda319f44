"""Every lesson as a fixture."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from pages.teaching.lesson import Lesson
from pages.teaching.lessons import LESSONS


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=LESSONS.values(), ids=LESSONS)
def lesson(request: pytest.FixtureRequest) -> Lesson:
    return request.param
