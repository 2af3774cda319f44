// Measured curves of voxels: those clicked, their mean, and the one under the finger.
/** @import { Curve } from "../../../live/frontend/types.js" */
import { SvgChart, svg } from "../../../live/frontend/common/svg_chart.js";

const MARGIN = { left: 38, right: 8, top: 18, bottom: 20 };
const MIN_TOP = 60; // of the axis, in enhancement: the noise of tissue does not fill it

/** @typedef {{picked: readonly Curve[], mean: Curve | null, live: Curve | null}} ShownCurves */

export class CurveChart {
  #top = MIN_TOP;
  #times = new Float32Array(0);
  /** @type {ShownCurves} */
  #shown = { picked: [], mean: null, live: null };

  constructor() {
    this.element = svg("svg", { class: "chart", role: "img", "aria-label": "Curves of the chosen voxels" });
    this.element.dataset.testid = "voxel-curve";
    this.plot = new SvgChart(this.element, { xLabel: "", yLabel: "", margin: MARGIN, every: 30 });
    this.picked = svg("g", {}, this.plot.layer);
    this.mean = svg("path", { class: "aif" }, this.plot.layer);
    this.live = svg("path", { class: "live" }, this.plot.layer);
    this.observer = new ResizeObserver(() => this.show(this.#shown));
    this.observer.observe(this.element);
  }

  /** @param {number} nTime @param {number} dt seconds @param {string} unit of enhancement */
  configure(nTime, dt, unit) {
    this.#times = Float32Array.from({ length: nTime }, (_, i) => i * dt);
    this.plot.xRange = [0, (nTime - 1) * dt];
    this.plot.yLabel = `enhancement (${unit}) over time (s)`;
  }

  /** The axis grows with the curves, and does not shrink while a finger moves. @param {ShownCurves} shown */
  show(shown) {
    this.#shown = shown;
    if (!this.#times.length) return;
    const all = [...shown.picked, ...[shown.mean, shown.live].filter((curve) => curve !== null)];
    for (const curve of all) this.#top = Math.max(this.#top, Math.max(...curve) * 1.1);
    const { plot } = this;
    plot.measure();
    plot.yRange = [-0.12 * this.#top, this.#top];
    plot.drawAxes();
    const path = (/** @type {Curve | null} */ curve) => (curve ? plot.path(this.#times, curve) : "");
    this.picked.replaceChildren(...shown.picked.map((curve) => svg("path", { class: "picked", d: path(curve) })));
    this.mean.setAttribute("d", path(shown.mean));
    this.live.setAttribute("d", path(shown.live));
    this.element.dataset.live = String(Boolean(shown.live));
    this.element.dataset.picked = String(shown.picked.length);
  }

  close() { this.observer.disconnect(); }
}
