"""The report as one self-contained HTML page: no script, no request; it prints on one page of A4 landscape."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterable
from html import escape
from string import Template
from typing import Final

import numpy as np
from PIL import Image

from perfcore.display.colours import OUTLINES
from perfcore.quality_flags import Flag
from perfcore.report.content import DISCLAIMER, Content, Curve, Item
from perfcore.report.curve_chart import TICK_GAP_MM, curve_chart
from perfcore.report.html_style import STYLE
from perfcore.report.page_layout import BlockPlace, bar_height
from perfcore.report.page_plan import PagePlan
from perfcore.report.page_text import (
    SIGNS,
    SWATCHES,
    left_out_note,
    orientation_note,
    rank,
    scale_ticks,
    slices_note,
)
from perfcore.report.pictures import Block, Outline, Picture, Pictures, Scale
from perfcore.types import DoubleArray

SCREEN_EM_PER_MM: Final = 0.5
"""Largest size of a picture on a screen, for its size on paper."""
_PAGE: Final = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>$title: $case</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<style>$style</style>
</head>
<body>
<main class="report" style="$variables">
<header>
<div><p>$title</p><h1>$case</h1></div>
<div><p class="alarm badge">$disclaimer</p><p>Computed <time datetime="$made">$made</time> · $version</p></div>
</header>
<div class="body">
<div class="maps">
$maps
</div>
<aside>
<section><h2>Volumes</h2>
$figures
<p class="note">$definitions</p></section>
$agreement
<section><h2>Input function</h2>
$chart
$curves</section>
</aside>
</div>
<section class="quality"><h2>Quality<span class="muted">$quality_summary</span></h2>
$quality</section>
<section class="settings"><h2>Settings</h2>
<dl>$settings</dl></section>
<footer><span>$orientation</span><strong class="alarm">$disclaimer</strong><span>$slices</span></footer>
</main>
</body>
</html>
""")


def make_html(content: Content, pictures: Pictures, plan: PagePlan) -> str:
    """Return the report as HTML; the same report has the same bytes.

    Parameters
    ----------
    content, pictures
        What is shown.
    plan
        Arrangement on paper; a screen shows the same with its own sizes.
    """
    blocks = {block.id: block for block in pictures.blocks}
    return _PAGE.substitute(
        title=escape(content.title),
        case=escape(content.case),
        style=STYLE,
        variables=_variables(pictures, plan),
        disclaimer=escape(DISCLAIMER),
        made=content.made.isoformat(),
        version=escape(content.version),
        maps="\n".join(_block(blocks[place.id], place, content, pictures) for place in plan.blocks),
        figures=_row(content.volumes, large=True) + _row(content.delays) + _row(content.findings),
        definitions=escape(content.definitions),
        agreement=_agreement(content),
        chart=_chart(content, pictures, plan),
        curves=_curve_table(content),
        quality_summary=escape(content.quality_summary),
        quality=_quality(content.quality, plan.quality.shown),
        settings="".join(
            f"<div><dt>{escape(label)}</dt><dd>{escape(text)}</dd></div>" for label, text in content.settings
        ),
        orientation=escape(orientation_note(pictures)),
        slices=escape(slices_note(pictures)),
    )


def _variables(pictures: Pictures, plan: PagePlan) -> str:
    """Return the sizes that the style sheet needs."""
    (width, height), cell = pictures.size_mm, plan.grid.cell[0]
    values = {
        "per-row": str(plan.grid.per_row),
        "slices": str(len(pictures.slices)),
        "ratio": f"{width / height:.4f}",
        "cell": f"{cell:.2f}mm",
        "gap": f"{plan.grid.gap:.2f}mm",
        "most": f"{cell * SCREEN_EM_PER_MM:.2f}em",
        "chart": f"{plan.chart.height:.2f}mm",
        "vessel": f"{plan.vessels[0].width if plan.vessels else 0:.2f}mm",
    }
    return "; ".join(f"--{name}: {value}" for name, value in values.items())


def _image(png: bytes, alt: str) -> str:
    return f'<img src="data:image/png;base64,{base64.b64encode(png).decode()}" alt="{escape(alt)}">'


