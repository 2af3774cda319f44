"""Connections of a room: a participant's browser, and a lecturer's screen."""

from __future__ import annotations

import asyncio
import contextlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any, Final, TypeVar

from starlette.websockets import WebSocket

from pages.classroom import messages
from pages.classroom.answers import read_answer
from pages.classroom.join_link import link_message
from pages.classroom.participant import LEFT, Farewell, Participant
from pages.classroom.references import computed_references
from pages.classroom.room import Room
from pages.classroom.round import Round
from pages.classroom.tasks import TaskCase
from pages.live.handlers.requests import invalid_request
from pages.live.server.rate_limit import RateLimiter
from pages.live.server.session import COMPUTE
from pages.server.error_reporting import report_error
from perfcore.errors import PerfcoreError

R = TypeVar("R")

HOST_INTERVAL_S: Final = 0.1
"""Shortest time between two messages to a lecturer's screen: many answers are sent as one."""
ANSWER_INTERVAL_S: Final = 0.2
"""Shortest time between two computed answers of one socket; of those that come meanwhile the latest counts."""
PATIENCE_S: Final = 90.0
"""A browser that sends nothing for longer is disconnected; it pings every 25 s, but a sleeping phone does not."""
MESSAGES_PER_S: Final = 30.0
MESSAGES_AT_ONCE: Final = 100
"""Rate limit of one socket: see `RateLimiter`. An answer is sent when the pointer is released."""
FAREWELL_S: Final = 2.0
"""Seconds that a browser has to read the last message."""
MAX_WATCHED: Final = 4
"""Rounds that one screen shows at once."""
MAX_SEQUENCE: Final = 2**53
"""Largest whole number that JavaScript counts to exactly."""


class Connection(ABC):
    """One open WebSocket in a room."""

    def __init__(self, ws: WebSocket, room: Room) -> None:
        self.ws, self.room = ws, room
        self.changed = asyncio.Event()
        self.farewell: Farewell | None = None
        self._loop = asyncio.get_running_loop()

    def notify(self) -> None:
        """Wake `push`; called from any thread."""
        with contextlib.suppress(RuntimeError):  # the server has stopped
            self._loop.call_soon_threadsafe(self.wake)

    def wake(self) -> None:
        """Let the tasks of this connection look at the room again."""
        self.changed.set()

    async def compute(self, owner: object, work: Callable[..., R], *args: Any) -> R:
        """Run a job in the background, in turn with those of other owners; an unexpected exception is reported."""
        try:
            return await asyncio.wrap_future(COMPUTE.submit_for(owner, partial(work, *args), background=True))
        except PerfcoreError:
            raise
        except Exception as error:  # noqa: BLE001 - see `report_error`
            raise report_error(error) from None

    async def send(self, message: messages.Message) -> None:
        """Send one message; waits while the client does not read."""
        await self.ws.send_text(json.dumps(message, separators=(",", ":"), ensure_ascii=False, allow_nan=False))

    async def say_farewell(self) -> None:
        """Send the last message, where there is one."""
        if self.farewell is not None:
            async with asyncio.timeout(FAREWELL_S):
                await self.send(asdict(self.farewell))

    async def read(self) -> None:
        """Receive messages until the client disconnects, is silent for too long, or exceeds the rate limit."""
        limiter = RateLimiter(MESSAGES_PER_S, MESSAGES_AT_ONCE)
        while await limiter.wait():
            async with asyncio.timeout(PATIENCE_S):
                message = await self.ws.receive()
            if message["type"] == "websocket.disconnect":
                return
            try:
                await self.receive(_parsed(message.get("text")))
            except PerfcoreError as error:
                await self.send({"type": "error", "message": str(error)})

    @abstractmethod
    async def receive(self, message: dict[str, Any]) -> None:
        """Carry out one message; ``ping`` is answered by ``pong``."""

    @abstractmethod
    async def push(self) -> None:
        """Send the state after each change, until the room ends."""

    @abstractmethod
    async def work(self) -> None:
        """Compute what the messages need, until the connection closes."""

    async def _send_ended(self) -> None:
        await self.send({"type": "ended", "message": "This class has ended."})


