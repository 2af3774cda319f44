// Editor of the AIF: drag a point and its neighbours follow, or draw freehand.
/** @import { Case, Curve } from "../types.js" */
import { isCoarse } from "../common/dom.js";
import { SvgChart, svg } from "../common/svg_chart.js";

const KEYS_REST_MS = 400;
/** @type {Record<string, number>} */
const STEPS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
/** @type {Record<string, number>} */
const DIRECTIONS = { ArrowUp: 1, ArrowDown: -1 };
/** @type {Record<string, number>} */
const BRUSH_FACTORS = { "]": 1.25, "[": 0.8 };
const TISSUE_HEIGHT = 0.4; // of the input function's: a tissue curve is magnified by a round factor to about this
const TISSUE_ROOM = 0.1; // of the input function's height: least room below zero, and its step
const REACH = 24; // points: a touch takes the nearest handle within this distance; handles for fingers lie as far apart
const [BRUSH, COARSE_BRUSH] = [1.5, 2.5];
const MAX_VOF_RATIO = 3; // a VOF up to this many times as high as the AIF is on the AIF's axis
const DIVISORS = [1, 2, 5, 10, 20, 50, 100];

/** @typedef {[time: number, value: number]} PenPlace */

/**
 * The round factor by which the VOF is drawn smaller, so that the AIF keeps a third of the chart's height.
 * @param {number} peak of the VOF
 * @param {number} top of the AIF
 */
export const divisorOf = (peak, top) => DIVISORS.find((by) => peak / by <= MAX_VOF_RATIO * top) ?? DIVISORS[DIVISORS.length - 1];

/**
 * The round factor (1, 2, 5 × 10ⁿ) by which a small curve is drawn larger beside the AIF; 0 without a positive peak.
 * @param {number} peak of the curve
 * @param {Curve} aif
 */
export function magnification(peak, aif) {
  if (!(peak > 0)) return 0;
  const room = TISSUE_HEIGHT * Math.max(...aif);
  const power = 10 ** Math.floor(Math.log10(room / peak));
  return Math.max(([5, 2, 1].find((m) => m * power * peak <= room) ?? 0) * power, 1);
}

/**
 * The room that a curve drawn `factor` times as high needs below zero, as a share of the AIF's height: in steps, so
 * that the axis rests from voxel to voxel, and at most as much as a tissue curve has above zero.
 * @param {Curve} tissue
 * @param {number} factor
 * @param {Curve} aif
 */
export function roomBelow(tissue, factor, aif) {
  const share = (-Math.min(...tissue) * factor) / Math.max(...aif);
  return Math.min(Math.max(Math.ceil(share / TISSUE_ROOM), 1) * TISSUE_ROOM, TISSUE_HEIGHT);
}

/**
 * Which handles a finger is shown: from the peak to both ends, those at least a distance apart.
 * @param {readonly {x: number, y: number}[]} places
 * @param {number} peak
 * @param {number} apart
 * @returns {Set<number>}
 */
export function handlesApart(places, peak, apart) {
  const kept = new Set([peak]);
  for (const step of [1, -1]) {
    let last = peak;
    for (let i = peak + step; i >= 0 && i < places.length; i += step) {
      if (Math.hypot(places[i].x - places[last].x, places[i].y - places[last].y) >= apart) kept.add(last = i);
    }
  }
  return kept;
}

export class AifEditor {
  brush = isCoarse() ? COARSE_BRUSH : BRUSH; // samples: the standard deviation of the weights of a dragged point's neighbours
  mode = "points"; // or "draw"
  curve = new Float32Array(0);
  /** The start curve, drawn behind. @type {Curve} */
  ghost = this.curve;
  times = new Float32Array(0);
  dt = 1;
  magnified = 0; // factor of the tissue curve as drawn
  vofDivisor = 1; // the VOF is drawn smaller by this factor
  onRescale = () => {};
  /** @type {Curve | null} */
  vof = null;
  /** @type {Curve | null} */
  tissue = null;
  /** Most room below zero that a tissue curve of the case has needed. */
  #room = TISSUE_ROOM;
  #caseName = "";
  /** @type {ArrayLike<number> | null} */
  spread = null;
  /** @type {SVGCircleElement[]} */
  points = [];
  /** @type {{from: Curve, at?: number, start: number, pen?: PenPlace} | null} */
  dragging = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  keyTimer = undefined;

