// A few lines over the steps of a path, with the step in view.
import { Plot, svg } from "./svg_chart.js";

const MARGIN = { left: 38, right: 6, top: 15, bottom: 17 };

export class Trace {
  constructor(element, yLabel) {
    this.plot = new Plot(element, { xLabel: "", yLabel, margin: MARGIN, every: 22 });
    this.cursor = svg("line", { class: "cursor" }, this.plot.layer);
    this.lines = new Map();
  }

  /** @param {Array<[string, Array<number|null>]>} series class and values, a step each; null leaves a gap */
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
      if (!this.lines.has(kind)) this.lines.set(kind, svg("path", { class: kind }, plot.layer));
      const steps = values.flatMap((v, i) => (v === null ? [] : [i]));
      this.lines.get(kind).setAttribute("d", plot.path(steps, steps.map((i) => values[i])));
    }
    const x = plot.x(at);
    for (const [name, value] of Object.entries({ x1: x, x2: x, y1: plot.y(plot.yRange[0]), y2: plot.y(plot.yRange[1]) })) this.cursor.setAttribute(name, value);
  }
}
