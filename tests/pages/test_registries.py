"""Registries: an added selector, regularisation, map or lesson is on the pages without another edit."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.comparison import map_images
from pages.library import catalog
from pages.live.handlers.sensitivity import REGIONS
from pages.session import widget_keys
from pages.teaching import lessons
from pages.ui.colours import outline_css
from perfcore.aif.select import SELECTORS
from perfcore.aif.sources import NETWORK_SOURCES, OTHER_COLOURS, source_colour, source_info
from perfcore.analysis.sensitivity import QUANTITIES
from perfcore.display.colours import OUTLINES, outline_rgb
from perfcore.map_info import MAPS
from perfcore.metric_info import LIVE, METRICS
from perfcore.regularization import REGULARIZATIONS
from perfcore.settings import CHOICES
from tests.pages.test_pages import config, run

ROOT = Path(__file__).parents[2]


@pytest.fixture
def extended(monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """The dashboard with one more selector, regularisation and map; the case is loaded again with them."""
    first = catalog.demonstrations()[0]
    catalog.forget_entry(first)
    monkeypatch.setitem(SELECTORS, "mine", replace(SELECTORS["straka"], id="mine", label="My selector"))
    more = replace(REGULARIZATIONS["tikhonov"], id="plain", label="My regularisation")
    monkeypatch.setitem(REGULARIZATIONS, "plain", more)
    monkeypatch.setitem(MAPS, "late", replace(MAPS["ttp"], id="late", label="My map", difference=2.0))
    yield run()
    catalog.forget_entry(first)


def test_additions_are_in_the_sidebar_and_the_lab(extended: AppTest) -> None:
    (regularization,) = [box for box in extended.sidebar.selectbox if box.label == "Regularisation"]
    assert "My regularisation" in regularization.options
    header = config(extended)
    assert {source["id"]: source["label"] for source in header["sources"]}["mine"] == "My selector"
    assert header["maps"]["late"]["label"] == "My map"
    regularization.set_value("plain").run()
    assert not extended.exception
    assert config(extended)["regularization"] == "plain"


def test_colours_and_labels_agree_on_every_page() -> None:
    app = run()
    header = config(app)
    for source in header["sources"]:
        info = source_info(source["id"])
        assert (source["label"], source["colour"]) == (info.label, info.colour)
        assert source_colour(source["id"]) in {info.colour, *OTHER_COLOURS}
    assert header["colours"] == OUTLINES
    assert (outline_rgb("core"), outline_rgb("truth")) == (map_images.CORE, map_images.TRUTH)
    assert all(f"--outline-{name}: {colour};" in outline_css(".lab") for name, colour in OUTLINES.items())
    assert {info["id"]: info["label"] for info in header["metrics"]} == {n: METRICS[n].label for n in LIVE}
    assert {info["id"] for info in header["quantities"]} == {"loss", *QUANTITIES}
    assert {info["id"]: info["label"] for info in header["regions"]} == REGIONS
    for name, labels in CHOICES.items():
        (box,) = [box for box in app.sidebar.selectbox if box.key == widget_keys.setting(name)]
        assert box.options == list(labels.values())


def test_no_module_types_a_colour_of_a_registry_again() -> None:
    """The colours of a lesson's experiments, by place, are a table of their own."""
    typed = {*OUTLINES.values(), *(source_info(name).colour for name in (*SELECTORS, *NETWORK_SOURCES))} - {
        "#ffffff"
    }
    tables = {"colours.py", "sources.py", "bars.py", *(f"{name}.py" for name in SELECTORS)}
    files = [
        f for folder in ("pages", "perfcore") for end in ("py", "js") for f in (ROOT / folder).rglob(f"*.{end}")
    ]
    found = {
        (file.name, colour)
        for file in files
        if file.name not in tables
        for colour in typed
        if colour in file.read_text(encoding="utf-8")
    }
    assert not found


def test_additions_are_in_compare(extended: AppTest) -> None:
    extended.switch_page("pages/compare.py").run()
    assert not extended.exception
    options = [
        text for group in extended.get("button_group") for text in group.proto.options.__str__().splitlines()
    ]
    choices = [option for box in extended.multiselect for option in box.options]
    assert "My selector" in choices
    assert any("My map" in text for text in options) or any("My map" in box.options for box in extended.selectbox)


def test_an_added_lesson_is_one_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "added_lesson.py").write_text(
        "from dataclasses import replace\n"
        "from pages.teaching.lessons import artery as _artery\n"
        "from pages.teaching.lesson import Lesson\n"
        "_values = list(vars(_artery).values())\n"
        "ADDED = replace(\n"
        "    next(v for v in _values if isinstance(v, Lesson)),\n"
        "    id='added', title='My lesson', order=999)\n"
    )
    monkeypatch.setattr(lessons, "__path__", [*lessons.__path__, str(tmp_path)])
    found = lessons.find_lessons()
    assert list(found)[-1] == "added"
    monkeypatch.setitem(lessons.LESSONS, "added", found["added"])
    app = run("pages/lessons.py")
    assert any("My lesson" in text.value for text in app.markdown)
