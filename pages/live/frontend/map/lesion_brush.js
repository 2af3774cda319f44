// Brush to paint a lesion on the map, as the target of fine-tuning; each stroke is sent to the server.
/** @import { Lab } from "../lab.js" */
/** @import { OutlineKind, Provided, TargetFrame, Voxel } from "../types.js" */
/** @import { Position, SliceFlags } from "./painted_lesion.js" */
import { find, findAll, setRadio } from "../common/dom.js";
import { PaintedLesion } from "./painted_lesion.js";
import { toSlice } from "./slice_layout.js";

const HTML = `<div class="paint-bar" hidden><div class="segments" role="radiogroup" aria-label="Brush"><button role="radio" data-brush="add" title="Add (left button)">Add</button><button role="radio" data-brush="erase" title="Erase (Alt, or right button)">Erase</button></div>
  <span data-out="brush-size" title="The wheel sets it, or [ and ]"></span>
  <button data-action="paint-undo" title="Take the last stroke back">Undo</button>
  <select data-control="paint-from" aria-label="Begin with" title="Begin with"><option value="">From …</option><option value="truth">known lesion</option><option value="core">core now</option><option value="nothing">nothing</option></select>
  <span data-out="painted"></span><button data-action="paint" title="Done (Esc)" aria-label="Done">×</button></div>
<i class="ring" hidden></i>`;
const MAX_RUN_NUMBERS = 1200; // in one message: well below the socket's limit
const [MIN_RADIUS, MAX_RADIUS] = [0.7, 40]; // pixels of the slice
const SIZE_FACTOR = 1.2; // of one step of the wheel or key

/** @typedef {{z: number, erase: boolean, last: Position}} Stroke */

class LesionBrush {
  /** Whether the brush captures the pointer. */
  painting = false;
  #erase = false;
  #radius = 6; // pixels of the slice
  /** The stroke while the pointer is down, with its slice before it. @type {Stroke & {before: SliceFlags} | null} */
  #stroke = null;

  /**
   * @param {Lab} lab
   * @param {Provided["fineTuning"]} fineTuning
   */
  constructor(lab, fineTuning) {
    this.lab = lab;
    this.fineTuning = fineTuning;
    this.lesion = new PaintedLesion(lab.values);
    this.picture = lab.find(".picture");
    this.picture.insertAdjacentHTML("beforeend", HTML);
    this.bar = find(this.picture, ".paint-bar");
    this.ring = find(this.picture, ".ring");
    this.from = find(this.bar, "[data-control=paint-from]", HTMLSelectElement);
    this.toggleButton = lab.find(".pane [data-action=paint]");
    this.#installControls();
    this.#installPointer();
  }

