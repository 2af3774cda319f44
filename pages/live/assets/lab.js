// The Lab's live component. Its DOM is built once; every later call only updates it.
import { MapCanvas } from "./canvas.js";
import { Editor } from "./editor.js";
import { Link } from "./link.js";
import { HTML, NUMBERS } from "./markup.js";
import { Plot, svg } from "./plot.js";
import { Values } from "./values.js";
import { ALL_SLICES, REST, unpack } from "./wire.js";

const KEPT_MARKS = 512;
const STATUS = {
  connecting: "connecting", live: "live", reconnecting: "connection lost, trying again", fallback: "live, without a socket",
};
const labs = new WeakMap();
const histories = new Map(); // by case: undo and redo outlive a page change

class Lab {
  constructor(root) {
    this.root = root;
    root.innerHTML = HTML;
    this.seq = 0;
    this.marks = [];
    this.values = new Values();
    this.map = new MapCanvas(this.find("canvas[data-testid=map]"), this.find("canvas.bar"), this.values);
    this.editor = new Editor(this.find("svg.editor"), {
      onEdit: (curve) => this.take(curve),
      onCommit: (curve) => this.commit(curve),
      onBrush: () => this.showBrush(),
    });
    this.tissue = new Plot(this.find("svg.tissue"), { xLabel: "s", yLabel: "c(t), HU" });
    this.residue = new Plot(this.find("svg.residue"), { xLabel: "s", yLabel: "k(t), 1/s × 1000" });
    this.link = new Link({
      onOpen: () => this.askCase(),
      onFrame: (frame) => this.receive(frame),
      onStatus: (status) => this.showStatus(status),
      viaStreamlit: (edit) => this.setTriggerValue("fallback", { ...edit, curve: Array.from(edit.curve), have: this.values.case?.key }),
    });
    this.observer = new ResizeObserver(() => { this.map.resize(); this.editor.rescale(); this.paint(); });
    this.observer.observe(this.find(".picture"));
    this.observer.observe(this.find("svg.editor"));
    this.listen();
    root.dataset.mounts = String(Number(root.dataset.mounts ?? 0) + 1);
    root.dataset.status = "connecting";
    this.showBrush();
  }

  find(selector) { return this.root.querySelector(selector); }

  /** Streamlit has run again: new thresholds, a new case, or nothing at all. */
  update({ data, setStateValue, setTriggerValue }) {
    Object.assign(this, { setStateValue, setTriggerValue });
    const frames = unpack(data);
    const config = frames[0];
    const before = this.config;
    this.config = config;
    this.values.thresholds = config.thresholds;
    this.values.slope = config.slope;
    if (!before) {
      this.map.configure(config.maps, config.arrays);
      this.buildMapButtons();
    }
    this.find("[data-out=source]").textContent = config.source;
    this.link.configure({ token: config.token, path: config.path });
    for (const frame of frames.slice(1)) this.link.receive(frame);
    if (before && before.epoch !== config.epoch) this.askCase();
    this.paint();
  }

  receive(frame) {
    if (frame.kind === "case") this.openCase(frame);
    else if (frame.kind === "error") this.notice(frame.message);
    else if (frame.kind === "probe") this.showProbe(frame);
    else if (frame.epoch !== this.values.case?.epoch) return;
    else if (frame.kind === "stale") this.askCase();
    else {
      if (frame.arrays.cbf) frame.kind === "slice" ? this.values.setSlice(frame) : this.values.setVolume(frame);
      if (frame.numbers) {
        this.showNumbers(frame.numbers, frame.start);
        this.root.dataset.numbers = frame.seq;
      }
      if (frame.kind === "volume") this.probeAgain();
      this.notice("");
      if (frame.arrays.cbf) this.paint(frame.seq);
    }
  }

  askCase() {
    const have = this.values.case?.key ?? null;
    if (this.link.status === "fallback") this.setTriggerValue("fallback", { have });
    else this.link.ask({ type: "case", have });
  }

