"""Modules of the file: each import is in the import map, and none needs a server."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from pages.live.server.static_files import LIVE_FRONTEND
from pages.one_file import bundle
from pages.one_file.bundle import REPLACED, bundle_lab, joined, rewrite

IMPORTED = re.compile(r"""(?m)^(?:import|export)\b[^;"']*?from\s*["']([^"']+)["']""")


def decoded() -> dict[str, str]:
    import base64

    return {name: base64.b64decode(url.partition(",")[2]).decode() for name, url in bundle_lab().imports.items()}


def test_every_import_is_in_the_map_and_every_module_is_needed() -> None:
    sources = decoded()
    wanted = {name for source in sources.values() for name in IMPORTED.findall(source)}
    assert wanted <= set(sources)
    assert set(sources) - wanted == {bundle_lab().entry}


def test_no_module_opens_a_connection_or_needs_the_place_of_its_file() -> None:
    for name, source in decoded().items():
        code = re.sub(r"(?m)//.*$|/\*(?:.|\n)*?\*/", "", source)
        assert not re.search(r"\bWebSocket\(|\bfetch\(|\bXMLHttpRequest\b|import\.meta|\bimport\(", code), name


def test_modules_that_need_a_server_are_replaced() -> None:
    sources = decoded()
    for server, page in REPLACED.items():
        assert bundle.name_of(server) not in sources
        assert bundle.name_of(page) in sources


def test_imports_over_several_lines_and_exports_are_rewritten_and_comments_are_not(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/one.js").write_text(
        '/** @import { T } from "./types.js" */\nimport {\n  x,\n} from "../two.js";\n'
        'export { y } from "./three.js";\n'
    )
    source, found = rewrite(tmp_path, "a/one.js", lambda path: f"<{path}>")
    assert found == ["two.js", "a/three.js"]
    assert source.splitlines() == [
        '/** @import { T } from "./types.js" */', "import {", "  x,", '} from "<two.js>";',
        'export { y } from "<a/three.js>";',
    ]  # fmt: skip


def test_worker_is_a_classic_script_with_its_modules_first(tmp_path: Path) -> None:
    (tmp_path / "w.js").write_text('import { f } from "./f.js";\nconsole.log(f(2));\n')
    (tmp_path / "f.js").write_text("export const f = (x) => 21 * x;\n")
    script = tmp_path / "joined.cjs"
    script.write_text(joined(tmp_path, "w.js"))
    assert subprocess.run(["node", script], capture_output=True, text=True, check=True).stdout == "42\n"
    (tmp_path / "f.js").write_text("export default 3;\n")
    with pytest.raises(ValueError, match=r"f\.js: 'export default 3;' cannot be part"):
        joined(tmp_path, "w.js")


def test_every_replaced_module_exists() -> None:
    for path in (*REPLACED, *REPLACED.values()):
        assert (LIVE_FRONTEND / path).is_file()
