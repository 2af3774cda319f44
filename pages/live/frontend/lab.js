// The Lab's live component. Its DOM is built once; every later call only updates it.
//
// Told on lab.bus: config, case, look (another view), edit (a curve on its way), state (a committed one), effect,
// numbers, volume, painted, resize, hover, pick, status, and frame:<kind> for every answer to lab.ask.
import { Bus } from "./events.js";
import { MapCanvas } from "./map/map_canvas.js";
import { Committer } from "./transport/commit_debounce.js";
import { problem } from "./curve/curve_edits.js";
import { Editor } from "./curve/aif_editor.js";
import { History, sameCurve } from "./curve/history.js";
import { Link } from "./transport/socket.js";
import { HTML } from "./template.js";
import { Notice } from "./panels/notice.js";
import { PLUGINS } from "./plugins.js";
import { Values } from "./map/volume_store.js";
import { View } from "./map/view_state.js";
import { ALL_SLICES, KEEP, REST, unpack } from "./common/wire.js";

const KEPT_MARKS = 512;
const FLOW = ["slice", "coarse", "volume", "stale"];
const STATUS = {
  connecting: "connecting", live: "live", reconnecting: "reconnecting", fallback: "no socket", // words of one width: see .status
};
const labs = new WeakMap();

class Lab {
  constructor(root) {
    this.root = root;
    this.shadow = root.getRootNode();
    root.innerHTML = HTML;
    Object.assign(this, { seq: 0, looks: 0, marks: [], state: null, good: null, hover: null, bus: new Bus(), view: new View(), values: new Values() });
    this.map = new MapCanvas(this.find("canvas[data-testid=map]"), this.find("canvas.bar"), this.values, this.view);
    const tell = (commit) => { if (this.link.status !== "live") this.setStateValue("curve", commit); };
    this.committer = new Committer(tell, () => Boolean(this.editor.dragging));
    this.notices = new Notice(this.find(".notice"));
    this.editor = new Editor(this.find("svg.editor"), {
      onEdit: (curve) => this.move(curve),
      onCommit: (curve, extra) => this.commit(curve, extra),
      onBrush: () => this.showBrush(),
    });
    this.link = new Link({
      first: () => this.wish(),
      onFrame: (frame) => this.receive(frame),
      onStatus: (status) => this.showStatus(status),
      viaStreamlit: (message) => this.setTriggerValue("fallback", { ...message, have: this.case?.key ?? null }),
    });
    this.actions = {
      undo: () => this.step({ back: true }), redo: () => this.step({ back: false }),
      reset: () => { if (this.changed()) this.commit(this.case.arrays.start, { voxels: [], effect: null }); },
    };
    this.cleanups = PLUGINS.map((install) => install(this)).filter(Boolean);
    this.observer = new ResizeObserver(() => { this.map.resize(); this.editor.rescale(); this.bus.emit("resize"); this.paint(); });
    this.observer.observe(this.find(".picture"));
    this.observer.observe(this.find("svg.editor"));
    root.dataset.mounts = String(Number(root.dataset.mounts ?? 0) + 1);
    root.dataset.status = "connecting";
    this.setMode("points");
    this.showBrush();
  }

  get case() { return this.values.case; }

  find(selector) { return this.root.querySelector(selector); }

  /** Streamlit has run again: new thresholds, a new case, or nothing at all. */
  update({ data, setStateValue, setTriggerValue }) {
    Object.assign(this, { setStateValue, setTriggerValue });
    const [config, ...frames] = unpack(data);
    const before = this.config;
    this.config = config;
    this.values.thresholds = config.thresholds;
    this.values.slope = config.slope;
    if (!before) this.map.configure(config.maps, config.arrays);
    this.bus.emit("config", config);
    if (config.notice && config.notice.id !== before?.notice?.id) this.notice(config.notice.text);
    this.link.configure({ token: config.token, path: config.path });
    const answers = frames.filter(({ kind }) => kind !== "shelf");
    if (answers.length) this.link.fromStreamlit(answers);
    for (const frame of frames) if (frame.kind === "shelf") this.receive(frame);
    if (before && (before.epoch !== config.epoch || before.token !== config.token)) this.ask(this.wish());
    this.paint();
  }

