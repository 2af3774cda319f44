// Drawing a region on the map: a lasso or an ellipse by mouse, pen or touch, or a circle at the voxel in view.
/** @import { Lab } from "../lab.js" */
/** @import { Voxel } from "../types.js" */
/** @import { Position, RegionShape } from "./region_shape.js" */
import { inTextField } from "../common/dom.js";
import { circle, contains, ellipse, extent, lasso, moved, toPolygon, toRegion } from "./region_shape.js";
import { toSlice } from "./slice_layout.js";

const MIN_DRAG = 4; // screen points; less is a click, which places a circle
export const RADIUS = { min: 1, max: 60, step: 1, usual: 10 }; // mm

/** @typedef {"lasso" | "ellipse"} RegionMode */
/**
 * The pointer while it is down: where it began, its path, the region before it, and that region's polygon if it is moved.
 * @typedef {{z: number, from: Position, path: Position[], scale: number, before: RegionShape | null, moving: Position[] | null}} Stroke
 */
/**
 * @typedef {object} RegionHandlers
 * @property {(region: RegionShape | null, step: "outline" | "moving" | "settled") => void} onRegion an outline that is
 * being drawn, a complete region that moves, or one that stays
 * @property {() => void} onMode another mode or radius
 */

export class RegionTool {
  /** @type {RegionShape | null} */
  region = null;
  /** What a drag draws; null: the map has its own gestures. @type {RegionMode | null} */
  mode = null;
  /** Of a circle, mm. */
  radius = RADIUS.usual;
  /** @type {Stroke | null} */
  #stroke = null;

  /** @param {Lab} lab @param {RegionHandlers} handlers */
  constructor(lab, handlers) {
    this.lab = lab;
    this.handlers = handlers;
    this.#installPointer(lab.find(".picture"));
  }

  /** Choose what a drag draws; the same mode again ends it. @param {RegionMode | null} mode */
  setMode(mode) {
    const { canvas } = this.lab.map;
    this.abandon();
    this.mode = mode === this.mode ? null : mode;
    if (this.mode && canvas.dataset.picking === "true") this.lab.actions.pick();
    canvas.dataset.region = this.mode ?? "";
    this.handlers.onMode();
  }

  /** @param {number} radius mm */
  setRadius(radius) {
    if (Number.isFinite(radius)) this.radius = Math.min(Math.max(radius, RADIUS.min), RADIUS.max);
    this.handlers.onMode();
  }

