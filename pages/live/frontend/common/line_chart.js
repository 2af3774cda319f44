// Lines over the steps of a path, with a cursor at the step in view.
import { SvgChart, svg } from "./svg_chart.js";

const MARGIN = { left: 38, right: 6, top: 15, bottom: 17 };

export class LineChart {
  /** @type {Map<string, SVGElement>} */
  #lines = new Map();

  /**
   * @param {SVGSVGElement} element
   * @param {string} yLabel
   */
  constructor(element, yLabel) {
    this.plot = new SvgChart(element, { xLabel: "", yLabel, margin: MARGIN, every: 22 });
    this.cursor = svg("line", { class: "cursor" }, this.plot.layer);
  }

  /**
   * @param {[className: string, values: (number | null)[]][]} series a value for each step; null leaves a gap
   * @param {number} at step of the cursor
   */
  draw(series, at) {
    const { plot } = this;
    const known = series.flatMap(([, values]) => values.filter((v) => v !== null));
    const [low, high] = known.length ? [Math.min(...known), Math.max(...known)] : [0, 1];
    const room = Math.max(high - low, 1e-3 * Math.abs(high), 1e-6);
    plot.measure();
    plot.xRange = [0, Math.max(...series.map(([, values]) => values.length - 1), 10)];
    plot.yRange = [low - 0.08 * room, high + 0.12 * room];
    plot.drawAxes();
    for (const [kind, values] of series) {
      const line = this.#lines.get(kind) ?? svg("path", { class: kind }, plot.layer);
      this.#lines.set(kind, line);
      const steps = values.flatMap((v, i) => (v === null ? [] : [i]));
      line.setAttribute("d", plot.path(steps, steps.map((i) => /** @type {number} */ (values[i]))));
    }
    const x = plot.x(at);
    const ends = { x1: x, x2: x, y1: plot.y(plot.yRange[0]), y2: plot.y(plot.yRange[1]) };
    for (const [name, value] of Object.entries(ends)) this.cursor.setAttribute(name, String(value));
  }
}
