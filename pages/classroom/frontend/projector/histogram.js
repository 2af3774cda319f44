// Histogram of one number over people, a cell for each person; two rounds are mirrored at the axis.
/** @import { Bins } from "./class_statistics.js" */
/** @import { GroupKey } from "./plot.js" */
/** @import { PersonPicker } from "./person_picker.js" */
import { element } from "../../../live/frontend/common/dom.js";
import { roundStep } from "../../../live/frontend/common/number_format.js";
import { SvgChart, svg } from "../../../live/frontend/common/svg_chart.js";
import { binAt, binsOf, spreadOf } from "./class_statistics.js";
import { joinLabels, rem } from "./plot.js";

/** @typedef {{key: GroupKey, label: string, values: {id: number, value: number}[]}} ValueGroup */
/** @typedef {{label: string, colour: string, value: number, named: boolean}} Mark */
/**
 * @typedef {object} HistogramContent
 * @property {string} title
 * @property {string} unit
 * @property {ValueGroup[]} groups the current round, and the one before
 * @property {Mark[]} marks values to compare with; those that are named have their label above
 * @property {number} minSpan least extent of the axis
 * @property {{text: string, name: string, key: string, note: string}} figures beside the title: mean and SD; the key figure with its name; what it is compared with
 */

const MIN_ROWS = 4; // cells of an axis: one answer is not as high as the chart

