// @ts-nocheck
// Curves over time with a line at the frame that is shown; pressing on a chart goes to that time.
import { SvgChart, svg } from "../../live/frontend/common/svg_chart.js";

export class Chart {
  constructor(element, yLabel, seek) {
    this.plot = new SvgChart(element, { xLabel: "s", yLabel, margin: { left: 44, right: 10, top: 16, bottom: 30 } });
    this.lines = [];
    const follow = (event) => { if (event.buttons) seek(this.plot.timeAt(event.clientX)); };
    element.addEventListener("pointerdown", (event) => { element.setPointerCapture(event.pointerId); follow(event); });
    element.addEventListener("pointermove", follow);
  }

  /** @param {{values: Float32Array, kind: string, colour?: string, id?: string}[]} lines */
  set(lines, dt) {
    this.lines = lines;
    this.dt = dt;
    this.rescale();
  }

  rescale() {
    const { plot, lines, dt } = this;
    plot.measure();
    plot.axes.replaceChildren();
    plot.layer.replaceChildren();
    this.marker = null;
    if (!lines.length) return;
    let [low, high] = [0, 1e-6];
    for (const { values } of lines) for (const v of values) { low = Math.min(low, v); high = Math.max(high, v); }
    plot.xRange = [0, (lines[0].values.length - 1) * dt];
    plot.yRange = [low - 0.05 * (high - low), high + 0.08 * (high - low)];
    plot.drawAxes();
    for (const { values, kind, colour, id } of lines) {
      const times = Float32Array.from(values, (_, i) => i * dt);
      svg("path", { class: `line ${kind}`, d: plot.path(times, values), ...(colour && { stroke: colour }), ...(id && { "data-line": id }) }, plot.layer);
    }
    this.marker = svg("g", { class: "now" }, plot.layer);
    this.rule = svg("line", { y1: plot.y(plot.yRange[0]), y2: plot.y(plot.yRange[1]) }, this.marker);
    this.dots = lines.map(({ colour, kind }) => svg("circle", { r: 3, class: kind, ...(colour && { fill: colour }) }, this.marker));
    this.mark(this.frame ?? 0);
  }

  mark(frame) {
    this.frame = frame;
    if (!this.marker) return;
    const x = this.plot.x(frame * this.dt);
    this.rule.setAttribute("x1", x);
    this.rule.setAttribute("x2", x);
    this.dots.forEach((dot, i) => {
      dot.setAttribute("cx", x);
      dot.setAttribute("cy", this.plot.y(this.lines[i].values[frame]));
    });
  }
}