  /** A case, or new settings or another start for the case that is here. */
  openCase(frame) {
    const old = this.values.case;
    if (!frame.arrays.pixel) {
      if (old?.key !== frame.key) { this.link.ask({ type: "case" }); return; }
      frame = { ...old, ...frame, arrays: { ...old.arrays, ...frame.arrays } };
    }
    const same = old && old.curveKey === frame.curveKey;
    this.values.setCase(frame);
    if (old && old.name !== frame.name) this.map.probed = null;
    this.editor.setCase(frame);
    if (!same) {
      this.memory = frame.curveKey;
      const stored = frame.arrays.edited ?? this.stored();
      const start = stored?.length === frame.arrays.start.length ? stored : frame.arrays.start;
      this.history = histories.get(this.memory) ?? { past: [], future: [] };
      histories.set(this.memory, this.history);
      this.editor.setCurve(start);
      if (!old || old.name !== frame.name) this.map.view.slice = frame.firstSlice;
    } else this.editor.setCurve(this.editor.curve);
    const slider = this.find("[data-control=slice]");
    Object.assign(slider, { max: frame.slices, value: this.map.view.slice + 1, disabled: frame.slices < 2 });
    this.find(".toggle.truth").hidden = !frame.hasLesion;
    this.find("[data-number=dice]").hidden = !frame.hasLesion;
    this.find(".side.left").hidden = this.find(".side.right").hidden = frame.swap;
    this.showSlice();
    this.map.resize();
    this.take(this.editor.curve, REST);
    this.showState();
  }

  /** The curve has changed: ask for what is visible; the marks time the way to the pixels. */
  take(curve, flags = 0) {
    this.values.setCurve(curve);
    this.seq += 1;
    this.mark(`lab:edit:${this.seq}`);
    const all = this.map.view.montage ? ALL_SLICES : 0;
    this.link.edit({ epoch: this.values.case.epoch, seq: this.seq, flags: flags | all, slice: this.map.view.slice, curve: Float32Array.from(curve) });
    this.root.dataset.sent = this.seq;
  }

  commit(curve) {
    this.history.past.push(this.committed ?? this.values.case.arrays.start);
    this.history.future.length = 0;
    if (this.history.past.length > 200) this.history.past.shift();
    this.settle(curve);
  }

  /** Make a curve the one that undo, other pages and a reload start from. */
  settle(curve) {
    this.committed = Float32Array.from(curve);
    this.editor.setCurve(curve);
    this.take(curve, REST);
    try { sessionStorage.setItem(`aif|${this.memory}`, JSON.stringify(Array.from(curve))); } catch { /* storage may be off */ }
    this.setStateValue("curve", { key: this.memory, value: Array.from(curve) });
    this.showState();
  }

  stored() {
    try { return JSON.parse(sessionStorage.getItem(`aif|${this.memory}`)); } catch { return null; }
  }

  step(from, to) {
    if (!from.length) return;
    to.push(this.editor.curve.slice());
    this.settle(from.pop());
  }

  act(action) {
    if (!this.history) return;
    if (action === "undo") this.step(this.history.past, this.history.future);
    if (action === "redo") this.step(this.history.future, this.history.past);
    if (action === "reset" && this.changed()) this.commit(this.values.case.arrays.start.slice());
  }

  changed() {
    const { start } = this.values.case.arrays;
    return this.editor.curve.some((value, i) => value !== start[i]);
  }

  showState() {
    this.committed = this.editor.curve.slice();
    this.find("[data-action=undo]").disabled = !this.history.past.length;
    this.find("[data-action=redo]").disabled = !this.history.future.length;
    this.find("[data-action=reset]").disabled = !this.changed();
  }

  mark(name) {
    performance.mark(name);
    this.marks.push(name);
    if (this.marks.length > 2 * KEPT_MARKS) performance.clearMarks(this.marks.shift());
  }

