"""Self-contained HTML pages: what they load, and their text."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser


class Page(HTMLParser):
    """Parser that records loaded resources, scripts and text, and checks that all tags are closed."""

    VOID = frozenset({"meta", "link", "img", "br", "hr", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
                self.loads.append(value or "")
            self.loads += re.findall(r"url\(['\"]?([^'\")]*)", value or "")
            assert not name.startswith("on"), f"{tag} has a handler"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text.append(data)


def check_page(text: str, *, images: bool = False) -> Page:
    """Read a page that loads nothing and runs nothing; ``images`` allows embedded ones."""
    page = Page(text)
    assert page.open == []
    assert not set(page.tags) & {"script", "link", "iframe", "object", "embed", "form"}
    assert images or not page.tags["img"]
    assert all(load.startswith(("#", "data:image/png;base64,")) for load in page.loads)
    assert "@import" not in text
    return page
