// Map of a task's case: canvas, choice of the map, slice control, and a cross that the arrow keys move.
/** @import { ConfigFrame, OutlineKind, Voxel } from "../../../live/frontend/types.js" */
/** @import { TaskCase } from "../common/task_case.js" */
import { element } from "../../../live/frontend/common/dom.js";
import { windowEnd } from "../../../live/frontend/map/color_scales.js";
import { MapCanvas } from "../../../live/frontend/map/map_canvas.js";
import { places, toSlice } from "../../../live/frontend/map/slice_layout.js";
import { ViewState, middle } from "../../../live/frontend/map/view_state.js";
import { Segments, Stepper } from "./controls.js";

/** A place in pixels of slice z; w: width of a pixel on the screen. @typedef {{x: number, y: number, z: number, w: number}} Place */
/**
 * @typedef {object} Gesture what a finger, a mouse or the keys do on the map
 * @property {() => boolean} enabled
 * @property {(at: Place, event: PointerEvent) => void} begin
 * @property {(at: Place, event: PointerEvent) => void} move
 * @property {() => void} end
 * @property {() => void} cancel
 * @property {(at: Place) => void} enter the key Enter at the cross
 * @property {(at: Place | null) => void} hover the cross, or the mouse without a button
 */

/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const LONG_STEP = 8; // with Shift
const MARK_RADIUS = 6; // points: a voxel is smaller than what the eye finds on a phone
const TINT = 0.45; // opacity of painted voxels
const VESSEL_CONTRAST = 0.6; // part of the usual window of the temporal maximum, for a small screen

export class CaseView {
  /** @type {TaskCase | null} */
  #taskCase = null;
  /** @type {MapCanvas | null} */
  map = null;
  /** @type {Voxel | null} */
  cross = null;
  /** @type {Stepper | null} */
  stepper = null;
  /** @type {readonly Voxel[]} */
  #marks = [];
  #tint = document.createElement("canvas");
  /** Slices that have been drawn with their static data. @type {Set<number>} */
  #complete = new Set();
  #pressed = false;
  #drawing = false;
  #view = new ViewState();