  #installControls() {
    this.lab.actions.paint = () => this.toggle();
    this.lab.actions["paint-undo"] = () => {
      const changed = this.lesion.undo();
      if (changed) this.#changed(changed);
    };
    this.bar.addEventListener("click", (event) => {
      const { brush } = /** @type {HTMLElement} */ (event.target).dataset;
      if (!brush) return;
      this.#erase = brush === "erase";
      this.show();
    });
    this.from.addEventListener("change", () => {
      const { value } = this.from;
      this.from.value = "";
      if (!value || !this.lab.case) return;
      if (this.lab.lacksSlices || this.lab.case.loaded.size < this.lab.case.slices) {
        this.lab.notice("The case is still loading; choose the lesion again in a moment.");
        return;
      }
      this.lesion.replace(value === "nothing" ? null : /** @type {OutlineKind} */ (value));
      this.#changed(this.lesion.slices);
    });
  }

  /** The picture captures the pointer events before the canvas handles them as its own gestures. */
  #installPointer() {
    /** @type {<K extends "pointerdown" | "pointermove" | "pointerup" | "pointercancel" | "wheel" | "contextmenu">(name: K, listener: (event: HTMLElementEventMap[K]) => void) => void} */
    const listen = (name, listener) => this.picture.addEventListener(name, (event) => {
      if (this.painting && this.lab.case && event.target === this.lab.map.canvas) listener(event);
    }, { capture: true, passive: false });
    listen("pointerdown", (event) => this.#begin(event));
    listen("pointermove", (event) => this.#move(event));
    listen("pointerup", (event) => this.#end(event));
    listen("pointercancel", (event) => this.#end(event));
    listen("wheel", (event) => {
      if (event.ctrlKey || event.metaKey) return;
      event.stopPropagation();
      event.preventDefault();
      this.#resize(event.deltaY < 0);
      this.#showRing(event, this.#locate(event));
    });
    listen("contextmenu", (event) => event.preventDefault());
    this.picture.addEventListener("pointerleave", () => { this.ring.hidden = true; });
  }

  /** Place of the pointer in a slice, or null. @param {MouseEvent} event @param {number | null} z the one slice to look in */
  #locate(event, z = null) {
    const { map, values, view } = this.lab;
    return toSlice(values.open, view, map.canvas, event, z);
  }

  /** @param {PointerEvent} event */
  #begin(event) {
    const { canvas } = this.lab.map;
    const at = this.#locate(event);
    if (!at || event.button === 1) return;
    event.stopPropagation();
    event.preventDefault();
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    const erase = this.#erase || event.altKey || event.button === 2;
    this.#stroke = { z: at.z, erase, last: [at.x, at.y], before: this.lesion.copy(at.z) };
    this.#paint(this.#stroke, [at.x, at.y]);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const stroke = this.#stroke;
    const at = this.#locate(event, stroke?.z ?? null);
    this.#showRing(event, at);
    if (!stroke || !at) return;
    event.stopPropagation();
    const coalesced = event.getCoalescedEvents?.() ?? [];
    for (const one of coalesced.length ? coalesced : [event]) {
      const next = this.#locate(one, stroke.z);
      if (next) this.#paint(stroke, [next.x, next.y]);
    }
  }

  /** @param {PointerEvent} event */
  #end(event) {
    const stroke = this.#stroke;
    if (!stroke) return;
    event.stopPropagation();
    this.#stroke = null;
    this.lesion.remember([stroke.before]);
    this.#changed([stroke.z]);
  }

  /** Paint from the last position of a stroke to the next. @param {Stroke} stroke @param {Position} to */
  #paint(stroke, to) {
    this.lesion.stroke(stroke.z, stroke.last, to, { radius: this.#radius, erase: stroke.erase });
    stroke.last = to;
    this.lab.draw();
  }

  /** Dab the brush on a voxel, as Enter on the voxel in view does. @param {Voxel | null} voxel */
  dab(voxel) {
    if (!this.painting || !voxel) return;
    const [, , z] = voxel;
    const centre = this.lesion.centreOf(voxel);
    this.lesion.remember([this.lesion.copy(z)]);
    this.#paint({ z, erase: this.#erase, last: centre }, centre);
    this.#changed([z]);
  }

  /** @param {boolean} larger */
  #resize(larger) {
    const radius = this.#radius * (larger ? SIZE_FACTOR : 1 / SIZE_FACTOR);
    this.#radius = Math.min(Math.max(radius, MIN_RADIUS), MAX_RADIUS);
    this.show();
  }

  /** Outline the brush at the pointer. @param {MouseEvent} event @param {{w: number} | null} at */
  #showRing(event, at) {
    this.ring.hidden = !at;
    if (!at) return;
    const bounds = this.picture.getBoundingClientRect();
    const size = `${2 * this.#radius * at.w}px`;
    Object.assign(this.ring.style, { width: size, height: size, left: `${event.clientX - bounds.left}px`, top: `${event.clientY - bounds.top}px` });
  }

  show() {
    const now = this.lab.case;
    this.bar.hidden = !this.painting;
    this.ring.hidden = !this.painting;
    this.toggleButton.setAttribute("aria-pressed", String(this.painting));
    this.lab.map.canvas.dataset.painting = String(this.painting);
    for (const node of findAll(this.bar, "[data-brush]")) setRadio(node, (node.dataset.brush === "erase") === this.#erase);
    find(this.bar, "[data-out=brush-size]").textContent = `∅ ${Math.round(2 * this.#radius * (now?.pixelMm[0] ?? 1))} mm`;
    find(this.bar, "[data-action=paint-undo]", HTMLButtonElement).disabled = !this.lesion.canUndo;
    find(this.from, "[value=truth]", HTMLOptionElement).disabled = !now?.hasLesion;
  }

  toggle() {
    this.painting = !this.painting && this.lab.config.page === "tune";
    this.show();
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    if (!this.painting || /** @type {HTMLElement} */ (event.target).matches?.("input, select, textarea")) return;
    if (event.key === "Escape") this.lab.actions.paint();
    else if (event.key === "[" || event.key === "]") this.#resize(event.key === "]");
    else return;
    event.preventDefault();
  }

  /** Slices have been painted: send them, draw them and make them the target. @param {number[]} slices */
  #changed(slices) {
    this.#send(slices);
    this.show();
  }

  /** @param {number[]} slices */
  #send(slices) {
    for (const z of slices) {
      const runs = this.lesion.runs(z);
      for (let i = 0; i === 0 || i < runs.length; i += MAX_RUN_NUMBERS) {
        this.lab.request({ type: "target", slice: z, fresh: i === 0, runs: runs.slice(i, i + MAX_RUN_NUMBERS) });
      }
    }
    this.lab.draw();
    this.lab.events.emit("target", "painted");
  }

  /** @param {TargetFrame} frame */
  receive({ voxels, ml }) {
    this.lab.root.dataset.painted_voxels = String(voxels);
    find(this.bar, "[data-out=painted]").textContent = `${ml.toFixed(1)} ml`;
  }

  openCase() {
    if (this.lesion.openCase()) this.#send(this.lesion.slices);
    this.showOutline();
    this.show();
  }

  /** The outline is drawn where the painted lesion is the target; elsewhere painting ends. */
  showOutline() {
    const { values } = this.lab;
    values.paintedShown = this.lab.config.page === "tune" && this.fineTuning.target === "painted";
    if (!values.paintedShown && this.painting) this.lab.actions.paint();
    this.lab.draw();
  }
}

/**
 * @param {Lab} lab
 * @param {Pick<Provided, "fineTuning">} needed
 */
export function installLesionBrush(lab, { fineTuning }) {
  const brush = new LesionBrush(lab, fineTuning);
  const onKey = (/** @type {KeyboardEvent} */ event) => brush.onKey(event);
  lab.root.addEventListener("keydown", onKey);
  lab.events.on("pick", (voxel) => brush.dab(voxel));
  lab.events.on("frame:target", (frame) => brush.receive(frame));
  lab.events.on("case", () => brush.openCase());
  lab.events.on("target", () => brush.showOutline());
  lab.events.on("config", () => { if (lab.case) brush.showOutline(); });
  return { close() { lab.root.removeEventListener("keydown", onKey); } };
}
