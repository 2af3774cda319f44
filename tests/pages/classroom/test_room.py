"""Rooms: people, rounds and answers, under threads, and as a screen follows them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pages.classroom import room as module
from pages.classroom.participant import LEFT, REMOVED, REPLACED, Farewell, Participant
from pages.classroom.room import MAX_SOCKETS, Room
from pages.classroom.tasks import Answer, Task
from perfcore.errors import InputDataError

QUIZ = Task("quiz", "Quiz", "Answer.")


@pytest.fixture
def room() -> Room:
    return Room("ABCDEF")


def test_names_are_unique_and_tokens_secret(room: Room) -> None:
    people = [room.join("Ann"), room.join("Ann"), room.join(""), room.join("\u200b")]
    assert [one.name for one in people[:2]] == ["Ann", "Ann 2"]
    assert len({one.name for one in people}) == 4
    assert len({one.token for one in people} | {room.host_token, room.key}) == 6
    assert min(len(one.token) for one in people) >= 43, "256 bits"


def test_a_room_is_full(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PARTICIPANTS", 3)
    people = [room.join() for _ in range(3)]
    with pytest.raises(InputDataError, match="full"):
        room.join()
    room.leave(people[1])
    assert room.join().number == 4, "numbers are not given twice"


def test_a_script_does_not_fill_a_room_at_once(room: Room) -> None:
    n = 0
    with pytest.raises(InputDataError, match="try again"):
        for n in range(module.MAX_PARTICIPANTS):  # noqa: B007 - the number of joins
            room.join()
    assert module.JOINS_AT_ONCE <= n < module.MAX_PARTICIPANTS


def test_only_open_rounds_take_answers(room: Room) -> None:
    person, first = room.join(), room.open(QUIZ)
    room.answer(person, first.number, Answer(1))
    for phase in ("paused", "closed"):
        room.set_phase(phase)  # type: ignore[arg-type]
        with pytest.raises(InputDataError, match="no answers now"):
            room.answer(person, first.number, Answer(2))
    room.set_phase("open")
    room.answer(person, first.number, Answer(2))
    second = room.repeat(first.number)
    assert (second.repeats, second.task, first.phase) == (first.number, QUIZ, "closed")
    with pytest.raises(InputDataError, match="no answers now"):
        room.answer(person, first.number, Answer(3))
    with pytest.raises(InputDataError, match="does not exist"):
        room.answer(person, 99, Answer(3))


def test_an_answer_that_came_in_time_counts(room: Room) -> None:
    person, one = room.join(), room.open(QUIZ)
    assert room.open_round(one.number) is one
    room.set_phase("paused")  # while the answer is computed
    late = Answer(1)
    assert room.answer(person, one.number, late, in_time=True) is late
    room.leave(person)
    with pytest.raises(InputDataError, match="left"):
        room.answer(person, one.number, Answer(2), in_time=True)
    assert not one.answers


def test_the_newer_answer_is_kept(room: Room) -> None:
    person, one = room.join(), room.open(QUIZ)
    newer = Answer(5)
    room.answer(person, one.number, newer)
    for sequence in (4, 5):
        assert room.answer(person, one.number, Answer(sequence)) is newer
    assert room.answer_of(person, one.number) is newer


def test_a_new_round_hides_the_answers_again(room: Room) -> None:
    room.open(QUIZ)
    room.set_revealed(True)
    room.set_frozen(True)
    room.open(QUIZ)
    assert not room.is_revealed
    assert not room.is_frozen


def test_a_room_has_a_limited_number_of_rounds(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ROUNDS", 2)
    room.open(QUIZ)
    room.open(QUIZ)
    with pytest.raises(InputDataError, match="at most 2 tasks"):
        room.open(QUIZ)


def test_who_leaves_takes_the_answers_along(room: Room) -> None:
    person, other = room.join(), room.join()
    rounds = [room.open(QUIZ), room.open(QUIZ)]
    room.answer(other, 2, Answer(1))
    room.answer(person, 2, Answer(1))
    told: list[Farewell] = []
    room.connect(person, told.append)
    room.leave(person)
    assert told == [REMOVED]
    assert [list(one.answers) for one in rounds] == [[], [other.number]]
    assert room.rejoin(person.token) is None
    assert room.participants == [other]
    room.leave(person)  # again
    room.connect(person, told.append)  # a socket that was under way
    assert told == [REMOVED, LEFT]
    assert not person.is_connected


def test_of_too_many_windows_the_oldest_is_closed(room: Room) -> None:
    person = room.join()
    told: dict[int, Farewell] = {}
    closers: list[Callable[[Farewell], object]] = [
        lambda farewell, i=i: told.update({i: farewell})  # type: ignore[misc]
        for i in range(MAX_SOCKETS + 2)
    ]
    for close in closers:
        room.connect(person, close)
    assert told == {0: REPLACED, 1: REPLACED}
    for close in closers:
        room.disconnect(person, close)
    assert not person.is_connected


def test_changes_wake_those_who_show_them(room: Room) -> None:
    woken: list[str] = []
    room.listen(lambda: woken.append("participant"))
    room.listen(lambda: woken.append("host"), as_host=True)

    def by(change: Callable[[], object]) -> set[str]:
        woken.clear()
        change()
        return set(woken)

    person = room.join()
    assert by(room.join) == {"host"}
    assert by(lambda: room.open(QUIZ)) == {"host", "participant"}
    before = room.overview
    assert by(lambda: room.answer(person, 1, Answer(1))) == {"host"}
    assert room.overview == before, "the list of people is not sent again"
    assert by(lambda: room.set_phase("paused")) == {"host", "participant"}
    assert by(lambda: room.set_phase("paused")) == set()
    assert by(lambda: room.set_revealed(True)) == {"host", "participant"}
    assert by(lambda: room.set_frozen(True)) == {"host"}
    assert by(lambda: room.hide_name(person.number)) == {"host"}
    assert by(room.end) == {"host", "participant"}


def test_a_room_ends_when_it_is_not_used(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 0.0
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now_s))
    person = room.join()
    now_s += module.IDLE_S - 1
    assert not room.is_expired
    room.connect(person, lambda _: None)  # a page that was left open
    now_s += 2
    assert room.is_expired
    room.open(QUIZ)
    assert not room.is_expired


def test_an_ended_room_takes_nothing(room: Room) -> None:
    person, _ = room.join(), room.open(QUIZ)
    room.end()
    assert room.rejoin(person.token) is None
    for action in (room.join, lambda: room.open(QUIZ), lambda: room.answer(person, 1, Answer(1))):
        with pytest.raises(InputDataError, match="has ended"):
            action()


def test_threads_lose_no_answer(room: Room) -> None:
    """Eight people answer in threads while others come and leave, and a screen follows."""
    people = [room.join() for _ in range(8)]
    number, done = room.open(QUIZ).number, threading.Event()
    errors: list[BaseException] = []
    shown: dict[int, int] = {}

    def guarded(work: Callable[[], None]) -> threading.Thread:
        def run() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - shown by the test
                errors.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def follow() -> None:
        revision = -1
        while True:
            last = done.is_set()
            revision = follow_once(room, number, shown, revision)
            if last:
                return

    def answer(person: Participant) -> None:
        for sequence in range(1, 201):
            room.answer(person, number, Answer(sequence))

    def come_and_go() -> None:
        for _ in range(40):
            person = room.join()
            room.answer(person, number, Answer(1))
            room.leave(person)

    reader = guarded(follow)
    writers = [guarded(lambda person=person: answer(person)) for person in people]  # type: ignore[misc]
    writers.append(guarded(come_and_go))
    for thread in writers:
        thread.join()
    done.set()
    reader.join()
    assert errors == []
    assert shown == {person.number: 200 for person in people}


def follow_once(room: Room, number: int, shown: dict[int, int], revision: int) -> int:
    """Apply one message of answers to what a screen shows; returns the revision for the next one."""
    changed, removed, revision = room.answers_since(number, revision)
    for who in removed:
        shown.pop(who, None)
    shown.update({person.number: answer.sequence for person, answer in changed})
    return revision


class ScreenFollowsRoom(RuleBasedStateMachine):
    """A screen that applies the changes of each round has the room's answers, whatever happens between."""

    def __init__(self) -> None:
        super().__init__()
        self.room = Room("ABCDEF")
        self.sequence = 0
        self.truth: dict[int, dict[int, int]] = {}
        self.shown: dict[int, dict[int, int]] = {}
        self.revisions: dict[int, int] = {}

    @rule()
    def join(self) -> None:
        if len(self.room.participants) < 6:
            self.room.join()

    @rule()
    def open(self) -> None:
        if len(self.room.rounds) < 4:
            self.truth[self.room.open(QUIZ).number] = {}

    @precondition(lambda self: self.truth and self.room.participants)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        person = data.draw(st.sampled_from(self.room.participants))
        number = data.draw(st.sampled_from(sorted(self.truth)))
        self.sequence += 1
        self.room.answer(person, number, Answer(self.sequence), in_time=True)
        self.truth[number][person.number] = self.sequence

    @precondition(lambda self: self.room.participants)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        person = data.draw(st.sampled_from(self.room.participants))
        self.room.leave(person)
        for answers in self.truth.values():
            answers.pop(person.number, None)

    @precondition(lambda self: self.truth)
    @rule(data=st.data())
    def look(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.truth)))
        shown = self.shown.setdefault(number, {})
        self.revisions[number] = follow_once(self.room, number, shown, self.revisions.get(number, -1))
        assert shown == self.truth[number]

    @invariant()
    def revisions_are_in_order(self) -> None:
        assert 0 <= self.room.structure <= self.room.overview <= self.room.revision


TestScreenFollowsRoom = ScreenFollowsRoom.TestCase
TestScreenFollowsRoom.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
