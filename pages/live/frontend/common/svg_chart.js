// SVG chart with axes: the AIF editor, the curves of a voxel and the panels are drawn with it.
/** @import { Range } from "../types.js" */
import { typeScale } from "./dom.js";
import { roundStep } from "./number_format.js";

const NS = "http://www.w3.org/2000/svg";

/**
 * Make an SVG element.
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} name
 * @param {Record<string, string | number>} attributes
 * @param {Element | null} parent
 * @returns {SVGElementTagNameMap[K]}
 */
export function svg(name, attributes = {}, parent = null) {
  const node = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  parent?.appendChild(node);
  return node;
}

/** @typedef {{left: number, right: number, top: number, bottom: number}} Margin */

let nCharts = 0;

export class SvgChart {
  /** @type {Range} */
  xRange = [0, 1];
  /** @type {Range} */
  yRange = [0, 1];
  width = 0;
  height = 0;
  /** Size of the text over 11 points; distances of labels follow it. */
  scale = 1;
  /** @type {SVGRectElement | null} */
  #inside = null;
  #clipId = "";
  /** The margin at a scale of 1. @type {Margin} */
  #margin;
  #typeScale = 1;

  /**
   * @param {SVGSVGElement} element
   * @param {{xLabel: string, yLabel: string, margin?: Margin, every?: number}} options `every`: smallest distance in
   * points between values of the y axis
   */
  constructor(element, { xLabel, yLabel, margin = { left: 46, right: 12, top: 14, bottom: 34 }, every = 40 }) {
    this.element = element;
    this.xLabel = xLabel;
    this.yLabel = yLabel;
    this.margin = this.#margin = margin;
    this.every = every;
    this.axes = svg("g", { class: "axes" }, element);
    this.layer = svg("g", {}, element);
    this.measure();
  }

  /** Read the element's size and that of its type from the page. */
  measure() {
    const k = typeScale(this.element);
    if (k !== this.#typeScale) {
      const { left, right, top, bottom } = this.#margin;
      Object.assign(this, { scale: k, margin: { left: left * k, right: right * k, top: top * k, bottom: bottom * k } });
      this.#typeScale = k;
    }
    const box = this.element.getBoundingClientRect();
    this.width = Math.max(box.width, 120);
    this.height = Math.max(box.height, 60);
    this.element.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    this.fitClip();
  }

  /** Clip path for lines that may leave the axes; made at the first use. */
  get clip() {
    if (!this.#inside) {
      this.#clipId = `plot-${++nCharts}`;
      this.#inside = svg("rect", {}, svg("clipPath", { id: this.#clipId }, svg("defs", {}, this.element)));
      this.fitClip();
    }
    return `url(#${this.#clipId})`;
  }

  fitClip() {
    const { left, right, top, bottom } = this.margin;
    const area = { x: left, y: top, width: Math.max(this.width - left - right, 0), height: Math.max(this.height - top - bottom, 0) };
    for (const [key, value] of Object.entries(area)) this.#inside?.setAttribute(key, String(value));
  }

  /** @param {number} value */
  x(value) {
    const { left, right } = this.margin;
    return left + ((value - this.xRange[0]) / (this.xRange[1] - this.xRange[0])) * (this.width - left - right);
  }

  /** @param {number} value */
  y(value) {
    const { top, bottom } = this.margin;
    const span = this.height - top - bottom;
    return this.height - bottom - ((value - this.yRange[0]) / (this.yRange[1] - this.yRange[0])) * span;
  }

  /** @param {number} clientY */
  valueAt(clientY) {
    const box = this.element.getBoundingClientRect();
    const { top, bottom } = this.margin;
    const y = ((clientY - box.top) * this.height) / box.height;
    const part = (this.height - bottom - y) / (this.height - top - bottom);
    return this.yRange[0] + part * (this.yRange[1] - this.yRange[0]);
  }

  /** @param {number} clientX */
  timeAt(clientX) {
    const box = this.element.getBoundingClientRect();
    const { left, right } = this.margin;
    const x = ((clientX - box.left) * this.width) / box.width;
    return this.xRange[0] + ((x - left) / (this.width - left - right)) * (this.xRange[1] - this.xRange[0]);
  }

  drawAxes() {
    this.axes.replaceChildren();
    const [x0, x1] = this.xRange;
    const [y0, y1] = this.yRange;
    const k = this.scale;
    /** @type {(text: string, attributes: Record<string, string | number>) => void} */
    const label = (text, attributes) => { svg("text", attributes, this.axes).textContent = text; };
    const xs = roundStep(x1 - x0, this.width / (60 * this.scale));
    const ys = roundStep(y1 - y0, this.height / (this.every * this.scale));
    for (let v = Math.ceil(y0 / ys) * ys; v <= y1 + 1e-9; v += ys) {
      svg("line", { x1: this.x(x0), x2: this.x(x1), y1: this.y(v), y2: this.y(v), class: Math.abs(v) < 1e-9 ? "zero" : "grid" }, this.axes);
      label(Number(v.toPrecision(4)).toString(), { x: this.margin.left - 6 * k, y: this.y(v) + 4 * k, "text-anchor": "end" });
    }
    for (let v = Math.ceil(x0 / xs) * xs; v <= x1 + 1e-9; v += xs) {
      label(Number(v.toPrecision(4)).toString(), { x: this.x(v), y: this.height - this.margin.bottom + 15 * k, "text-anchor": "middle" });
    }
    label(this.xLabel, { x: this.x(x1), y: this.height - 5 * k, "text-anchor": "end", class: "unit" });
    label(this.yLabel, { x: this.margin.left, y: this.margin.top - 4 * k, class: "unit" });
  }

  /**
   * Path data of a line.
   * @param {ArrayLike<number>} times
   * @param {ArrayLike<number>} values
   */
  path(times, values) {
    let d = "";
    for (let i = 0; i < values.length; i++) d += `${i ? "L" : "M"}${this.x(times[i]).toFixed(1)} ${this.y(values[i]).toFixed(1)}`;
    return d;
  }
}
