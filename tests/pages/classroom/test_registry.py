"""Open rooms: found by code, link or token; wrong codes are limited."""

from __future__ import annotations

import pytest

from pages.classroom import registry as module
from pages.classroom.codes import display_code
from pages.classroom.registry import RoomRegistry
from perfcore.errors import InputDataError


@pytest.fixture
def registry() -> RoomRegistry:
    return RoomRegistry("B")


def test_a_room_is_found_by_its_code_as_it_is_typed(registry: RoomRegistry) -> None:
    room = registry.open()
    assert room.code.startswith("B")
    for text in (room.code, display_code(room.code).lower(), "-".join(room.code)):
        assert registry.find(text) is room


def exhaust(registry: RoomRegistry) -> int:
    """Try wrong codes until they are limited; returns how many were tried."""
    for n in range(10 * module.WRONG_CODES_AT_ONCE):
        with pytest.raises(InputDataError) as error:
            registry.find("WRONG2")
        if "Too many" in str(error.value):
            return n
    raise AssertionError("wrong codes are not limited")


def test_wrong_codes_are_limited_and_links_are_not(registry: RoomRegistry) -> None:
    room = registry.open()
    assert exhaust(registry) >= module.WRONG_CODES_AT_ONCE
    with pytest.raises(InputDataError, match="Too many"):
        registry.find(room.code)
    with pytest.raises(InputDataError, match="Too many"):
        registry.find(room.code, "a wrong key")
    assert registry.find(room.code, room.key) is room
    person = room.join()
    assert registry.rejoin(room.code, person.token) == (room, person)


def test_right_codes_count_not_as_wrong(registry: RoomRegistry) -> None:
    room = registry.open()
    for _ in range(5 * module.WRONG_CODES_AT_ONCE):
        registry.find(room.code)


def test_a_token_names_its_room(registry: RoomRegistry) -> None:
    one, two = registry.open(), registry.open()
    person = two.join()
    assert registry.of_token(one.host_token) == (one, None)
    assert registry.of_token(person.token) == (two, person)
    for token in ("", "guess", one.code, one.key, "\ud800"):
        assert registry.of_token(token) is None


def test_rejoining_has_one_sentence_for_every_reason(registry: RoomRegistry) -> None:
    """Neither a token nor a code can be tested with it."""
    room, other = registry.open(), registry.open()
    left, ended = room.join(), other.join()
    room.leave(left)
    registry.end(other)
    sentences = set()
    for code, token in (
        (room.code, left.token), (other.code, ended.token), (room.code, ended.token), (room.code, room.host_token),
        (room.code, ""), ("BNEVER2", left.token), ("", ""), ("\ud800", "\ud800"),
    ):  # fmt: skip
        with pytest.raises(InputDataError) as error:
            registry.rejoin(code, token)
        sentences.add(str(error.value))
    assert sentences == {"This class has ended, or you have left it; join again with the code on the screen."}


def test_a_server_holds_a_limited_number_of_rooms(registry: RoomRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ROOMS", 2)
    rooms = [registry.open(), registry.open()]
    with pytest.raises(InputDataError, match="2 classes at once"):
        registry.open()
    rooms[0].used_at_s -= 3 * 3600
    registry.open()
    assert rooms[0].is_ended, "one that is not used makes room"
    with pytest.raises(InputDataError, match="no class with this code"):
        registry.find(rooms[0].code)
    assert len(registry) == 2


def test_unused_rooms_are_ended(registry: RoomRegistry) -> None:
    used, unused = registry.open(), registry.open()
    unused.used_at_s -= 3 * 3600
    registry.sweep()
    assert (used.is_ended, unused.is_ended, len(registry)) == (False, True, 1)


@pytest.mark.parametrize("prefix", ["O", "-", "a", "1"])
def test_a_prefix_that_no_code_can_have_is_refused(prefix: str) -> None:
    with pytest.raises(InputDataError, match="AIF_LAB_ROOM_PREFIX"):
        RoomRegistry(prefix)
