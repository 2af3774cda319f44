// Tornado chart: the change of three lesion metrics with each edit of the whole curve, by a stated amount either way.
/** @import { Lab } from "../lab.js" */
/** @import { Curve, MetricInfo, Provided, TornadoFrame } from "../types.js" */
import { find } from "../common/dom.js";
import { signed } from "../common/number_format.js";
import { svg } from "../common/svg_chart.js";
import { Stream } from "../transport/streams.js";

const HTML = `<div class="row"><button class="solid" data-action="tornado" title="Compute two volumes for each edit: low and high">Compute</button><span class="soft" data-out="tornado"></span></div>
  <svg class="tornado" data-testid="tornado" role="img" aria-label="Change of three metrics with each edit"></svg>`;
const HEAD = 16; // height of the line of headings
const NAMES_WIDTH = 122;
const MAX_ROW_HEIGHT = 26;
const MAX_UNIT_LETTERS = 2; // a longer unit would not fit in a column's heading

/** @typedef {Omit<TornadoFrame, "arrays">} Row */

/** A setting of an edit, as text. @param {number} value @param {string} unit */
const settingText = (value, unit) => (unit === "×" ? `×${value}` : `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(value)}`);

/**
 * Changes of one metric by each row at the low and at the high setting; null where the curve cannot be used.
 * @param {Row[]} rows
 * @param {MetricInfo["id"]} id
 */
const changesOf = (rows, id) => rows.map(({ here, low, high }) =>
  [low, high].map((numbers) => (numbers ? Number(numbers[id]) - Number(here[id]) : null)));

/** The chart: a row for each edit, a column of bars for each metric. */
class TornadoChart {
  /** @param {SVGSVGElement} element */
  constructor(element) { this.element = element; }

  /**
   * @param {Row[]} rows
   * @param {number} nExpected rows of the whole chart, which sets their height
   * @param {MetricInfo[]} metrics
   */
  draw(rows, nExpected, metrics) {
    const { element } = this;
    const box = element.getBoundingClientRect();
    if (!box.width) return;
    element.setAttribute("viewBox", `0 0 ${box.width} ${box.height}`);
    element.replaceChildren();
    if (!rows.length) return;
    const height = Math.min((box.height - HEAD) / Math.max(nExpected, 1), MAX_ROW_HEIGHT);
    const width = (box.width - NAMES_WIDTH) / metrics.length;
    this.#drawNames(rows, height);
    metrics.forEach((metric, i) => this.#drawColumn(rows, metric, { left: NAMES_WIDTH + i * width, width, height }));
  }

  /** @param {string} text @param {Record<string, string | number>} attributes */
  #write(text, attributes) { svg("text", attributes, this.element).textContent = text; }

  /** @param {Row[]} rows @param {number} height */
  #drawNames(rows, height) {
    rows.forEach(({ name, unit, settings }, i) => {
      const [low, high] = settings.map((value) => settingText(value, unit));
      const y = HEAD + (i + 0.66) * height;
      this.#write(name, { x: 0, y, class: "name" });
      this.#write(`${low} | ${high}${unit === "×" ? "" : ` ${unit}`}`, { x: NAMES_WIDTH - 6, y, "text-anchor": "end" });
    });
  }

  /** @param {Row[]} rows @param {MetricInfo} metric @param {{left: number, width: number, height: number}} column */
  #drawColumn(rows, metric, { left, width, height }) {
    const label = metric.unit.length > MAX_UNIT_LETTERS ? metric.label : `${metric.label}, ${metric.unit}`;
    const middle = left + width / 2;
    const changes = changesOf(rows, metric.id);
    const max = Math.max(...changes.flat().map((change) => Math.abs(change ?? 0)), 1e-9);
    const scale = (width / 2 - 8) / max;
    const digits = max >= 10 ? 0 : max >= 1 ? 1 : 2;
    this.#write(`${label} ±${max.toFixed(digits)}`, { x: middle, y: 11, "text-anchor": "middle" });
    svg("line", { x1: middle, x2: middle, y1: HEAD, y2: HEAD + rows.length * height, class: "zero" }, this.element);
    changes.forEach((pair, i) => pair.forEach((change, side) => {
      if (change === null) return;
      const bar = svg("rect", {
        x: middle + Math.min(change, 0) * scale, width: Math.max(Math.abs(change) * scale, 0.5), class: side ? "more" : "less",
        y: HEAD + (i + (side ? 0.52 : 0.14)) * height, height: 0.34 * height,
        "data-handle": rows[i].handle, "data-figure": metric.id, "data-side": side ? "high" : "low", "data-change": Number(change.toPrecision(6)),
      }, this.element);
      svg("title", {}, bar).textContent = `${rows[i].name}: ${label} ${signed(change, 2)}`;
    }));
  }
}

/** @param {Lab} lab @param {Pick<Provided, "tabs">} needed */
export function installTornado(lab, { tabs }) {
  const pane = tabs.add("edits", "Tornado", "Change of core volume, hypoperfused volume and healthy CBF with each edit of the whole curve");
  pane.innerHTML = HTML;
  const out = find(pane, "[data-out=tornado]");
  const element = find(pane, "svg", SVGSVGElement);
  const chart = new TornadoChart(element);
  /** @type {Row[]} */
  let rows = [];
  let nExpected = 0;
  let stale = false; // whether the rows are of another curve than the one shown
  /** The curve of the chart. @type {Curve} */
  let curveOfChart = new Float32Array(0);

  const stream = new Stream(lab, "tornado", {
    onFrame: ({ arrays: _, ...row }) => {
      rows.push(row);
      nExpected = row.n;
      stream.acknowledge();
      draw();
    },
    onEnd: (message) => { if (message) lab.notice(message); draw(); },
  });

  function caption() {
    if (stale) return "of an earlier curve: compute again";
    if (stream.open) return nExpected ? `${rows.length} of ${nExpected}` : "…";
    return rows.length ? "change: blue low, orange high" : "height halved or doubled, 3 s earlier or later …";
  }

  function draw() {
    out.textContent = caption();
    element.classList.toggle("stale", stale);
    lab.root.dataset.tornado = stream.open ? "" : String(rows.length);
    chart.draw(rows, nExpected, lab.config.metrics.filter(({ id }) => lab.config.tornado.includes(id)));
  }

  lab.actions.tornado = () => {
    if (!lab.case || lab.streaming) return;
    curveOfChart = Float32Array.from(lab.editor.curve);
    if (!stream.start({ curve: Array.from(curveOfChart) })) return;
    rows = [];
    stale = false;
    nExpected = 0;
    draw();
  };
  lab.events.on("edit", (curve) => {
    const differs = rows.length > 0 && curve.some((v, i) => v !== curveOfChart[i]);
    if (differs === stale) return;
    stale = differs;
    draw();
  });
  lab.events.on("case", () => { stream.stop(); rows = []; stale = false; draw(); });
  lab.events.on("resize", draw);
  return { close() { stream.stop(); } };
}
