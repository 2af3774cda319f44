"""HTML report: figures of ``summary.json``, self-contained, escaped, the same bytes again."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from perfcore.aif.quality import AifMeasures, assess
from perfcore.metric_info import METRICS
from perfcore.pipeline import Analysis
from perfcore.quality_flags import Flag
from perfcore.report.content import DISCLAIMER, make_content
from perfcore.report.files import REPORT_FILES, report_files
from perfcore.report.page_html import make_html
from perfcore.results import summarize
from tests.support.html_page import check_page
from tests.support.report_case import MADE, parts, with_flags, with_slices, without_core


class Figures(HTMLParser):
    """The figures of a report: value and printed text by id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: dict[str, tuple[Any, str]] = {}
        self.current = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.current = named.get("data-figure") or "" if tag == "data" else ""
        if self.current:
            self.found[self.current] = (json.loads(named["value"] or ""), "")

    def handle_data(self, data: str) -> None:
        if self.current:
            self.found[self.current] = (self.found[self.current][0], data)
            self.current = ""


def html(analysis: Analysis) -> str:
    return make_html(*parts(analysis))


def shown_text(text: str) -> str:
    return " ".join(" ".join(check_page(text, images=True).text).split())


@pytest.mark.parametrize("variant", ["all", "without core"])
def test_figures_are_those_of_the_summary(analysis: Analysis, variant: str) -> None:
    one = analysis if variant == "all" else without_core(analysis)
    summary = summarize(one)
    figures = Figures(html(one)).found
    levels = {f"tmax_{level}_ml": ml for level, ml in summary["tmax_volumes_ml"].items()}
    expected = {
        "core_ml", "hypoperfused_ml", "mismatch_ml", "mismatch_ratio", *levels, "hypoperfusion_index",
        "target_mismatch", "side",
    }  # fmt: skip
    if variant == "all":
        expected |= {"dice", "auc", "hd95_mm", "lesion_ml"}
    assert set(figures) == expected
    for name, (value, printed) in figures.items():
        assert value == {**summary, **levels}[name], name
        assert printed == METRICS[name].text(value), name
    if variant == "without core":
        assert figures["mismatch_ratio"] == (None, "–")
        assert "no core" in shown_text(html(one))


def test_the_page_is_self_contained_and_says_what_it_is_for(analysis: Analysis) -> None:
    text = html(analysis)
    page = check_page(text, images=True)
    shown = shown_text(text)
    assert "http" not in text.replace("http-equiv", "")
    assert shown.count(DISCLAIMER) == 2
    assert shown.index(DISCLAIMER) < shown.index("Volumes") < shown.rindex(DISCLAIMER)
    n_maps, n_slices = 6, 3
    n_pictures = n_maps * n_slices + len(parts(analysis)[1].vessels)
    assert page.tags["img"] == n_pictures + (n_maps - 1), "a colour bar for each map but the lesions"
    assert len(re.findall("<span>R</span><span>L</span>", text)) == n_pictures
    for words in (
        "case_1", "2025-11-27", "AIF Lab", "Tikhonov, λ 0.3", "rCBF < 0.38, Tmax > 6 s", "45 frames of 1 s",
        "64 × 64 × 3 voxels", "AIF", "VOF", "Width at half peak", "ratio ≥ 1.8", "on the CT", "of healthy",
        "Tmax counted from the scan's clock", "Agreement with the known core",
    ):  # fmt: skip
        assert words in shown, words


def test_aif_and_vof_are_measured(analysis: Analysis) -> None:
    content = parts(analysis)[0]
    aif, vof = content.curves
    assert (aif.peak, aif.time_to_peak) == (f"{analysis.aif.peak:.1f}", f"{analysis.aif.peak_time_s:.1f}")
    assert analysis.vof is not None
    assert vof.time_to_peak == f"{analysis.vof.peak_time_s:.1f}"
    above = analysis.aif.time_s[analysis.aif.value > analysis.aif.peak / 2]
    assert float(aif.width) == pytest.approx(above[-1] - above[0], abs=2 * analysis.aif.dt_s)
    assert f"{len(analysis.aif.voxels)} voxels" in aif.source
    cut = replace(analysis.aif, value=analysis.aif.time_s + 1.0, voxels=())
    assert parts(replace(analysis, aif=cut))[0].curves[0].width.startswith("≥ ")
    assert parts(replace(analysis, aif=cut))[0].curves[0].source.endswith("no voxels")


def test_names_and_sentences_are_escaped(analysis: Analysis) -> None:
    evil = '<script>alert("1")</script>&\x00\x1b[31m'
    flag = Flag("motion", "warning", evil)
    series = replace(analysis.series, case=evil, warnings=(flag,))
    text = html(replace(analysis, series=series))
    check_page(text, images=True)
    assert "<script" not in text
    assert "\x00" not in text.split("<h1>")[1].split("</h1>")[0]
    assert shown_text(text).count('<script>alert("1")</script>&') >= 2


def test_the_gravest_flags_come_first_and_all_are_there(analysis: Analysis) -> None:
    flagged = with_flags(analysis)
    content, pictures, plan = parts(flagged)
    text = make_html(content, pictures, plan)
    listed = re.findall(r'<li data-rank="(\w+)"( class="beyond")?>', text)
    assert len(listed) == len(flagged.quality) >= 12
    severities = [severity for severity, _ in listed]
    assert severities == sorted(severities, key=["grave", "warning", "note"].index)
    assert len(set(severities)) == 3
    assert sum(not beyond for _, beyond in listed) == plan.quality.shown
    assert content.quality_summary in shown_text(text)
    for flag in flagged.quality:
        assert flag.sentence in shown_text(text)


def test_no_flag_is_said(analysis: Analysis) -> None:
    quiet = replace(
        analysis,
        series=replace(analysis.series, warnings=()),
        prepared=replace(analysis.prepared, warnings=()),
        aif=replace(analysis.aif, quality=()),
        aif_quality=assess(AifMeasures()),
    )
    assert "Quality no quality flag Settings" in shown_text(html(quiet))


def test_the_same_analysis_has_the_same_bytes(analysis: Analysis) -> None:
    summary = summarize(analysis)
    first, again = (dict(report_files(analysis, summary, MADE)) for _ in range(2))
    assert tuple(first) == REPORT_FILES
    assert first == again
    other = dict(report_files(analysis, summary, MADE.replace(day=28)))
    assert all(other[name] != first[name] for name in REPORT_FILES)


def test_eight_slices_stay_below_three_megabytes(analysis: Analysis) -> None:
    files = dict(report_files(with_slices(analysis, 8), summarize(analysis), MADE))
    assert sum(map(len, files.values())) < 3_000_000


def test_titles_name_the_modality(analysis: Analysis) -> None:
    assert parts(analysis)[0].title == "CT perfusion report"
    concentration = replace(analysis, series=replace(analysis.series, units="concentration"))
    content = make_content(concentration, summarize(concentration), MADE)
    assert (content.title, content.unit) == ("Perfusion report", "arbitrary units")
