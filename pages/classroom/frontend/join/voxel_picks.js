// Clicked voxels of an artery; the mean of their curves is the AIF.
/** @import { Curve, Voxel } from "../../../live/frontend/types.js" */

export const MAX_PICKS = 20; // as pages/classroom/answers.py takes

/** `curve`: null until it has been loaded. @typedef {{voxel: Voxel, curve: Curve | null}} Pick */

/** @param {Voxel} a @param {Voxel} b */
const isSame = (a, b) => a.every((value, i) => value === b[i]);

export class VoxelPicks {
  /** @type {readonly Pick[]} */
  list = [];
  /** @type {(readonly Pick[])[]} */
  #past = [];

  get voxels() { return this.list.map(({ voxel }) => voxel); }

  get canUndo() { return this.#past.length > 0; }

  get isFull() { return this.list.length >= MAX_PICKS; }

  /** @param {Voxel} voxel */
  has(voxel) { return this.list.some((pick) => isSame(pick.voxel, voxel)); }

  /** Add a voxel; false where it is there already, or there are `MAX_PICKS`. @param {Voxel} voxel @param {Curve | null} curve */
  add(voxel, curve) {
    if (this.isFull || this.has(voxel)) return false;
    this.#change([...this.list, { voxel, curve }]);
    return true;
  }

  /** @param {number} at */
  remove(at) { this.#change(this.list.filter((_, i) => i !== at)); }

  clear() { if (this.list.length) this.#change([]); }

  /** Take the last change back. */
  undo() { this.list = this.#past.pop() ?? this.list; }

  /** Take voxels of an answer that was sent before, without a step to undo. @param {Voxel[]} voxels */
  restore(voxels) {
    this.#past.length = 0;
    this.list = voxels.map((voxel) => ({ voxel, curve: null }));
  }

  /** Take the curves of voxels that have none. @param {(voxel: Voxel) => Curve | null} curveOf */
  fill(curveOf) { this.list = this.list.map(({ voxel, curve }) => ({ voxel, curve: curve ?? curveOf(voxel) })); }

  /** Mean curve, as the server computes it; null without voxels, or while a curve is missing. @returns {Curve | null} */
  mean() {
    const curves = this.list.map(({ curve }) => curve);
    const [first] = curves;
    if (!first || curves.includes(null)) return null;
    return first.map((_, i) => curves.reduce((sum, curve) => sum + /** @type {Curve} */ (curve)[i], 0) / curves.length);
  }

  /** @param {readonly Pick[]} next */
  #change(next) {
    this.#past.push(this.list);
    this.list = next;
  }
}