  receive(frame) {
    if (frame.kind === "case") this.openCase(frame);
    else if (frame.kind === "error") this.refused(frame);
    else if (!this.case && frame.kind !== "shelf") return; // asked by a component that is no more
    else if (!FLOW.includes(frame.kind)) this.bus.emit(`frame:${frame.kind}`, frame);
    else if (frame.epoch !== this.case?.epoch) return;
    else if (frame.kind === "stale") this.ask(this.wish());
    else this.show(frame);
  }

  show(frame) {
    if (frame.arrays.cbf) this.values[{ slice: "setSlice", coarse: "setCoarse", volume: "setVolume" }[frame.kind]](frame);
    if (frame.numbers) {
      this.bus.emit("numbers", frame);
      this.root.dataset.numbers = frame.seq;
    }
    if (frame.kind === "volume" && frame.seq >= this.state.seq) {
      this.good = this.state;
      this.bus.emit("volume", frame);
    }
    if (this.notices.passing && this.editor.dragging) this.notice("");
    if (frame.arrays.cbf) this.paint(frame.seq);
  }

  /** The server cannot use a curve: the last one that gave maps comes back. */
  refused({ message, seq }) {
    if (seq < this.state?.seq) return; // what replaced it has been said already
    this.notice(message, true);
    if (seq === undefined || !this.good || this.good === this.state || this.editor.dragging) return;
    if (this.history.past.at(-1) === this.good) this.history.past.pop();
    this.settle(this.good);
  }

  /** Ask the server something; the answer is told as frame:<kind>. */
  ask(request) { this.link.ask(request); }

  /** What the case is now; of one that is here already only what may have changed is sent. */
  wish() { return { type: "case", have: this.case?.key ?? null }; }

  /** A case, or new settings or another start for the case that is here. */
  openCase(frame) {
    const old = this.case;
    if (!frame.arrays.pixel) {
      if (old?.key !== frame.key) { this.link.ask({ type: "case" }); return; }
      frame = { ...old, ...frame, arrays: { ...old.arrays, ...frame.arrays } };
    }
    const { start, edited } = frame.arrays;
    const same = old && old.curveKey === frame.curveKey;
    if (!same) this.editor.finish();
    const held = same && this.moving;
    if (same && sameCurve(this.state.curve, old.arrays.start) && !this.state.voxels.length) this.state = { ...this.state, curve: Float32Array.from(start) };
    const other = !old || old.name !== frame.name;
    this.values.setCase(frame);
    this.editor.setCase(frame);
    this.good = null;
    if (other) { this.view.slice = frame.firstSlice; this.view.resetZoom(); }
    this.find("[data-control=slice]").max = frame.slices;
    this.find("[data-control=slice]").disabled = frame.slices < 2;
    this.find(".toggle.truth").hidden = !frame.hasLesion;
    this.find(".side.left").hidden = this.find(".side.right").hidden = frame.swap;
    this.showSlice();
    if (!same) {
      this.history = History.of(frame.curveKey);
      this.state = this.history.opening(frame.arrays);
    }
    // A server that does not know the curve (it was started anew, or the edit was lost on its way) is told.
    this.edited = !sameCurve(this.state.curve, edited ?? start);
    this.bus.emit("case", frame);
    if (held) this.take(this.editor.curve);
    else this.apply(this.state);
  }

  /** A curve on its way (a drag, a slider): the maps follow, nothing is kept. */
  preview(curve, effect = null) {
    this.editor.setLive(curve);
    this.bus.emit("effect", effect);
    this.move(curve);
  }

  /** A curve under the hand; until it is let go, nothing that comes from the server takes it away. */
  move(curve) {
    this.moving = !sameCurve(curve, this.state.curve);
    this.take(curve);
  }

  /** Ask for what is visible; the marks time the way to the pixels. */
  take(curve, flags = 0) {
    this.values.setCurve(curve);
    this.seq += 1;
    this.mark(`lab:edit:${this.seq}`);
    const all = this.view.montage ? ALL_SLICES : 0;
    this.link.edit({ epoch: this.case.epoch, seq: this.seq, flags: flags | all, slice: this.view.slice, curve: Float32Array.from(curve) });
    this.root.dataset.sent = this.seq;
    this.bus.emit("edit", curve);
  }

