from __future__ import annotations

import pytest
import segno

from pages.ui.link_code import is_local, qr_rows


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


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://localhost:8501/class", True), ("http://127.0.0.1:8501", True), ("http://[::1]:8501/", True),
        ("http://192.168.1.20:8501", False), ("https://localhost.example.org/aif", False),
    ],
)  # fmt: skip
def test_an_address_of_this_computer_alone_is_local(address: str, expected: bool) -> None:
    assert is_local(address) is expected