  /**
   * @param {object} options
   * @param {readonly {id: string, label: string}[]} options.maps the first one is shown
   * @param {string} options.help what keys do on the map
   * @param {Gesture | null} options.gesture
   * @param {() => void} options.onView another map or slice
   */
  constructor({ maps, help, gesture, onView }) {
    this.gesture = gesture;
    this.onView = onView;
    Object.assign(this.#view, { map: maps[0].id, montage: false, two: false, windows: {}, scales: {} });
    this.toggle = new Segments("Map", maps, (id) => this.#showMap(id));
    this.canvas = element("canvas", { tabIndex: 0, role: "application", ariaLabel: help });
    this.canvas.dataset.testid = "map";
    this.bar = element("canvas", { className: "bar", ariaHidden: "true" });
    this.loading = element("p", { className: "loading", textContent: "Loading the case …" });
    this.picture = element("div", { className: "picture" }, this.canvas, this.bar, this.loading,
      element("span", { className: "side left", textContent: "R" }), element("span", { className: "side right", textContent: "L" }));
    this.slicer = element("div", { className: "slicer" });
    this.stage = element("div", { className: "stage" }, this.picture, this.slicer);
    this.observer = new ResizeObserver(() => { this.map?.resize(); this.#drawNow(); });
    this.observer.observe(this.picture);
    this.#installPointer();
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Id of the map in view. */
  get shown() { return this.#view.map; }

  get slice() { return this.#view.slice; }

  /** @param {TaskCase} taskCase @param {ConfigFrame} config @param {{canChangeSlice: boolean}} options */
  open(taskCase, config, { canChangeSlice }) {
    this.#taskCase = taskCase;
    this.#view.slice = taskCase.slice;
    this.map = new MapCanvas(this.canvas, [this.bar], taskCase.values, this.#view);
    this.map.configure(config.maps, config.arrays, { ...config.colours, painted: config.colours.core });
    this.#view.setWindow("tmip", 0, VESSEL_CONTRAST * config.maps.tmip.window[1]);
    if (canChangeSlice) {
      const { slices } = taskCase.opened;
      this.stepper = new Stepper("Slice", { low: 1, high: slices, step: 1 }, (number) => this.showSlice(number - 1));
      this.slicer.append(this.stepper.element);
      this.#showSliceNumber();
    }
    this.#setOutlines();
    this.map.resize();
    this.draw();
  }

  /** @param {number} z */
  showSlice(z) {
    const taskCase = this.#taskCase;
    if (!taskCase || z < 0 || z >= taskCase.opened.slices) return;
    this.#view.slice = taskCase.slice = z;
    if (this.cross) this.#setCross(this.cross[0], this.cross[1], z);
    this.#showSliceNumber();
    this.onView();
    this.draw();
  }

  #showSliceNumber() {
    if (!this.stepper || !this.#taskCase) return;
    this.stepper.value = this.slice + 1;
    this.stepper.output.textContent = `${this.slice + 1} / ${this.#taskCase.opened.slices}`;
  }

  /** @param {string} id */
  #showMap(id) {
    this.#view.map = id;
    this.toggle.value = id;
    this.#setOutlines();
    this.onView();
    this.draw();
  }

  /** Lesions are outlined on the maps of the own curve alone. */
  #setOutlines() {
    const own = this.map && !this.map.maps[this.shown]?.static && this.shown !== "cbf";
    /** @type {OutlineKind[]} */
    const lesions = ["core", "hypoperfused"];
    for (const kind of lesions) this.#view.outlines[kind] = Boolean(own);
    this.#view.outlines.truth = false;
    this.#view.outlines.aif = true;
  }

  draw() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => { this.#drawing = false; this.#drawNow(); });
  }

  #drawNow() {
    const { map } = this;
    if (!map || !this.#taskCase) return;
    const isLoaded = this.#taskCase.opened.loaded.has(this.slice);
    this.loading.hidden = isLoaded;
    if (isLoaded && !this.#complete.has(this.slice)) {
      this.#complete.add(this.slice);
      map.sliceLoaded(this.slice); // what was drawn before its data came is drawn anew
    }
    this.bar.hidden = Boolean(map.maps[this.shown].case_array);
    map.probed = this.cross;
    map.resize();
    map.draw();
    this.#drawMarks(map);
    this.#drawPainted(map);
    this.picture.dataset.map = this.shown;
    this.picture.dataset.slice = String(this.slice);
    this.picture.dataset.seq = String(this.#taskCase.values.shownSeq[this.slice]);
    this.picture.dataset.loaded = String(this.#taskCase.opened.loaded.size);
  }

  /** Mark voxels by circles. @param {readonly Voxel[]} voxels */
  setMarks(voxels) {
    this.#marks = voxels;
    this.draw();
  }

  /** @param {MapCanvas} map */
  #drawMarks({ context: ctx, values, canvas, ratio, colours }) {
    const [place] = places(values.open, this.#view, canvas), { head } = values.open;
    for (const voxel of this.#marks) {
      if (voxel[2] !== this.slice) continue;
      const [column, row] = values.pixelOf(voxel);
      ctx.beginPath();
      ctx.arc(place.x + ((column + 0.5 - head.x) / head.w) * place.w, place.y + ((row + 0.5 - head.y) / head.h) * place.h, MARK_RADIUS * ratio, 0, 2 * Math.PI);
      for (const [colour, width] of /** @type {const} */ ([["#000", 3.5], [colours.aif, 2]])) Object.assign(ctx, { strokeStyle: colour, lineWidth: width * ratio }).stroke();
    }
  }

  /** Tint the painted voxels: an outline alone is lost on a small screen. @param {MapCanvas} map */
  #drawPainted({ context: ctx, values, canvas, colours }) {
    if (!values.painted || !values.paintedShown) return;
    const { columns, rows, head, arrays: { pixel } } = values.open, [place] = places(values.open, this.#view, canvas);
    if (this.#tint.width !== columns || this.#tint.height !== rows) Object.assign(this.#tint, { width: columns, height: rows });
    const tint = /** @type {CanvasRenderingContext2D} */ (this.#tint.getContext("2d"));
    tint.clearRect(0, 0, columns, rows);
    tint.fillStyle = colours.core;
    const [from, to] = values.range(this.slice);
    for (let i = from; i < to; i++) if (values.painted[i]) tint.fillRect(pixel[i] % columns, Math.floor(pixel[i] / columns), 1, 1);
    ctx.globalAlpha = TINT;
    ctx.drawImage(this.#tint, head.x, head.y, head.w, head.h, place.x, place.y, place.w, place.h);
    ctx.globalAlpha = 1;
  }

  /** Widen the window of a map to the values of the slice in view, where they exceed it. @param {string} map */
  fitWindow(map) {
    if (!this.map) return;
    const [low, high] = this.map.maps[map].window;
    this.#view.setWindow(map, low, windowEnd(this.map.values.field(map, this.slice).filter(Number.isFinite), high));
  }

  /** Place under a pointer, or null outside the slice. @param {{clientX: number, clientY: number}} event @param {number | null} within */
  locate(event, within = null) {
    return this.#taskCase && toSlice(this.#taskCase.opened, this.#view, this.canvas, event, within);
  }

  /** @returns {Gesture | null} */
  get #active() { return this.gesture?.enabled() ? this.gesture : null; }

  #installPointer() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      const at = this.locate(event);
      if (!at || !event.isPrimary || event.button !== 0 || !this.#active) return;
      event.preventDefault();
      canvas.focus({ preventScroll: true });
      canvas.setPointerCapture(event.pointerId);
      this.#pressed = true;
      this.setCrossAt(null);
      this.#active.begin(at, event);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!event.isPrimary) return;
      if (!this.#pressed) {
        if (event.pointerType === "mouse") this.#active?.hover(this.locate(event));
        return;
      }
      const coalesced = event.getCoalescedEvents?.() ?? [];
      for (const one of coalesced.length ? coalesced : [event]) {
        const at = this.locate(one, this.slice);
        if (at) this.gesture?.move(at, event);
      }
    });
    canvas.addEventListener("pointerup", () => this.#release("end"));
    canvas.addEventListener("pointercancel", () => this.#release("cancel"));
    canvas.addEventListener("pointerleave", () => { if (!this.#pressed) this.#active?.hover(null); });
  }

  /** @param {"end" | "cancel"} how */
  #release(how) {
    if (!this.#pressed) return;
    this.#pressed = false;
    this.gesture?.[how]();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const arrow = ARROWS[event.key], gesture = this.#active;
    if (!this.#taskCase || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") this.#release("cancel");
    else if (event.key === "PageUp" || event.key === "PageDown") { if (this.stepper) this.showSlice(this.slice + (event.key === "PageUp" ? 1 : -1)); }
    else if (arrow && gesture) this.#moveCross(arrow, event.shiftKey ? LONG_STEP : 1);
    else if ((event.key === "Enter" || event.key === " ") && gesture && this.cross) gesture.enter(this.#crossPlace());
    else return;
    event.preventDefault();
  }

  /** @param {[number, number]} arrow @param {number} step */
  #moveCross([dx, dy], step) {
    const taskCase = /** @type {TaskCase} */ (this.#taskCase);
    const { rows, columns, head } = taskCase.opened;
    const centre = middle(head);
    const [column, row] = this.cross ? taskCase.values.pixelOf(this.cross) : [Math.floor(centre.x), Math.floor(centre.y)];
    const by = this.cross ? step : 0; // the first key shows the cross
    const place = {
      column: Math.min(Math.max(column + dx * by, 0), columns - 1), row: Math.min(Math.max(row + dy * by, 0), rows - 1), z: this.slice,
    };
    this.cross = taskCase.voxelAt(place);
    this.#active?.hover(this.#crossPlace());
    this.draw();
  }

  /** @param {number} x @param {number} y @param {number} z */
  #setCross(x, y, z) { this.cross = [x, y, z]; }

  /** Centre of the voxel of the cross. @returns {Place} */
  #crossPlace() {
    const [column, row] = /** @type {TaskCase} */ (this.#taskCase).values.pixelOf(/** @type {Voxel} */ (this.cross));
    return { x: column + 0.5, y: row + 0.5, z: this.slice, w: 1 };
  }

  /** Mark the voxel at a place, or none. @param {Place | null} at */
  setCrossAt(at) {
    this.cross = at && this.#taskCase ? this.#taskCase.voxelAt({ column: Math.floor(at.x), row: Math.floor(at.y), z: at.z }) : null;
    this.draw();
  }

  close() { this.observer.disconnect(); }
}
