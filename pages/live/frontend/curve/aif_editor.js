// The arterial input function under the hand: drag a point and its neighbours follow, or draw freehand.
import { Plot, svg } from "../common/svg_chart.js";

const KEYS_REST_MS = 400;
const TISSUE_HEIGHT = 0.4; // of the input function's: a tissue curve is magnified by a round factor to about this

export class Editor {
  /** @param {SVGElement} element @param {{onEdit: Function, onCommit: Function, onBrush: Function}} handlers */
  constructor(element, handlers) {
    this.handlers = handlers;
    this.plot = new Plot(element, { xLabel: "time (s)", yLabel: "enhancement (HU)" });
    this.brush = 1.5; // samples: the standard deviation of what a drag takes along
    this.mode = "points"; // or "draw"
    this.curve = new Float32Array(0);
    this.ghost = this.curve;
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
    element.addEventListener("keydown", (event) => this.key(event));
    element.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.setBrush(this.brush * (event.deltaY < 0 ? 1.25 : 0.8));
    }, { passive: false });
  }

  setBrush(brush) {
    this.brush = Math.min(Math.max(brush, 0.2), 12);
    this.handlers.onBrush(this.brush);
  }

  setMode(mode) {
    this.mode = mode;
    this.plot.element.dataset.mode = mode;
  }

  setCase({ dt, arrays }) {
    this.dt = dt;
    this.vof = arrays.vof ?? null;
    this.tissue = null;
    this.ghost = arrays.start;
    const times = Float32Array.from(this.ghost, (_, i) => i * dt);
    // The same grid, after a lost connection or with other settings: the handles stay, one of them may be in a hand.
    if (this.times?.length === times.length && this.times.at(-1) === times.at(-1)) return;
    this.times = times;
    this.dragging = null;
    this.handles.replaceChildren();
    this.points = Array.from(this.ghost, (_, i) => svg("circle", {
      "data-point": i, r: 4, tabindex: i ? -1 : 0, role: "slider", "aria-orientation": "vertical",
      "aria-label": `AIF in HU at ${Number((i * dt).toFixed(2))} s`,
    }, this.handles));
  }

  /** Show a committed curve; `spread` is the standard deviation of the voxels whose mean it is. */
  setCurve(curve, spread = null) {
    this.curve = Float32Array.from(curve);
    this.spread = spread;
    this.rescale();
  }

  /** Show a curve on its way, on the axes as they are. */
  setLive(curve) {
    this.curve.set(curve);
    this.draw();
  }

  setTissue(curve) {
    this.tissue = curve;
    this.drawTissue();
  }

  rescale() {
    if (!this.ghost.length) return;
    this.plot.measure();
    const upper = this.spread ? Math.max(...this.curve.map((v, i) => v + this.spread[i])) : 0;
    const top = Math.max(...this.curve, ...this.ghost, upper, 1e-6);
    const vof = this.vof ? Math.min(Math.max(...this.vof), 1.5 * top) : 0;
    const low = Math.min(...this.curve, ...this.ghost, 0);
    this.plot.xRange = [0, this.times.at(-1)];
    this.plot.yRange = [Math.min(low * 1.15, -0.06 * top), Math.max(top * 1.15, vof * 1.05)];
    this.plot.drawAxes();
    const [least, most] = this.plot.yRange.map((value) => value.toFixed(1));
    for (const point of this.points) { point.setAttribute("aria-valuemin", least); point.setAttribute("aria-valuemax", most); }
    this.ghostPath.setAttribute("d", this.plot.path(this.times, this.ghost));
    this.vofPath.setAttribute("d", this.vof ? this.plot.path(this.times, this.vof) : "");
    this.band.setAttribute("d", this.spread ? this.bandPath() : "");
    this.drawTissue();
    this.draw();
  }

  bandPath() {
    const above = this.plot.path(this.times, this.curve.map((v, i) => v + this.spread[i]));
    const below = this.plot.path(this.times.toReversed(), this.curve.map((v, i) => v - this.spread[i]).toReversed());
    return `${above}${below.replace("M", "L")}Z`;
  }

  drawTissue() {
    const peak = this.tissue ? Math.max(...this.tissue) : 0;
    const room = TISSUE_HEIGHT * Math.max(...this.ghost);
    const power = 10 ** Math.floor(Math.log10(room / peak));
    this.magnified = peak > 0 ? Math.max([5, 2, 1].find((m) => m * power * peak <= room) * power, 1) : 0;
    this.tissuePath.setAttribute("d", this.magnified ? this.plot.path(this.times, this.tissue.map((v) => v * this.magnified)) : "");
  }

  draw() {
    this.line.setAttribute("d", this.plot.path(this.times, this.curve));
    this.points.forEach((point, i) => {
      point.setAttribute("cx", this.plot.x(this.times[i]).toFixed(1));
      point.setAttribute("cy", this.plot.y(this.curve[i]).toFixed(1));
      point.setAttribute("aria-valuenow", this.curve[i].toFixed(1));
    });
  }

  /** Move point `at` by `delta` from the curve `from`, taking neighbours along. */
  nudge(from, at, delta) {
    for (let i = 0; i < from.length; i++) {
      const weight = Math.exp(-0.5 * ((i - at) / this.brush) ** 2);
      this.curve[i] = from[i] + delta * (weight < 0.003 ? 0 : weight);
    }
    this.draw();
  }

  /** Set the samples between two places of the pen; where it has been set down, the nearest. */
  stroke([t0, v0], [t1, v1]) {
    const last = this.curve.length - 1;
    if (t0 === t1) this.curve[Math.min(Math.max(Math.round(t1 / this.dt), 0), last)] = v1;
    const [a, b] = [Math.ceil(Math.min(t0, t1) / this.dt), Math.floor(Math.max(t0, t1) / this.dt)];
    for (let i = Math.max(a, 0); i <= Math.min(b, last); i++) {
      if (t0 !== t1) this.curve[i] = v0 + ((i * this.dt - t0) / (t1 - t0)) * (v1 - v0);
    }
    this.draw();
  }

  pen(event) { return [this.plot.timeAt(event.clientX), this.plot.valueAt(event.clientY)]; }

  grab(event) {
    if (event.button !== 0 || !this.ghost.length || this.dragging) return;
    const at = Number(event.target.getAttribute?.("data-point") ?? NaN);
    if (this.mode === "points" && Number.isNaN(at)) return;
    event.preventDefault();
    this.finish();
    this.plot.element.setPointerCapture(event.pointerId);
    const from = this.curve.slice();
    if (this.mode === "draw") {
      this.dragging = { from, pen: this.pen(event) };
      this.stroke(this.dragging.pen, this.dragging.pen);
      this.handlers.onEdit(this.curve);
      return;
    }
    this.focus(at);
    this.dragging = { at, from, start: this.plot.valueAt(event.clientY) };
    this.points[at].classList.add("held");
  }

  drag(event) {
    if (!this.dragging) return;
    const { at, from, start, pen } = this.dragging;
    if (pen) {
      // A fast hand skips frames; the browser kept where it was in between.
      const way = event.getCoalescedEvents?.() ?? [];
      for (const place of way.length ? way : [event]) {
        const next = this.pen(place);
        this.stroke(this.dragging.pen, next);
        this.dragging.pen = next;
      }
    } else this.nudge(from, at, this.plot.valueAt(event.clientY) - start);
    this.handlers.onEdit(this.curve);
  }

  release() {
    if (!this.dragging) return;
    const { at, from, pen } = this.dragging;
    if (at !== undefined) this.points[at].classList.remove("held");
    this.dragging = null;
    if (from.some((value, i) => value !== this.curve[i])) this.handlers.onCommit(this.curve, { effect: pen ? "draw" : "point" });
    this.rescale();
  }

  /** Escape, or the system took the pointer: as it was before. */
  abandon() {
    if (!this.dragging) return;
    const { at, from } = this.dragging;
    if (at !== undefined) this.points[at].classList.remove("held");
    this.dragging = null;
    this.setLive(from);
    this.handlers.onEdit(this.curve);
  }

  /** What the arrow keys have moved becomes one edit: when they rest, or at once where something else follows. */
  finish() {
    if (!this.keyTimer) return;
    clearTimeout(this.keyTimer);
    this.keyTimer = 0;
    this.handlers.onCommit(this.curve, { effect: "point" });
    this.rescale();
  }

  focus(at) {
    this.points.forEach((point, i) => point.setAttribute("tabindex", i === at ? 0 : -1));
    this.points[at].focus({ preventScroll: true });
  }

  key(event) {
    if (event.key === "Escape") { this.abandon(); return; }
    const at = Number(event.target.getAttribute?.("data-point") ?? NaN);
    if (Number.isNaN(at) || event.ctrlKey || event.metaKey) return;
    const size = (this.plot.yRange[1] - this.plot.yRange[0]) * (event.shiftKey ? 0.05 : 0.01);
    const go = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    const by = { ArrowUp: size, ArrowDown: -size }[event.key];
    const wider = { "]": 1.25, "[": 0.8 }[event.key];
    if (go !== undefined) this.focus(Math.min(Math.max(at + go, 0), this.points.length - 1));
    else if (wider) this.setBrush(this.brush * wider);
    else if (by !== undefined) {
      this.nudge(this.curve.slice(), at, by);
      this.handlers.onEdit(this.curve);
      clearTimeout(this.keyTimer);
      this.keyTimer = setTimeout(() => this.finish(), KEYS_REST_MS);
    } else return;
    event.preventDefault();
  }
}