  /**
   * @param {SVGSVGElement} element
   * @param {{onEdit: (curve: Curve) => void, onCommit: (curve: Curve, effect: string) => void, onBrush: (brush: number) => void}} handlers
   */
  constructor(element, handlers) {
    this.handlers = handlers;
    this.plot = new SvgChart(element, { xLabel: "time (s)", yLabel: "enhancement" });
    const { layer } = this.plot;
    this.band = svg("path", { class: "band" }, layer);
    this.vofPath = svg("path", { class: "vof", "clip-path": this.plot.clip }, layer);
    this.tissuePath = svg("path", { class: "tissue-on-aif", "clip-path": this.plot.clip }, layer);
    this.ghostPath = svg("path", { class: "ghost" }, layer);
    this.line = svg("path", { class: "aif" }, layer);
    this.handles = svg("g", { class: "handles" }, layer);
    element.addEventListener("pointerdown", (event) => this.grab(event));
    element.addEventListener("pointermove", (event) => this.drag(event));
    element.addEventListener("pointerup", () => this.release());
    element.addEventListener("pointercancel", () => this.abandon());
    // A touch on a handle drags it, any other one may scroll the page (touch-action: pan-y).
    element.addEventListener("touchstart", (event) => { if (this.dragging) event.preventDefault(); }, { passive: false });
    element.addEventListener("keydown", (event) => this.key(event));
    element.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.setBrush(this.brush * (event.deltaY < 0 ? 1.25 : 0.8));
    }, { passive: false });
  }

  get isDragging() { return this.dragging !== null; }

  /** @param {number} brush */
  setBrush(brush) {
    this.brush = Math.min(Math.max(brush, 0.2), 12);
    this.handlers.onBrush(this.brush);
  }

  /** Let more ("]") or fewer ("[") neighbours follow. @param {string} key */
  scaleBrush(key) { this.setBrush(this.brush * BRUSH_FACTORS[key]); }

  /** @param {string} mode */
  setMode(mode) {
    this.mode = mode;
    this.plot.element.dataset.mode = mode;
  }

  /** @param {Case} opened */
  setCase({ name, dt, arrays, enhancementUnit }) {
    if (name !== this.#caseName) this.#room = TISSUE_ROOM;
    this.#caseName = name;
    this.dt = dt;
    this.plot.yLabel = `enhancement (${enhancementUnit})`;
    this.vof = arrays.vof ?? null;
    this.tissue = null;
    this.ghost = arrays.start;
    const times = Float32Array.from(this.ghost, (_, i) => i * dt);
    // The same grid, after a lost connection or with other settings: the points stay, one of them may be dragged.
    if (this.times.length === times.length && this.times.at(-1) === times.at(-1)) return;
    this.times = times;
    this.dragging = null;
    this.handles.replaceChildren();
    this.points = Array.from(this.ghost, (_, i) => svg("circle", {
      "data-point": i, r: 4, tabindex: i ? -1 : 0, role: "slider", "aria-orientation": "vertical",
      "aria-label": `AIF in ${enhancementUnit} at ${Number((i * dt).toFixed(2))} s`,
    }, this.handles));
  }

  /**
   * Show a committed curve.
   * @param {Curve} curve
   * @param {ArrayLike<number> | null} spread standard deviation of the voxels whose mean it is
   */
  setCurve(curve, spread = null) {
    this.curve = Float32Array.from(curve);
    this.spread = spread;
    this.rescale();
  }

  /** Show a curve that is being edited, on the axes as they are. @param {Curve} curve */
  setLive(curve) {
    this.curve.set(curve);
    this.draw();
  }

  /** @param {Curve | null} curve */
  setTissue(curve) {
    this.tissue = curve;
    this.drawTissue();
    const room = curve ? roomBelow(curve, this.magnified, this.ghost) : TISSUE_ROOM;
    if (!(room > this.#room)) return;
    this.#room = room;
    if (!this.isDragging) this.rescale(); // a point that is dragged stays under the pointer
  }

  rescale() {
    if (!this.ghost.length) return;
    this.plot.measure();
    const { spread } = this;
    const upper = spread ? Math.max(...this.curve.map((v, i) => v + spread[i])) : 0;
    const top = Math.max(...this.curve, ...this.ghost, upper, 1e-6);
    const vofPeak = this.vof ? Math.max(...this.vof) : 0;
    this.vofDivisor = divisorOf(vofPeak, top);
    const vof = vofPeak / this.vofDivisor;
    const low = Math.min(...this.curve, ...this.ghost, 0);
    this.plot.xRange = [0, this.times.at(-1) ?? 1];
    this.plot.yRange = [Math.min(low * 1.15, -this.#room * top), Math.max(top * 1.15, vof * 1.05)];
    this.plot.drawAxes();
    const [least, most] = this.plot.yRange.map((value) => value.toFixed(1));
    for (const point of this.points) { point.setAttribute("aria-valuemin", least); point.setAttribute("aria-valuemax", most); }
    this.ghostPath.setAttribute("d", this.plot.path(this.times, this.ghost));
    this.vofPath.setAttribute("d", this.vof ? this.plot.path(this.times, this.vof.map((value) => value / this.vofDivisor)) : "");
    this.band.setAttribute("d", spread ? this.bandPath(spread) : "");
    this.drawTissue();
    this.draw();
    this.thinOut();
    this.onRescale();
  }

  /** Where the handles are, from the chart's upper left corner. */
  get places() { return Array.from(this.curve, (value, i) => ({ x: this.plot.x(this.times[i]), y: this.plot.y(value) })); }

  /** Show fingers only handles that they can tell apart; the keys reach all of them. */
  thinOut() {
    if (!this.points.length) return;
    const peak = this.curve.reduce((best, value, i) => (value > this.curve[best] ? i : best), 0);
    const kept = isCoarse() ? handlesApart(this.places, peak, REACH) : null;
    this.points.forEach((point, i) => point.classList.toggle("thin", kept !== null && !kept.has(i)));
  }

  /** @param {ArrayLike<number>} spread */
  bandPath(spread) {
    const above = this.plot.path(this.times, this.curve.map((v, i) => v + spread[i]));
    const below = this.plot.path(this.times.toReversed(), this.curve.map((v, i) => v - spread[i]).toReversed());
    return `${above}${below.replace("M", "L")}Z`;
  }

  drawTissue() {
    this.magnified = magnification(this.tissue ? Math.max(...this.tissue) : 0, this.ghost);
    const values = this.magnified ? this.tissue?.map((v) => v * this.magnified) : null;
    this.tissuePath.setAttribute("d", values ? this.plot.path(this.times, values) : "");
  }

  draw() {
    this.line.setAttribute("d", this.plot.path(this.times, this.curve));
    this.points.forEach((point, i) => {
      point.setAttribute("cx", this.plot.x(this.times[i]).toFixed(1));
      point.setAttribute("cy", this.plot.y(this.curve[i]).toFixed(1));
      point.setAttribute("aria-valuenow", this.curve[i].toFixed(1));
    });
  }

  /** Move point `at` by `delta` from the curve `from`, and its neighbours by less. @param {Curve} from @param {number} at @param {number} delta */
  nudge(from, at, delta) {
    for (let i = 0; i < from.length; i++) {
      const weight = Math.exp(-0.5 * ((i - at) / this.brush) ** 2);
      this.curve[i] = from[i] + delta * (weight < 0.003 ? 0 : weight);
    }
    this.draw();
  }

  /** Set the samples between two places of the pen; where both are one, the nearest sample. @param {PenPlace} from @param {PenPlace} to */
  stroke([t0, v0], [t1, v1]) {
    const last = this.curve.length - 1;
    if (t0 === t1) this.curve[Math.min(Math.max(Math.round(t1 / this.dt), 0), last)] = v1;
    const [a, b] = [Math.ceil(Math.min(t0, t1) / this.dt), Math.floor(Math.max(t0, t1) / this.dt)];
    for (let i = Math.max(a, 0); i <= Math.min(b, last); i++) {
      if (t0 !== t1) this.curve[i] = v0 + ((i * this.dt - t0) / (t1 - t0)) * (v1 - v0);
    }
    this.draw();
  }

  /** @param {{clientX: number, clientY: number}} event @returns {PenPlace} */
  pen(event) { return [this.plot.timeAt(event.clientX), this.plot.valueAt(event.clientY)]; }

  /** Index of the point that an event is at, or NaN; of a touch, the nearest shown one within reach. @param {Event} event */
  pointAt(event) {
    const { target } = event;
    if ("pointerType" in event && event.pointerType === "touch") return this.nearestTo(/** @type {PointerEvent} */ (event));
    return target instanceof Element ? Number(target.getAttribute("data-point") ?? NaN) : NaN;
  }

  /** @param {{clientX: number, clientY: number}} event */
  nearestTo({ clientX, clientY }) {
    const { left, top } = this.plot.element.getBoundingClientRect();
    let best = NaN, distance = REACH;
    this.places.forEach(({ x, y }, i) => {
      const away = Math.hypot(left + x - clientX, top + y - clientY);
      if (away <= distance && !this.points[i].classList.contains("thin")) [best, distance] = [i, away];
    });
    return best;
  }

  /** @param {PointerEvent} event */
  grab(event) {
    if (event.button !== 0 || !this.ghost.length || this.dragging) return;
    const at = this.pointAt(event);
    if (this.mode === "points" && Number.isNaN(at)) return;
    event.preventDefault();
    this.finish();
    this.plot.element.setPointerCapture(event.pointerId);
    const from = this.curve.slice();
    if (this.mode === "draw") {
      const pen = this.pen(event);
      this.dragging = { from, start: pen[1], pen };
      this.stroke(pen, pen);
      this.handlers.onEdit(this.curve);
      return;
    }
    this.focus(at);
    this.dragging = { at, from, start: this.plot.valueAt(event.clientY) };
    this.points[at].classList.add("held");
  }

  /** @param {PointerEvent} event */
  drag(event) {
    if (!this.dragging) return;
    const { at, from, start } = this.dragging;
    if (this.dragging.pen) {
      // Between two frames of a fast drag the browser keeps the places in between.
      const way = event.getCoalescedEvents?.() ?? [];
      for (const place of way.length ? way : [event]) {
        const next = this.pen(place);
        this.stroke(this.dragging.pen, next);
        this.dragging.pen = next;
      }
    } else if (at !== undefined) this.nudge(from, at, this.plot.valueAt(event.clientY) - start);
    this.handlers.onEdit(this.curve);
  }

  release() {
    if (!this.dragging) return;
    const { at, from, pen } = this.dragging;
    if (at !== undefined) this.points[at].classList.remove("held");
    this.dragging = null;
    if (from.some((value, i) => value !== this.curve[i])) this.handlers.onCommit(this.curve, pen ? "draw" : "point");
    this.rescale();
  }

  /** Cancel a drag, by Escape or by the system: the curve is as it was before. */
  abandon() {
    if (!this.dragging) return;
    const { at, from } = this.dragging;
    if (at !== undefined) this.points[at].classList.remove("held");
    this.dragging = null;
    this.setLive(from);
    this.handlers.onEdit(this.curve);
  }

  /** Commit the steps of the arrow keys as one edit: once they rest, or at once before another edit. */
  finish() {
    if (!this.keyTimer) return;
    clearTimeout(this.keyTimer);
    this.keyTimer = undefined;
    this.handlers.onCommit(this.curve, "point");
    this.rescale();
  }

  /** @param {number} at */
  focus(at) {
    this.points.forEach((point, i) => point.setAttribute("tabindex", i === at ? "0" : "-1"));
    this.points[at].focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.key === "Escape") {
      if (this.dragging) event.preventDefault();
      this.abandon();
      return;
    }
    const at = this.pointAt(event);
    if (Number.isNaN(at) || event.ctrlKey || event.metaKey) return;
    const size = (this.plot.yRange[1] - this.plot.yRange[0]) * (event.shiftKey ? 0.05 : 0.01);
    const go = STEPS[event.key];
    const by = DIRECTIONS[event.key] && size * DIRECTIONS[event.key];
    const wider = BRUSH_FACTORS[event.key];
    if (go !== undefined) this.focus(Math.min(Math.max(at + go, 0), this.points.length - 1));
    else if (wider) this.scaleBrush(event.key);
    else if (by !== undefined) {
      this.nudge(this.curve.slice(), at, by);
      this.handlers.onEdit(this.curve);
      clearTimeout(this.keyTimer);
      this.keyTimer = setTimeout(() => this.finish(), KEYS_REST_MS);
    } else return;
    event.preventDefault();
  }
}
