"""Serves the component's own files; nothing comes from elsewhere."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.staticfiles import StaticFiles


class Assets(StaticFiles):
    """Files that the browser asks about each time: after an update nobody runs half of the old version."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Return a file with the order to revalidate it."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response
