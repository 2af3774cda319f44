"""Hostile clients of the class socket: strangers, participants who want more, floods, and slow readers."""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from pages.classroom import connections, registry
from pages.classroom.connections import Connection
from pages.classroom.registry import ROOMS, RoomRegistry
from pages.classroom.room import MAX_PARTICIPANTS, Room
from pages.classroom.socket import PATH
from pages.classroom.tasks import Task
from pages.live.server.handshake import MAX_FRAME_BYTES
from perfcore.errors import InputDataError
from tests.support.class_client import hosting, joined, opened
from tests.support.raw_websocket import OP_TEXT, frame, raw


@pytest.mark.parametrize("origin", ["null", "http://evil.example", "http://localhost:1", "http://localhost"])
def test_another_origin_is_refused(url: str, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused, opened(url, origin):
        pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    "first",
    [
        "", "{", "[]", "null", "5", '"host"', '{"type": "host"}', '{"type": "host", "token": ""}',
        '{"type": "host", "token": 5}', '{"type": "host", "token": ["x"]}', '{"type": "host", "token": "\\ud800"}',
        '{"type": "rejoin"}', '{"type": "rejoin", "code": "\\ud800", "token": "\\ud800"}', '{"type": "join"}',
        '{"type": "join", "code": {}}', '{"type": "answer"}', '{"type": ["join"]}', "[" * 500,
        '{"type": "join", "name": "' + "x" * 600 + '"}', '{"token": "x"}',
    ],
)  # fmt: skip
def test_strangers_are_refused(url: str, first: str) -> None:
    with opened(url) as client:
        client.ws.send(first)
        assert [one["type"] for one in client.rest()] in ([], ["refused"])
        assert client.ws.close_code == 1008


def test_no_token_opens_what_it_is_not_for(url: str, room: Room) -> None:
    person = room.join()
    for kind, token in (
        ("host", person.token), ("host", room.key), ("host", room.code),
        ("rejoin", room.host_token), ("rejoin", room.key), ("rejoin", str(person.number)),
    ):  # fmt: skip
        with opened(url) as client:
            client.send(kind, code=room.code, token=token)
            assert [one["type"] for one in client.rest()] == ["refused"]


def test_a_participant_answers_only_for_oneself(url: str, room: Room, quiz: Task) -> None:
    room.open(quiz)
    first = room.open(quiz).number
    other = room.join("Other")
    with joined(url, room) as (client, welcome):
        client.state()
        for fields in (
            {"round": 1}, {"round": 99}, {"round": -1}, {"round": "2"}, {"round": True}, {"round": 2.0},
            {"seq": -1}, {"seq": 2**60}, {"seq": "1"}, {"seq": None}, {"seq": {"x": [1]}}, {"value": None},
        ):  # fmt: skip
            client.send("answer", **{"round": first, "seq": 1, "value": {"values": [1, 20]}, **fields})
            assert client.read()["type"] == "error", fields
        assert not room.current.answers  # type: ignore[union-attr]
        own = {"id": other.number, "person": other.number, "token": other.token, "name": "Other"}
        client.send("answer", round=first, seq=1, value={"values": [1, 20], **own}, **own)
        client.read("answered")
        assert list(room.current.answers) == [other.number + 1]  # type: ignore[union-attr]
        for kind in ("host", "watch", "join", "rejoin", "reveal", "open", "", "\ud800"):
            client.send(kind, token=welcome["token"], code=room.code, rounds=[1])
            assert client.read()["message"] == "Invalid request."
    assert len(room.participants) == 2


MALFORMED = [
    "", "{", "[]", "null", "NaN", "[" * 60_000, '{"a":' * 10_000, "\x00", '{"type": NaN}', '{"type": 1e999}',
    '{"type": "answer", "round": 1, "seq": NaN}', '{"type": "answer", "round": ' + "9" * 5000 + "}",
    '{"type": "answer", "round": 1, "seq": 1, "value": ' + "[" * 900 + "]" * 900 + "}", b"\xff\xfe", b"{}",
]  # fmt: skip


def test_malformed_messages_are_answered_by_a_sentence(url: str, room: Room, quiz: Task) -> None:
    room.open(quiz)
    with joined(url, room) as (client, _), hosting(url, room) as host:
        client.state()
        host.read("answers")
        for one in (client, host):
            for message in MALFORMED:
                one.ws.send(message)
                assert one.read("error")["message"] == "Invalid request."
            one.send("ping")
            assert one.read("pong")
        for rounds in (None, 5, "1", [1] * 5, [99], [True], [[1]], [1.0], [-1]):
            host.send("watch", rounds=rounds)
            assert host.read("error")["message"]
    assert room.rounds[0].answers == {}


