// Bars of a gradient by the samples of the curve, on the time axis of the editor.
/** @import { Range } from "../types.js" */
import { compact } from "../common/number_format.js";
import { SvgChart, svg } from "../common/svg_chart.js";

const BAR_WIDTH = 0.7; // of the sampling interval

export class GradientBars {
  /** @param {SVGSVGElement} element */
  constructor(element) {
    this.plot = new SvgChart(element, { xLabel: "", yLabel: "", margin: { left: 46, right: 12, top: 5, bottom: 5 } });
  }

  /**
   * @param {Float32Array | null} gradient one value for each sample; null clears the bars
   * @param {number} dt sampling interval in seconds
   * @param {Range} xRange in seconds
   */
  draw(gradient, dt, xRange) {
    const { plot } = this;
    plot.measure();
    plot.xRange = xRange;
    const values = gradient ?? new Float32Array(0);
    const max = values.reduce((top, v) => Math.max(top, Math.abs(v)), 0) || 1;
    plot.yRange = [-max * 1.1, max * 1.1];
    plot.axes.replaceChildren();
    svg("line", { x1: plot.x(xRange[0]), x2: plot.x(xRange[1]), y1: plot.y(0), y2: plot.y(0), class: "zero" }, plot.axes);
    if (gradient) {
      for (const [value, y] of [[max, 12 * plot.scale], [-max, plot.height - 4]]) {
        svg("text", { x: plot.margin.left - 6 * plot.scale, y, "text-anchor": "end" }, plot.axes).textContent = compact(value);
      }
    }
    const width = BAR_WIDTH * (plot.x(dt) - plot.x(0));
    plot.layer.replaceChildren(...Array.from(values, (value, i) => svg("rect", {
      x: plot.x(i * dt) - width / 2, width, y: plot.y(Math.max(value, 0)), height: Math.abs(plot.y(value) - plot.y(0)),
      class: value > 0 ? "more" : "less", "data-value": Number(value.toPrecision(6)),
    })));
  }
}
