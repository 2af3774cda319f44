"""Answers and their painted voxels."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pages.classroom.tasks import TASKS, Answer, Painting, runs_of

FLAGS = st.lists(st.booleans(), max_size=70).map(lambda flags: np.array(flags, bool))


@given(FLAGS)
def test_runs_are_the_painted_voxels(flags: np.ndarray) -> None:
    runs = np.array(runs_of(flags), int).reshape(-1, 2)
    painted = [i for first, size in runs for i in range(first, first + size)]
    assert painted == np.flatnonzero(flags).tolist()
    assert (np.diff(runs[:, 0]) > runs[:-1, 1]).all(), "runs are maximal"


@given(FLAGS)
def test_a_painting_keeps_its_flags(flags: np.ndarray) -> None:
    painting = Painting.of(flags)
    np.testing.assert_array_equal(painting.flags, flags)
    assert painting.bits.nbytes <= flags.size / 8 + 1


def test_an_answer_is_sent_back_whole() -> None:
    flags = np.array([0, 1, 1, 0, 1], bool)
    answer = Answer(
        3, curve=np.array([0.0, 1.23456]), voxels=((1, 2, 3),), values=(1, 2.5), painting=Painting.of(flags),
        numbers={"core_ml": 7.0, "dice": None},
    )  # fmt: skip
    assert answer.own_header() == {
        "seq": 3, "curve": [0.0, 1.235], "voxels": [[1, 2, 3]], "values": [1, 2.5], "runs": [1, 2, 4, 1],
        "numbers": {"core_ml": 7.0, "dice": None},
    }  # fmt: skip
    assert Answer(1).own_header() == {"seq": 1, "numbers": {}}


def test_tasks_are_registered_by_kind() -> None:
    assert all(info.kind == kind and info.label and info.instruction for kind, info in TASKS.items())
