// The Lab: state of the edited AIF, requests for its maps, drawing. The DOM is built once; a run of the page updates it.
// Panels and tools are plugins (plugins.js); types.d.ts lists the events between them.
/** @import { CaseFrame, Component, ConfigFrame, ConnectionStatus, Curve, CurveState, ErrorFrame, FlowFrame, Frame } from "./types.js" */
/** @import { LabEvents, MapsFrame, Request, SlicePixel } from "./types.js" */
import { find, findAll, setRadio } from "./common/dom.js";
import { FLAG_ALL_SLICES, FLAG_KEEP, FLAG_REST, unpack } from "./common/wire.js";
import { AifEditor } from "./curve/aif_editor.js";
import { problem } from "./curve/curve_edits.js";
import { CurveHistory, sameCurve } from "./curve/history.js";
import { Events } from "./events.js";
import { MapCanvas } from "./map/map_canvas.js";
import { ViewState } from "./map/view_state.js";
import { VolumeStore } from "./map/volume_store.js";
import { Notice } from "./panels/notice.js";
import { installPlugins, PLUGINS } from "./plugins.js";
import { HTML } from "./template.js";
import { TimingMarks } from "./timing_marks.js";
import { joinCase } from "./transport/case_update.js";
import { CommitDebounce } from "./transport/commit_debounce.js";
import { LiveSocket } from "./transport/socket.js";

/** @type {Record<ConnectionStatus, string>} */
const STATUS = {
  connecting: "connecting", live: "live", reconnecting: "reconnecting", fallback: "no socket", // of one width: see .status
};
/** @type {WeakMap<HTMLElement, Lab>} */
const labs = new WeakMap();

/** @typedef {Partial<Omit<CurveState, "curve" | "seq">> & {effect?: string | null, merge?: string | null}} CommitOptions */

export class Lab {
  /** @type {Events<LabEvents>} */
  events = new Events();
  view = new ViewState();
  values = new VolumeStore();
  /** Actions by the name in a button's data-action. @type {Record<string, () => void>} */
  actions = {};
  /** Message of the last run of the page. @type {ConfigFrame} */
  config = /** @type {any} */ (null);
  /** The committed curve. @type {CurveState | null} */
  state = null;
  /** The pixel under the pointer. @type {SlicePixel | null} */
  hover = null;
  /** Whether a stream sends maps: none are requested meanwhile. */
  streaming = false;
  /** Sequence number of the last edit. */
  seq = 0;
  /** @type {Component["setStateValue"]} */
  setStateValue = () => {};
  /** @type {Component["setTriggerValue"]} */
  setTriggerValue = () => {};
  /** The last state that gave maps. @type {CurveState | null} */
  #good = null;
  #history = new CurveHistory("");
  #edited = false; // whether the server is to keep the curve
  #moving = false; // whether the curve shown differs from the committed one
  #marks = new TimingMarks();
  #animationFrame = 0;
  /** Sequence number that the next drawing shows. @type {number | undefined} */
  #seqToDraw = undefined;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.shadow = /** @type {ShadowRoot | Document} */ (root.getRootNode());
    root.innerHTML = HTML;
    const canvas = find(root, "canvas[data-testid=map]", HTMLCanvasElement);
    this.map = new MapCanvas(canvas, find(root, "canvas.bar", HTMLCanvasElement), this.values, this.view);
    this.notices = new Notice(find(root, ".notice"));
    this.editor = new AifEditor(find(root, "svg.editor", SVGSVGElement), {
      onEdit: (curve) => this.edit(curve),
      onCommit: (curve, effect) => { this.commit(curve, { effect }); },
      onBrush: () => this.#showBrush(),
    });
    this.socket = new LiveSocket({
      firstRequest: () => this.#caseRequest(),
      onFrame: (frame) => this.#receive(frame),
      onStatus: (status) => this.#showStatus(status),
      sendByRerun: (message) => this.setTriggerValue("fallback", { ...message, have: this.case?.key ?? null }),
    });
    this.debounce = new CommitDebounce(
      (commit) => { if (this.socket.status !== "live") this.setStateValue("curve", commit); },
      () => this.editor.isDragging);
    this.actions.undo = () => this.#undo({ back: true });
    this.actions.redo = () => this.#undo({ back: false });
    this.actions.reset = () => { if (this.changed()) this.commit(this.values.open.arrays.start, { voxels: [], effect: null }); };
    this.closePlugins = installPlugins(this, PLUGINS);
    this.observer = new ResizeObserver(() => this.#resize());
    this.observer.observe(find(root, ".picture"));
    this.observer.observe(find(root, "svg.editor", SVGSVGElement));
    root.dataset.mounts = String(Number(root.dataset.mounts ?? 0) + 1);
    root.dataset.status = "connecting";
    this.setMode("points");
    this.#showBrush();
  }

