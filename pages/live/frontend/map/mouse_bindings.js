// Pointer, wheel, touch and keys on the map.
//   move: value and curves of the voxel · wheel or arrows: slice · ctrl+wheel, pinch, + and −: zoom · 0 or double click: reset zoom
//   drag: pan when zoomed · right drag or alt+drag: window · shift+arrows: move the voxel in view · click or Enter: pick a voxel
//   finger: a tap shows the voxel; a swipe scrolls the page or pans, and changes no voxel
/** @import { Lab } from "../lab.js" */
/** @import { Range, SlicePixel } from "../types.js" */
import { toSlice } from "./slice_layout.js";
import { middle } from "./view_state.js";

const MIN_DRAG = { mouse: 4, touch: 10 }; // points; less is a click or a tap
const WHEEL_STEP = 40; // points of the wheel for another slice
const ZOOM_STEP = 1.25; // of a key
/** Directions of the arrow keys, column and row. @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
/** Slices by which a key moves. @type {Record<string, number>} */
const SLICE_STEPS = { ArrowUp: 1, ArrowRight: 1, PageUp: 1, ArrowDown: -1, ArrowLeft: -1, PageDown: -1 };

/** @typedef {{clientX: number, clientY: number}} PagePoint */
/** @typedef {{x: number, y: number, at: PagePoint, map: string, window: Range, kind: "window" | "pan", moved: boolean}} Press */
/** @typedef {{x: number, y: number, apart: number}} Pinch centre of two pointers and their distance */

class MouseBindings {
  /** Pressed pointers by id. @type {Map<number, PointerEvent>} */
  #pointers = new Map();
  /** @type {Press | null} */
  #press = null;
  /** @type {Pinch | null} */
  #pinch = null;
  #wheel = 0; // points turned since the last slice
  /** Last place of the pointer: another slice or zoom puts another voxel under it. @type {PagePoint | null} */
  #last = null;