export class Histogram {
  /** @param {HTMLElement} host @param {PersonPicker} picker @param {string} name of the number in `data-figure` */
  constructor(host, picker, name) {
    this.title = element("b");
    this.text = element("span", { className: "mean" });
    this.keyName = element("span", { className: "key-name" });
    this.key = element("strong", { className: "key" });
    this.note = element("small");
    const head = element("div", { className: "figure-head" }, element("div", {}, this.title, this.text), element("div", {}, element("span", {}, this.keyName, " ", this.key), this.note));
    this.node = svg("svg", { class: "histogram", role: "img" });
    const root = element("section", { className: "figure" }, head);
    root.dataset.figure = name;
    root.append(this.node);
    host.append(root);
    this.root = root;
    this.plot = new SvgChart(this.node, { xLabel: "", yLabel: "" });
    new ResizeObserver(() => { if (this.#content) this.draw(this.#content); }).observe(this.node);
    const person = (/** @type {Event} */ { target }) => {
      const id = /** @type {Element} */ (target).getAttribute("data-person");
      return id === null ? null : Number(id);
    };
    this.node.addEventListener("pointermove", (event) => picker.hover(person(event)));
    this.node.addEventListener("pointerleave", () => picker.hover(null));
    // An answer that comes during the click replaces the cell: the one under the pointer was meant.
    this.node.addEventListener("click", (event) => picker.pick(person(event) ?? picker.hovered));
  }

  /** @type {HistogramContent | null} */
  #content = null;
  /** @type {number | null} */
  #shown = null;

  /** @param {HistogramContent} content */
  draw(content) {
    const { plot, node } = this;
    this.#content = content;
    const { title, groups, marks, figures: { text, name, key, note } } = content;
    this.title.textContent = title;
    this.text.textContent = text;
    this.keyName.textContent = name;
    this.key.textContent = key;
    this.note.textContent = note;
    node.setAttribute("aria-label", `${title}: ${groups.map(({ label, values }) => `${values.length} values of ${label}`).join(", ")}; ${text}`);
    const unit = rem();
    plot.layer.replaceChildren();
    plot.axes.replaceChildren();
    const all = groups.flatMap(({ values }) => values.map(({ value }) => value));
    if (!all.length) return;
    const bins = binsOf(all, content.minSpan, marks.filter(({ named }) => named).map(({ value }) => value));
    const isMirrored = groups.length > 1;
    plot.margin = { left: 0.6 * unit, right: 0.6 * unit, top: marks.some(({ named }) => named) ? 1.5 * unit : 0.4 * unit, bottom: 1.5 * unit };
    plot.measure();
    plot.xRange = [bins.low, bins.low + bins.n * bins.step];
    const counts = groups.map(({ values }) => stacks(values, bins));
    const highest = Math.max(MIN_ROWS, ...counts.flat().map((ids) => ids.length));
    plot.yRange = [isMirrored ? -highest : 0, highest];
    this.#drawAxis(bins, content.unit);
    groups.forEach(({ key }, i) => this.#drawCells(counts[i], bins, key));
    this.#drawMarks(marks);
    for (const group of groups) this.#drawSpread(group, isMirrored);
    if (isMirrored) this.#drawSides(groups, counts);
    this.highlight(this.#shown);
  }

  /** @param {number | null} shown person in view */
  highlight(shown) {
    this.#shown = shown;
    this.node.classList.toggle("one", shown !== null);
    for (const cell of this.node.querySelectorAll(".cell.shown")) cell.classList.remove("shown");
    for (const cell of this.node.querySelectorAll(`[data-person="${shown}"]`)) cell.classList.add("shown");
  }

  /** @param {Bins} bins @param {string} unit */
  #drawAxis(bins, unit) {
    const { plot } = this;
    const size = rem();
    const [low, high] = plot.xRange;
    svg("line", { class: "zero", x1: plot.x(low), x2: plot.x(high), y1: plot.y(0), y2: plot.y(0) }, plot.axes);
    const y = plot.height - 0.35 * size;
    const step = roundStep(high - low, plot.width / (3.4 * size));
    const label = (/** @type {number} */ v) => Number(v.toPrecision(4)).toString();
    const half = (/** @type {string} */ text) => 0.34 * text.length * size;
    const write = (/** @type {number} */ x, /** @type {string} */ text) => { svg("text", { x, y, "text-anchor": "middle" }, plot.axes).textContent = text; };
    const [under, over] = [`< ${label(low + bins.step)}`, `≥ ${label(high - bins.step)}`];
    const from = bins.under ? Math.max(plot.x(low + bins.step / 2), half(under)) : 0;
    const to = bins.over ? Math.min(plot.x(high - bins.step / 2), plot.width - half(over)) : plot.width - plot.margin.right - half(unit);
    const ends = [bins.under ? from + half(under) : -size, to - (bins.over ? half(over) : half(unit))];
    for (let v = Math.ceil(low / step - 1e-9) * step; v <= high + 1e-9 * step; v += step) {
      const x = plot.x(v);
      if (x - half(label(v)) > ends[0] && x + half(label(v)) < ends[1]) write(Math.max(x, half(label(v))), label(v));
    }
    if (bins.under) write(from, under);
    if (bins.over) write(to, over); // in the place of the unit, which the title names
    else write(to, unit);
  }

  /** @param {number[][]} stacked people of each bin @param {Bins} bins @param {GroupKey} key */
  #drawCells(stacked, bins, key) {
    const { plot } = this;
    const height = Math.abs(plot.y(1) - plot.y(0));
    const gap = height > 4 ? 1 : 0;
    stacked.forEach((ids, i) => {
      const x = plot.x(bins.low + i * bins.step), width = plot.x(bins.low + (i + 1) * bins.step) - x;
      ids.forEach((id, row) => svg("rect", {
        class: `cell ${key}`, "data-person": id, x: x + 0.5, width: Math.max(width - 1, 1),
        y: key === "now" ? plot.y(row + 1) + gap : plot.y(-row) + gap, height: Math.max(height - gap, 0.5),
      }, plot.layer));
    });
  }

  /** Mean and ± SD on the axis. @param {ValueGroup} group @param {boolean} isMirrored */
  #drawSpread({ key, values }, isMirrored) {
    const { plot } = this;
    const { mean, sd } = spreadOf(values.map(({ value }) => value));
    if (mean === null) return;
    const y = plot.y(0) + (isMirrored ? (key === "now" ? -1 : 1) * 0.16 * rem() : 0);
    const [low, high] = plot.xRange;
    const at = (/** @type {number} */ v) => plot.x(Math.min(Math.max(v, low), high));
    svg("line", { class: `sd ${key}`, x1: at(mean - (sd ?? 0)), x2: at(mean + (sd ?? 0)), y1: y, y2: y }, plot.layer);
    svg("circle", { class: `mean ${key}`, cx: at(mean), cy: y, r: 0.26 * rem() }, plot.layer);
  }

  /** Name of each round on its side of the axis, at the emptier end. @param {ValueGroup[]} groups @param {number[][][]} counts */
  #drawSides(groups, counts) {
    const { plot } = this;
    const unit = rem();
    const inThird = (/** @type {(part: number) => boolean} */ is) => counts.flatMap((stacked) => stacked.filter((_, i) => is(i / stacked.length))).flat().length;
    const atLeft = inThird((part) => part < 1 / 3) < inThird((part) => part > 2 / 3);
    const place = atLeft ? { x: plot.margin.left, "text-anchor": "start" } : { x: plot.width - plot.margin.right, "text-anchor": "end" };
    for (const { key, label } of groups) {
      const y = key === "now" ? plot.margin.top + 0.9 * unit : plot.height - plot.margin.bottom - 0.2 * unit;
      svg("text", { class: `side ${key}`, y, ...place }, plot.layer).textContent = label;
    }
  }

  /** @param {Mark[]} marks */
  #drawMarks(marks) {
    const { plot } = this;
    const unit = rem();
    const [low, high] = plot.xRange;
    const top = plot.margin.top - 0.1 * unit, bottom = plot.height - plot.margin.bottom;
    for (const { colour, value, named } of marks) {
      if (value < low || value > high) continue;
      const x = plot.x(value);
      svg("line", { class: "mark", stroke: colour, x1: x, x2: x, y1: named ? top : bottom - 0.6 * unit, y2: bottom }, plot.layer);
    }
    const labels = marks.filter(({ named }) => named).map((mark) => ({ at: plot.x(mark.value), width: this.#textWidth(`■\u00a0${mark.label}`) + 0.7 * unit, item: mark }));
    for (const { x, items } of joinLabels(labels, 0, plot.width)) {
      const text = svg("text", { class: "marks", x, y: plot.margin.top - 0.42 * unit, "text-anchor": "middle" }, plot.axes);
      items.forEach(({ label, colour }, i) => {
        svg("tspan", { style: `fill:${colour}`, ...(i && { dx: 0.35 * unit }) }, text).textContent = "■\u00a0";
        svg("tspan", {}, text).textContent = label;
      });
    }
  }

  /** @param {string} text */
  #textWidth(text) {
    const probe = svg("text", { class: "marks" }, this.plot.axes);
    probe.textContent = text;
    const width = probe.getComputedTextLength();
    probe.remove();
    return width;
  }
}

/** People of each bin, lowest value first. @param {{id: number, value: number}[]} values @param {Bins} bins */
function stacks(values, bins) {
  /** @type {number[][]} */
  const out = Array.from({ length: bins.n }, () => []);
  for (const { id, value } of [...values].sort((a, b) => a.value - b.value)) out[binAt(bins, value)]?.push(id);
  return out;
}
