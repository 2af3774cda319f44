"""WebSocket of a class: participants answer, the lecturer's screens follow.

The first message authenticates: ``join`` with the code, ``rejoin`` with a participant's token, or ``host`` with
the lecturer's token. All messages are JSON; see ``pages.classroom.messages`` and ``pages.classroom.connections``.

The server's last message says why it closes: ``refused`` (the code or the token is not valid, or no longer),
``replaced`` (the participant has too many windows), ``left`` (the participant left), ``ended`` (the class ended).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

import anyio
from starlette.websockets import WebSocket, WebSocketDisconnect

from pages.classroom.connections import Connection, HostConnection, ParticipantConnection
from pages.classroom.participant import LEFT, Farewell, Participant
from pages.classroom.registry import ROOMS
from pages.live.handlers.requests import invalid_request
from pages.live.server.handshake import MAX_FRAME_BYTES, first_message, same_origin
from pages.server.error_reporting import report_error
from pages.server.message_limits import limit_messages
from pages.server.streamlit_internals import asgi_receive
from perfcore.errors import InputDataError, PerfcoreError

PATH: Final = "/class/socket"
POLICY_VIOLATION: Final = 1008
_CLOSED: Final = (RuntimeError, WebSocketDisconnect, TimeoutError)
"""Exceptions of a socket that the client has closed, or does not read."""


async def class_socket(ws: WebSocket) -> None:
    """Serve one browser of a class."""
    if not same_origin(ws.headers.get("origin"), ws.headers.get("host")):
        await ws.close(POLICY_VIOLATION)
        return
    limit_messages(asgi_receive(ws), MAX_FRAME_BYTES)
    await ws.accept()
    message = await first_message(ws)
    with contextlib.suppress(*_CLOSED):
        try:
            if message is not None:
                await _admit(ws, message)
        except PerfcoreError as error:
            await ws.send_json({"type": "refused", "message": str(error)})
    with contextlib.suppress(*_CLOSED):
        await ws.close(POLICY_VIOLATION)


async def _admit(ws: WebSocket, message: dict[str, Any]) -> None:
    """Serve the sender of a first message."""
    kind = message.get("type")
    text = {name: value for name, value in message.items() if isinstance(value, str)}
    if kind == "host":
        found = ROOMS.of_token(text.get("token", ""))
        if found is None or found[1] is not None:
            raise InputDataError("This class has ended; open a new one on the page Class.")
        await _serve(HostConnection(ws, found[0]))
        return
    if kind == "rejoin":
        room, person = ROOMS.rejoin(text.get("code", ""), text.get("token", ""))
    elif kind == "join":
        room = ROOMS.find(text.get("code", ""), text.get("key", ""))
        person = room.join(text.get("name", ""))
    else:
        raise invalid_request()
    client = ParticipantConnection(ws, room, person)
    try:
        await client.send({"type": "joined", "token": person.token, "name": person.name, "code": room.code})
    except _CLOSED:
        if kind == "join":  # no client has the token
            room.leave(person, LEFT)
        raise
    await _serve(client, person)


async def _serve(client: Connection, person: Participant | None = None) -> None:
    """Run the tasks of a connection until it closes or the room ends; a lecturer's screen is no person."""
    room, group, loop = client.room, anyio.create_task_group(), asyncio.get_running_loop()

    def end(farewell: Farewell) -> None:
        client.farewell = farewell
        group.cancel_scope.cancel()

    def close(farewell: Farewell) -> None:
        with contextlib.suppress(RuntimeError):  # the server has stopped
            loop.call_soon_threadsafe(end, farewell)

    async def until_closed(task: Callable[[], Awaitable[None]]) -> None:
        try:
            await task()
        except _CLOSED:
            pass
        except Exception as error:  # noqa: BLE001 - reported, without its message
            report_error(error)
        group.cancel_scope.cancel()

    room.listen(client.notify, as_host=person is None)
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
    await client.say_farewell()