def _swatch(colour: str) -> str:
    """Return a small square; as a picture it is printed where backgrounds are not."""
    square = f'<rect width="10" height="10" fill="{colour}"/>'
    return f'<svg class="swatch" viewBox="0 0 10 10" aria-hidden="true">{square}</svg>'


def _block(block: Block, place: BlockPlace, content: Content, pictures: Pictures) -> str:
    figures = []
    for k, (z, picture) in enumerate(zip(pictures.slices, block.pictures, strict=True)):
        vessels = [name for name, slices in pictures.vessel_slices.items() if z in slices]
        caption = _caption(z, vessels) if place.has_captions else ""
        outlines = {"truth": block.outlines[k]} if block.outlines else {}
        drawn = _picture(picture, f"{block.name}, slice {z + 1}", outlines, pictures)
        figures.append(f'<figure data-slice="{z + 1}">{caption}{drawn}</figure>')
    return f'<div class="block" data-map="{block.id}">{_key(block, place, content)}{"".join(figures)}</div>'


def _caption(z: int, vessels: Iterable[str]) -> str:
    marks = "".join(f"<span>{_swatch(OUTLINES[name])}{name.upper()}</span>" for name in vessels)
    return f"<figcaption><b>{z + 1}</b>{marks}</figcaption>"


def _picture(picture: Picture, alt: str, outlines: dict[str, Outline], pictures: Pictures) -> str:
    width, height = pictures.size_mm
    paths = "".join(
        f'<path class="{name}" stroke="{OUTLINES[name]}" d="{"".join(map(_path, lines))}"/>'
        for name, lines in outlines.items()
        if lines
    )
    box = f'viewBox="0 0 {width:.2f} {height:.2f}" preserveAspectRatio="none"'
    drawn = f'<svg {box} aria-hidden="true">{paths}</svg>' if paths else ""
    left, right = pictures.sides
    return f'<div class="picture">{_image(picture.png(), alt)}{drawn}<span>{left}</span><span>{right}</span></div>'


def _path(points: DoubleArray) -> str:
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points)


def _key(block: Block, place: BlockPlace, content: Content) -> str:
    head = f"<b>{escape(block.name)}</b><span>{escape(block.unit)}</span>"
    if block.scale is None:
        rules = {item.id: item.note for item in content.volumes}
        lines = [f"{_swatch(OUTLINES[name])}{escape(rules[figure])}" for figure, name in SWATCHES.items()]
        if block.outlines:
            lines.append(
                '<svg class="swatch" viewBox="0 0 10 10" aria-hidden="true"><rect width="10" height="10" '
                f'fill="#57606a"/><path stroke="{OUTLINES["truth"]}" stroke-width="3" stroke-dasharray="4 2" '
                'd="M0 5H10"/></svg>known core'
            )
        rest = "".join(f'<span class="lesion">{line}</span>' for line in lines)
    else:
        rest = _bar(block.scale, bar_height(place.key))
    caption = "<i>Slice</i>" if place.has_captions else ""
    return f'<div class="key" title="{escape(block.title)}">{caption}{head}{rest}</div>'


def _bar(scale: Scale, height_mm: float) -> str:
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(scale.palette[::-1, None])).save(out, "PNG", compress_level=9)
    ticks = "".join(
        f'<span class="{name}" style="top: {100 * (1 - at):.1f}%">{escape(label)}</span>'
        for name, (at, label) in scale_ticks(scale, height_mm).items()
    )
    return f'<div class="scale">{_image(out.getvalue(), "")}{ticks}</div>'


def _row(items: tuple[Item, ...], *, large: bool = False) -> str:
    cells = "".join(
        f"<div><dt>{_swatch(OUTLINES[SWATCHES[item.id]]) if item.id in SWATCHES else ''}{escape(item.label)}</dt>"
        f"<dd>{_figure(item)}"
        f"{f' <small>{escape(item.unit)}</small>' if item.unit else ''}</dd>"
        f"{f'<dd class=note>{escape(item.note)}</dd>' if item.note else ''}</div>"
        for item in items
    )
    return f'<dl class="row{" large" if large else ""}">{cells}</dl>'


def _figure(item: Item) -> str:
    """Return a printed figure with its value in ``summary.json`` as JSON."""
    value = escape(json.dumps(item.value))
    return f'<data data-figure="{item.id}" value="{value}">{escape(item.text)}</data>'


