"""Participants of a room, and the last message to a participant's browser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal


@dataclass(frozen=True)
class Farewell:
    """Last message to a browser before its socket is closed.

    Attributes
    ----------
    type
        ``refused``: the token is not valid any more; ``replaced``: it is, but too many windows use it.
    message
        One sentence.
    """

    type: Literal["refused", "replaced"]
    message: str


REMOVED: Final = Farewell("refused", "The lecturer has removed you from this class.")
LEFT: Final = Farewell("refused", "You have left this class; join again with the code on the screen.")
REPLACED: Final = Farewell("replaced", "You have this class open in other windows; go on in the newest one.")

Closer = Callable[[Farewell], object]


@dataclass(eq=False)
class Participant:
    """One participant: public number, pseudonym, and the secret token that a browser rejoins with."""

    number: int
    name: str
    token: str
    is_name_hidden: bool = False
    sockets: list[Closer] = field(default_factory=list)
    """Functions that close the participant's open sockets."""

    @property
    def is_connected(self) -> bool:
        """Whether a browser of this participant is connected."""
        return bool(self.sockets)
