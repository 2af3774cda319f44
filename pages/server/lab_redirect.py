"""Address ``/lab``: the Lab is the first page, at the root."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse

PATH: Final = "/lab"


async def lab_redirect(request: Request) -> RedirectResponse:
    """Send the browser to the Lab, with the parameters of a link."""
    root = request.url.path.removesuffix("/").removesuffix(PATH) + "/"
    return RedirectResponse(root + (f"?{request.url.query}" if request.url.query else ""))