def _agreement(content: Content) -> str:
    if not content.agreement:
        return ""
    return f"<section><h2>Agreement with the known core</h2>{_row(content.agreement)}</section>"


def _chart(content: Content, pictures: Pictures, plan: PagePlan) -> str:
    chart, area = curve_chart(content, plan.chart), plan.chart
    plot = chart.plot
    parts = [f'<text class="muted" x="0" y="2.4">{escape(chart.y_title)}</text>']
    for y, label in chart.y_ticks:
        parts.append(f'<path class="grid" d="M{plot.x:.2f} {y:.2f}H{plot.right:.2f}"/>')
        parts.append(f'<text x="{plot.x - TICK_GAP_MM:.2f}" y="{y + 0.9:.2f}" text-anchor="end">{label}</text>')
    parts.append(f'<path class="axis" d="M{plot.x:.2f} {chart.zero:.2f}H{plot.right:.2f}"/>')
    for x, label in chart.x_ticks:
        parts.append(f'<path class="axis" d="M{x:.2f} {plot.bottom:.2f}v.8"/>')
        parts.append(f'<text x="{x:.2f}" y="{plot.bottom + 3.4:.2f}" text-anchor="middle">{label}</text>')
    middle = plot.x + plot.width / 2
    parts.append(
        f'<text class="muted" x="{middle:.2f}" y="{plot.bottom + 6.6:.2f}" text-anchor="middle">'
        f"{escape(chart.x_title)}</text>"
    )
    for line in chart.lines:
        parts.append(f'<path class="curve" stroke="{line.colour}" d="{_path(line.points)}"/>')
        parts.append(f'<circle cx="{line.top[0]:.2f}" cy="{line.top[1]:.2f}" r=".6" fill="{line.colour}"/>')
    names = " and ".join(curve.name for curve in content.curves)
    box = f'viewBox="0 0 {area.width:.2f} {area.height:.2f}"'
    svg = f'<svg {box} role="img" aria-label="{names} over time">{"".join(parts)}</svg>'
    return f'<div class="curves">{svg}{_vessels(pictures, plan)}</div>'


def _vessels(pictures: Pictures, plan: PagePlan) -> str:
    """Return the slices of AIF and VOF, one below the other or side by side as on paper."""
    if not pictures.vessels:
        return ""
    figures = []
    for vessel in pictures.vessels:
        names = [name for name, lines in vessel.outlines.items() if lines]
        alt = f"Temporal maximum, slice {vessel.z + 1}, with {' and '.join(name.upper() for name in names)}"
        drawn = _picture(vessel.picture, alt, vessel.outlines, pictures)
        figures.append(f"<figure>{_caption(vessel.z, names)}{drawn}</figure>")
    beside = len(plan.vessels) > 1 and plan.vessels[0].y == plan.vessels[1].y
    return f'<div class="vessels{" beside" if beside else ""}">{"".join(figures)}</div>'


def _curve_table(content: Content) -> str:
    head = "".join(
        f"<th>{escape(text)}</th>"
        for text in (f"Peak, {content.unit}", "Time to peak, s", "Width at half peak, s")
    )
    rows = "".join(map(_curve_rows, content.curves))
    return f"<table><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _curve_rows(curve: Curve) -> str:
    figures = "".join(f"<td>{escape(text)}</td>" for text in (curve.peak, curve.time_to_peak, curve.width))
    return (
        f"<tr><th>{_swatch(curve.colour)}{curve.name}</th>{figures}</tr>"
        f'<tr><td class="source" colspan="4">{escape(curve.source)}</td></tr>'
    )


def _quality(flags: tuple[Flag, ...], shown: int) -> str:
    """Return the quality flags; those that do not fit on paper are on the screen alone."""
    entries = []
    for k, flag in enumerate(flags):
        severity = rank(flag)
        beyond = ' class="beyond"' if k >= shown else ""
        sign = f'<span title="{escape(flag.severity)}">{SIGNS[severity]}</span>'
        entries.append(f'<li data-rank="{severity}"{beyond}>{sign}<span>{escape(flag.sentence)}</span></li>')
    more = f'<p class="print-only">{left_out_note(len(flags) - shown)}</p>' if shown < len(flags) else ""
    return f"<ul>{''.join(entries)}</ul>{more}" if entries else ""
