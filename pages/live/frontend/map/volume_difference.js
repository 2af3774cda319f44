// Difference B − A of two volumes, drawn like a map, and the window that fits it.
/** @import { OutlineKind, Voxel } from "../types.js" */
/** @import { VolumeStore } from "./volume_store.js" */
import { roundStep } from "../common/number_format.js";

const MAX_SAMPLES = 20_000; // voxels that set the window
const WINDOW_QUANTILE = 0.98;

export class VolumeDifference {
  /** @param {{a: VolumeStore, b: VolumeStore}} volumes */
  constructor({ a, b }) {
    this.a = a;
    this.b = b;
  }

  get case() { return this.b.case; }

  /** @param {number} z */
  range(z) { return this.b.range(z); }

  /** @param {OutlineKind} kind @param {number} z */
  lesion(kind, z) { return this.b.lesion(kind, z); }

  /** @param {Voxel} voxel */
  pixelOf(voxel) { return this.b.pixelOf(voxel); }

  /** @param {string} map @param {number} z */
  field(map, z) {
    const left = this.a.field(map, z);
    const right = this.b.field(map, z);
    return Float32Array.from(right, (value, i) => value - left[i]);
  }

  /**
   * Upper end of a symmetric window: a round number that holds 98 % of the voxels.
   * @param {string} map
   * @param {number} least smallest end
   */
  windowEnd(map, least) {
    const every = Math.max(1, Math.floor(this.b.nVoxels / MAX_SAMPLES));
    const sample = [];
    for (let z = 0; z < this.b.open.slices; z++) {
      const field = this.field(map, z);
      for (let i = 0; i < field.length; i += every) if (Number.isFinite(field[i])) sample.push(Math.abs(field[i]));
    }
    const sorted = Float32Array.from(sample).sort();
    const end = Math.max(sorted[Math.floor(WINDOW_QUANTILE * sorted.length)] ?? 0, least);
    return Number(roundStep(end, 1).toPrecision(2));
  }
}
