"""Style sheet of the HTML report: light and dark on a screen, A4 landscape on paper."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b1f24; --muted: #57606a; --rule: #d0d7de; --grid: #e1e5e9;
  --axis: #8a939c; --page: #fff; --alarm: #a40e26; --warning: #b35900 }
@media screen and (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --muted: #9aa4ae; --rule: #30363d;
  --grid: #262c33; --axis: #6e7781; --page: #0d1117; --alarm: #ff8f8f; --warning: #f0a050 } }
* { box-sizing: border-box; margin: 0 }
body { background: var(--page); color: var(--ink); font: 13px/1.35 system-ui, -apple-system, "Segoe UI", Roboto,
  "Helvetica Neue", Arial, sans-serif; font-variant-numeric: tabular-nums;
  -webkit-print-color-adjust: exact; print-color-adjust: exact }
.report { max-width: 1440px; margin: 0 auto; padding: 1.5em }
header, footer { display: flex; justify-content: space-between; gap: 1em 2em; align-items: end }
header p:first-child { line-height: 1.3 }
header { border-bottom: 1px solid var(--rule); padding-bottom: .7em; margin-bottom: .9em }
header p, footer, .muted, dt, .note, figcaption { color: var(--muted) }
header > div:first-child { min-width: 0 } header > div:last-child { text-align: right; flex: none }
header time, header .badge { margin-bottom: .5em }
h1 { font-size: 1.9em; line-height: 1.15; overflow-wrap: anywhere }
h2 { font-size: 1.15em; line-height: 1.5 }
.alarm { color: var(--alarm); font-weight: 700 }
.badge { display: inline-block; border: 1.5px solid currentColor; border-radius: .35em; padding: .25em .8em;
  font-size: 1.2em }
header .badge { color: var(--alarm) }
.body { display: grid; grid-template-columns: minmax(0, 1fr) 31em; gap: 1.4em }
.maps { display: grid; grid-template-columns: repeat(var(--per-row), minmax(0, 1fr)); gap: .45em 1.2em;
  align-content: start }
.block { display: grid; grid-template-columns: 7.4em repeat(var(--slices), minmax(0, var(--most))); gap: 2px;
  align-items: end }
.key { display: flex; flex-direction: column; align-self: stretch; font-size: .95em; line-height: 1.3 }
.key i { height: 1.6em; font-style: normal; text-align: right; padding-right: .5em; color: var(--muted) }
.key b { font-size: 1.15em } .key b + span { color: var(--muted) } .key .lesion { white-space: nowrap }
.key b + span + .lesion { margin-top: .35em }
.scale { position: relative; flex: 1; min-height: 3em; margin: .35em 0 .2em }
.scale img { position: absolute; width: .75em; height: 100% }
.scale span { position: absolute; left: 1.2em; transform: translateY(-50%); white-space: nowrap }
.scale .high { transform: translateY(-25%) } .scale .low { transform: translateY(-75%) }
.swatch { display: inline-block; width: .75em; height: .75em; margin-right: .3em; vertical-align: -.05em }
figcaption { display: flex; gap: .4em; height: 1.75em; font-size: .92em; white-space: nowrap }
figcaption .swatch { margin-right: .2em }
figcaption b { color: var(--ink); font-weight: 400 }
.picture { position: relative; aspect-ratio: var(--ratio); background: #000; color: #d8dde3 }
.picture img, .picture svg { position: absolute; inset: 0; width: 100%; height: 100% }
.picture path { fill: none; vector-effect: non-scaling-stroke; stroke-width: 1.2px }
.picture .truth { stroke-dasharray: 3px 2px }
.picture span { position: absolute; top: .15em; font-size: .95em; line-height: 1.1 }
.picture span:first-of-type { left: .25em } .picture span:last-of-type { right: .25em }
.row { display: grid; margin-bottom: .5em;
  grid-template-columns: minmax(0, 1.02fr) minmax(0, 1.24fr) minmax(0, 1.04fr) minmax(0, .9fr) }
.row dd { font-size: 1.2em; font-weight: 700; line-height: 1.3 }
.row dd small { font-size: .82em; font-weight: 400 }
.row.large dd { font-size: 1.65em; line-height: 1.25 } .row.large dd small { font-size: .6em }
.note, .row dd.note, .row.large dd.note { font-size: .97em; font-weight: 400; line-height: 1.35 }
.row dt, .row dd, th, td:not(.source) { white-space: nowrap }
aside section + section { margin-top: .7em }
.curves { display: flex; gap: .8em; align-items: start }
.curves > svg { flex: 1; min-width: 0; overflow: visible; font-size: 2.75px }
.curves figure { width: 8.4em }
.vessels { display: flex; flex-direction: column; gap: .3em } .vessels.beside { flex-direction: row; gap: 2px }
.curve { fill: none; stroke-width: 1.6px; vector-effect: non-scaling-stroke; stroke-linejoin: round }
svg text { fill: var(--ink) } svg text.muted { fill: var(--muted) }
svg .grid { stroke: var(--grid); stroke-width: .18 } svg .axis { stroke: var(--axis); stroke-width: .18 }
table { width: 100%; border-collapse: collapse }
th, td { text-align: right; padding: 0; font-weight: 700 } th:first-child { text-align: left }
thead th { font-weight: 400; color: var(--muted) }
td.source { text-align: left; font-weight: 400; color: var(--muted); padding-left: 1.05em }
.quality { margin-top: .8em } .quality h2 span { font-size: .87em; font-weight: 400; margin-left: .6em }
.quality ul { columns: 2; column-gap: 2em; list-style: none; padding: 0 }
.quality li { display: grid; grid-template-columns: 1.3em minmax(0, 1fr); break-inside: avoid;
  overflow-wrap: anywhere }
.quality li > :first-child { color: var(--muted) } li[data-rank=warning] > :first-child { color: var(--warning) }
li[data-rank=grave] > :first-child { color: var(--alarm) }
.settings { margin-top: .8em } .settings dl { display: flex; flex-wrap: wrap; gap: .1em 1.2em }
.settings div { display: flex; gap: .4em } .settings dd { overflow-wrap: anywhere }
footer { border-top: 1px solid var(--rule); margin-top: .9em; padding-top: .5em; align-items: baseline }
.print-only { display: none }
@media screen and (max-width: 1000px) {
  .body { grid-template-columns: minmax(0, 1fr) } header, footer { flex-wrap: wrap }
  header > div:last-child { text-align: left; flex: 0 1 auto } .quality ul { columns: 1 }
}
@media screen and (max-width: 700px) {
  .maps { grid-template-columns: minmax(0, 1fr) }
  .block { grid-template-columns: repeat(4, minmax(0, 1fr)) } .key { grid-column: 1 / -1 } .key i { display: none }
}
@page { size: A4 landscape; margin: 9mm }
@media print {
  :root { color-scheme: light }
  body { font-size: 7.2pt; line-height: 1.28 }
  .report { width: 279mm; max-width: none; height: 191mm; padding: 0; overflow: hidden; display: flex;
    flex-direction: column }
  .body { grid-template-columns: minmax(0, 1fr) 83mm; gap: 5mm }
  .block { grid-template-columns: calc(20mm - var(--gap)) repeat(var(--slices), var(--cell)); gap: var(--gap) }
  h1 { overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
  .maps { gap: 1.2mm 4mm; grid-template-columns: repeat(var(--per-row), max-content) }
  .picture path { stroke-width: .6pt }
  .curves { gap: 3mm } .curves figure { width: var(--vessel) } .curves > svg { font-size: 2.47px }
  .curve { stroke-width: 1.2pt }
  .quality, .settings { margin-top: 2mm } .quality li > :last-child { display: -webkit-box; overflow: hidden;
    -webkit-box-orient: vertical; -webkit-line-clamp: 6 }
  .beyond { display: none !important } .print-only { display: block }
  footer { margin-top: auto }
}
"""
