"""Web pages of a class outside Streamlit: ``/join`` for participants, ``/projector`` for the screen of the room.

They hold no data: the code is typed or in the query, tokens stay in the browser.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from pages.live.server.static_files import BASE
from pages.ui.colours import outline_css

JOIN_PATH: Final = "/join"
PROJECTOR_PATH: Final = "/projector"
_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
"""Styles are also set by the scripts; scripts are files of this server only."""
_DOCUMENT: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<title>{title}</title>
<link rel="icon" href="{base}live/frontend/icon.svg">
<link rel="stylesheet" href="{base}classroom/frontend/styles/{name}.css">
<style>{outlines}</style>
</head>
<body>
<noscript>This page needs JavaScript.</noscript>
<div id="root" data-testid="{name}"></div>
<script type="module" src="{base}classroom/frontend/{name}/main.js"></script>
</body>
</html>
"""


async def join_page(_request: Request) -> Response:
    """Return the page on which people join and answer."""
    return _page("join", "Join a class – AIF Lab")


async def projector_page(_request: Request) -> Response:
    """Return the page for the projector."""
    return _page("projector", "Class – AIF Lab")


def _page(name: str, title: str) -> Response:
    headers = {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": _POLICY,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return HTMLResponse(_document(name, title), headers=headers)


@cache
def _document(name: str, title: str) -> str:
    return _DOCUMENT.format(name=name, title=title, base=BASE, outlines=outline_css(":root"))
