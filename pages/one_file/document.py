"""The HTML document: modules, assets and data in script elements, and a policy that forbids the network."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Final

from pages.live.lab_config import lab_css
from pages.live.server.static_files import LIVE_FRONTEND
from pages.one_file.bundle import Bundle, bundle_lab
from pages.one_file.data import Block

COMPRESSION: Final = 9
_PAGE_CSS: Final = LIVE_FRONTEND / "offline" / "page.css"
# The modules are data: URLs, the workers blob: URLs; the only inline scripts are those whose hashes are named.
_POLICY: Final = (
    "default-src 'none'; script-src {scripts} data: blob: 'wasm-unsafe-eval'; worker-src blob:; "
    "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'"
)
_DOCUMENT: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="AIF Lab">
<title>{title}</title>
<style>
{styles}
</style>
<script type="importmap">{imports}</script>
</head>
<body>
<noscript>This page needs JavaScript, which computes its maps; nothing is sent anywhere.</noscript>
{elements}
<script type="module">{entry}</script>
</body>
</html>
"""


def make_document(page: Mapping[str, Any], blocks: Iterable[Block]) -> bytes:
    """Return the file; the same content gives the same bytes.

    Parameters
    ----------
    page
        What the file says, as `pages.one_file.about.Words.page` returns it.
    blocks
        The data.
    """
    bundle = bundle_lab()
    imports = json.dumps({"imports": bundle.imports}, separators=(",", ":"))
    entry = f'import {{ openPage }} from "{bundle.entry}"; openPage(document);'
    document = _DOCUMENT.format(
        policy=_POLICY.format(scripts=" ".join(_hash(script) for script in (imports, entry))),
        title=escape(str(page["title"])),
        styles=lab_css() + _PAGE_CSS.read_text(encoding="utf-8"),
        imports=imports,
        elements="\n".join((_page_element(page), *_assets(bundle), *map(_data_element, blocks))),
        entry=entry,
    )
    return document.encode()


def _page_element(page: Mapping[str, Any]) -> str:
    # No text can end its element: the only such sequences begin with "<".
    text = json.dumps(page, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" id="page">{text}</script>'


def _assets(bundle: Bundle) -> Iterable[str]:
    for name, content in (("worker", bundle.worker.encode()), ("kernel", bundle.kernel)):
        yield f'<script type="application/octet-stream;base64" id="asset-{name}">{_base64(content)}</script>'


def _data_element(block: Block) -> str:
    packed = gzip.compress(block.frame, COMPRESSION, mtime=0)
    return (
        f'<script type="application/gzip;base64" id="data-{block.name}" data-kind="{block.kind}">'
        f"{_base64(packed)}</script>"
    )


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _hash(script: str) -> str:
    return f"'sha256-{_base64(hashlib.sha256(script.encode()).digest())}'"
