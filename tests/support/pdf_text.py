"""Text and pages of a PDF that matplotlib wrote: objects, fonts and content streams, read anew."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

_OBJECT = re.compile(rb"(?:^|\n)(\d+) 0 obj\r?\n(.*?)\r?\nendobj", re.DOTALL)
_STREAM = re.compile(rb"stream\r?\n(.*)\r?\nendstream", re.DOTALL)
_RANGE = re.compile(r"<([0-9a-f]+)> <[0-9a-f]+> \[([^\]]*)\]")
_TOKEN = re.compile(rb"/(F\d+) [\d.]+ Tf|\(((?:\\.|[^\\()])*)\)", re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_NAMED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


@dataclass(frozen=True)
class PdfText:
    """Number of pages, and the pieces of text in the order in which they were drawn."""

    n_pages: int
    pieces: tuple[str, ...]

    @property
    def text(self) -> str:
        """Everything, a space between pieces."""
        return " ".join(self.pieces)


def read_pdf(content: bytes) -> PdfText:
    """Read a PDF."""
    assert content.startswith(b"%PDF-") and content.rstrip().endswith(b"%%EOF")
    objects = {int(number): body for number, body in _OBJECT.findall(content)}
    pages = [body for body in objects.values() if re.search(rb"/Type /Page\b", body)]
    fonts = {
        name.decode(): _characters(objects, int(number))
        for body in objects.values()
        if re.fullmatch(rb"<<(?: ?/F\d+ \d+ 0 R\s?)+ ?>>", body)
        for name, number in re.findall(rb"/(F\d+) (\d+) 0 R", body)
    }
    pieces: list[str] = []
    for page in pages:
        (number,) = re.findall(rb"/Contents (\d+) 0 R", page)
        for block in re.findall(rb"BT\n(.*?)ET\n", _stream(objects[int(number)]), re.DOTALL):
            pieces.append(_text(block, fonts))
    return PdfText(len(pages), tuple(pieces))


def _stream(body: bytes) -> bytes:
    found = _STREAM.search(body)
    assert found is not None
    return zlib.decompress(found[1]) if b"FlateDecode" in body[: found.start()] else found[1]


def _characters(objects: dict[int, bytes], number: int) -> dict[int, str]:
    """Return the characters of a font's codes."""
    (cmap,) = re.findall(rb"/ToUnicode (\d+) 0 R", objects[number])
    codes: dict[int, str] = {}
    for first, values in _RANGE.findall(_stream(objects[int(cmap)]).decode("ascii")):
        for k, value in enumerate(re.findall(r"<([0-9a-f]+)>", values)):
            codes[int(first, 16) + k] = bytes.fromhex(value).decode("utf-16-be")
    return codes


def _text(block: bytes, fonts: dict[str, dict[int, str]]) -> str:
    out, font = [], {}
    for name, string in _TOKEN.findall(block):
        if name:
            font = fonts[name.decode()]
        out += [font[code] for code in _ESCAPE.sub(_unescape, string)]
    return "".join(out)


def _unescape(found: re.Match[bytes]) -> bytes:
    code = found[1]
    return bytes([int(code, 8)]) if code.isdigit() else _NAMED.get(code, code)
