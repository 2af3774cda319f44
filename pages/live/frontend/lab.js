// The Lab: frames of the server, the open case, drawing. The DOM is built once; a run of the page updates it.
// Panels and tools are plugins (plugins.js); types.d.ts lists the events between them.
/** @import { CaseFrame, Component, ConfigFrame, ConnectionStatus, FlowFrame, Frame } from "./types.js" */
/** @import { Edit, EngineFrame, EngineStatus, LabEvents, MapsFrame, Request, SliceArrays, SlicePixel } from "./types.js" */
import { find, findAll, isCoarse, setRadio } from "./common/dom.js";
import { FLAG_ALL_SLICES, FLAG_CONFIRM, FLAG_REST, unpack } from "./common/wire.js";
import { AifEditor } from "./curve/aif_editor.js";
import { EditedAif } from "./curve/edited_aif.js";
import { Engine } from "./engine/engine.js";
import { Events } from "./events.js";
import { MapCanvas } from "./map/map_canvas.js";
import { ViewState } from "./map/view_state.js";
import { VolumeStore } from "./map/volume_store.js";
import { Notice } from "./panels/notice.js";
import { installPlugins, PLUGINS } from "./plugins.js";
import { HTML } from "./template.js";
import { PerformanceMarks } from "./performance_marks.js";
import { joinCase } from "./transport/case_update.js";
import { HAS_SERVER, LiveSocket } from "./transport/socket.js";

/** @type {Record<ConnectionStatus, string>} */
const STATUS = {
  connecting: "connecting", live: "live", reconnecting: "reconnecting", fallback: "no socket", offline: "one file", // of one width: see .status
};
/** @type {Record<EngineStatus, string>} */
const ENGINE = { server: "maps: server", loading: "maps: loading", browser: "maps: browser" }; // where the maps of a drag are computed
/** Why the server computes the maps of a case from now on. */
const GIVEN_UP = {
  differs: "The maps of this browser differ from the server's: the server computes this case from now on.",
  failed: "The computation in this browser has failed: the server computes this case from now on.",
};
const MAX_WAIT_MS = 3000; // for a first map: its curve may have been refused
/** @type {WeakMap<HTMLElement, Lab>} */
const labs = new WeakMap();
/** The last notice of the page that was shown, and of which session. */
let lastNotice = { token: "", id: 0 };

