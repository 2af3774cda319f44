"""WebSocket of a class: participants answer, the lecturer's screens follow.

The first message authenticates: ``join`` with the code, ``rejoin`` with a participant's token, or ``host`` with
the lecturer's token. All messages are JSON; see ``pages.classroom.messages``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, TypeVar

import anyio
from starlette.websockets import WebSocket, WebSocketDisconnect

from pages.classroom import messages
from pages.classroom.answers import read_answer
from pages.classroom.join_link import link_message
from pages.classroom.references import references_of
from pages.classroom.registry import ROOMS
from pages.classroom.room import Participant, Room, Round
from pages.classroom.tasks import Answer
from pages.live.handlers.requests import invalid_request
from pages.live.server.handshake import MAX_FRAME_BYTES, first_message, same_origin
from pages.live.server.rate_limit import RateLimiter
from pages.live.server.session import COMPUTE
from pages.server.error_reporting import report_error
from pages.server.message_limits import limit_messages
from pages.server.streamlit_internals import asgi_receive
from perfcore.errors import InputDataError, PerfcoreError

R = TypeVar("R")

PATH: Final = "/class/socket"
POLICY_VIOLATION: Final = 1008
HOST_INTERVAL_S: Final = 0.1
"""Shortest time between two messages to a lecturer's screen: many answers are sent as one."""
PATIENCE_S: Final = 90.0
"""A browser that sends nothing for longer is disconnected; it pings every 25 s, but a sleeping phone does not."""


class _Connection:
    """One open WebSocket in a room."""

    def __init__(self, ws: WebSocket, room: Room) -> None:
        self.ws, self.room = ws, room
        self.changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def notify(self) -> None:
        """Wake `push`; called from any thread."""
        with contextlib.suppress(RuntimeError):  # the server has stopped
            self._loop.call_soon_threadsafe(self.changed.set)

    async def compute(self, work: Callable[..., R], *args: Any) -> R:
        """Run a job of this room in the background; an unexpected exception is reported."""
        try:
            return await asyncio.wrap_future(COMPUTE.submit_for(self.room, partial(work, *args), background=True))
        except PerfcoreError:
            raise
        except Exception as error:  # noqa: BLE001 - see `report_error`
            raise report_error(error) from None

    async def send(self, message: messages.Message) -> None:
        """Send one message."""
        await self.ws.send_text(json.dumps(message, separators=(",", ":"), ensure_ascii=False, allow_nan=False))

    async def read(self) -> None:
        """Receive messages until the client disconnects, is silent for too long, or exceeds the rate limit."""
        limiter = RateLimiter()
        while await limiter.wait():
            async with asyncio.timeout(PATIENCE_S):
                message = await self.ws.receive()
            if message["type"] == "websocket.disconnect":
                return
            self.room.touch()
            try:
                await self.receive(_parsed(message.get("text")))
            except PerfcoreError as error:
                await self.send({"type": "error", "message": str(error)})

    async def receive(self, message: dict[str, Any]) -> None:
        """Carry out one message; ``ping`` is answered by ``pong``."""
        raise NotImplementedError

    async def push(self) -> None:
        """Send the state after each change, until the room ends."""
        raise NotImplementedError


class _ParticipantConnection(_Connection):
    """A participant's browser: the state is pushed; of several answers under way the latest is computed."""

    def __init__(self, ws: WebSocket, room: Room, person: Participant) -> None:
        super().__init__(ws, room)
        self.person = person
        self._answer: dict[str, Any] | None = None
        self._answered = asyncio.Event()

    async def receive(self, message: dict[str, Any]) -> None:
        kind = message.get("type")
        if kind == "answer":
            self._answer = message
            self._answered.set()
        elif kind == "leave":
            await self.send({"type": "left"})
            self.room.leave(self.person)
        elif kind == "ping":
            await self.send({"type": "pong"})
        else:
            raise invalid_request()

    async def push(self) -> None:
        structure = -1
        while not self.room.is_ended:
            if self.room.structure > structure:
                structure = self.room.structure
                await self.send(messages.participant_message(self.room, self.person))
            await self.changed.wait()
            self.changed.clear()
        await self.send({"type": "ended", "message": "This class has ended."})

    async def work(self) -> None:
        """Compute and keep the latest answer."""
        while True:
            await self._answered.wait()
            self._answered.clear()
            message, self._answer = self._answer, None
            if message is None:
                continue
            sequence = message.get("seq")
            try:
                one, answer = await self._read(message)
                self.room.answer(self.person, one.number, answer)
                found = messages.participant_answer(answer)
                await self.send({"type": "answered", "round": one.number, **found})
            except PerfcoreError as error:
                await self.send({"type": "error", "message": str(error), "seq": sequence})

    async def _read(self, message: dict[str, Any]) -> tuple[Round, Answer]:
        number, sequence = message.get("round"), message.get("seq")
        if not isinstance(number, int) or not isinstance(sequence, int):
            raise invalid_request()
        one = self.room.round(number)
        if one.phase != "open":
            raise InputDataError("This task takes no answers now.")
        return one, await self.compute(read_answer, one.task, sequence, message.get("value"))


