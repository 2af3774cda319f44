"""Documents name files and functions that exist."""

from __future__ import annotations

import re

import pytest

from tests import ROOT

CODE = r"`((?:app|pages|perfcore|tests|tools)[\w/]*\.(?:py|js))`"


def test_every_step_of_the_code_walk_exists() -> None:
    """``file``, ``name``: the file defines the name."""
    steps = re.findall(
        CODE + r"(?:,\s`(\w+)`)?(?: and `(\w+)`)?", (ROOT / "docs/code-walk.md").read_text(encoding="utf-8")
    )
    assert len(steps) > 15
    for file, *names in steps:
        source = (ROOT / file).read_text(encoding="utf-8")
        for name in filter(None, names):
            keyword = r"(?:export )?(?:async )?(?:const |function |class |def )?#?"
            defined = rf"(?m)^\s*{keyword}{name}\b\s*(?:=|\(|:|\{{|$)"
            assert re.search(defined, source), f"{file} does not define {name}"


@pytest.mark.parametrize(
    "document",
    [
        "README.md",
        "docs/command-line.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "deploy/README.md",
        "data/README.md",
    ],
)
def test_documents_name_files_that_exist(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    for file in re.findall(CODE, text) + re.findall(
        r"`((?:pages|perfcore|tests|tools|docs|deploy)/[\w/]*)`", text
    ):
        assert (ROOT / file).exists(), f"{document} names {file}"
    for module in re.findall(r"python -m ((?:tools|tests)[\w.]*)", text):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), f"{document} names {module}"