export class Lab {
  /** @type {Events<LabEvents>} */
  events = new Events();
  view = new ViewState();
  values = new VolumeStore();
  /** Actions by the name in a button's data-action. @type {Record<string, () => void>} */
  actions = {};
  /** Message of the last run of the page. @type {ConfigFrame} */
  config = /** @type {any} */ (null);
  /** The pixel under the pointer. @type {SlicePixel | null} */
  hover = null;
  /** Whether a stream sends maps: none are requested meanwhile. */
  streaming = false;
  /** @type {Component["setStateValue"]} */
  setStateValue = () => {};
  /** @type {Component["setTriggerValue"]} */
  setTriggerValue = () => {};
  performanceMarks = new PerformanceMarks();
  #animationFrame = 0;
  /** Sequence number that the next drawing shows. @type {number | undefined} */
  #seqToDraw = undefined;
  /** Sequence number of the last edit whose numbers the server gave. */
  #confirmedSeq = 0;
  /** The last maps of the server: the edit's sequence number, and the slice, or null for all. @type {{seq: number, z: number | null}} */
  #exact = { seq: -1, z: null };
  #mapShown = () => {};
  #firstMap = new Promise((resolve) => { this.#mapShown = () => resolve(null); }); // until then the bandwidth is the visible slice's
  #firstNotice = ""; // of the page, shown with the first map: its time on the screen begins then
  /** The last edit, where the engine will have to compute its maps when the case has come. @type {Edit | null} */
  #leftToEngine = null;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.shadow = /** @type {ShadowRoot | Document} */ (root.getRootNode());
    root.innerHTML = HTML;
    const canvas = find(root, "canvas[data-testid=map]", HTMLCanvasElement);
    this.map = new MapCanvas(canvas, findAll(root, "canvas.bar", HTMLCanvasElement), this.values, this.view);
    this.notices = new Notice(find(root, ".notice"));
    this.editor = new AifEditor(find(root, "svg.editor", SVGSVGElement), {
      onEdit: (curve) => this.aif.edit(curve),
      onCommit: (curve, effect) => { this.aif.commit(curve, { effect }); },
      onBrush: () => this.#showBrush(),
    });
    this.socket = new LiveSocket({
      firstRequest: () => this.#caseRequest(),
      onFrame: (frame) => this.#receive(frame),
      onStatus: (status) => this.#showStatus(status),
      onStale: (stale) => { this.root.dataset.late = String(stale); this.#showStatus(this.socket.status); },
      sendByRerun: (message) => this.setTriggerValue("fallback", { ...message, have: this.case?.key ?? null }),
    });
    this.engine = new Engine({
      onFrame: (frame) => { if (frame.epoch === this.case?.epoch) this.#showComputed(frame); },
      onStatus: (status, nLoaded, nSlices) => this.#showEngine(status, nLoaded, nSlices),
      onStatic: (z, arrays) => this.#addSlice(z, arrays),
      onCompared: (error) => { this.root.dataset.engineError = String(error); },
      onGivenUp: (reason) => this.#replaceEngine(GIVEN_UP[reason]),
      visible: () => this.view.slice,
      firstMap: () => Promise.race([this.#firstMap, new Promise((resolve) => setTimeout(resolve, MAX_WAIT_MS))]),
      thresholds: () => this.values.thresholds,
    });
    this.aif = new EditedAif(this);
    this.actions.undo = () => this.aif.undo({ back: true });
    this.actions.redo = () => this.aif.undo({ back: false });
    this.actions.reset = () => this.aif.reset();
    this.actions.narrower = () => this.editor.scaleBrush("[");
    this.actions.wider = () => this.editor.scaleBrush("]");
    this.closePlugins = installPlugins(this, PLUGINS.filter(({ needsServer }) => HAS_SERVER || !needsServer));
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
    if (!before) this.map.configure(config.maps, config.arrays, config.colours);
    this.events.emit("config", config);
    this.#showNotice(config);
    this.engine.configure(config, config.computesInBrowser);
    this.socket.configure({ token: config.token, path: config.path });
    const answers = frames.filter(({ kind }) => kind !== "shelf");
    if (answers.length) this.socket.receiveByRerun(answers);
    for (const frame of frames) if (frame.kind === "shelf") this.#receive(frame);
    if (before && (before.epoch !== config.epoch || before.token !== config.token)) this.request(this.#caseRequest());
    this.draw();
  }

  /** Show a notice of the page once: it comes with every run until the next. @param {ConfigFrame} config */
  #showNotice({ notice, token }) {
    if (!notice || (lastNotice.id === notice.id && lastNotice.token === token)) return;
    lastNotice = { token, id: notice.id };
    if (this.root.dataset.painted) this.notice(notice.text);
    else this.#firstNotice = notice.text;
  }

  /** @param {Frame} frame */
  #receive(frame) {
    if (frame.kind === "case") this.#openCase(frame);
    else if (frame.kind === "error") this.aif.refuse(frame);
    else if (!this.case && frame.kind !== "shelf") return; // an answer to a component that has been removed
    else if (frame.kind === "stale") this.request(this.#caseRequest()); // whichever case is here, the edit was dropped
    else if (frame.kind === "slice" || frame.kind === "volume") {
      if (frame.epoch === this.case?.epoch) this.#confirm(frame);
    } else {
      const emit = /** @type {(name: string, frame: Frame) => void} */ (this.events.emit.bind(this.events));
      emit(`frame:${frame.kind}`, frame);
    }
  }

  /** A frame of the server: at rest it confirms the engine's; maps that are older than those shown are not drawn. @param {FlowFrame} frame */
  #confirm(frame) {
    this.engine.startNumbers = frame.start ?? this.engine.startNumbers;
    if (frame.arrays.cbf && frame.seq < this.#shownSeq) return; // e.g. answered by a rerun after the socket was back
    if (frame.step) this.#showConfirmed(frame);
    else this.#show(frame);
    if (frame.arrays.cbf && !frame.step) this.#exact = { seq: frame.seq, z: frame.kind === "slice" ? frame.z : null };
    this.engine.confirm(frame);
    this.#complete();
    if (!frame.numbers) return;
    this.aif.accept(frame.seq);
    this.#confirmedSeq = frame.seq;
    this.root.dataset.numbers = String(frame.seq);
  }

  /** Exact healthy mean and numbers of maps that are computed here. @param {FlowFrame} frame */
  #showConfirmed({ seq, ref, numbers, start }) {
    this.values.ref = ref;
    if (numbers && start) this.events.emit("numbers", { numbers, start });
    if (this.#shownSeq === seq && this.aif.isCommitted(seq)) this.events.emit("volume", null);
    this.draw();
  }

  /** A frame of the engine: maps and numbers that the server has computed stay. @param {EngineFrame} frame */
  #showComputed(frame) {
    const { cbf, tmax } = frame.arrays, { seq, z } = this.#exact;
    if (cbf && (frame.seq < this.#shownSeq || (frame.seq === seq && (z === null || frame.kind === "slice")))) return;
    if (cbf && tmax && frame.seq === seq && z !== null) frame = { ...frame, arrays: this.values.withSlice(z, { cbf, tmax }) };
    this.#show(frame.seq > this.#confirmedSeq ? frame : { ...frame, ref: this.values.ref, numbers: undefined });
  }

  /** Sequence number of the edit that the visible slice shows. */
  get #shownSeq() { return this.values.shownSeq[this.view.slice] ?? -1; }

  /** Sequence number of the last edit whose maps have come, of any slice. */
  get #newestSeq() { return Math.max(...this.values.shownSeq); }

  /** @param {number} z @param {SliceArrays} arrays */
  #addSlice(z, arrays) {
    this.values.addSlice(z, arrays);
    this.map.sliceLoaded(z);
    this.#showTransfer();
    this.events.emit("static", z);
    this.draw();
  }

  /** Say whether static data and maps of every slice are here. */
  #showTransfer() {
    const { open: { loaded, slices }, shownSeq } = this.values;
    this.root.dataset.case = loaded.size < slices || shownSeq.includes(-1) ? "loading" : "whole";
  }

  /** The server computes the maps in the engine's place. @param {string} reason a sentence */
  #replaceEngine(reason) {
    this.notice(reason);
    if (this.editor.isDragging) this.aif.requestMaps(this.editor.curve);
    else this.aif.recompute();
  }

  /** Compute the maps of an edit here where possible; the server computes the others, and confirms at rest. @param {Edit} edit */
  computeMaps(edit) {
    const here = this.engine.edit(edit);
    const atRest = edit.flags & FLAG_REST;
    if (here && !atRest) return;
    // What is visible comes exact from the server at rest; with one slice the engine's others are confirmed by some voxels.
    const confirm = atRest && !(edit.flags & FLAG_ALL_SLICES) && this.engine.provides(edit) ? FLAG_CONFIRM : 0;
    this.#leftToEngine = confirm && !here ? edit : null;
    this.socket.edit({ ...edit, flags: edit.flags | confirm | (confirm && here ? FLAG_ALL_SLICES : 0) });
  }

  /** @param {EngineFrame} frame */
  #show(frame) {
    const hasMaps = Boolean(frame.arrays.cbf);
    if (hasMaps) {
      this.values.setMaps(frame.kind, /** @type {MapsFrame} */ (frame));
      this.#showTransfer();
    }
    if (frame.numbers && frame.start) this.events.emit("numbers", { numbers: frame.numbers, start: frame.start });
    if (frame.kind === "volume" && !frame.moving && this.aif.isCommitted(frame.seq)) this.events.emit("volume", null);
    if (this.notices.passing && this.editor.isDragging) this.notice("");
    if (hasMaps) this.draw(frame.seq);
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
    this.aif.beforeCase(frame);
    this.values.setCase(frame);
    const { token, casePath } = this.config;
    this.#showTransfer();
    this.engine.open(frame, { token, url: new URL(casePath, document.baseURI) });
    this.editor.setCase(frame);
    if (old?.name !== frame.name) { this.view.slice = frame.firstSlice; this.view.resetZoom(); }
    const slider = this.find("[data-control=slice]", HTMLInputElement);
    Object.assign(slider, { max: String(frame.slices), disabled: frame.slices < 2 });
    this.find(".toggle.truth").hidden = !frame.hasLesion;
    for (const side of ["left", "right"]) this.find(`.side.${side}`).hidden = frame.swap;
    this.#showSlice();
    const showCurve = this.aif.openCase(old, frame);
    this.events.emit("case", frame);
    showCurve();
  }

