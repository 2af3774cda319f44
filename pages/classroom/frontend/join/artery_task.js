// Task "click the artery": clicked voxels, the mean of their curves as the AIF, and its maps.
/** @import { SlicePixel, Voxel } from "../../../live/frontend/types.js" */
/** @import { CurvesFrame, TaskCase } from "../common/task_case.js" */
/** @import { Place } from "./case_view.js" */
/** @import { OwnAnswer, TaskSession, TaskState } from "./messages.js" */
import { element } from "../../../live/frontend/common/dom.js";
import { curveAt } from "../common/task_case.js";
import { CaseTask } from "./case_task.js";
import { button } from "./controls.js";
import { CurveChart } from "./curve_chart.js";
import { Loupe } from "./loupe.js";
import { MAX_PICKS, VoxelPicks } from "./voxel_picks.js";

const MAPS = [{ id: "tmip", label: "Vessels" }, { id: "baseline", label: "CT" }, { id: "rcbf", label: "rCBF" }, { id: "tmax", label: "Tmax" }];
const HELP = "Map of the slice. Arrow keys move a cross, Enter adds its voxel, Page Up and Page Down change the slice.";
const OUTSIDE = "That point is outside the brain; touch a vessel inside the skull.";

/** @param {Place} at @returns {SlicePixel} */
const pixelOf = (at) => ({ column: Math.floor(at.x), row: Math.floor(at.y), z: at.z });

export class ArteryTask extends CaseTask {
  picks = new VoxelPicks();
  chart = new CurveChart();
  loupe = new Loupe();
  /** @type {Map<number, CurvesFrame>} */
  #frames = new Map();
  /** Where the finger is. @type {Place | null} */
  #at = null;

  /** @param {TaskState} state @param {TaskSession} session */
  constructor(state, session) {
    super(state, session, { maps: MAPS, help: HELP, gesture: null });
    this.view.gesture = {
      enabled: () => this.isOpen && Boolean(this.view.map?.maps[this.view.shown].case_array),
      begin: (at, event) => this.#point(at, event),
      move: (at, event) => this.#point(at, event),
      end: () => { const at = this.#at; this.#lift(); if (at) this.#add(pixelOf(at)); },
      cancel: () => this.#lift(),
      enter: (at) => this.#add(pixelOf(at)),
      hover: (at) => { this.#at = null; this.#showCurves(at); if (!at) this.view.setCrossAt(null); },
    };
    this.undo = button("Undo", () => { this.picks.undo(); this.#changed(); });
    this.clear = button("Clear", () => { this.picks.clear(); this.#changed(); });
    this.hint = element("p", { className: "hint", role: "status" });
    this.list = element("ol", { className: "picks", ariaLabel: "Clicked voxels" });
    this.frame.panel.append(this.chart.element, element("div", { className: "row" }, this.hint, this.undo, this.clear),
      this.numbers.element, this.list, this.loupe.canvas);
    this.#showPicks();
  }

  get isEditing() { return this.#at !== null; }

  onOpen() {
    const { dt, arrays, enhancementUnit } = this.#case.opened;
    this.chart.configure(arrays.start.length, dt, enhancementUnit);
    this.#loadCurves(this.view.slice);
    this.#showCurves(null);
  }

  onView() {
    this.#loadCurves(this.view.slice);
    this.#showCurves(null);
  }

  get #case() { return /** @type {TaskCase} */ (this.taskCase); }

  /** @param {number} z */
  async #loadCurves(z) {
    const taskCase = this.#case;
    if (!taskCase || this.#frames.has(z)) return;
    try {
      this.#frames.set(z, await taskCase.loadCurves(z));
    } catch (error) {
      if (/** @type {Error} */ (error).name !== "AbortError") this.showError(/** @type {Error} */ (error).message);
      return;
    }
    this.element.dataset.curves = [...this.#frames.keys()].sort().join(" ");
  }

  /** Measured curve of a pixel; null outside the brain, undefined while it is loading. @param {SlicePixel} pixel */
  #curveAt({ column, row, z }) {
    const frame = this.#frames.get(z), { columns, arrays } = this.#case.opened;
    return frame && curveAt(frame, row * columns + column, arrays.start.length);
  }

  /** @param {Place} at @param {PointerEvent} event */
  #point(at, event) {
    this.#at = at;
    if (event.pointerType === "mouse") this.view.setCrossAt(at);
    else if (this.view.map) this.loupe.show(this.view.map, at, event, this.picks.voxels);
    this.#showCurves(at);
  }

  #lift() {
    this.#at = null;
    this.loupe.hide();
    this.view.setCrossAt(null);
    this.#showCurves(null);
  }

  /** @param {SlicePixel} pixel */
  async #add(pixel) {
    await this.#loadCurves(pixel.z);
    const curve = this.#curveAt(pixel), voxel = this.#case.voxelAt(pixel);
    if (curve === undefined || !this.isOpen) return;
    if (!curve) this.showError(OUTSIDE);
    else if (this.picks.isFull) this.showError(`${MAX_PICKS} voxels at most: remove one first.`);
    else if (this.picks.add(voxel, curve)) this.#changed();
  }

  /** Other voxels: show their maps and send them. */
  #changed() {
    this.showError("");
    this.#showPicks();
    const mean = this.picks.mean();
    if (mean) this.compute(mean, { rest: true });
    if (this.picks.list.length) this.send({ voxels: this.picks.voxels });
  }

  /** @param {OwnAnswer} answer */
  async restore({ voxels = [] }) {
    this.picks.restore(voxels);
    this.#showPicks();
    await Promise.all([...new Set(voxels.map((voxel) => voxel[2]))].map((z) => this.#loadCurves(z)));
    this.picks.fill((voxel) => {
      const [column, row] = this.#case.values.pixelOf(voxel);
      return this.#curveAt({ column, row, z: voxel[2] }) ?? null;
    });
    this.#showPicks();
    const mean = this.picks.mean();
    if (mean) this.maps?.show(mean, { rest: true });
  }

  #showPicks() {
    const { length } = this.picks.list;
    this.list.replaceChildren(...this.picks.list.map(({ voxel }, i) => element("li", {},
      button(`${i + 1} ×`, () => { if (this.isOpen) { this.picks.remove(i); this.#changed(); this.#focusPick(i); } },
        { kind: "pick", name: `Remove voxel ${i + 1}, slice ${voxel[2] + 1}` }))));
    this.hint.textContent = length ? `${length} of ${MAX_PICKS} voxels`
      : this.state.answer ? "The answer sent last counts." : "Touch a vessel; lift to add it.";
    this.element.dataset.picks = String(length);
    this.setEnabled(this.isOpen);
    this.#showCurves(null);
    this.view.setMarks(this.picks.voxels);
  }

  /** @param {number} at */
  #focusPick(at) { (this.list.children[Math.min(at, this.list.children.length - 1)]?.querySelector("button") ?? this.view.canvas).focus(); }

  /** @param {Place | null} at */
  #showCurves(at) {
    if (!this.taskCase) return;
    const picked = this.picks.list.flatMap(({ curve }) => (curve ? [curve] : []));
    this.chart.show({ picked, mean: this.picks.mean(), live: (at && this.#curveAt(pixelOf(at))) ?? null });
  }

  /** @param {boolean} enabled */
  setEnabled(enabled) {
    this.undo.disabled = !enabled || !this.picks.canUndo;
    this.clear.disabled = !enabled || !this.picks.list.length;
    for (const node of this.list.querySelectorAll("button")) node.disabled = !enabled;
  }

  close() {
    super.close();
    this.chart.close();
  }
}
