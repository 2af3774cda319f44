"""Summary of a class as one HTML page: standalone, without scripts, with pseudonyms or without names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from html import escape
from typing import Final

import numpy as np

from pages.classroom.class_summary import decision_counts
from pages.classroom.lecturer.change import Change, change_between, repeated_rounds
from pages.classroom.lecturer.result_rows import (
    SPREAD_HEADS,
    change_rows,
    number_text,
    spread_rows,
    volume_label,
)
from pages.classroom.lecturer.summary_charts import Line, curves_svg, options_svg, values_svg
from pages.classroom.questions import ChoiceItem, NumberItem
from pages.classroom.references import references_of
from pages.classroom.room import Room
from pages.classroom.round import Round
from pages.classroom.tasks import TASKS, Answer, TaskCase
from perfcore.errors import PerfcoreError
from perfcore.teaching.class_statistics import PUBLISHED, spread_of

MAX_REFERENCES: Final = 6
CAVEATS: Final = (
    "The class's coefficient of variation is over people on one case; the published ones are between two trained "
    "observers over 30 patients, who also chose the vein and the symmetry axis. They are no norm for a class.",
    "A curve that is drawn is not a curve that is measured: drawing can give an AIF that no artery has.",
    "For research and teaching, not for clinical use; the decisions are the thresholds of trials, applied to one "
    "software's maps.",
)
_STYLE: Final = """
:root { color-scheme: light dark; --ink: light-dark(#1b1f27, #e8eaed); --soft: light-dark(#5a6270, #a3aab5);
  --rule: light-dark(#d8dce2, #333a46); --ground: light-dark(#fff, #0e1117); --fill: light-dark(#c9d6e6, #33455c);
  --main: light-dark(#b32228, #f45f64); --right: light-dark(#0a6b2b, #3ecf6a) }
* { box-sizing: border-box } body { margin: 0; background: var(--ground); color: var(--ink);
  font: 14px/1.4 system-ui, sans-serif }
main { max-width: 1080px; margin: 0 auto; padding: 20px 24px }
h1 { font-size: 22px; margin: 0 } h2 { font-size: 15px; margin: 0 0 4px } p { margin: 2px 0 }
.soft, small { color: var(--soft) } .rounds { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr));
  gap: 18px 28px; margin: 14px 0 } .rounds section.wide { grid-column: 1 / -1 }
section { border-top: 1px solid var(--rule); padding-top: 8px; break-inside: avoid }
svg { display: block; width: 100%; font-size: 9px } svg text { fill: var(--soft) } svg.options { font-size: 12px }
.items { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 6px 28px }
.bar.after { fill: var(--soft) } .options text.option { fill: var(--ink) }
.options text.right { fill: var(--right) }
.bar { fill: var(--fill) } .bar.after.right { fill: var(--right) } .band { fill: var(--fill); opacity: .55 }
.one { fill: none; stroke: var(--soft); stroke-width: .5; opacity: .5 }
.line { fill: none; stroke-width: 1.4 } .median { stroke: var(--main); stroke-width: 2 }
.start { stroke: var(--soft); stroke-dasharray: 3 3 } .axis { stroke: var(--rule) }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums } caption { text-align: left }
th, td { padding: 1px 8px 1px 0; text-align: right; font-weight: 400; border-bottom: 1px solid var(--rule) }
th:first-child, td:first-child { text-align: left } td { white-space: nowrap } thead th { color: var(--soft) }
.key { display: flex; flex-wrap: wrap; gap: 0 12px } .key i { display: inline-block; width: 14px; height: 3px;
  margin-right: 4px; vertical-align: middle } .names { columns: 5; margin: 4px 0; padding-left: 18px }
@media screen and (max-width: 760px) { .rounds { grid-template-columns: minmax(0, 1fr) } .names { columns: 2 }
  .items { grid-template-columns: minmax(0, 1fr) } }
@media print { :root { color-scheme: light } @page { size: A4; margin: 9mm }
  body { font-size: 7pt; line-height: 1.25 }
  main { padding: 0; max-width: none } .rounds { gap: 4px 14px; margin: 4px 0 } h1 { font-size: 12pt }
  h2 { font-size: 9pt } section { padding-top: 3px } .items { grid-template-columns: repeat(3, minmax(0, 1fr));
  gap: 3px 12px } section:not(.wide) > svg { width: 78%; margin: auto }
  .names { columns: 6 } th, td { padding-bottom: 0 } }
"""


def summary_html(room: Room, *, with_names: bool, made: datetime) -> str:
    """Return the summary of a room as a standalone page without scripts.

    The AIFs of selectors, networks and the truth are computed where they are not known yet, a few seconds.

    Parameters
    ----------
    room
        The room.
    with_names
        Whether pseudonyms are listed with their last core volume; hidden ones never are.
    made
        Time that the page names.
    """
    answered = [one for one in room.rounds if one.answers]
    people = room.participants
    parts = [
        "<header><h1>The class in the AIF Lab</h1>"
        f'<p class="soft">{made:%Y-%m-%d} · {len(people)} participants · {len(answered)} tasks with answers</p>'
        "</header>",
        f'<div class="rounds">{"".join(_rounds(room, answered))}</div>',
        _changes([change_between(*pair) for pair in repeated_rounds(room)]),
    ]
    if with_names and not room.are_names_hidden:
        parts.append(_names(room))
    parts.append(_footer())
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Class in the AIF Lab</title><style>{_STYLE}</style></head><body><main>"
        f"{''.join(parts)}</main></body></html>\n"
    )


def _rounds(room: Room, answered: Sequence[Round]) -> list[str]:
    """Return a section for each round; questions that were asked again have one section for both times."""
    again = {
        after.number: before for before, after in repeated_rounds(room) if before.task.items and after.answers
    }
    merged = {before.number for before in again.values()}
    return [_round(one, again.get(one.number)) for one in answered if one.number not in merged]


def _round(one: Round, before: Round | None = None) -> str:
    answers = [answer for answer, _ in dict(one.answers).values()]
    task = one.task
    again = "" if one.repeats is None else f", again after round {one.repeats}"
    case = "" if task.case is None else f" · {escape(task.case.title)}"
    head = (
        f"<h2>{one.number}. {escape(task.title)}{again}</h2>"
        f'<p class="soft">{escape(TASKS[task.kind].label)} · {len(answers)} answers{case}</p>'
    )
    if task.items:
        return f'<section class="wide">{head}{_items(one, before)}</section>'
    body = "" if task.case is None else _case_answers(task.case, answers)
    return f"<section>{head}{body}</section>"


def _items(one: Round, before: Round | None) -> str:
    parts = []
    for i, item in enumerate(one.task.items):
        values = _values(one, i)
        n_right = sum(bool(item.is_right(value)) for value in values)
        share = "" if item.right is None else f" <small>{n_right} of {len(values)} right</small>"
        chart = ""
        if isinstance(item, ChoiceItem):
            first = None if before is None else _counts(item, _values(before, i))
            chart = options_svg(item.options, _counts(item, values), item.right, first)
        elif isinstance(item, NumberItem):
            spread = spread_of(values)
            right = "" if item.right is None else f"; computed {number_text(item.right)} {escape(item.unit)}"
            chart = f"<p>Median {number_text(spread.median)} {escape(item.unit)}{right}</p>"
            chart += values_svg(values, item.unit or "answer")
        parts.append(f"<div><p><b>{escape(item.text)}</b>{share}</p>{chart}</div>")
    return f'<div class="items">{"".join(parts)}</div>'


def _values(one: Round, place: int) -> list[float]:
    """Return the answers to one question of a round."""
    return [answer.values[place] for answer, _ in dict(one.answers).values()]


def _counts(item: ChoiceItem, values: Sequence[float]) -> list[int]:
    """Return how many chose each option."""
    counts = Counter(int(value) for value in values)
    return [counts[i] for i in range(len(item.options))]


def _case_answers(of: TaskCase, answers: Sequence[Answer]) -> str:
    curves = [answer.curve for answer in answers if answer.curve is not None]
    lines = reference_lines(of) if curves else []
    parts = []
    if curves:
        parts.append(curves_svg(of.case.prepared.time_s, curves, of.start.value, lines))
    name = "core_ml" if curves else "painted_ml"
    values = [value for answer in answers if (value := answer.numbers.get(name)) is not None]
    if values:
        parts.append(values_svg(values, volume_label(name), lines))
    parts.append(_key(lines, with_curves=bool(curves)))
    if rows := spread_rows(answers):
        parts.append(_table(SPREAD_HEADS, rows))
    parts += [
        f"<p>{escape(one['label'])}: <b>{one['n']} of {one['of']}</b> curves.</p>"
        for one in decision_counts(answers)
    ]
    return "".join(parts)


def reference_lines(of: TaskCase) -> list[Line]:
    """Return the AIFs that a class is compared with, the known one first; sources that find none are left out."""
    found: list[Line] = []
    for one in references_of(of):
        if len(found) == MAX_REFERENCES:
            break
        with suppress(PerfcoreError):
            computed = one.compute()
            curve = np.asarray(computed["curve"], np.float64)
            found.append(Line(computed["label"], computed["colour"], curve, computed["numbers"]["core_ml"]))
    return found


def _key(lines: Sequence[Line], *, with_curves: bool) -> str:
    if not with_curves:
        return ""
    items = ['<span><i style="background:var(--main)"></i>median of the class, band of 80 %</span>']
    items += [
        f'<span><i style="background:{escape(line.colour)}"></i>{escape(line.label)}'
        + (f", core {number_text(line.core_ml)} ml</span>" if line.core_ml is not None else "</span>")
        for line in lines
    ]
    return f'<p class="key">{"".join(items)}</p>'


def _changes(changes: Sequence[Change]) -> str:
    rows = [
        [text, f"{change.before} → {change.after}", *figures]
        for change in changes
        for text, *figures in change_rows(change)
    ]
    if not rows:
        return ""
    table = _table(["Before and after, who answered both", "rounds", "n", "before", "after"], rows)
    return f"<section>{table}</section>"


def _names(room: Room) -> str:
    last: dict[int, str] = {}
    for one in room.rounds:
        for number, (answer, _) in dict(one.answers).items():
            if (core := answer.numbers.get("core_ml")) is not None:
                last[number] = f": {number_text(core)} ml"
    items = "".join(
        f"<li>{escape(person.name)}{last.get(person.number, '')}</li>"
        for person in room.participants
        if not person.is_name_hidden
    )
    title = "Participants, with the core of their last curve"
    return f'<section><h2>{title}</h2><ul class="names">{items}</ul></section>'


def _footer() -> str:
    sources = {(one.source, one.doi) for one in PUBLISHED}
    cited = "".join(f"<p><small>{escape(text)}, doi:{escape(doi)}</small></p>" for text, doi in sorted(sources))
    notes = "".join(f"<p><small>{escape(text)}</small></p>" for text in CAVEATS)
    return f"<footer><section>{cited}{notes}</section></footer>"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str], tag: Callable[[int], str]) -> str:
        return "<tr>" + "".join(f"<{tag(i)}>{escape(c)}</{tag(i)}>" for i, c in enumerate(cells)) + "</tr>"

    body = "".join(line(row, lambda i: "td" if i else "th") for row in rows)
    return f"<table><thead>{line(heads, lambda _: 'th')}</thead><tbody>{body}</tbody></table>"
