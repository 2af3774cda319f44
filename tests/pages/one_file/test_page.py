"""The page of a case: its data are the server's frames, texts stay texts, and the bytes are always the same."""

from __future__ import annotations

import base64
import hashlib
import re

import numpy as np
import pytest

from pages.library.catalog import demonstrations, open_case
from pages.live.compute.case import LiveCase
from pages.live.compute.engine_data import basis_message
from pages.live.server import wire
from pages.live.server.case_route import coefficients_frame
from pages.one_file.about import NOTICE, Words
from pages.one_file.engine_limits import MAX_FRAMES, check_engine
from pages.one_file.page import make_page
from pages.teaching.lessons import LESSONS
from perfcore.errors import ArgumentError, InputDataError
from perfcore.settings import Settings
from perfcore.types import Aif
from perfcore.version import VERSION
from tests.support.one_file import PageReader
from tests.support.wire_frames import read

HOSTILE = "</script><script>alert(1)</script><!-- <b>bold</b> & \u2028 'quoted' \"twice\""
TEXT = f"One.\n\nTwo: {HOSTILE}"
MAX_BYTES = 14e6


@pytest.fixture(scope="module")
def case() -> LiveCase:
    return open_case(demonstrations()[0], Settings())


def start_of(case: LiveCase) -> Aif:
    return next(iter(case.sources.values()))


def page_of(case: LiveCase, words: Words) -> bytes:
    flat = Aif(case.prepared.time_s, np.zeros(case.prepared.n_time), "expert")
    others = [flat, *case.sources.values()]
    return make_page(case, Settings(), start_of(case), words, described="Phantom: M1", others=others)


@pytest.fixture(scope="module")
def content(case: LiveCase) -> bytes:
    return page_of(case, Words(HOSTILE, TEXT))


@pytest.fixture(scope="module")
def reader(content: bytes) -> PageReader:
    return PageReader(content)


def test_data_are_the_frames_of_a_server(case: LiveCase, reader: PageReader) -> None:
    frames = reader.frames()
    assert list(frames) == ["config", "case", "basis", "sources", *(f"coefficients-{z}" for z in range(8))]
    assert frames["basis"] == wire.pack("basis", *basis_message(case))
    for z in range(8):
        assert frames[f"coefficients-{z}"] == coefficients_frame(z, case)
    header, arrays = read(frames["case"])
    static, expected = case.static
    assert {name: header[name] for name in static if name != "name"} == {
        name: value for name, value in static.items() if name != "name"
    }
    for name in expected:
        np.testing.assert_array_equal(arrays[name], expected[name].reshape(-1))
    np.testing.assert_array_equal(arrays["start"], start_of(case).value.astype(np.float32))
    assert header["startNumbers"] == case.start_numbers(start_of(case), Settings())
    assert reader.page["checksum"] == hashlib.sha256(b"".join(frames.values())).hexdigest()


def test_sources_are_those_that_give_maps(case: LiveCase, reader: PageReader) -> None:
    frames = reader.frames()
    header, arrays = read(frames["sources"])
    config, _ = read(frames["config"])
    assert [one["id"] for one in config["sources"]] == list(arrays)
    assert list(arrays)[:2] == ["straka", "truth"]  # others where a test has asked for them
    assert config["start"] == "straka"
    np.testing.assert_array_equal(arrays["truth"], case.sources["truth"].value.astype(np.float32))
    assert header["voxels"]["straka"] == [list(v) for v in case.sources["straka"].voxels]


def test_file_says_what_it_is(reader: PageReader) -> None:
    said = {one["label"]: one["value"] for one in reader.page["about"]}
    assert said["Case"] == "Phantom: M1"
    assert said["Regularisation"] == "Tikhonov, 0.3"
    assert (reader.page["notice"], reader.page["version"]) == (NOTICE, VERSION)


def test_texts_of_the_author_stay_texts(content: bytes, reader: PageReader) -> None:
    assert reader.page["title"] == " ".join(HOSTILE.split())
    assert reader.page["text"] == TEXT
    assert "b" not in reader.tags
    assert b"<script>alert" not in content
    assert len(re.findall(rb"</script>", content)) == reader.tags.count("script")


def test_policy_allows_the_scripts_of_the_file_alone(reader: PageReader) -> None:
    rules = dict(rule.strip().split(" ", 1) for rule in reader.policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert "connect-src" not in rules, "default-src forbids every connection"
    assert not re.search(r"https?:|\*|'unsafe-inline'|'unsafe-eval'", rules["script-src"])
    assert len(reader.inline) == 2
    for _, script in reader.inline:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in rules["script-src"]


def test_same_content_gives_the_same_bytes_of_bounded_size(case: LiveCase, content: bytes) -> None:
    assert page_of(case, Words(HOSTILE, TEXT)) == content
    assert len(content) <= MAX_BYTES


def test_every_lesson_is_written_with_its_numbers(case: LiveCase) -> None:
    page = PageReader(page_of(case, Words(lesson="amplitude"))).page
    lesson = page["lesson"]
    assert lesson["title"] == LESSONS["amplitude"].title
    text = " ".join(one for step in lesson["steps"] for one in step["paragraphs"])
    assert "With half the height CBF is 2.00 times what it was" in text
    assert not re.search(r"\*\*|[{}]", text)


def test_words_out_of_range_are_refused() -> None:
    with pytest.raises(InputDataError, match="at most 120"):
        Words(title="x" * 121)
    with pytest.raises(InputDataError, match=r"at most 20000"):
        Words(text="x" * 20_001)
    with pytest.raises(ArgumentError, match="lesson must be one of amplitude"):
        Words(lesson="nothing")


@pytest.mark.parametrize(
    ("settings", "n_time", "sentence"),
    [
        (Settings(regularization="oscillation"), 60, "no limit of the oscillation index"),
        (Settings(regularization="tsvd", deconvolution="causal"), 60, "delay-invariant form alone"),
        (Settings(), MAX_FRAMES + 1, "holds at most 800"),
    ],
)
def test_what_the_engine_does_not_have_is_refused(settings: Settings, n_time: int, sentence: str) -> None:
    with pytest.raises(InputDataError, match=sentence):
        check_engine(settings, n_time)


@pytest.mark.parametrize(
    "settings",
    [Settings(), Settings(regularization="tsvd"), Settings(deconvolution="causal", discretization="rectangular")],
)
def test_what_the_engine_has_is_accepted(settings: Settings) -> None:
    check_engine(settings, 60)
