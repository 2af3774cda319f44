"""Row of a selection event of the library's table."""

from __future__ import annotations

from typing import Any

import pytest

from pages.library.table import selected_row


@pytest.mark.parametrize(
    ("event", "row"),
    [
        ({}, None),
        ({"selection": {}}, None),
        ({"selection": {"rows": [], "cells": []}}, None),
        ({"selection": {"rows": [3], "cells": []}}, 3),
        ({"selection": {"rows": [3], "cells": [[1, "Case"]]}}, 1),
    ],
)
def test_a_cell_is_newer_than_the_row(event: dict[str, Any], row: int | None) -> None:
    assert selected_row(event) == row
