// Curves over time with a marker at the shown frame; a press or drag on the chart seeks to that time. Of a finger: a tap or
// a drag across; a vertical swipe scrolls the page.
import { SvgChart, svg } from "../../live/frontend/common/svg_chart.js";

/** @import { ChartLine } from "./types.js" */
const MAX_TAP_PX = 10; // a finger that moves farther swipes

/** @typedef {{group: SVGGElement, rule: SVGLineElement, dots: SVGCircleElement[]}} Marker */

export class TimeChart {
  /** @type {ChartLine[]} */
  #lines = [];
  #dt = 1;
  #frame = 0;
  /** @type {Marker | null} */
  #marker = null;

  /**
   * @param {SVGSVGElement} element
   * @param {string} yLabel
   * @param {(seconds: number) => void} seek
   */
  constructor(element, yLabel, seek) {
    this.plot = new SvgChart(element, { xLabel: "s", yLabel, margin: { left: 44, right: 10, top: 16, bottom: 30 } });
    const follow = (/** @type {PointerEvent} */ event) => seek(this.plot.timeAt(event.clientX));
    /** A finger's start, until its direction is known. @type {{x: number, y: number} | null} */
    let start = null;
    element.addEventListener("pointerdown", (event) => {
      element.setPointerCapture(event.pointerId);
      start = event.pointerType === "touch" ? { x: event.clientX, y: event.clientY } : null;
      if (!start && event.buttons) follow(event);
    });
    element.addEventListener("pointermove", (event) => {
      if (!event.buttons) return;
      if (start) {
        const [dx, dy] = [Math.abs(event.clientX - start.x), Math.abs(event.clientY - start.y)];
        if (dx < MAX_TAP_PX || dx < dy) return;
        start = null;
      }
      follow(event);
    });
    element.addEventListener("pointerup", (event) => {
      if (start && Math.hypot(event.clientX - start.x, event.clientY - start.y) < MAX_TAP_PX) follow(event);
      start = null;
    });
    element.addEventListener("pointercancel", () => { start = null; });
  }

  /** @param {ChartLine[]} lines @param {number} dt seconds between frames */
  setLines(lines, dt) {
    this.#lines = lines;
    this.#dt = dt;
    this.rescale();
  }

  /** Draw again at the element's size. */
  rescale() {
    const { plot } = this;
    const lines = this.#lines;
    plot.measure();
    plot.axes.replaceChildren();
    plot.layer.replaceChildren();
    this.#marker = null;
    if (!lines.length) return;
    let [low, high] = [0, 1e-6];
    for (const { values } of lines) for (const v of values) { low = Math.min(low, v); high = Math.max(high, v); }
    plot.xRange = [0, (lines[0].values.length - 1) * this.#dt];
    plot.yRange = [low - 0.05 * (high - low), high + 0.08 * (high - low)];
    plot.drawAxes();
    for (const { values, kind, colour, id } of lines) {
      const times = Float32Array.from(values, (_, i) => i * this.#dt);
      svg("path", { class: `line ${kind}`, d: plot.path(times, values), "data-line": id, ...(colour && { stroke: colour }) }, plot.layer);
    }
    const group = svg("g", { class: "now" }, plot.layer);
    const rule = svg("line", { y1: plot.y(plot.yRange[0]), y2: plot.y(plot.yRange[1]) }, group);
    const dots = lines.map(({ colour, kind }) => svg("circle", { r: 3, class: kind, ...(colour && { fill: colour }) }, group));
    this.#marker = { group, rule, dots };
    this.showFrame(this.#frame);
  }

  /** Move the marker. @param {number} frame */
  showFrame(frame) {
    this.#frame = frame;
    if (!this.#marker) return;
    const x = String(this.plot.x(frame * this.#dt));
    this.#marker.rule.setAttribute("x1", x);
    this.#marker.rule.setAttribute("x2", x);
    this.#marker.dots.forEach((dot, i) => {
      dot.setAttribute("cx", x);
      dot.setAttribute("cy", String(this.plot.y(this.#lines[i].values[frame])));
    });
  }
}
