// The arterial input function under the hand: drag a point, neighbours follow with a soft brush.
import { Plot, svg } from "./plot.js";

export class Editor {
  /** @param {SVGElement} element @param {{onEdit: Function, onCommit: Function, onBrush: Function}} handlers */
  constructor(element, handlers) {
    this.handlers = handlers;
    this.plot = new Plot(element, { xLabel: "time (s)", yLabel: "enhancement (HU)" });
    this.brush = 1.5; // samples: the standard deviation of what a drag takes along
    this.curve = new Float32Array(0);
    this.ghost = this.curve;
    const { layer } = this.plot;
    this.vofPath = svg("path", { class: "vof" }, layer);
    this.ghostPath = svg("path", { class: "ghost" }, layer);
    this.line = svg("path", { class: "aif" }, layer);
    this.handles = svg("g", { class: "handles" }, layer);
    element.addEventListener("pointerdown", (event) => this.grab(event));
    element.addEventListener("pointermove", (event) => this.drag(event));
    for (const name of ["pointerup", "pointercancel"]) element.addEventListener(name, () => this.release());
    element.addEventListener("keydown", (event) => this.key(event));
    element.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.brush = Math.min(Math.max(this.brush * (event.deltaY < 0 ? 1.25 : 0.8), 0.2), 12);
      this.handlers.onBrush(this.brush);
    }, { passive: false });
  }

  setCase({ dt, arrays }) {
    this.dt = dt;
    this.vof = arrays.vof ?? null;
    this.ghost = arrays.start;
    this.times = Float32Array.from(this.ghost, (_, i) => i * dt);
    this.handles.replaceChildren();
    this.points = Array.from(this.ghost, (_, i) => svg("circle", {
      "data-point": i, r: 4, tabindex: i ? -1 : 0, role: "slider", "aria-label": `AIF at ${Number((i * dt).toFixed(2))} s`,
    }, this.handles));
  }

  setCurve(curve) {
    this.curve = Float32Array.from(curve);
    this.rescale();
  }

  rescale() {
    if (!this.ghost.length) return;
    this.plot.measure();
    const top = Math.max(...this.curve, ...this.ghost, 1);
    const vof = this.vof ? Math.min(Math.max(...this.vof), 1.5 * top) : 0;
    const low = Math.min(...this.curve, ...this.ghost, 0);
    this.plot.xRange = [0, this.times.at(-1)];
    this.plot.yRange = [Math.min(low * 1.15, -0.06 * top), Math.max(top * 1.15, vof * 1.05)];
    this.plot.drawAxes();
    this.ghostPath.setAttribute("d", this.plot.path(this.times, this.ghost));
    this.vofPath.setAttribute("d", this.vof ? this.plot.path(this.times, this.vof) : "");
    this.draw();
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

  grab(event) {
    const at = Number(event.target.getAttribute?.("data-point") ?? NaN);
    if (Number.isNaN(at) || event.button !== 0) return;
    event.preventDefault();
    this.plot.element.setPointerCapture(event.pointerId);
    this.focus(at);
    this.dragging = { at, from: this.curve.slice(), start: this.plot.valueAt(event.clientY) };
    this.points[at].classList.add("held");
  }

  drag(event) {
    if (!this.dragging) return;
    const { at, from, start } = this.dragging;
    this.nudge(from, at, this.plot.valueAt(event.clientY) - start);
    this.handlers.onEdit(this.curve);
  }

  release() {
    if (!this.dragging) return;
    const { at, from } = this.dragging;
    this.points[at].classList.remove("held");
    this.dragging = null;
    if (from.some((value, i) => value !== this.curve[i])) this.handlers.onCommit(this.curve);
    this.rescale();
  }

  focus(at) {
    this.points.forEach((point, i) => point.setAttribute("tabindex", i === at ? 0 : -1));
    this.points[at].focus({ preventScroll: true });
  }

  key(event) {
    const at = Number(event.target.getAttribute?.("data-point") ?? NaN);
    if (Number.isNaN(at) || event.ctrlKey || event.metaKey) return;
    const size = (this.plot.yRange[1] - this.plot.yRange[0]) * (event.shiftKey ? 0.05 : 0.01);
    const go = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    const by = { ArrowUp: size, ArrowDown: -size }[event.key];
    if (go !== undefined) this.focus(Math.min(Math.max(at + go, 0), this.points.length - 1));
    else if (by !== undefined) {
      this.nudge(this.curve.slice(), at, by);
      this.handlers.onEdit(this.curve);
      clearTimeout(this.keyTimer);
      this.keyTimer = setTimeout(() => { this.handlers.onCommit(this.curve); this.rescale(); }, 400);
    } else return;
    event.preventDefault();
  }
}