  get case() { return this.values.case; }

  /**
   * An element of the Lab that the templates are known to hold.
   * @template {Element} [E=HTMLElement]
   * @param {string} selector
   * @param {new () => E} [type]
   */
  find(selector, type) { return find(this.root, selector, type); }

  /** Take the data of a run of the page: new thresholds, a new case, or nothing new. @param {Component} component */
  update({ data, setStateValue, setTriggerValue }) {
    Object.assign(this, { setStateValue, setTriggerValue });
    const [config, ...frames] = unpack(data);
    /** @type {ConfigFrame | null} */
    const before = this.config;
    this.config = config;
    this.values.thresholds = config.thresholds;
    this.values.slope = config.slope;
    if (!before) this.map.configure(config.maps, config.arrays);
    this.events.emit("config", config);
    if (config.notice && config.notice.id !== before?.notice?.id) this.notice(config.notice.text);
    this.socket.configure({ token: config.token, path: config.path });
    const answers = frames.filter(({ kind }) => kind !== "shelf");
    if (answers.length) this.socket.receiveByRerun(answers);
    for (const frame of frames) if (frame.kind === "shelf") this.#receive(frame);
    if (before && (before.epoch !== config.epoch || before.token !== config.token)) this.request(this.#caseRequest());
    this.draw();
  }

  /** @param {Frame} frame */
  #receive(frame) {
    if (frame.kind === "case") this.#openCase(frame);
    else if (frame.kind === "error") this.#refused(frame);
    else if (!this.case && frame.kind !== "shelf") return; // an answer to a component that has been removed
    else if (frame.kind === "stale") this.request(this.#caseRequest()); // whichever case is here, the edit was dropped
    else if (frame.kind === "slice" || frame.kind === "coarse" || frame.kind === "volume") {
      if (frame.epoch === this.case?.epoch) this.#show(frame);
    } else {
      const emit = /** @type {(name: string, frame: Frame) => void} */ (this.events.emit.bind(this.events));
      emit(`frame:${frame.kind}`, frame);
    }
  }

  /** @param {FlowFrame} frame */
  #show(frame) {
    const hasMaps = Boolean(frame.arrays.cbf);
    if (hasMaps) this.values.setMaps(frame.kind, /** @type {MapsFrame} */ (frame));
    if (frame.numbers && frame.start) {
      this.events.emit("numbers", { numbers: frame.numbers, start: frame.start });
      this.root.dataset.numbers = String(frame.seq);
    }
    if (frame.kind === "volume" && frame.seq >= (this.state?.seq ?? 0)) {
      this.#good = this.state;
      this.events.emit("volume", frame);
    }
    if (this.notices.passing && this.editor.isDragging) this.notice("");
    if (hasMaps) this.draw(frame.seq);
  }

  /** The server cannot use a curve: the last one that gave maps is shown again. @param {ErrorFrame} frame */
  #refused({ message, seq }) {
    if (seq !== undefined && seq < (this.state?.seq ?? 0)) return; // a newer curve has replaced it
    this.notice(message, true);
    const good = this.#good;
    if (seq === undefined || !good || good === this.state || this.editor.isDragging) return;
    if (this.#history.past.at(-1) === good) this.#history.past.pop();
    this.#settle(good);
  }

  /** Send a request; its answer arrives as the event frame:<kind>. @param {Request} request */
  request(request) { this.socket.request(request); }

  /** Request for the case; what is here already is not sent again. @returns {Request} */
  #caseRequest() { return { type: "case", have: this.case?.key ?? null }; }

