"""Static files of the front end, under a path that holds the hash of their content.

They are cached as immutable: an update changes the path, so that the browser never mixes two versions.
The hash is a prefix of the folder tree, so relative imports between the files resolve as they do on disk.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

PAGES: Final = Path(__file__).resolve().parents[2]
LIVE_FRONTEND: Final = PAGES / "live" / "frontend"
PLAYER_FRONTEND: Final = PAGES / "series_player" / "frontend"
CLASS_FRONTEND: Final = PAGES / "classroom" / "frontend"
SESSION_FRONTEND: Final = PAGES / "session" / "frontend"
UI_FRONTEND: Final = PAGES / "ui" / "frontend"


def hash_of(*folders: Path) -> str:
    """Return a hash of the names and the contents of all files below some folders, 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for folder in folders:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            content = file.read_bytes()
            digest.update(f"{file.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()[:16]


CONTENT_HASH: Final = hash_of(LIVE_FRONTEND, PLAYER_FRONTEND, CLASS_FRONTEND, SESSION_FRONTEND, UI_FRONTEND)
"""Of the front end as the server started with it."""
BASE: Final = f"assets/{CONTENT_HASH}/"
"""Where the browser finds the folders ``frontend`` of ``pages/``, relative to the page."""


class HashedStaticFiles(StaticFiles):
    """Files below ``/assets/{content_hash}/``, cached without revalidation; another hash is not found."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file if the path holds the hash of the files that are served."""
        if scope["path_params"]["content_hash"] != CONTENT_HASH:
            raise HTTPException(404)
        return await super().get_response(path, scope)

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Return a file with the permission to keep it."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response
