"""Static files: cached without revalidation under the hash of their content, not found under another."""

from __future__ import annotations

import re
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from pages.live import component
from pages.live.server.static_files import BASE, CONTENT_HASH, LIVE_FRONTEND, HashedStaticFiles, hash_of
from pages.series_player import component as player

APP = Starlette(routes=[Mount("/assets/{content_hash}/live/frontend", HashedStaticFiles(directory=LIVE_FRONTEND))])


def test_a_file_is_immutable_under_its_hash_and_not_found_under_another() -> None:
    client = TestClient(APP)
    answer = client.get(f"/{BASE}live/frontend/lab.js")
    assert answer.status_code == 200
    assert answer.text == (LIVE_FRONTEND / "lab.js").read_text(encoding="utf-8")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"].startswith(("text/javascript", "application/javascript"))
    for other in ("0" * 16, CONTENT_HASH.upper().replace("0", "1"), ""):
        missing = client.get(f"/assets/{other}/live/frontend/lab.js")
        assert missing.status_code == 404
        assert "cache-control" not in missing.headers


def test_the_components_load_from_the_hashed_path() -> None:
    for script, file in ((component._JS, "live/frontend/"), (player._JS, "series_player/frontend/player.js")):
        assert BASE in script
        assert file in script


def test_every_change_of_a_file_changes_the_hash(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("1")
    (tmp_path / "b.js").write_text("2")
    first = hash_of(tmp_path)
    assert re.fullmatch("[0-9a-f]{16}", first)
    assert hash_of(tmp_path) == first
    (tmp_path / "b.js").write_text("3")
    changed = hash_of(tmp_path)
    (tmp_path / "b.js").rename(tmp_path / "c.js")
    assert len({first, changed, hash_of(tmp_path)}) == 3