  /** Take a case, or new settings or another start of the open case. @param {CaseFrame} received */
  #openCase(received) {
    const old = this.case;
    const frame = joinCase(old, received);
    if (!frame) { this.request({ type: "case" }); return; }
    const { start, edited } = frame.arrays;
    const same = old?.curveKey === frame.curveKey;
    if (!same) this.editor.finish();
    const moving = same && this.#moving;
    if (same && this.state && sameCurve(this.state.curve, old.arrays.start) && !this.state.voxels.length) {
      this.state = { ...this.state, curve: Float32Array.from(start) };
    }
    this.values.setCase(frame);
    this.editor.setCase(frame);
    this.#good = null;
    if (old?.name !== frame.name) { this.view.slice = frame.firstSlice; this.view.resetZoom(); }
    const slider = this.find("[data-control=slice]", HTMLInputElement);
    Object.assign(slider, { max: String(frame.slices), disabled: frame.slices < 2 });
    this.find(".toggle.truth").hidden = !frame.hasLesion;
    for (const side of ["left", "right"]) this.find(`.side.${side}`).hidden = frame.swap;
    this.#showSlice();
    if (!same || !this.state) {
      this.#history = CurveHistory.of(frame.curveKey);
      this.state = this.#history.opening(frame.arrays);
    }
    // A server without the curve (it was restarted, or the edit was lost) is sent it.
    this.#edited = !sameCurve(this.state.curve, edited ?? start);
    this.events.emit("case", frame);
    if (moving) this.requestMaps(this.editor.curve);
    else this.#apply(this.state);
  }

  /**
   * Show a curve that a slider turns through: the maps follow, nothing is committed.
   * @param {Curve} curve
   * @param {string | null} effect
   */
  preview(curve, effect = null) {
    this.editor.setLive(curve);
    this.events.emit("effect", effect);
    this.edit(curve);
  }

  /** A curve that is being edited; until it is committed, no frame of the server replaces it. @param {Curve} curve */
  edit(curve) {
    this.#moving = !this.state || !sameCurve(curve, this.state.curve);
    this.requestMaps(curve);
  }

  /** Request the visible maps of a curve; the timing marks measure the time to the pixels. @param {Curve} curve */
  requestMaps(curve, flags = 0) {
    this.values.setCurve(curve);
    const seq = this.nextSeq();
    const all = this.view.montage ? FLAG_ALL_SLICES : 0;
    const { epoch } = this.values.open;
    this.socket.edit({ epoch, seq, flags: flags | all, slice: this.view.slice, curve: Float32Array.from(curve) });
    this.events.emit("edit", curve);
  }

  /** Number an edit and mark its time. */
  nextSeq() {
    this.seq += 1;
    this.#marks.edited(this.seq);
    this.root.dataset.sent = String(this.seq);
    this.root.dataset.moving = String(this.#moving);
    return this.seq;
  }

  /** Request all maps of the shown curve, exact; a running stream sends its own. */
  recompute() {
    if (this.streaming) return;
    const committed = this.editor.curve.every((value, i) => value === this.state?.curve[i]);
    this.requestMaps(this.editor.curve, this.#edited && committed ? FLAG_REST | FLAG_KEEP : FLAG_REST);
  }

  /**
   * Make a curve the committed one; undo takes it back. Returns false where it cannot be an AIF: the last one stays.
   * @param {Curve} curve
   * @param {CommitOptions} options voxels, spread and handles of the state; effect (see edit_hints.js); merge: quick
   * steps of one name are undone at once
   */
  commit(curve, { effect = null, merge = null, ...extra } = {}) {
    this.editor.finish();
    const { state } = this;
    if (!state) return false;
    const wrong = problem(curve);
    if (wrong) {
      this.#settle(state);
      this.notice(wrong);
      return false;
    }
    this.notice("");
    this.#history.push(state, merge);
    this.#settle({ voxels: state.voxels, spread: null, whole: null, ...extra, curve: Float32Array.from(curve) });
    this.events.emit("effect", effect);
    return true;
  }

  /** Make a state the one that undo, other pages and a reload start from. @param {CurveState} state */
  #settle(state) {
    this.#edited = true;
    const settled = { ...state };
    this.#apply(settled);
    this.#history.store(settled);
    this.debounce.schedule({ key: this.values.open.curveKey, value: Array.from(settled.curve) });
  }

  /** @param {CurveState} state */
  #apply(state) {
    this.state = state;
    this.#moving = false;
    this.editor.setCurve(state.curve, state.spread);
    this.recompute();
    state.seq = this.seq;
    this.find("[data-action=undo]", HTMLButtonElement).disabled = !this.#history.past.length;
    this.find("[data-action=redo]", HTMLButtonElement).disabled = !this.#history.future.length;
    this.find("[data-action=reset]", HTMLButtonElement).disabled = !this.changed();
    this.events.emit("state", state);
  }

  /** @param {{back: boolean}} direction */
  #undo(direction) {
    const next = this.state && this.#history.step(this.state, direction);
    if (!next) return;
    this.#settle(next);
    this.events.emit("effect", null);
  }

  /** Whether the committed curve differs from the start. */
  changed() {
    const { state, case: now } = this;
    return Boolean(state && now && (state.voxels.length || state.curve.some((value, i) => value !== now.arrays.start[i])));
  }

  /** @param {string} mode "points" or "draw" */
  setMode(mode) {
    this.editor.setMode(mode);
    for (const node of findAll(this.root, "[data-mode][role=radio]")) setRadio(node, node.dataset.mode === mode);
  }

  /** Draw another map, window, outline or slice from the values that are here. */
  viewChanged() {
    this.#marks.viewChanged();
    this.events.emit("view");
    this.draw();
  }

  /** Draw with the next animation frame, once. @param {number} [seq] the edit whose maps have come */
  draw(seq) {
    if (seq !== undefined) this.#seqToDraw = seq;
    if (this.#animationFrame) return;
    this.#animationFrame = requestAnimationFrame(() => this.#drawNow());
  }

  #drawNow() {
    this.#animationFrame = 0;
    this.map.draw();
    this.events.emit("painted");
    this.#marks.painted(this.#seqToDraw);
    if (this.#seqToDraw === undefined) return;
    this.root.dataset.painted = String(this.#seqToDraw);
    this.#seqToDraw = undefined;
  }

  /** @param {number} slice */
  goTo(slice) {
    if (!this.case) return;
    this.view.slice = Math.min(Math.max(slice, 0), this.case.slices - 1);
    this.#showSlice();
    // A slice that shows an older curve is requested; after a rest all slices are here already.
    if (this.values.shownSeq[this.view.slice] !== Math.max(...this.values.shownSeq)) this.recompute();
    this.viewChanged();
  }

  #showSlice() {
    const slice = this.view.slice + 1;
    this.find("[data-control=slice]", HTMLInputElement).value = String(slice);
    this.find("[data-out=slice]").textContent = `${slice} / ${this.values.open.slices}`;
  }

  #showBrush() { this.find("[data-out=brush]").textContent = `brush ±${this.editor.brush.toFixed(1)} (wheel)`; }

  /** @param {ConnectionStatus} status */
  #showStatus(status) {
    this.root.dataset.status = status;
    this.find("[data-out=status]").textContent = STATUS[status];
    this.events.emit("status", status);
  }

  #resize() {
    this.map.resize();
    this.editor.rescale();
    this.events.emit("resize");
    this.draw();
  }

  /** @param {string} text @param {boolean} passing whether the next good map removes it */
  notice(text, passing = false) { this.notices.show(text, passing); }

  close() {
    this.editor.finish();
    this.debounce.cancel(); // another page opens; a run of this one now would call it back
    this.closePlugins();
    this.observer.disconnect();
    this.socket.close();
  }
}

/**
 * Mount or update the Lab; called at every run of the page. Returns the clean-up for unmounting.
 * @param {Component} component
 */
export function mount(component) {
  const root = /** @type {HTMLElement | null} */ (component.parentElement.querySelector("[data-testid=lab]"));
  if (!root) return () => {};
  const lab = labs.get(root) ?? new Lab(root);
  labs.set(root, lab);
  lab.update(component);
  return () => { lab.close(); labs.delete(root); };
}
