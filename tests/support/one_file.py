"""Content of a page in one file, read as a browser reads it."""

from __future__ import annotations

import base64
import gzip
import json
from html.parser import HTMLParser
from typing import Any


class PageReader(HTMLParser):
    """Texts of the script elements by id, tags, and the policy."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.scripts: dict[str, str] = {}
        self.inline: list[tuple[str, str]] = []
        self.tags: list[str] = []
        self.policy = ""
        self._open: dict[str, str | None] | None = None
        self.feed(content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        fields = dict(attrs)
        if fields.get("http-equiv") == "Content-Security-Policy":
            self.policy = fields["content"] or ""
        if tag == "script":
            self._open = fields

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._open = None

    def handle_data(self, data: str) -> None:
        if self._open is None:
            return
        if name := self._open.get("id"):
            self.scripts[name] = data
        else:
            self.inline.append((self._open.get("type") or "", data))

    @property
    def page(self) -> dict[str, Any]:
        return json.loads(self.scripts["page"])

    @property
    def modules(self) -> dict[str, str]:
        """Sources of the modules by name."""
        imports = json.loads(next(text for kind, text in self.inline if kind == "importmap"))["imports"]
        return {name: base64.b64decode(url.partition(",")[2]).decode() for name, url in imports.items()}

    def frames(self) -> dict[str, bytes]:
        """Frames of the data, by name."""
        return {
            name.removeprefix("data-"): gzip.decompress(base64.b64decode(text))
            for name, text in self.scripts.items()
            if name.startswith("data-")
        }

    def everything(self) -> bytes:
        """All of the content, decoded."""
        sources = "\n".join([*self.modules.values(), self.scripts["page"]]).encode()
        return sources + b"".join(self.frames().values())