def test_a_message_that_is_too_long_closes_the_socket(url: str, room: Room) -> None:
    with joined(url, room) as (client, _):
        with pytest.raises(ConnectionClosed):
            client.ws.send("x" * (MAX_FRAME_BYTES + 1))
            client.rest()
            client.ws.recv(1)
        assert client.ws.close_code == 1009


def test_markup_in_a_name_stays_text(url: str, room: Room) -> None:
    name = "<img src=x onerror=a()>"
    with joined(url, room, name) as (_, welcome), hosting(url, room) as host:
        assert welcome["name"] == name
        assert host.read("room")["people"][0]["name"] == name


def test_codes_are_guessed_at_the_allowed_rate_alone(
    url: str, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = RoomRegistry()
    own._rooms[room.code] = room
    monkeypatch.setattr("pages.classroom.socket.ROOMS", own)
    sentences: list[str] = []
    while not sentences or "no class with this code" in sentences[-1]:
        assert len(sentences) < 10 * registry.WRONG_CODES_AT_ONCE
        with opened(url) as client:
            client.send("join", code="GUESS2")
            sentences.append(client.read("refused")["message"])
    assert len(sentences) > registry.WRONG_CODES_AT_ONCE
    assert sentences[-1] == "Too many wrong codes were tried here; wait a minute and try again."
    with opened(url) as client:  # the room's link works all the same
        client.send("join", code=room.code, key=room.key)
        assert client.read()["type"] == "joined"


def test_a_flood_of_answers_is_computed_at_intervals(
    url: str, room: Room, quiz: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However fast they come: after one answer, of those that wait the latest is computed."""
    room.open(quiz)
    computed: list[int] = []
    read_answer = connections.read_answer

    def counted(task: Task, sequence: int, value: Any) -> Any:
        computed.append(sequence)
        return read_answer(task, sequence, value)

    monkeypatch.setattr(connections, "read_answer", counted)
    monkeypatch.setattr(connections, "ANSWER_INTERVAL_S", 5.0)
    n = connections.MESSAGES_AT_ONCE - 10
    with joined(url, room) as (client, _):
        for sequence in range(n):
            client.send("answer", round=1, seq=sequence, value={"values": [1, 20]})
        client.send("ping")
        client.read("pong")
        with joined(url, room) as (other, _):
            other.send("answer", round=1, seq=1, value={"values": [0, 20]})
            assert other.read("answered")["seq"] == 1, "others are not delayed"
    assert len(computed) <= 4


def test_a_client_that_exceeds_the_rate_is_disconnected(
    url: str, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.live.server.rate_limit.MAX_EXCESS_S", 0.1)
    monkeypatch.setattr(connections, "MESSAGES_PER_S", 5.0)
    monkeypatch.setattr(connections, "MESSAGES_AT_ONCE", 5)
    with joined(url, room) as (client, _):
        for _ in range(40):
            client.send("ping")
        assert sum(one["type"] == "pong" for one in client.rest()) < 40
        assert client.ws.close_code == 1008


def test_a_screen_that_reads_nothing_fills_no_memory(
    url: str, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """40 MB are sent to a screen that reads; to the one that does not, what the system's buffers take."""
    monkeypatch.setattr(connections, "HOST_INTERVAL_S", 0.0)
    sent: dict[int, int] = {}
    send = Connection.send

    async def counted(self: Connection, message: dict[str, Any]) -> None:
        sent[id(self)] = sent.get(id(self), 0) + len(json.dumps(message))
        await send(self, message)

    monkeypatch.setattr(Connection, "send", counted)
    room.open(Task("quiz", "Long", "x" * 200_000))
    person = room.join()
    with raw(urlsplit(url).port or 0, PATH) as slow, hosting(url, room) as host:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.sendall(frame(OP_TEXT, json.dumps({"type": "host", "token": room.host_token}).encode()))
        while len(sent) < 2:
            host.read("room")
            room.hide_name(person.number)
        for _ in range(200):
            room.hide_name(person.number)
            host.read("room")
        less, more = sorted(sent.values())
        assert more >= 200 * 200_000
        assert less < more / 3


def test_joins_are_limited_per_room(url: str, room: Room) -> None:
    with pytest.raises(InputDataError, match="try again"):
        for _ in range(MAX_PARTICIPANTS):
            room.join()
    with opened(url) as client:
        client.send("join", code=room.code, key=room.key)
        assert "try again" in client.read("refused")["message"]
    with joined(url, other := ROOMS.open()):
        ROOMS.end(other)
