"""The QR code on a page, compared with that of an independent encoder's matrix."""

from __future__ import annotations

import numpy as np
import segno
from playwright.sync_api import Page

READ_QR = """svg => [...svg.querySelector('path').getAttribute('d').matchAll(/M(\\d+) (\\d+)h(\\d+)v/g)]
  .flatMap(([, x, y, n]) => Array.from({ length: +n }, (_, k) => [+y - 4, +x - 4 + k]))"""


def assert_qr_code(page: Page, text: str) -> None:
    """Check that the page shows the QR code of a text, module by module."""
    dark = page.get_by_test_id("qr").evaluate(READ_QR)
    matrix = np.array(segno.make_qr(text, error="m", boost_error=False).matrix)
    assert sorted(map(tuple, dark)) == sorted(map(tuple, np.argwhere(matrix).tolist()))
