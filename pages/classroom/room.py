"""Room of a class: its participants, tasks and answers, in memory; thread-safe.

Connections are told of changes by call-backs and read the state themselves, so that many changes between two
messages are sent as one. ``structure`` numbers the changes that participants see (tasks, phases, reveal),
``overview`` those and people and switches, and ``revision`` all changes, answers included.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from typing import Final

from pages.classroom.participant import LEFT, REMOVED, REPLACED, Closer, Farewell, Participant
from pages.classroom.pseudonyms import clean_name, draw_name, unique_name
from pages.classroom.round import Round
from pages.classroom.tasks import Answer, Phase, Task, TaskCase
from pages.classroom.token_bucket import TokenBucket
from perfcore.errors import InputDataError

MAX_PARTICIPANTS: Final = 300
MAX_ROUNDS: Final = 60
JOINS_PER_S: Final = 5.0
"""People who may join a room per second on average; a class of 300 that scans a QR code takes a minute."""
JOINS_AT_ONCE: Final = 100
"""People who may join at once; a script then needs 40 s to fill a room."""
IDLE_S: Final = 2 * 3600.0
"""Seconds without a join, an answer, a download or an action of the lecturer after which a room ends.

Pings and reconnections do not count: a page that is left open would keep its room for ever."""
MAX_SOCKETS: Final = 3
"""Open sockets of one participant: of more, the oldest is closed."""

Listener = Callable[[], object]


class Room:
    """One class.

    Parameters
    ----------
    code
        The short code that people type.
    """

    def __init__(self, code: str) -> None:
        self.code = code
        self.key = secrets.token_urlsafe(16)
        """Joins without the code, from the link and the QR code."""
        self.host_token = secrets.token_urlsafe(32)
        self.revision = self.overview = self.structure = 0
        self.is_revealed = self.is_frozen = self.are_names_hidden = False
        self.compare: int | None = None
        """Number of the round that the projector shows beside the current one."""
        self.public_address = ""
        """Address under which participants reach this server, if it is not the one of the lecturer's browser."""
        self.is_ended = False
        self._lock = threading.RLock()
        self._people: dict[int, Participant] = {}
        self._by_token: dict[str, Participant] = {}
        self._last_number = 0
        self._rounds: list[Round] = []
        self._frozen_at = 0
        self._frozen_answers: dict[int, dict[int, tuple[Answer, int]]] = {}
        self._listeners: set[Listener] = set()
        self._host_listeners: set[Listener] = set()
        self._joins = TokenBucket(JOINS_PER_S, JOINS_AT_ONCE)
        self.used_at_s = time.monotonic()

    # State

    @property
    def participants(self) -> list[Participant]:
        """Participants who have joined and not left, in the order of joining."""
        with self._lock:
            return list(self._people.values())

    @property
    def rounds(self) -> list[Round]:
        """Every round, the last one last."""
        with self._lock:
            return list(self._rounds)

    @property
    def current(self) -> Round | None:
        """The last round, or None before the first."""
        with self._lock:
            return self._rounds[-1] if self._rounds else None

    def round(self, number: int) -> Round:
        """Return a round.

        Raises
        ------
        InputDataError
            There is no such round.
        """
        with self._lock:
            for one in self._rounds:
                if one.number == number:
                    return one
        raise InputDataError("This task does not exist any more.")

    def task_case(self, key: str, *, hidden: bool) -> TaskCase | None:
        """Return the case of a task by its key, or by the key of the case without its truth."""
        for one in reversed(self.rounds):
            of = one.task.case
            if of is not None and (of.hidden if hidden else of.case).key == key:
                return of
        return None

    def answers_since(self, number: int, revision: int) -> tuple[list[tuple[Participant, Answer]], list[int], int]:
        """Return the answers after a revision, the people whose answers were removed, and the revision.

        While the room is frozen they are the answers at that time, without those of people who have left since.
        """
        with self._lock:
            one = self.round(number)
            answers = self._frozen_answers.get(number, {}) if self.is_frozen else one.answers
            changed = [(self._people[who], answer) for who, (answer, at) in answers.items() if at > revision]
            removed = [who for who, at in one.removed.items() if at > revision and who not in one.answers]
            return changed, removed, self._frozen_at if self.is_frozen else self.revision

    # People

    def join(self, name: str = "") -> Participant:
        """Add a participant; an empty name is drawn.

        Raises
        ------
        InputDataError
            The room is full or has ended, or more people join than `JOINS_PER_S`.
        """
        with self._lock:
            self._check_alive()
            if len(self._people) >= MAX_PARTICIPANTS:
                raise InputDataError(f"The room is full: it holds {MAX_PARTICIPANTS} people.")
            if not self._joins.take():
                raise InputDataError("Very many people join at this moment; try again in ten seconds.")
            taken = {one.name for one in self._people.values()}
            chosen = clean_name(name)
            self._last_number += 1
            name = unique_name(chosen, taken) if chosen else draw_name(taken)
            person = Participant(self._last_number, name, secrets.token_urlsafe(32))
            self._people[person.number] = self._by_token[person.token] = person
            self._changed()
            return person

    def rejoin(self, token: str) -> Participant | None:
        """Return the participant of a token, or None."""
        with self._lock:
            return None if self.is_ended else self._by_token.get(token)

    def leave(self, person: Participant, farewell: Farewell = REMOVED) -> None:
        """Remove a participant with all answers, and close the participant's sockets.

        Parameters
        ----------
        person
            The participant.
        farewell
            What the participant's browser is told.
        """
        with self._lock:
            if self._people.pop(person.number, None) is None:
                return
            del self._by_token[person.token]
            for one in self._rounds:
                if one.answers.pop(person.number, None) is not None:
                    one.removed[person.number] = one.changed_at = self.revision + 1
            for kept in self._frozen_answers.values():
                kept.pop(person.number, None)
            closers, person.sockets = person.sockets, []
            self._changed()
        for close in closers:
            close(farewell)

    def hide_name(self, number: int, *, hidden: bool = True) -> None:
        """Hide one name on the lecturer's screens; the participant keeps it."""
        with self._lock:
            if number in self._people:
                self._people[number].is_name_hidden = hidden
                self._changed()

    def connect(self, person: Participant, close: Closer) -> None:
        """Register an open socket of a participant; of more than `MAX_SOCKETS` the oldest is closed.

        Parameters
        ----------
        person
            The participant; the socket of one who has left meanwhile is closed.
        close
            Closes the socket after a last message; called from any thread.
        """
        with self._lock:
            if person.number not in self._people:
                closing, farewell = close, LEFT
            else:
                person.sockets.append(close)
                self._changed(used=False)
                if len(person.sockets) <= MAX_SOCKETS:
                    return
                closing, farewell = person.sockets.pop(0), REPLACED
        closing(farewell)

    def disconnect(self, person: Participant, close: Closer) -> None:
        """Remove a closed socket."""
        with self._lock:
            if close in person.sockets:
                person.sockets.remove(close)
                self._changed(used=False)

    # Tasks

    def open(self, task: Task, *, repeats: int | None = None) -> Round:
        """Close the current round and start a round of a task; its answers are hidden until they are revealed.

        Raises
        ------
        InputDataError
            The room has ended, or has had `MAX_ROUNDS`.
        """
        with self._lock:
            self._check_alive()
            if len(self._rounds) >= MAX_ROUNDS:
                raise InputDataError(f"A room has at most {MAX_ROUNDS} tasks; open a new room.")
            if self._rounds:
                self._rounds[-1].phase = "closed"
            one = Round(len(self._rounds) + 1, task, repeats)
            self._rounds.append(one)
            self.is_revealed = self.is_frozen = False
            self._frozen_answers = {}
            self.compare = repeats
            self._changed(structure=True)
            return one

    def repeat(self, number: int) -> Round:
        """Start another round of the task of an earlier round."""
        return self.open(self.round(number).task, repeats=number)

    def set_phase(self, phase: Phase) -> None:
        """Pause, close or open the current round again."""
        with self._lock:
            if self._rounds and self._rounds[-1].phase != phase:
                self._rounds[-1].phase = phase
                self._changed(structure=True)

    def set_revealed(self, revealed: bool) -> None:
        """Show or hide the answers of the current round."""
        with self._lock:
            if self.is_revealed != revealed:
                self.is_revealed = revealed
                self._changed(structure=True)

    def set_frozen(self, frozen: bool) -> None:
        """Keep the answers on the projector as they are while others come in."""
        with self._lock:
            if self.is_frozen == frozen:
                return
            self._frozen_at = self.revision
            self._frozen_answers = {one.number: dict(one.answers) for one in self._rounds} if frozen else {}
            self.is_frozen = frozen
            self._changed()

    def set_public_address(self, address: str) -> None:
        """Set the address under which participants reach this server; empty: that of the projector's browser."""
        with self._lock:
            self.public_address = address.strip()
            self._changed()

    def set_compare(self, number: int | None) -> None:
        """Show another round beside the current one on the projector, or none.

        Raises
        ------
        InputDataError
            There is no such round.
        """
        with self._lock:
            if number is not None:
                self.round(number)
            self.compare = number
            self._changed()

    def set_names_hidden(self, hidden: bool) -> None:
        """Hide all names on the projector."""
        with self._lock:
            self.are_names_hidden = hidden
            self._changed()

    def open_round(self, number: int) -> Round:
        """Return a round that takes answers.

        Raises
        ------
        InputDataError
            There is no such round, or it is not open.
        """
        with self._lock:
            self._check_alive()
            one = self.round(number)
            if one.phase != "open":
                raise InputDataError("This task takes no answers now.")
            return one

    def answer(self, person: Participant, number: int, answer: Answer, *, in_time: bool = False) -> Answer:
        """Keep the answer of a participant; returns the one kept, which is the newer one by its sequence.

        Parameters
        ----------
        person
            The participant.
        number
            Number of the round.
        answer
            The answer.
        in_time
            It came while the round was open: it is kept even if that has changed while it was computed.

        Raises
        ------
        InputDataError
            The round is not open, or the participant has left.
        """
        with self._lock:
            self._check_alive()
            one = self.round(number) if in_time else self.open_round(number)
            if person.number not in self._people:
                raise InputDataError("You have left this room; join again.")
            before = one.answers.get(person.number)
            if before is not None and before[0].sequence >= answer.sequence:
                return before[0]
            one.changed_at = self.revision + 1
            one.answers[person.number] = (answer, one.changed_at)
            self._changed(overview=False)
            return answer

    def answer_of(self, person: Participant, number: int) -> Answer | None:
        """Return the last answer of a participant in a round."""
        with self._lock:
            found = self.round(number).answers.get(person.number)
            return None if found is None else found[0]

    # Life

    def listen(self, listener: Listener, *, as_host: bool = False) -> None:
        """Call a function after each change: of the structure, or as a host of anything."""
        with self._lock:
            (self._host_listeners if as_host else self._listeners).add(listener)

    def unlisten(self, listener: Listener) -> None:
        """Stop calling a function."""
        with self._lock:
            self._listeners.discard(listener)
            self._host_listeners.discard(listener)

    def touch(self) -> None:
        """Restart the idle timer."""
        self.used_at_s = time.monotonic()

    @property
    def is_expired(self) -> bool:
        """Whether the room has been idle for `IDLE_S`."""
        return time.monotonic() - self.used_at_s > IDLE_S

    def end(self) -> None:
        """End the room: connections are told, and forget it."""
        with self._lock:
            self.is_ended = True
            self._changed(structure=True)

    def _check_alive(self) -> None:
        if self.is_ended:
            raise InputDataError("This class has ended.")

    def _changed(self, *, structure: bool = False, overview: bool = True, used: bool = True) -> None:
        """Count a change and call the listeners, which must return at once."""
        self.revision += 1
        if used:
            self.touch()
        if overview:
            self.overview = self.revision
        listeners = set(self._host_listeners)
        if structure:
            self.structure = self.revision
            listeners |= self._listeners
        for listener in listeners:
            listener()
