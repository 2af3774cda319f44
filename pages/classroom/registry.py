"""Open rooms by code and token, and the limit on wrong codes."""

from __future__ import annotations

import os
import secrets
import threading
from typing import Final

from pages.classroom.codes import ALPHABET, new_code, normalize_code
from pages.classroom.participant import Participant
from pages.classroom.room import Room
from pages.classroom.token_bucket import TokenBucket
from perfcore.errors import InputDataError

MAX_ROOMS: Final = 50
WRONG_CODES_PER_S: Final = 2.0
"""Wrong codes that the server lets be tried on average, in total: one of `MAX_ROOMS` rooms is then
guessed after 31⁶ / 50 / 2 s = 100 days, or half of that on average."""
WRONG_CODES_AT_ONCE: Final = 60
"""A class that begins mistypes some codes within a minute."""
PREFIX_VARIABLE: Final = "AIF_LAB_ROOM_PREFIX"
"""Environment variable: first characters of this process's codes, by which a proxy picks the process."""


class RoomRegistry:
    """All rooms of this process; thread-safe.

    Parameters
    ----------
    prefix
        First characters of the codes, of `ALPHABET`.
    """

    def __init__(self, prefix: str = "") -> None:
        if not set(prefix) <= set(ALPHABET):
            raise InputDataError(f"{PREFIX_VARIABLE} has to be of the characters {ALPHABET}; it is {prefix!r}.")
        self._prefix = prefix
        self._lock = threading.Lock()
        self._rooms: dict[str, Room] = {}
        self._wrong_codes = TokenBucket(WRONG_CODES_PER_S, WRONG_CODES_AT_ONCE)

    def open(self) -> Room:
        """Open a room.

        Raises
        ------
        InputDataError
            There are `MAX_ROOMS`.
        """
        self.sweep()
        with self._lock:
            if len(self._rooms) >= MAX_ROOMS:
                raise InputDataError(
                    f"This server holds {MAX_ROOMS} classes at once; end one, or try again later."
                )
            code = new_code(self._prefix)
            while code in self._rooms:
                code = new_code(self._prefix)
            self._rooms[code] = room = Room(code)
            return room

    def find(self, code: str, key: str = "") -> Room:
        """Return the room of a typed code, or of a link's code and key.

        The key of a link is too long to be guessed, so that links work while wrong codes are limited.

        Raises
        ------
        InputDataError
            There is no such room, or too many wrong codes were tried.
        """
        with self._lock:
            room = self._rooms.get(normalize_code(code))
            if room is not None and key and _same(room.key, key):
                return room
            if self._wrong_codes.is_empty:
                raise InputDataError("Too many wrong codes were tried here; wait a minute and try again.")
            if room is None or room.is_ended:
                self._wrong_codes.take()
                raise InputDataError("There is no class with this code; check it, or ask for a new one.")
            return room

    def rejoin(self, code: str, token: str) -> tuple[Room, Participant]:
        """Return the room and the participant of a token.

        Raises
        ------
        InputDataError
            The room has ended, or there never was such a participant; it is one sentence, which tells nothing of
            the codes.
        """
        with self._lock:
            room = self._rooms.get(normalize_code(code))
        person = None if room is None else room.rejoin(token)
        if room is None or person is None:
            raise InputDataError(
                "This class has ended, or you have left it; join again with the code on the screen."
            )
        return room, person

    def of_token(self, token: str) -> tuple[Room, Participant | None] | None:
        """Return the room of a token with the participant, or with None for the lecturer's token."""
        with self._lock:
            rooms = list(self._rooms.values())
        for room in rooms:
            if _same(room.host_token, token):
                return room, None
            if (person := room.rejoin(token)) is not None:
                return room, person
        return None

    def end(self, room: Room) -> None:
        """End a room and forget it."""
        with self._lock:
            self._rooms.pop(room.code, None)
        room.end()

    def sweep(self) -> None:
        """End the rooms that have been idle for `IDLE_S`."""
        with self._lock:
            expired = [room for room in self._rooms.values() if room.is_expired]
        for room in expired:
            self.end(room)

    def __len__(self) -> int:
        return len(self._rooms)


def _same(secret: str, given: str) -> bool:
    """Compare in constant time; JSON from a browser may hold lone surrogates, which have no encoding."""
    return secrets.compare_digest(secret.encode(), given.encode(errors="replace"))


ROOMS: Final = RoomRegistry(os.environ.get(PREFIX_VARIABLE, "").upper())
"""The rooms of this process."""
