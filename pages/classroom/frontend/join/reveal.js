// The class's answers at the reveal, without names, with the own one marked.
/** @import { ChoiceItem, ItemSummary, NumberItem, OwnAnswer, Spread, Summary, TaskMessage } from "./messages.js" */
import { element } from "../../../live/frontend/common/dom.js";
import { fixed } from "../../../live/frontend/common/number_format.js";
import { svg } from "../../../live/frontend/common/svg_chart.js";
import { dotsOf } from "./strip.js";

/** @type {Record<string, string>} */
const LABELS = { core_ml: "Core", hypoperfused_ml: "Hypoperfused", painted_ml: "Painted core" };
const [WIDTH, HEIGHT] = [320, 62];
const DOT = 7; // distance of stacked dots; closer where there are many

/**
 * @param {TaskMessage} task
 * @param {Summary} summary
 * @param {OwnAnswer | null} own
 */
export function revealOf(task, summary, own) {
  const spreads = Object.entries(summary.spreads).map(([id, spread]) =>
    spreadRow(LABELS[id] ?? id, spread, summary.values[id] ?? [], own?.numbers[id] ?? null));
  const items = task.items.map((item, i) => ("options" in item
    ? choiceRow(item, summary.items[i], own?.values?.[i] ?? null) : numberRow(item, summary.items[i], own?.values?.[i] ?? null)));
  const node = element("section", { className: "reveal", ariaLabel: "The class" },
    element("h2", { textContent: `The class: ${count(summary.n)}` }), ...spreads, ...items);
  if (summary.decisions.length) node.append(decisions(summary.decisions));
  node.dataset.testid = "reveal";
  return node;
}

/** @param {number} n */
const count = (n) => `${n} ${n === 1 ? "answer" : "answers"}`;

/** @param {string} label @param {Spread} spread @param {number[]} values @param {number | null} own */
function spreadRow(label, spread, values, own) {
  const parts = [`mean ${fixed(spread.mean, 1)} ml`];
  if (spread.sd !== null) parts.push(`SD ${fixed(spread.sd, 1)} ml`);
  if (spread.cv !== null) parts.push(`CV ${(100 * spread.cv).toFixed(0)} %`);
  const row = element("div", { className: "spread" }, element("h3", { textContent: label }),
    element("p", { className: "own", textContent: own === null ? "no answer of yours" : `you ${fixed(own, 1)} ml` }),
    strip(values, own, { name: `${label}, ${values.length} answers`, right: null, mean: spread.mean }),
    element("p", { className: "hint", textContent: parts.join(" · ") }));
  return row;
}

/**
 * Values of the class on a line; the own one is a triangle below it.
 * @param {number[]} values
 * @param {number | null} own
 * @param {{name: string, right: number | null, mean: number | null}} marks
 */
function strip(values, own, { name, right, mean }) {
  const chart = svg("svg", { class: "strip", role: "img", "aria-label": name, viewBox: `0 0 ${WIDTH} ${HEIGHT}` });
  const { dots, x, low, high, top } = dotsOf(values, [own, right, mean], WIDTH);
  const base = HEIGHT - 28, step = Math.min(DOT, (base - 9) / top);
  svg("line", { class: "zero", x1: 0, x2: WIDTH, y1: base, y2: base }, chart);
  if (mean !== null) svg("line", { class: "mean", x1: x(mean), x2: x(mean), y1: 4, y2: base }, chart);
  if (right !== null) svg("line", { class: "right", x1: x(right), x2: x(right), y1: 0, y2: base }, chart);
  for (const dot of dots) svg("circle", { class: "dot", cx: dot.x, cy: base - 5 - dot.level * step, r: 3.5 }, chart);
  if (own !== null) svg("path", { class: "mine", d: `M${x(own)} ${base + 1}l7 11h-14Z` }, chart);
  const text = (/** @type {number} */ value, /** @type {Record<string, string | number>} */ place) => { svg("text", place, chart).textContent = String(Number(value.toPrecision(3))); };
  text(low, { x: 0, y: HEIGHT - 3 });
  text(high, { x: WIDTH, y: HEIGHT - 3, "text-anchor": "end" });
  return element("div", { className: "strip-place" }, chart);
}

/** @param {ChoiceItem} item @param {ItemSummary} found @param {number | null} own */
function choiceRow({ text, options }, { values, right, nRight }, own) {
  const rows = options.map((option, i) => {
    const n = values.filter((value) => value === i).length;
    const bar = element("i", { ariaHidden: "true" });
    bar.style.width = `${values.length ? (100 * n) / values.length : 0}%`;
    const marks = [i === right && "right answer", i === own && "your answer"].filter(Boolean).join(", ");
    return element("li", { className: i === right ? "right" : "" }, bar, element("span", { textContent: option }),
      element("em", { textContent: marks }), element("b", { textContent: String(n) }));
  });
  return element("div", { className: "counts" }, element("h3", { textContent: text }), element("ul", {}, ...rows), judged(nRight, values.length));
}

/** @param {NumberItem} item @param {ItemSummary} found @param {number | null} own */
function numberRow({ text, unit }, { values, right, nRight }, own) {
  const mine = own === null ? "no answer of yours" : `you ${own} ${unit}`;
  return element("div", { className: "spread" }, element("h3", { textContent: text }),
    element("p", { className: "own", textContent: right === null ? mine : `${mine} · right answer ${Number(right.toPrecision(3))} ${unit}` }),
    strip(values, own, { name: `${text}: ${values.length} answers`, right, mean: null }), judged(nRight, values.length));
}

/** @param {number | null} nRight @param {number} n */
const judged = (nRight, n) => element("p", { className: "hint", textContent: nRight === null ? count(n) : `${nRight} of ${n} right` });

/** @param {Summary["decisions"]} all */
function decisions(all) {
  return element("div", { className: "decisions" }, element("h3", { textContent: "Treatment decisions" }),
    element("ul", {}, ...all.map(({ label, n, of }) => element("li", { textContent: `${label}: ${n} of ${of}` }))));
}