  /** @param {string} mode "points" or "draw" */
  setMode(mode) {
    this.editor.setMode(mode);
    for (const node of findAll(this.root, "[data-mode][role=radio]")) setRadio(node, node.dataset.mode === mode);
  }

  /** Draw another map, window, outline or slice from the values that are here. */
  viewChanged() {
    this.performanceMarks.viewChanged();
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
    cancelAnimationFrame(this.#animationFrame);
    this.#animationFrame = 0;
    this.map.draw();
    this.events.emit("painted");
    this.performanceMarks.painted(this.#seqToDraw);
    if (this.#seqToDraw === undefined) return;
    this.root.dataset.painted = String(this.#seqToDraw);
    this.#mapShown();
    this.#seqToDraw = undefined;
    if (this.#firstNotice) this.notice(this.#firstNotice);
    this.#firstNotice = "";
  }

  /** @param {number} slice */
  goTo(slice) {
    if (!this.case) return;
    this.view.slice = Math.min(Math.max(slice, 0), this.case.slices - 1);
    this.#showSlice();
    // Request a slice that shows an older curve, or that the server has left to an engine still loading.
    if (this.#leftToEngine || this.#shownSeq !== this.#newestSeq) this.aif.recompute();
    this.viewChanged();
  }

  #showSlice() {
    const slice = this.view.slice + 1;
    this.find("[data-control=slice]", HTMLInputElement).value = String(slice);
    this.find("[data-out=slice]").textContent = `${slice} / ${this.values.open.slices}`;
  }

  #showBrush() { this.find("[data-out=brush]").textContent = `brush ±${this.editor.brush.toFixed(1)}${isCoarse() ? "" : " (wheel)"}`; }

  /** @param {ConnectionStatus} status */
  #showStatus(status) {
    this.root.dataset.status = status;
    this.find("[data-out=status]").textContent = this.root.dataset.late === "true" && status === "live" ? "no answer" : STATUS[status];
    this.events.emit("status", status);
  }

  /** @param {EngineStatus} status @param {number} nLoaded @param {number} nSlices */
  #showEngine(status, nLoaded, nSlices) {
    const before = this.root.dataset.engine;
    this.root.dataset.engine = status;
    this.find("[data-out=engine]").hidden = !this.config?.computesInBrowser;
    this.find("[data-out=engine]").textContent = status === "loading" ? `${ENGINE.loading} ${nLoaded}/${nSlices}` : ENGINE[status];
    if (before !== status) this.#complete();
  }

  /** Whether slices show an older curve, or nothing yet. */
  get lacksSlices() { return this.values.shownSeq.some((seq) => seq < this.#newestSeq); }

  /** Compute the slices that the server has left to the engine, once it has loaded the case or will not. */
  #complete() {
    const edit = this.#leftToEngine, { status } = this.engine;
    if (!this.case || !edit || status === "loading" || !this.lacksSlices) return;
    this.#leftToEngine = null;
    if (status === "browser") this.engine.edit(edit);
    else this.aif.recompute();
  }

  #resize() {
    this.map.resize();
    this.editor.rescale();
    this.events.emit("resize");
    this.#drawNow(); // in the same frame: the size of a canvas clears it
  }

  /** @param {string} text @param {{passing?: boolean, lasting?: boolean}} [kind] passing: the next good map removes it */
  notice(text, kind) { this.notices.show(text, kind); }

  close() {
    this.editor.finish();
    this.aif.close();
    this.closePlugins();
    this.observer.disconnect();
    this.socket.close();
    this.engine.close();
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