class ParticipantConnection(Connection):
    """A participant's browser: the state is pushed; of several answers under way the latest is computed."""

    def __init__(self, ws: WebSocket, room: Room, person: Participant) -> None:
        super().__init__(ws, room)
        self.person = person
        self._answer: tuple[Round, int, Any] | None = None
        self._answered = asyncio.Event()

    async def receive(self, message: dict[str, Any]) -> None:
        """Carry out ``answer``, ``leave`` or ``ping``."""
        kind = message.get("type")
        if kind == "answer":
            await self._receive_answer(message)
        elif kind == "leave":
            await self.send({"type": "left"})
            self.room.leave(self.person, LEFT)
        elif kind == "ping":
            await self.send({"type": "pong"})
        else:
            raise invalid_request()

    async def _receive_answer(self, message: dict[str, Any]) -> None:
        """Note an answer; one that comes while its round is open counts, also if it is computed later."""
        number, sequence = whole_number(message.get("round")), whole_number(message.get("seq"))
        try:
            self._answer = self.room.open_round(number), sequence, message.get("value")
        except PerfcoreError as error:
            await self._refuse(sequence, error)
        self._answered.set()

    async def _refuse(self, sequence: int, error: PerfcoreError) -> None:
        await self.send({"type": "error", "message": str(error), "seq": sequence})

    async def push(self) -> None:
        """Send the state of the room, and the participant's own answer, after each change of the structure."""
        structure = -1
        while not self.room.is_ended:
            if self.room.structure > structure:
                structure = self.room.structure
                await self.send(messages.participant_message(self.room, self.person))
            await self.changed.wait()
            self.changed.clear()
        await self._send_ended()

    async def work(self) -> None:
        """Compute and keep the latest answer."""
        while True:
            await self._answered.wait()
            self._answered.clear()
            pending, self._answer = self._answer, None
            if pending is None:
                continue
            one, sequence, value = pending
            try:
                answer = await self.compute(self.person, read_answer, one.task, sequence, value)
                kept = self.room.answer(self.person, one.number, answer, in_time=True)
                await self.send({"type": "answered", "round": one.number, **messages.participant_answer(kept)})
            except PerfcoreError as error:
                await self._refuse(sequence, error)
            await asyncio.sleep(ANSWER_INTERVAL_S)


class HostConnection(Connection):
    """A lecturer's screen: room, answers of the rounds in view, and the references of the task's case."""

    def __init__(self, ws: WebSocket, room: Room) -> None:
        super().__init__(ws, room)
        self._watched: tuple[int, ...] = ()
        self._sent: dict[int, int] = {}
        self._task_changed = asyncio.Event()
        self._task_changed.set()

    def wake(self) -> None:
        """Let the tasks of this connection look at the room again."""
        super().wake()
        self._task_changed.set()

    async def receive(self, message: dict[str, Any]) -> None:
        """Carry out ``watch``, ``link`` or ``ping``."""
        kind = message.get("type")
        if kind == "watch":
            rounds = message.get("rounds")
            if not isinstance(rounds, list) or len(rounds) > MAX_WATCHED:
                raise invalid_request()
            self._watched = tuple(self.room.round(whole_number(one)).number for one in rounds)
            self.changed.set()
        elif kind == "link":
            await self.send(link_message(self.room, message.get("address")))
        elif kind == "ping":
            await self.send({"type": "pong"})
        else:
            raise invalid_request()

    async def push(self) -> None:
        """Send the room after each change of people, tasks or switches, and the answers that are new."""
        overview = -1
        await self.send(messages.setup_message())
        while not self.room.is_ended:
            if self.room.overview > overview:
                overview = self.room.overview
                await self.send(messages.host_message(self.room))
            await self._send_answers()
            await asyncio.sleep(HOST_INTERVAL_S)
            await self.changed.wait()
            self.changed.clear()
        await self._send_ended()

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
        last: Round | None = None
        while True:
            await self._task_changed.wait()
            self._task_changed.clear()
            current = self.room.current
            if current is not None and current is not last:
                last = current
                if current.task.case is not None:
                    await self._send_references(current.number, current.task.case)

    async def _send_references(self, number: int, of: TaskCase) -> None:
        for future in computed_references(of):
            waiting = asyncio.wrap_future(future)
            await asyncio.wait([waiting])  # unlike an await, it does not cancel the shared future
            if (found := waiting.result()) is not None:
                await self.send({"type": "reference", "round": number, **found})


def whole_number(value: Any) -> int:
    """Read a whole number of a message, 0 to `MAX_SEQUENCE`.

    Raises
    ------
    InputDataError
        It is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_SEQUENCE:
        raise invalid_request()
    return value


def _parsed(text: str | None) -> dict[str, Any]:
    try:
        message = json.loads(text or "")
    except (ValueError, RecursionError) as error:
        raise invalid_request() from error
    if not isinstance(message, dict):
        raise invalid_request()
    return message
