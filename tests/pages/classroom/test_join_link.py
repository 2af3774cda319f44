from __future__ import annotations

import pytest
import segno

from pages.classroom.join_link import join_link, link_message, qr_rows
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


def test_rows_hold_the_finder_patterns_and_the_version_of_the_text() -> None:
    """ISO/IEC 18004: a symbol of version v has 17 + 4 v modules a side, and three finder patterns."""
    text = "http://192.168.1.20:8501/join?room=ABC234#k=0123456789abcdefABCDEF"
    rows = qr_rows(text)
    assert len(rows) == 17 + 4 * int(segno.make_qr(text, error="m", boost_error=False).version)
    finder = ("1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111")
    for down, across in ((0, 0), (0, -7), (-7, 0)):
        block = rows[down : down + 7 or None]
        assert tuple(row[across : across + 7 or None] for row in block) == finder
    assert all(set(row) <= {"0", "1"} and len(row) == len(rows) for row in rows)
