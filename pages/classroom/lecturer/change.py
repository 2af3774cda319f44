"""Change between two rounds of a task, over the participants who answered both."""

from __future__ import annotations

from dataclasses import dataclass

from pages.classroom.class_summary import SUMMARIZED
from pages.classroom.room import Room
from pages.classroom.round import Round
from pages.classroom.tasks import Answer
from perfcore.teaching.class_statistics import Spread, spread_of


@dataclass(frozen=True)
class ItemChange:
    """A question with a right answer: how many of the participants who answered both rounds were right.

    Attributes
    ----------
    text
        The question.
    n
        Participants who answered both rounds.
    n_before, n_after
        Of them, right in the first and in the second round.
    """

    text: str
    n: int
    n_before: int
    n_after: int


@dataclass(frozen=True)
class Change:
    """Change between two rounds.

    Attributes
    ----------
    before, after
        Numbers of the rounds.
    n
        Participants who answered both.
    items
        Questions with a right answer.
    spreads
        By metric: spread before and after, over the same participants.
    """

    before: int
    after: int
    n: int
    items: tuple[ItemChange, ...]
    spreads: dict[str, tuple[Spread, Spread]]


def change_between(before: Round, after: Round) -> Change:
    """Return the change between two rounds with comparable answers."""
    first, second = dict(before.answers), dict(after.answers)
    pairs = [(first[who][0], second[who][0]) for who in first if who in second]
    return Change(
        before.number, after.number, len(pairs), tuple(_item_changes(before, after, pairs)),
        {name: spreads for name in SUMMARIZED if (spreads := _spreads(name, pairs)) is not None},
    )  # fmt: skip


def comparable_rounds(room: Room, one: Round) -> list[Round]:
    """Return the earlier rounds that a round can be compared with, the one that it repeats first."""
    earlier = [other for other in room.rounds if other.number < one.number and _are_comparable(other, one)]
    return sorted(earlier, key=lambda other: (other.number != one.repeats, -other.number))


def repeated_rounds(room: Room) -> list[tuple[Round, Round]]:
    """Return the rounds that repeat an earlier one, each with that one."""
    by_number = {one.number: one for one in room.rounds}
    return [(by_number[one.repeats], one) for one in by_number.values() if one.repeats in by_number]


def _are_comparable(one: Round, other: Round) -> bool:
    a, b = one.task, other.task
    if a is b:
        return True
    same_case = a.case is not None and b.case is not None and a.case.case.name == b.case.case.name
    return (same_case and a.kind in _CURVES and b.kind in _CURVES) or (bool(a.items) and a.items == b.items)


_CURVES = frozenset({"artery", "curve"})


def _item_changes(before: Round, after: Round, pairs: list[tuple[Answer, Answer]]) -> list[ItemChange]:
    if before.task.items != after.task.items:
        return []
    return [
        ItemChange(
            item.text,
            len(pairs),
            sum(bool(item.is_right(a.values[i])) for a, _ in pairs),
            sum(bool(item.is_right(b.values[i])) for _, b in pairs),
        )
        for i, item in enumerate(before.task.items)
        if item.right is not None
    ]


def _spreads(name: str, pairs: list[tuple[Answer, Answer]]) -> tuple[Spread, Spread] | None:
    both = [(a.numbers.get(name), b.numbers.get(name)) for a, b in pairs]
    known = [pair for pair in both if None not in pair]
    return (spread_of([x for x, _ in known]), spread_of([y for _, y in known])) if known else None