  /** The picture takes the pointer events before the canvas handles them as its own gestures. @param {HTMLElement} picture */
  #installPointer(picture) {
    const { map } = this.lab;
    /** @type {<K extends "pointerdown" | "pointermove" | "pointerup" | "pointercancel" | "keydown">(name: K, listener: (event: HTMLElementEventMap[K]) => void) => void} */
    const listen = (name, listener) => picture.addEventListener(name, (event) => {
      if (this.mode && this.lab.case && event.target === map.canvas) listener(event);
    }, { capture: true });
    listen("pointerdown", (event) => this.#begin(event));
    listen("pointermove", (event) => this.#move(event));
    listen("pointerup", (event) => this.#end(event));
    listen("pointercancel", () => this.abandon());
    listen("keydown", (event) => this.#onMapKey(event));
  }

  /** Place of the pointer in a slice, or null. @param {MouseEvent} event @param {number | null} z the one slice to look in */
  #locate(event, z = null) {
    const { map, values, view } = this.lab;
    return toSlice(values.open, view, map.canvas, event, z);
  }

  /** The region's polygon on the screen if it is in slice z. @param {number} z */
  #polygonIn(z) { return this.region?.slice === z ? toPolygon(this.lab.values.open, this.region) : null; }

  /** @param {PointerEvent} event */
  #begin(event) {
    const { canvas } = this.lab.map;
    if (canvas.dataset.picking === "true") { this.setMode(null); return; }
    if (this.#stroke) { this.abandon(); return; } // a second finger
    const at = this.#locate(event);
    if (!at || event.button !== 0 || event.altKey) return;
    event.stopPropagation();
    event.preventDefault();
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    const polygon = this.#polygonIn(at.z);
    this.#stroke = {
      z: at.z, from: [at.x, at.y], path: [[at.x, at.y]], scale: at.w, before: this.region,
      moving: polygon && contains(polygon, at) ? polygon : null,
    };
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const stroke = this.#stroke;
    if (!stroke) { this.#showGrip(event); return; }
    event.stopPropagation();
    const coalesced = event.getCoalescedEvents?.() ?? [];
    for (const one of coalesced.length ? coalesced : [event]) {
      const at = this.#locate(one, stroke.z);
      if (at) stroke.path.push([at.x, at.y]);
    }
    const polygon = this.#polygonOf(stroke, event.shiftKey);
    if (polygon) this.#show(stroke.z, polygon, stroke.moving || this.mode === "ellipse" ? "moving" : "outline");
  }

  /** @param {PointerEvent} event */
  #end(event) {
    const stroke = this.#stroke;
    if (!stroke) return;
    event.stopPropagation();
    const polygon = this.#polygonOf(stroke, event.shiftKey);
    this.#stroke = null;
    if (polygon) this.#show(stroke.z, polygon, "settled");
    else if (!stroke.moving && Math.max(...extent(stroke.path)) * stroke.scale < MIN_DRAG) this.#place(stroke.z, stroke.from);
    else this.#restore(stroke);
  }

  /** The polygon that a stroke has made so far; null while it is a click or a straight line. @param {Stroke} stroke @param {boolean} isRound */
  #polygonOf({ from, path, scale, moving }, isRound) {
    const to = path[path.length - 1];
    if (Math.max(...extent(path)) * scale < MIN_DRAG) return null;
    if (moving) return moved(moving, [to[0] - from[0], to[1] - from[1]], this.lab.values.open);
    const polygon = this.mode === "lasso" ? lasso(path) : ellipse(from, isRound ? this.#squared(from, to) : to);
    return polygon.length > 2 && Math.min(...extent(polygon)) > 0 ? polygon : null;
  }

  /** The corner that makes a circle. @param {Position} from @param {Position} to @returns {Position} */
  #squared([x0, y0], [x1, y1]) {
    const [w, h] = this.lab.values.open.pixelMm;
    const side = Math.max(Math.abs(x1 - x0) * w, Math.abs(y1 - y0) * h);
    return [x0 + (Math.sign(x1 - x0) * side) / w, y0 + (Math.sign(y1 - y0) * side) / h];
  }

  /** Show that a drag would move the region. @param {PointerEvent} event */
  #showGrip(event) {
    const at = this.#locate(event);
    const polygon = at && this.#polygonIn(at.z);
    this.lab.map.canvas.dataset.grip = String(Boolean(at && polygon && contains(polygon, at)));
  }

  /** @param {number} z @param {Position[]} polygon @param {"outline" | "moving" | "settled"} step */
  #show(z, polygon, step) {
    this.region = toRegion(this.lab.values.open, z, polygon);
    this.handlers.onRegion(this.region, step);
  }

  /** @param {number} z @param {Position} centre */
  #place(z, centre) { this.#show(z, circle(centre, this.radius, this.lab.values.open.pixelMm), "settled"); }

  /** A circle around a voxel. @param {Voxel | null} voxel */
  placeAt(voxel) {
    if (!voxel) return;
    const [column, row] = this.lab.values.pixelOf(voxel);
    this.#place(voxel[2], [column + 0.5, row + 0.5]);
  }

  /** @param {Stroke} stroke */
  #restore(stroke) {
    this.region = stroke.before;
    this.handlers.onRegion(this.region, "settled");
  }

  /** Drop what is being drawn; returns whether there was something. */
  abandon() {
    const stroke = this.#stroke;
    this.#stroke = null;
    if (stroke) this.#restore(stroke);
    return stroke !== null;
  }

  remove() {
    if (!this.region) return;
    this.region = null;
    this.handlers.onRegion(null, "settled");
  }

  /** @param {KeyboardEvent} event */
  #onMapKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" || event.key === " ") this.placeAt(this.lab.map.probed);
    else if (event.key === "[" || event.key === "]") this.setRadius(this.radius + (event.key === "]" ? RADIUS.step : -RADIUS.step));
    else return;
    event.stopPropagation();
    event.preventDefault();
  }

  /** Escape drops what is being drawn, else removes the region and ends the mode; Delete removes the region. @param {KeyboardEvent} event */
  onKey(event) {
    if (!this.mode || inTextField(event)) return;
    if (event.key === "Escape") {
      event.preventDefault();
      if (this.abandon()) return;
      this.remove();
      this.setMode(null);
    } else if (event.key === "Delete" || event.key === "Backspace") this.remove();
  }
}
