from __future__ import annotations

from collections.abc import Iterator

import pytest

from pages.classroom.questions import ChoiceItem, NumberItem
from pages.classroom.registry import ROOMS
from pages.classroom.room import Room
from pages.classroom.tasks import Task, TaskCase
from tests.support.class_server import class_server, task_case


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    """Address of the class pages, served from this process."""
    with class_server() as address:
        yield address


@pytest.fixture
def room() -> Iterator[Room]:
    """A room of the served registry."""
    one = ROOMS.open()
    yield one
    ROOMS.end(one)


@pytest.fixture(scope="session")
def of() -> TaskCase:
    """The case of tasks: a demonstration."""
    return task_case()


@pytest.fixture
def quiz() -> Task:
    """Two questions without a case."""
    items = (
        ChoiceItem("Which way?", ("grows", "shrinks"), right=1),
        NumberItem("How large?", 0, 50, 1, "ml", right=20, tolerance=2),
    )
    return Task("quiz", "Quiz", "Answer.", items=items)