class _HostConnection(_Connection):
    """A lecturer's screen: room, answers of the rounds in view, and the references of the task's case."""

    def __init__(self, ws: WebSocket, room: Room) -> None:
        super().__init__(ws, room)
        self._watched: tuple[int, ...] = ()
        self._sent: dict[int, int] = {}
        self._referenced: set[int] = set()

    async def receive(self, message: dict[str, Any]) -> None:
        kind = message.get("type")
        if kind == "watch":
            rounds = message.get("rounds")
            if not isinstance(rounds, list) or len(rounds) > 4 or not all(isinstance(n, int) for n in rounds):
                raise invalid_request()
            self._watched = tuple(self.room.round(number).number for number in rounds)
            self.changed.set()
        elif kind == "link":
            await self.send(link_message(self.room, message.get("address")))
        elif kind == "ping":
            await self.send({"type": "pong"})
        else:
            raise invalid_request()

    async def push(self) -> None:
        revision = -1
        await self.send(messages.setup_message())
        while not self.room.is_ended:
            if self.room.revision > revision:
                revision = self.room.revision
                await self.send(messages.host_message(self.room))
            await self._send_answers()
            await asyncio.sleep(HOST_INTERVAL_S)
            await self.changed.wait()
            self.changed.clear()
        await self.send({"type": "ended", "message": "This class has ended."})

    async def _send_answers(self) -> None:
        current = self.room.current
        if current is None:
            return
        for number in dict.fromkeys((*self._watched, current.number)):
            since = self._sent.get(number, -1)
            message, self._sent[number] = messages.answers_message(self.room, number, since)
            if message["answers"] or message["removed"] or message["whole"]:
                await self.send(message)

    async def work(self) -> None:
        """Send the AIFs of the selectors, the networks and the truth for the case of each task."""
        while True:
            current = self.room.current
            if current is not None and current.number not in self._referenced and current.task.case is not None:
                self._referenced.add(current.number)
                for one in references_of(current.task.case):
                    with contextlib.suppress(PerfcoreError):  # a selector that finds no artery is left out
                        found = await self.compute(one.compute)
                        await self.send({"type": "reference", "round": current.number, **found})
            await asyncio.sleep(0.5)


async def class_socket(ws: WebSocket) -> None:
    """Serve one browser of a class."""
    if not same_origin(ws.headers.get("origin"), ws.headers.get("host")):
        await ws.close(POLICY_VIOLATION)
        return
    limit_messages(asgi_receive(ws), MAX_FRAME_BYTES)
    await ws.accept()
    message = await first_message(ws)
    try:
        if message is not None:
            await _admit(ws, message)
    except PerfcoreError as error:
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await ws.send_json({"type": "refused", "message": str(error)})
    with contextlib.suppress(RuntimeError, WebSocketDisconnect):
        await ws.close(POLICY_VIOLATION)


async def _admit(ws: WebSocket, message: dict[str, Any]) -> None:
    """Serve the sender of a first message."""
    kind = message.get("type")
    text = {name: value for name, value in message.items() if isinstance(value, str)}
    if kind == "host":
        found = ROOMS.of_token(text.get("token", ""))
        if found is None or found[1] is not None:
            raise InputDataError("This class has ended; open a new one on the page Class.")
        await _serve(_HostConnection(ws, found[0]), as_host=True)
        return
    if kind == "rejoin":
        room, person = ROOMS.rejoin(text.get("code", ""), text.get("token", ""))
    elif kind == "join":
        room = ROOMS.find(text.get("code", ""), text.get("key", ""))
        person = room.join(text.get("name", ""))
    else:
        raise invalid_request()
    client = _ParticipantConnection(ws, room, person)
    await client.send({"type": "joined", "token": person.token, "name": person.name, "code": room.code})
    await _serve(client, person=person)


async def _serve(
    client: _ParticipantConnection | _HostConnection, *, as_host: bool = False, person: Participant | None = None
) -> None:
    """Run the tasks of a connection until it closes or the room ends."""
    room, group, loop = client.room, anyio.create_task_group(), asyncio.get_running_loop()

    def close() -> None:
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(group.cancel_scope.cancel)

    async def until_closed(task: Callable[[], Awaitable[None]]) -> None:
        try:
            await task()
        except (WebSocketDisconnect, RuntimeError, TimeoutError):
            pass
        except Exception as error:  # noqa: BLE001 - reported, without its message
            report_error(error)
        group.cancel_scope.cancel()

    room.listen(client.notify, as_host=as_host)
    if person is not None:
        room.connect(person, close)
    try:
        async with group:
            for task in (client.read, client.push, client.work):
                group.start_soon(until_closed, task)
    finally:
        room.unlisten(client.notify)
        if person is not None:
            room.disconnect(person, close)


def _parsed(text: str | None) -> dict[str, Any]:
    try:
        message = json.loads(text or "")
    except (ValueError, RecursionError) as error:
        raise invalid_request() from error
    if not isinstance(message, dict):
        raise invalid_request()
    return message