  /** Draw at the next frame; several wishes in one frame are drawn once. */
  paint(seq) {
    if (seq !== undefined) this.drawn = seq;
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.map.resize();
      this.map.draw();
      if (this.hover) this.showReadout();
      if (this.drawn === undefined) return;
      if (!this.painted) { this.painted = true; performance.mark("lab:first-paint"); }
      this.mark(`lab:painted:${this.drawn}`);
      this.root.dataset.painted = this.drawn;
      this.drawn = undefined;
    });
  }

  buildMapButtons() {
    const group = this.find(".maps .segments");
    group.innerHTML = Object.entries(this.config.maps).map(([name, meta]) =>
      `<button role="radio" data-map="${name}" title="${meta.title}">${meta.label}</button>`).join("");
    this.showMap();
  }

  showMap() {
    for (const node of this.root.querySelectorAll("[data-map]")) {
      node.setAttribute("aria-checked", node.dataset.map === this.map.view.map);
    }
    for (const node of this.root.querySelectorAll("[data-layout]")) {
      node.setAttribute("aria-checked", (node.dataset.layout === "all") === this.map.view.montage);
    }
    this.paint();
  }

  goTo(slice) {
    const { case: now } = this.values;
    if (!now) return;
    this.map.view.slice = Math.min(Math.max(slice, 0), now.slices - 1);
    this.find("[data-control=slice]").value = this.map.view.slice + 1;
    this.showSlice();
    // A slice that shows an older curve is asked for; after a rest all slices are here already.
    if (this.values.fresh[this.map.view.slice] !== Math.max(...this.values.fresh)) this.take(this.editor.curve, REST);
    this.paint();
  }

  showSlice() {
    this.find("[data-out=slice]").textContent = `${this.map.view.slice + 1} / ${this.values.case.slices}`;
  }

  showBrush() {
    this.find("[data-out=brush]").textContent = `brush ±${this.editor.brush.toFixed(1)} points (wheel)`;
  }

  showStatus(status) {
    this.root.dataset.status = status;
    if (status === "fallback" && !this.values.case) this.askCase();
    this.find("[data-out=status]").textContent = STATUS[status];
  }

  notice(text) {
    const node = this.find(".notice");
    node.textContent = text;
    node.hidden = !text;
  }

  showNumbers(numbers, start) {
    this.root.dataset.coreMl = numbers.core_ml;
    for (const [key, , , digits] of NUMBERS) {
      const node = this.find(`[data-number=${key}]`);
      const value = numbers[key];
      node.querySelector("b").textContent = value === null ? "–" : value.toFixed(digits);
      const change = value === null || start[key] === null ? 0 : value - start[key];
      const small = Math.abs(change) < 0.5 * 10 ** -digits;
      node.querySelector("em").textContent = small ? "±0" : `${change > 0 ? "+" : "−"}${Math.abs(change).toFixed(digits)}`;
      node.classList.toggle("changed", !small);
    }
  }

  showReadout() {
    const { column, row, z } = this.hover;
    const i = this.values.indexAt(column, row, z);
    const [x, y] = this.values.voxelAt(column, row, z);
    const meta = this.map.meta();
    const { case: now } = this.values;
    const value = meta.source ? now.arrays[meta.source][(z * now.rows + row) * now.columns + column]
      : i < 0 ? NaN : this.values.at(this.map.view.map, i);
    const text = Number.isNaN(value) ? "outside the brain" : `${meta.label} ${value.toFixed(meta.digits)} ${meta.unit.replace("\n", " ")}`;
    this.find("[data-out=readout]").textContent = `${text}  at (${x}, ${y}, ${z})`;
  }

  point(event) {
    this.hover = this.map.pick(event);
    if (!this.hover) { this.find("[data-out=readout]").textContent = ""; return; }
    this.showReadout();
    clearTimeout(this.probeTimer);
    const voxel = this.values.voxelAt(this.hover.column, this.hover.row, this.hover.z);
    this.probeTimer = setTimeout(() => this.link.ask({ type: "probe", voxel }), 30);
  }

  /** The curves of the voxel in view follow the AIF; before anybody points, a voxel of the core stands in. */
  probeAgain() {
    this.map.probed ??= this.typicalVoxel();
    if (this.map.probed) this.link.ask({ type: "probe", voxel: this.map.probed });
  }

  typicalVoxel() {
    const z = this.map.view.slice;
    const [from, to] = this.values.range(z);
    const { pixel } = this.values.case.arrays;
    const { columns } = this.values.case;
    const inside = ["truth", "core"].map((kind) => this.values.lesion(kind, z)).find((flags) => flags?.includes(1));
    const all = Array.from(pixel.subarray(from, to)).filter((_, i) => !inside || inside[i]);
    if (!all.length) return null;
    const mean = (of) => all.reduce((sum, p) => sum + of(p), 0) / all.length;
    const [cx, cy] = [mean((p) => p % columns), mean((p) => Math.floor(p / columns))];
    const far = (p) => ((p % columns) - cx) ** 2 + (Math.floor(p / columns) - cy) ** 2;
    const best = all.reduce((a, b) => (far(b) < far(a) ? b : a));
    return this.values.voxelAt(best % columns, Math.floor(best / columns), z);
  }

  showProbe({ voxel, arrays }) {
    this.map.probed = voxel;
    this.find("[data-out=probed]").textContent = `voxel (${voxel.join(", ")})`;
    this.paint();
    const dt = this.values.case.dt;
    const line = (plot, series) => {
      plot.measure();
      const all = series.flatMap(([, values]) => Array.from(values));
      const [low, high] = [Math.min(...all, 0), Math.max(...all, 1e-6)];
      plot.xRange = [series[0][0][0], series[0][0].at(-1)];
      plot.yRange = [low - 0.05 * (high - low), high + 0.08 * (high - low)];
      plot.drawAxes();
      plot.layer.replaceChildren();
      for (const [times, values, kind] of series) svg("path", { class: kind, d: plot.path(times, values) }, plot.layer);
    };
    const times = Float32Array.from(arrays.raw, (_, i) => i * dt);
    line(this.tissue, [[times, arrays.raw, "raw"], ...(arrays.tissue ? [[times, arrays.tissue, "smooth"]] : [])]);
    if (arrays.residue) line(this.residue, [[arrays.residue_time, arrays.residue.map((v) => 1000 * v), "smooth"]]);
    else this.residue.layer.replaceChildren();
  }

  listen() {
    this.root.addEventListener("click", (event) => {
      const node = event.target.closest("button");
      if (!node) return;
      if (node.dataset.map) { this.map.view.map = node.dataset.map; this.showMap(); }
      if (node.dataset.layout) {
        this.map.view.montage = node.dataset.layout === "all";
        this.showMap();
        if (this.values.case) this.take(this.editor.curve, REST);
      }
      if (node.dataset.action) this.act(node.dataset.action);
    });
    this.root.addEventListener("change", (event) => {
      const { outline } = event.target.dataset;
      if (outline) { this.map.view.outlines[outline] = event.target.checked; this.paint(); }
    });
    this.find("[data-control=slice]").addEventListener("input", (event) => this.goTo(Number(event.target.value) - 1));
    const canvas = this.map.canvas;
    canvas.addEventListener("pointermove", (event) => this.point(event));
    canvas.addEventListener("pointerleave", () => { this.hover = null; this.find("[data-out=readout]").textContent = ""; });
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.goTo(this.map.view.slice + Math.sign(event.deltaY));
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      const by = { ArrowUp: 1, ArrowRight: 1, PageUp: 1, ArrowDown: -1, ArrowLeft: -1, PageDown: -1 }[event.key];
      if (by) { event.preventDefault(); this.goTo(this.map.view.slice + by); }
    });
    this.root.addEventListener("keydown", (event) => {
      const z = (event.ctrlKey || event.metaKey) && event.key.toLowerCase();
      if (z === "z" || z === "y") { event.preventDefault(); this.act(event.shiftKey || z === "y" ? "redo" : "undo"); }
      if (event.key === "r" && !event.ctrlKey && !event.metaKey) this.act("reset");
    });
  }

  close() {
    this.observer.disconnect();
    this.link.close();
  }
}

/** Called at every run of the page; returns the clean-up for unmounting. */
export function mount(component) {
  const root = component.parentElement.querySelector("[data-testid=lab]");
  if (!root) return () => {};
  let lab = labs.get(root);
  if (!lab) labs.set(root, (lab = new Lab(root)));
  lab.update(component);
  return () => { lab.close(); labs.delete(root); };
}
