"""Tests of the quality flags: codes, severities, and that each registered code is raised somewhere."""

import re
from pathlib import Path

import pytest

from perfcore.aif.quality import CODES
from perfcore.plausibility import CHECKS
from perfcore.quality_flags import FLAGS, codes, make_flag, sentences

ROOT = Path(__file__).parents[2]


def test_a_flag_has_the_severity_and_label_of_its_code() -> None:
    for code, info in FLAGS.items():
        flag = make_flag(code, "A sentence.")
        assert (info.code, flag.code, flag.severity, flag.label) == (code, code, info.severity, info.label)
        assert (str(flag), sentences([flag]), codes([flag])) == ("A sentence.", ["A sentence."], [code])


def test_an_unknown_code_is_refused() -> None:
    with pytest.raises(KeyError, match="unknown"):
        make_flag("unknown", "A sentence.")


def test_the_registry_holds_the_codes_in_use() -> None:
    files = [file for folder in ("perfcore", "pages") for file in (ROOT / folder).rglob("*.py")]
    used = {code for file in files for code in re.findall(r'make_flag\(\s*"(\w+)"', file.read_text("utf-8"))}
    plausibility = {code for code, check in CHECKS.items() if check.can_be_doubtful}  # made by judge
    assert used | plausibility | CODES == set(FLAGS)
    assert not used & plausibility and not CODES & (used | plausibility)
