"""The class socket as browsers use it: join, answer, follow, leave, return."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from pages.classroom import connections
from pages.classroom.answers import read_answer
from pages.classroom.participant import LEFT, REMOVED, REPLACED
from pages.classroom.references import computed_references
from pages.classroom.registry import ROOMS
from pages.classroom.room import MAX_SOCKETS, Room
from pages.classroom.tasks import Answer, Task, TaskCase
from tests.support.class_client import ClassClient, Message, hosting, joined, opened

GONE = "This class has ended, or you have left it; join again with the code on the screen."


class Gate:
    """Holds the computation of answers until it is opened; notes the sequence of each."""

    def __init__(self) -> None:
        self.computed: list[int] = []
        self.started, self.may_end = threading.Event(), threading.Event()

    def read_answer(self, task: Task, sequence: int, value: Any) -> Answer:
        self.computed.append(sequence)
        self.started.set()
        assert self.may_end.wait(60)
        return read_answer(task, sequence, value)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    one = Gate()
    monkeypatch.setattr(connections, "read_answer", one.read_answer)
    yield one
    one.may_end.set()


def answer(client: ClassClient, sequence: int, values: list[float], number: int = 1) -> None:
    client.send("answer", round=number, seq=sequence, value={"values": values})


def settled(client: ClassClient) -> None:
    """Wait until the server has received everything that was sent."""
    client.send("ping")
    client.read("pong")


def test_a_participant_joins_answers_and_sees_the_reveal(url: str, room: Room, quiz: Task) -> None:
    with joined(url, room, " Ann  <b> ") as (client, welcome):
        assert (welcome["name"], welcome["code"]) == ("Ann <b>", room.code)
        assert client.state()["task"] is None
        room.open(quiz)
        task = client.state()["task"]
        assert (task["kind"], task["round"], task["phase"], len(task["items"])) == ("quiz", 1, "open", 2)
        answer(client, 1, [1, 20])
        found = client.read()
        assert (found["type"], found["round"], found["seq"], found["values"]) == ("answered", 1, 1, [1, 20.0])
        answer(client, 2, [7, 20])
        refusal = client.read()
        assert (refusal["type"], refusal["seq"]) == ("error", 2)
        assert "options" in refusal["message"]
        room.set_revealed(True)
        assert client.state()["summary"]["items"][0]["nRight"] == 1
        room.set_phase("closed")
        client.state()
        answer(client, 3, [0, 20])
        assert client.read() == {"type": "error", "message": "This task takes no answers now.", "seq": 3}
        assert room.rounds[0].answers[1][0].values == (1, 20.0)


def test_the_link_joins_with_its_key(url: str, room: Room) -> None:
    with opened(url) as client:
        client.send("join", code=room.code, key=room.key)
        assert client.read()["type"] == "joined"


def test_a_browser_returns_with_its_answer(url: str, room: Room, quiz: Task) -> None:
    room.open(quiz)
    with joined(url, room, "Ann") as (client, welcome):
        answer(client, 5, [1, 20])
        client.read("answered")
    with opened(url) as client:
        client.send("rejoin", code=room.code, token=welcome["token"])
        again = client.read()
        assert (again["type"], again["name"]) == ("joined", "Ann")
        state = client.state()
        assert (state["name"], state["answer"]["seq"], state["answer"]["values"]) == ("Ann", 5, [1, 20.0])
    assert len(room.participants) == 1


def test_who_left_or_was_removed_is_told(url: str, room: Room) -> None:
    with joined(url, room) as (client, left):
        client.send("leave")
        assert client.read("left") == {"type": "left"}
        client.rest()
    with joined(url, room) as (client, removed), opened(url) as second:
        second.send("rejoin", code=room.code, token=removed["token"])
        second.state()
        room.leave(room.participants[0])
        for one in (client, second):
            last = one.rest()[-1]
            assert last == {"type": "refused", "message": REMOVED.message}
            assert one.ws.close_code == 1008
    assert room.participants == []
    for token in (left["token"], removed["token"]):
        with opened(url) as client:
            client.send("rejoin", code=room.code, token=token)
            assert client.rest() == [{"type": "refused", "message": GONE}]


def test_the_other_windows_of_who_leaves_are_told(url: str, room: Room) -> None:
    with joined(url, room) as (client, welcome), opened(url) as second:
        second.send("rejoin", code=room.code, token=welcome["token"])
        second.state()
        second.send("leave")
        assert client.rest()[-1] == {"type": "refused", "message": LEFT.message}


def test_after_a_restart_the_class_is_gone(url: str) -> None:
    """The registry of a new process knows neither code nor token."""
    room = ROOMS.open()
    person = room.join()
    ROOMS.end(room)
    for first, sentence in (
        ({"type": "rejoin", "code": room.code, "token": person.token}, GONE),
        ({"type": "host", "token": room.host_token}, "This class has ended; open a new one on the page Class."),
        ({"type": "join", "code": room.code}, "There is no class with this code; check it, or ask for a new one."),
    ):
        with opened(url) as client:
            client.send(first.pop("type"), **first)
            assert client.rest() == [{"type": "refused", "message": sentence}]


def test_an_ended_room_tells_all_clients(url: str) -> None:
    room = ROOMS.open()
    with joined(url, room) as (client, _), hosting(url, room) as host:
        client.state()
        host.read("room")
        ROOMS.end(room)
        for one in (client, host):
            assert one.rest()[-1] == {"type": "ended", "message": "This class has ended."}


def test_of_many_windows_the_oldest_is_replaced(url: str, room: Room) -> None:
    with joined(url, room) as (oldest, welcome):
        contexts = [opened(url) for _ in range(MAX_SOCKETS)]
        clients = [one.__enter__() for one in contexts]
        for client in clients:
            client.send("rejoin", code=room.code, token=welcome["token"])
            client.state()
        assert oldest.rest()[-1] == {"type": "replaced", "message": REPLACED.message}
        for client in clients:
            settled(client)
        for context in contexts:
            context.__exit__(None, None, None)


def test_of_several_answers_the_latest_is_computed(url: str, room: Room, quiz: Task, gate: Gate) -> None:
    room.open(quiz)
    with joined(url, room) as (client, _):
        answer(client, 1, [0, 1])
        assert gate.started.wait(60)
        for sequence in range(2, 31):
            answer(client, sequence, [1, sequence])
        settled(client)
        gate.may_end.set()
        found = [client.read("answered") for _ in range(2)]
        assert [one["seq"] for one in found] == gate.computed == [1, 30]
    assert room.rounds[0].answers[1][0].values == (1, 30.0)


def test_an_answer_that_is_computed_while_the_lecturer_pauses_counts(
    url: str, room: Room, quiz: Task, gate: Gate
) -> None:
    room.open(quiz)
    with joined(url, room) as (client, _):
        answer(client, 1, [0, 1])
        assert gate.started.wait(60)
        answer(client, 2, [1, 2])  # waits for its turn
        settled(client)
        room.set_phase("paused")
        answer(client, 3, [1, 3])  # too late, and does not take the place of the one in time
        assert client.read("error")["seq"] == 3
        gate.may_end.set()
        assert [client.read("answered")["seq"] for _ in range(2)] == [1, 2]
    assert room.rounds[0].answers[1][0].values == (1, 2.0)


def test_an_answer_of_a_person_who_leaves_meanwhile_is_dropped(
    url: str, room: Room, quiz: Task, gate: Gate
) -> None:
    room.open(quiz)
    with joined(url, room) as (client, _):
        answer(client, 1, [0, 1])
        assert gate.started.wait(60)
        room.leave(room.participants[0])
        gate.may_end.set()
        assert client.rest()[-1]["message"] == REMOVED.message
    assert room.rounds[0].answers == {}


def test_an_older_answer_gets_the_one_that_is_kept(url: str, room: Room, quiz: Task) -> None:
    room.open(quiz)
    with joined(url, room) as (client, _):
        answer(client, 9, [1, 9])
        client.read("answered")
        answer(client, 4, [0, 4])  # another window, which counts for itself
        kept = client.read("answered")
        assert (kept["seq"], kept["values"]) == (9, [1, 9.0])


def followed(host: ClassClient, shown: dict[int, Message], n: int) -> None:
    """Read answers until there are those of n people."""
    while len(shown) != n:
        message = host.read("answers")
        for who in message["removed"]:
            del shown[who]
        shown.update({one["id"]: one for one in message["answers"]})


def test_a_screen_follows_the_room(url: str, room: Room, of: TaskCase) -> None:
    task = Task("curve", "Draw", "Draw it.", case=of)
    with hosting(url, room) as host:
        assert host.read()["type"] == "setup"
        first = host.read()
        assert (first["type"], first["people"], first["rounds"], first["task"]) == ("room", [], [], None)
        room.open(task)
        with joined(url, room, "Ann") as (client, _), joined(url, room, "Bob") as (other, _):
            shown: dict[int, Message] = {}
            for one in (client, other):
                one.send("answer", round=1, seq=1, value={"curve": of.start.value.tolist()})
                assert one.read("answered")["numbers"].keys() >= {"core_ml", "hypoperfused_ml"}
            followed(host, shown, 2)
            np.testing.assert_allclose(shown[1]["curve"], of.start.value, atol=6e-4)
            assert "dice" in shown[1]["numbers"]
            assert shown[1]["numbers"]["core_ml"] == pytest.approx(of.start_numbers["core_ml"], rel=1e-3)
            room.leave(room.participants[0])
            followed(host, shown, 1)
            assert list(shown) == [2]
        people = [("Bob", True)]
        while people != [("Bob", False)]:
            people = [(one["name"], one["connected"]) for one in host.read("room")["people"]]


def test_a_screen_that_returns_gets_everything(url: str, room: Room, quiz: Task) -> None:
    room.open(quiz)
    room.answer(room.join(), 1, Answer(1, values=(1, 20.0)))
    room.repeat(1)
    room.answer(room.participants[0], 2, Answer(1, values=(0, 20.0)))
    with hosting(url, room) as host:
        message = host.read("answers")
        assert (message["round"], message["whole"], len(message["answers"])) == (2, True, 1)
        host.send("watch", rounds=[1])
        message = host.read("answers")
        assert (message["round"], message["whole"], message["answers"][0]["values"]) == (1, True, [1, 20.0])


def test_a_frozen_screen_stays_as_it_is(url: str, room: Room, quiz: Task) -> None:
    room.open(quiz)
    person = room.join()
    with hosting(url, room) as host:
        assert host.read("answers")["answers"] == []
        room.set_frozen(True)
        while not host.read("room")["frozen"]:
            pass
        room.answer(person, 1, Answer(1, values=(1, 20.0)))
        settled(host)
        room.set_frozen(False)
        kinds = [host.read()["type"] for _ in range(2)]
        assert kinds == ["room", "answers"], "the answer comes after the screen goes on"


def test_references_come_for_every_task_with_a_case(url: str, room: Room, of: TaskCase) -> None:
    task = Task("curve", "Draw", "Draw it.", case=of)
    known = [found["id"] for future in computed_references(of) if (found := future.result(120)) is not None]
    assert "truth" in known
    with hosting(url, room) as host, hosting(url, room) as second:
        for number in (1, 2):
            room.open(task)
            for screen in (host, second):
                found = [screen.read("reference") for _ in known]
                assert [(one["round"], one["id"]) for one in found] == [(number, method) for method in known]


def test_a_silent_browser_is_disconnected(url: str, room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "PATIENCE_S", 0.05)
    with joined(url, room) as (client, _):
        client.rest()
        assert client.ws.close_code == 1008
    assert len(room.participants) == 1, "it may return"
