// Lines over the steps of a path, with a cursor at the step in view.
import { roundStep } from "./number_format.js";
import { SvgChart, svg } from "./svg_chart.js";

const MARGIN = { left: 38, right: 6, top: 15, bottom: 17 };
const MIN_STEPS = 10; // on the x axis
const Y_TICKS = 4;

/** End of the x axis, rounded up so that the axes stay for many steps. @param {number} nSteps */
export function lastOnAxis(nSteps) {
  const unit = 10 ** Math.max(Math.floor(Math.log10(Math.max(nSteps, 1))), 1) / 2;
  return Math.max(Math.ceil(nSteps / unit) * unit, MIN_STEPS);
}

/**
 * Range of the y axis around values, to round numbers.
 * @param {number[]} known
 * @returns {[number, number]}
 */
export function roundRange(known) {
  if (!known.length) return [0, 1];
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const step = roundStep(Math.max(high - low, 1e-3 * Math.abs(high), 1e-6), Y_TICKS);
  const bottom = Math.floor(low / step + 1e-6) * step;
  return [bottom, Math.max(Math.ceil(high / step - 1e-6) * step, bottom + step)];
}

export class LineChart {
  /** @type {Map<string, SVGElement>} */
  #lines = new Map();
  #axes = ""; // ranges and size of the axes that are drawn

  /**
   * @param {SVGSVGElement} element
   * @param {string} yLabel
   */
  constructor(element, yLabel) {
    this.plot = new SvgChart(element, { xLabel: "", yLabel, margin: MARGIN, every: 22 });
    this.cursor = svg("line", { class: "cursor" }, this.plot.layer);
    this.mark = svg("line", { class: "turn" }, this.plot.layer);
  }

  /** Read the chart's size; a drawing uses the last one, since reading it lays out the whole page. */
  measure() { this.plot.measure(); }

  /**
   * @param {[className: string, values: (number | null)[]][]} series a value for each step; null leaves a gap
   * @param {number} at step of the cursor
   * @param {number | null} mark step of a mark, or none
   */
  draw(series, at, mark = null) {
    const { plot } = this;
    plot.xRange = [0, lastOnAxis(Math.max(...series.map(([, values]) => values.length - 1)))];
    plot.yRange = roundRange(series.flatMap(([, values]) => values.filter((v) => v !== null)));
    const axes = [...plot.xRange, ...plot.yRange, plot.width, plot.height].join();
    if (axes !== this.#axes) plot.drawAxes();
    this.#axes = axes;
    for (const [kind, values] of series) {
      const line = this.#lines.get(kind) ?? svg("path", { class: kind }, plot.layer);
      this.#lines.set(kind, line);
      const steps = values.flatMap((v, i) => (v === null ? [] : [i]));
      line.setAttribute("d", plot.path(steps, steps.map((i) => /** @type {number} */ (values[i]))));
    }
    this.#drawAt(this.cursor, at);
    this.#drawAt(this.mark, mark);
  }

  /** @param {SVGLineElement} line @param {number | null} step */
  #drawAt(line, step) {
    const { plot } = this;
    line.style.display = step === null ? "none" : "";
    if (step === null) return;
    const x = plot.x(step);
    const ends = { x1: x, x2: x, y1: plot.y(plot.yRange[0]), y2: plot.y(plot.yRange[1]) };
    for (const [name, value] of Object.entries(ends)) line.setAttribute(name, String(value));
  }
}