  /** What is shown, computed in full once more; a stream of frames needs no asking. */
  again() {
    if (this.streaming) return;
    const own = this.editor.curve.every((value, i) => value === this.state.curve[i]);
    this.take(this.editor.curve, this.edited && own ? REST | KEEP : REST);
  }

  /**
   * Make a curve the committed one; undo takes it back. False where it is no input function: the last one stays.
   * `extra`: voxels, spread, whole (see history.js), effect (see effects.js), merge (quick steps are undone at once).
   */
  commit(curve, { effect = null, merge = null, ...extra } = {}) {
    this.editor.finish();
    const wrong = problem(curve);
    if (wrong) {
      this.settle(this.state);
      this.notice(wrong);
      return false;
    }
    this.notice("");
    this.history.push(this.state, merge);
    this.settle({ voxels: this.state.voxels, spread: null, whole: null, ...extra, curve: Float32Array.from(curve) });
    this.bus.emit("effect", effect);
    return true;
  }

  /** Make a state the one that undo, other pages and a reload start from. */
  settle(state) {
    this.edited = true;
    this.apply({ ...state });
    this.history.store(this.state);
    this.committer.later({ key: this.case.curveKey, value: Array.from(this.state.curve) });
  }

  apply(state) {
    this.state = state;
    this.moving = false;
    this.editor.setCurve(state.curve, state.spread);
    this.again();
    this.state.seq = this.seq;
    this.find("[data-action=undo]").disabled = !this.history.past.length;
    this.find("[data-action=redo]").disabled = !this.history.future.length;
    this.find("[data-action=reset]").disabled = !this.changed();
    this.bus.emit("state", this.state);
  }

  step(way) {
    const next = this.history.step(this.state, way);
    if (!next) return;
    this.settle(next);
    this.bus.emit("effect", null);
  }

  changed() {
    const { start } = this.case.arrays;
    return this.state.voxels.length > 0 || this.state.curve.some((value, i) => value !== start[i]);
  }

  setMode(mode) {
    this.editor.setMode(mode);
    for (const node of this.root.querySelectorAll("[data-mode][role=radio]")) {
      node.setAttribute("aria-checked", node.dataset.mode === mode);
      node.tabIndex = node.dataset.mode === mode ? 0 : -1;
    }
  }

  mark(name) {
    performance.mark(name);
    this.marks.push(name);
    if (this.marks.length > 2 * KEPT_MARKS) performance.clearMarks(this.marks.shift());
  }

  /** Another map, window, outline, slice: drawn from what is here. */
  look() {
    this.looks += 1;
    this.mark(`lab:look:${this.looks}`);
    this.bus.emit("look");
    this.paint();
  }

  /** Draw at the next frame; several wishes in one frame are drawn once. */
  paint(seq) {
    if (seq !== undefined) this.drawn = seq;
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.map.draw();
      this.bus.emit("painted");
      if (this.looked !== this.looks) this.mark(`lab:looked:${(this.looked = this.looks)}`);
      if (this.drawn === undefined) return;
      if (!this.painted) { this.painted = true; performance.mark("lab:first-paint"); }
      this.mark(`lab:painted:${this.drawn}`);
      this.root.dataset.painted = this.drawn;
      this.drawn = undefined;
    });
  }

  goTo(slice) {
    if (!this.case) return;
    this.view.slice = Math.min(Math.max(slice, 0), this.case.slices - 1);
    this.showSlice();
    // A slice that shows an older curve is asked for; after a rest all slices are here already.
    if (this.values.fresh[this.view.slice] !== Math.max(...this.values.fresh)) this.again();
    this.look();
  }

  showSlice() {
    this.find("[data-control=slice]").value = this.view.slice + 1;
    this.find("[data-out=slice]").textContent = `${this.view.slice + 1} / ${this.case.slices}`;
  }

  showBrush() { this.find("[data-out=brush]").textContent = `brush ±${this.editor.brush.toFixed(1)} (wheel)`; }

  showStatus(status) {
    this.root.dataset.status = status;
    this.find("[data-out=status]").textContent = STATUS[status];
    this.bus.emit("status", status);
  }

  notice(text, passing = false) { this.notices.say(text, passing); }

  close() {
    this.editor.finish();
    this.committer.drop(); // another page is on its way; a run of this one now would call it back
    for (const clean of this.cleanups) clean();
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