  /** @param {Lab} lab */
  constructor(lab) {
    this.lab = lab;
    this.view = lab.view;
    this.canvas = lab.map.canvas;
    const { canvas } = this;
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("pointerdown", (event) => this.#onDown(event));
    canvas.addEventListener("pointermove", (event) => this.#onMove(event));
    canvas.addEventListener("pointerup", (event) => {
      const press = this.#press;
      this.#release(event);
      if (!press || press.moved || press.kind !== "pan") return;
      const at = lab.map.pick(event);
      if (isTouch(event)) {
        canvas.focus({ preventScroll: true });
        this.#last = null;
        lab.events.emit("hover", at);
      }
      this.#pick(at);
    });
    canvas.addEventListener("pointercancel", (event) => this.#release(event));
    canvas.addEventListener("pointerleave", (event) => {
      if (isTouch(event)) return; // the values of a tapped voxel stay
      this.#last = null;
      lab.events.emit("hover", null);
    });
    canvas.addEventListener("dblclick", () => this.#resetZoom());
    canvas.addEventListener("wheel", (event) => this.#onWheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => {
      if (!lab.case || event.ctrlKey || event.metaKey || event.altKey) return;
      if (this.#onKey(event)) event.preventDefault();
    });
  }

  get #box() { return this.lab.values.open.head; }

  /** @param {PagePoint} point */
  #toSlice(point) { return toSlice(this.lab.values.open, this.view, this.canvas, point); }

  #viewChanged() {
    this.view.store();
    this.lab.viewChanged();
  }

  /** The view has changed: another voxel may lie under the pointer, and one that was tapped may be out of view. */
  refreshHover() {
    const { hover, events, map } = this.lab;
    if (this.#last && hover) events.emit("hover", map.pick(this.#last));
    else if (hover && hover.z !== this.view.slice) events.emit("hover", null);
  }

  /** Zoom about the pointer, else about the middle of the view. @param {number} factor @param {PagePoint} [point] */
  #zoom(factor, point) {
    const about = point ? this.#toSlice(point) : null;
    this.view.zoomBy(factor, about ?? this.view.centre ?? middle(this.#box), this.#box);
    this.#viewChanged();
  }

  #resetZoom() {
    this.view.resetZoom();
    this.#viewChanged();
  }

  /** Change the window as a workstation does: across is the width, down the level. @param {Press} press @param {number} dx @param {number} dy */
  #dragWindow({ map, window: [low, high] }, dx, dy) {
    const { usual } = this.lab.map.style(map);
    const span = usual[1] - usual[0];
    const width = Math.max(high - low + (2 * span * dx) / this.canvas.clientWidth, span / 200);
    const level = (low + high) / 2 + (span * dy) / this.canvas.clientHeight;
    this.view.setWindow(map, level - width / 2, level + width / 2);
    this.#viewChanged();
  }

  /** @param {PointerEvent} event */
  #onDown(event) {
    const { lab, canvas } = this;
    if (!lab.case) return;
    if (!isTouch(event)) canvas.focus({ preventScroll: true }); // a finger may only scroll the page
    this.#pointers.set(event.pointerId, event);
    if (this.#pointers.size === 2) { this.#pinch = this.#measurePinch(); this.#press = null; return; }
    const windowing = event.button === 2 || (event.button === 0 && event.altKey);
    if (event.button !== 0 && !windowing) return;
    canvas.setPointerCapture(event.pointerId);
    const map = this.#toSlice(event)?.map ?? this.view.map;
    const [low, high] = lab.map.style(map).window;
    this.#press = { x: event.clientX, y: event.clientY, at: event, map, window: [low, high], kind: windowing ? "window" : "pan", moved: false };
  }

  /** @param {PointerEvent} event */
  #onMove(event) {
    const { lab } = this;
    if (!lab.case) return;
    if (this.#pointers.has(event.pointerId)) this.#pointers.set(event.pointerId, event);
    if (this.#pinch) { this.#followPinch(this.#pinch); return; }
    const press = this.#press;
    if (press) {
      const [dx, dy] = [event.clientX - press.x, event.clientY - press.y];
      press.moved ||= Math.hypot(dx, dy) >= MIN_DRAG[isTouch(event) ? "touch" : "mouse"];
      if (press.moved && press.kind === "window") { this.#dragWindow(press, dx, dy); return; }
      if (press.moved && this.view.zoom > 1) { this.#pan(press, event); return; }
    }
    if (isTouch(event)) return;
    this.#last = event;
    lab.events.emit("hover", lab.map.pick(event));
  }

  /** @param {Press} press @param {PointerEvent} event */
  #pan(press, event) {
    const scale = this.#toSlice(press.at)?.w;
    if (scale) this.view.pan((press.at.clientX - event.clientX) / scale, (press.at.clientY - event.clientY) / scale, this.#box);
    press.at = event;
    this.#viewChanged();
  }

  /** @param {PointerEvent} event */
  #release(event) {
    this.#pointers.delete(event.pointerId);
    if (this.#pointers.size < 2) this.#pinch = null;
    this.#press = null;
  }

  /** @param {WheelEvent} event */
  #onWheel(event) {
    event.preventDefault();
    if (!this.lab.case) return;
    const { deltaMode, deltaY } = event;
    if (event.ctrlKey || event.metaKey) {
      this.#zoom(Math.exp(-deltaY * (deltaMode ? 0.05 : 0.0025)), event);
      return;
    }
    // A touch pad sends many small turns; a mouse one of a hundred points.
    this.#wheel = Math.sign(this.#wheel) === -Math.sign(deltaY) ? deltaY : this.#wheel + deltaY;
    if (!deltaMode && Math.abs(this.#wheel) < WHEEL_STEP) return;
    this.lab.goTo(this.view.slice + Math.sign(deltaY));
    this.#wheel = 0;
  }

  /** @returns {Pinch} */
  #measurePinch() {
    const [a, b] = [...this.#pointers.values()];
    return { x: (a.clientX + b.clientX) / 2, y: (a.clientY + b.clientY) / 2, apart: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) };
  }

  /** Zoom and pan by two fingers; the point between them stays between them. @param {Pinch} before */
  #followPinch(before) {
    const now = this.#measurePinch();
    const point = { clientX: before.x, clientY: before.y };
    const about = this.#toSlice(point);
    if (about) {
      this.view.zoomBy(now.apart / Math.max(before.apart, 1), about, this.#box);
      const moved = this.#toSlice(point);
      if (moved && this.view.zoom > 1) this.view.pan((before.x - now.x) / moved.w, (before.y - now.y) / moved.w, this.#box);
    }
    this.#pinch = now;
    this.#viewChanged();
  }

  /** @param {SlicePixel | null} at */
  #pick(at) {
    this.lab.events.emit("pick", at && this.lab.values.voxelAt(at.column, at.row, at.z));
  }

  /** Move the voxel in view by pixels of the screen; the view follows it. @param {number} dx @param {number} dy */
  #moveVoxel(dx, dy) {
    const { map, values } = this.lab;
    if (!map.probed) return;
    const { rows, columns } = values.open;
    const [c, r] = values.pixelOf(map.probed);
    const [column, row] = [Math.min(Math.max(c + dx, 0), columns - 1), Math.min(Math.max(r + dy, 0), rows - 1)];
    const at = { column, row, z: this.view.slice };
    map.probed = values.voxelAt(column, row, at.z);
    this.#last = null;
    if (this.view.zoom > 1) {
      const rect = this.view.rect(this.#box);
      this.view.pan(outside(column, rect.x, rect.w), outside(row, rect.y, rect.h), this.#box);
    }
    this.lab.events.emit("hover", at);
    this.lab.viewChanged();
  }

  /** Returns whether the key is bound. @param {KeyboardEvent} event */
  #onKey(event) {
    const { lab } = this;
    const arrow = ARROWS[event.key];
    const step = SLICE_STEPS[event.key];
    const name = /^[1-9]$/.test(event.key) ? Object.keys(lab.map.maps)[Number(event.key) - 1] : undefined;
    if (arrow && event.shiftKey) this.#moveVoxel(...arrow);
    else if (step) lab.goTo(this.view.slice + step);
    else if (event.key === "+" || event.key === "=") this.#zoom(ZOOM_STEP);
    else if (event.key === "-") this.#zoom(1 / ZOOM_STEP);
    else if (event.key === "0") this.#resetZoom();
    else if (name) lab.events.emit("map", name);
    else if (event.key === "Enter" || event.key === " ") { if (lab.map.probed) lab.events.emit("pick", lab.map.probed); }
    else return false;
    return true;
  }
}

/** @param {PointerEvent} event */
const isTouch = ({ pointerType }) => pointerType === "touch";

/** Signed distance by which a pixel lies outside a range of pixels; 0 inside. @param {number} pixel @param {number} from @param {number} size */
function outside(pixel, from, size) {
  if (pixel < from) return pixel - from;
  return Math.max(pixel + 1 - from - size, 0);
}

/** @param {Lab} lab */
export function installMouseBindings(lab) {
  const bindings = new MouseBindings(lab);
  lab.events.on("view", () => bindings.refreshHover());
}
