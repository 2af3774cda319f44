// All AIFs of a class over one another: median, 10–90 % band, and the AIFs they are compared with.
/** @import { Reference } from "./messages.js" */
/** @import { GroupKey } from "./plot.js" */
/** @import { PersonPicker } from "./person_picker.js" */
import { SvgChart, svg } from "../../../live/frontend/common/svg_chart.js";
import { curveBand } from "./class_statistics.js";
import { chartScale, rem, spreadOut } from "./plot.js";

const NEAR_REM = 1.2; // a curve that is nearer to the pointer is meant
const LABELS_REM = 11.8;
const FAINT_ABOVE = 15; // people: the curves of more are fainter, so that the median stays clear

/** @typedef {{key: GroupKey, label: string, curves: {id: number, curve: number[]}[]}} CurveGroup */
/** @typedef {{times: number[], groups: CurveGroup[], references: Reference[], unit: string}} CurvesContent */
/** @typedef {{text: string, value: number, css: string, colour?: string}} EndLabel */

export class CurvesChart {
  /** @type {CurvesContent | null} */
  #content = null;
  /** @type {EndLabel[]} */
  #ends = [];
  /** @type {SVGGElement | null} */
  #labels = null;
  /** Curves of the person in view. @type {SVGGElement | null} */
  #over = null;
  /** @type {number | null} */
  #shown = null;
  #shownName = "";
  /** @param {HTMLElement} host @param {PersonPicker} picker */
  constructor(host, picker) {
    this.node = svg("svg", { class: "curves", role: "img", "data-testid": "curves" }, host);
    this.plot = new SvgChart(this.node, { xLabel: "", yLabel: "" });
    new ResizeObserver(() => { if (this.#content) this.draw(this.#content); }).observe(this.node);
    this.node.addEventListener("pointermove", (event) => picker.hover(this.#nearest(event)));
    this.node.addEventListener("pointerleave", () => picker.hover(null));
    this.node.addEventListener("click", (event) => picker.pick(this.#nearest(event)));
  }

  /** @param {CurvesContent} content */
  draw(content) {
    this.#content = content;
    const { plot } = this;
    const { times, groups, references } = content;
    const unit = rem();
    plot.scale = chartScale();
    plot.margin = { left: 3.2 * unit, right: LABELS_REM * unit, top: 1.6 * unit, bottom: 1.7 * unit };
    plot.yLabel = `AIF, ${content.unit}, over time, s`;
    plot.measure();
    const all = [...groups.flatMap(({ curves }) => curves.map(({ curve }) => curve)), ...references.map(({ curve }) => curve)];
    const ends = all.map((curve) => [Math.min(...curve), Math.max(...curve)]);
    plot.xRange = [times[0], times.at(-1) ?? 1];
    plot.yRange = [Math.min(0, ...ends.map(([low]) => low)), Math.max(1, ...ends.map(([, high]) => high)) * 1.04];
    plot.drawAxes();
    plot.layer.replaceChildren();
    plot.layer.setAttribute("clip-path", plot.clip);
    this.node.style.setProperty("--faint", String(Math.min(1, Math.sqrt(FAINT_ABOVE / Math.max(...groups.map(({ curves }) => curves.length), 1)))));
    const medians = groups.map((group) => this.#drawGroup(group));
    this.#ends = this.#drawReferences(references);
    groups.forEach(({ key, label }, i) => {
      const median = medians[i];
      if (!median) return;
      this.#line(median, { class: `median ${key}`, "data-median": key });
      this.#ends.push({ text: groups.length > 1 ? `Median ${label}` : "Median, 10–90 %", value: median.at(-1) ?? 0, css: `median ${key}` });
    });
    this.#over = svg("g", {}, plot.layer);
    this.node.setAttribute("aria-label", `${groups.map(({ curves, label }) => `${curves.length} curves of ${label}`).join(", ")}; compared with ${references.map(({ label }) => label).join(", ") || "none"}`);
    this.highlight(this.#shown, this.#shownName);
  }

  /** Show one person's curves over all others. @param {number | null} shown @param {string} name */
  highlight(shown, name) {
    [this.#shown, this.#shownName] = [shown, name];
    const content = this.#content, over = this.#over;
    if (!content || !over) return;
    over.replaceChildren();
    this.node.classList.toggle("one", shown !== null);
    const labels = [...this.#ends];
    for (const { key, curves } of content.groups) {
      const found = curves.find(({ id }) => id === shown);
      if (!found) continue;
      over.append(this.#line(found.curve, { class: `shown ${key}`, "data-shown": found.id }));
      if (key === "now") labels.push({ text: name, value: found.curve.at(-1) ?? 0, css: "shown" });
    }
    this.#drawLabels(labels);
  }

  /** @param {Reference[]} references @returns {EndLabel[]} */
  #drawReferences(references) {
    return references.map(({ id, label, colour, curve }) => {
      this.#line(curve, { class: "reference", "data-reference": id, stroke: colour });
      return { text: label.replace("Network,", "Net."), value: curve.at(-1) ?? 0, css: "reference", colour };
    });
  }

  /** Draw band and curves; returns the median. @param {CurveGroup} group */
  #drawGroup({ key, curves }) {
    if (!curves.length) return null;
    const times = this.#content?.times ?? [];
    const [low, middle, high] = curveBand(curves.map(({ curve }) => curve));
    const back = [...times.keys()].reverse();
    svg("path", {
      class: `band ${key}`,
      d: `${this.plot.path(times, high)}${this.plot.path(back.map((i) => times[i]), back.map((i) => low[i])).replace("M", "L")}Z`,
    }, this.plot.layer);
    for (const { id, curve } of curves) this.#line(curve, { class: `person ${key}`, "data-person": id });
    return middle;
  }

  /** @param {ArrayLike<number>} curve @param {Record<string, string | number>} attributes */
  #line(curve, attributes) {
    return svg("path", { ...attributes, d: this.plot.path(this.#content?.times ?? [], curve) }, this.plot.layer);
  }

  /** Names at the right, each with a line to the end of its curve. @param {EndLabel[]} labels */
  #drawLabels(labels) {
    const { plot } = this;
    const unit = rem();
    this.#labels?.remove();
    const group = svg("g", { class: "labels" }, this.node);
    const sorted = [...labels].sort((a, b) => b.value - a.value);
    const from = sorted.map(({ value }) => Math.min(Math.max(plot.y(value), plot.margin.top), plot.height - plot.margin.bottom));
    const at = spreadOut(from, Math.min(1.15 * unit, (plot.height - unit) / Math.max(sorted.length, 1)), 0.8 * unit, plot.height - 0.5 * unit);
    const x = plot.width - plot.margin.right;
    sorted.forEach(({ text, css, colour }, i) => {
      const leader = svg("path", { class: `leader ${css}`, d: `M${x} ${from[i]}L${x + 0.9 * unit} ${at[i]}h${0.3 * unit}` }, group);
      if (colour) leader.setAttribute("stroke", colour);
      svg("text", { class: css, x: x + 1.4 * unit, y: at[i] + 0.36 * unit }, group).textContent = text;
    });
    this.#labels = group;
  }

  /** The person whose curve is under the pointer. @param {PointerEvent | MouseEvent} event */
  #nearest({ clientX, clientY }) {
    if (!this.#content) return null;
    const { times, groups } = this.#content;
    const time = this.plot.timeAt(clientX), y = this.plot.y(this.plot.valueAt(clientY));
    const i = Math.round((time - times[0]) / (times[1] - times[0]));
    if (!(i >= 0 && i < times.length)) return null;
    let best = NEAR_REM * rem(), found = null;
    for (const { curves } of groups) {
      for (const { id, curve } of curves) {
        const distance = Math.abs(this.plot.y(curve[i]) - y);
        if (distance < best) [best, found] = [distance, id];
      }
    }
    return found;
  }
}
