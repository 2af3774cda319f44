from __future__ import annotations

import pytest

from pages.classroom.join_link import join_link, link_message
from pages.classroom.room import Room
from perfcore.errors import InputDataError


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://localhost:8501/", "http://localhost:8501/join?room=ABC234#k={key}"),
        ("https://lab.example.org/aif", "https://lab.example.org/aif/join?room=ABC234#k={key}"),
    ],
)
def test_the_link_follows_the_address_of_the_page(address: str, expected: str) -> None:
    room = Room("ABC234")
    assert join_link(room, address) == expected.format(key=room.key)


def test_the_public_address_comes_first() -> None:
    room = Room("ABC234")
    room.public_address = "https://lab.example.org"
    assert join_link(room, "http://localhost:8501/") == f"https://lab.example.org/join?room=ABC234#k={room.key}"


@pytest.mark.parametrize(
    "address",
    ["", "lab.example.org", "ftp://lab.example.org", "http://", "http://[1", "javascript:alert(1)", None, 3,
     "http://a.org/?x=1", "http://a.org/#x", f"http://{'a' * 200}.org"],
)  # fmt: skip
def test_another_address_is_refused(address: object) -> None:
    with pytest.raises(InputDataError, match="http://"):
        link_message(Room("ABC234"), address)
