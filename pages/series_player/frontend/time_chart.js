// Curves over time with a marker at the shown frame; a press or drag on the chart seeks to that time.
import { SvgChart, svg } from "../../live/frontend/common/svg_chart.js";

/** @import { ChartLine } from "./types.js" */
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
    const follow = (/** @type {PointerEvent} */ event) => { if (event.buttons) seek(this.plot.timeAt(event.clientX)); };
    element.addEventListener("pointerdown", (event) => { element.setPointerCapture(event.pointerId); follow(event); });
    element.addEventListener("pointermove", follow);
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
