// Curves of voxels from the temporal basis of the case: the smoothed tissue; the file does not hold the series itself.
/** @import { BasisFrame, Case, Curve, Voxel } from "../types.js" */
import { toScreen } from "../common/voxel_coords.js";

const MAX_VOXELS = 400;

export class Tissue {
  #opened;
  #basis;
  #coefficientsOf;

  /**
   * @param {Case} opened
   * @param {BasisFrame} basis
   * @param {(z: number) => Promise<Int16Array>} coefficientsOf q × voxels of slice z
   */
  constructor(opened, basis, coefficientsOf) {
    this.#opened = opened;
    this.#basis = basis;
    this.#coefficientsOf = coefficientsOf;
  }

  /** Place of a voxel among those of its slice, or -1 outside the brain mask. @param {Voxel} voxel */
  #placeOf(voxel) {
    const { columns, arrays: { starts, pixel } } = this.#opened;
    const [column, row] = toScreen(this.#opened, voxel);
    return pixel.subarray(starts[voxel[2]], starts[voxel[2] + 1]).indexOf(row * columns + column);
  }

  /**
   * Smoothed enhancement of a voxel; null outside the brain mask.
   * @param {Voxel} voxel
   * @returns {Promise<Float64Array | null>}
   */
  async curveOf(voxel) {
    if (!voxel.every((at, axis) => at >= 0 && at < this.#opened.grid[axis])) throw new RangeError("That point is outside the image.");
    const place = this.#placeOf(voxel);
    if (place < 0) return null;
    return this.meanCurve(voxel[2], [place]);
  }

  /** Mean curve of voxels of a slice. @param {number} z @param {ArrayLike<number>} places among those of the slice */
  async meanCurve(z, places) {
    const { q, arrays: { vectors } } = this.#basis;
    const coefficients = await this.#coefficientsOf(z);
    const nVoxels = coefficients.length / q, nTime = vectors.length / q;
    const curve = new Float64Array(nTime);
    for (let j = 0; j < q; j++) {
      let factor = 0;
      for (let i = 0; i < places.length; i++) factor += coefficients[j * nVoxels + places[i]] / places.length;
      for (let t = 0; t < nTime; t++) curve[t] += factor * vectors[j * nTime + t];
    }
    return curve;
  }

  /**
   * Mean of the curves of voxels, and their standard deviation (n − 1; 0 for one voxel).
   * @param {Voxel[]} voxels
   * @returns {Promise<{voxels: Voxel[], mean: Curve, sd: Curve}>}
   * @throws {RangeError} There are no or too many voxels, or one is outside the brain.
   */
  async meanOf(voxels) {
    const each = [...new Map(voxels.map((voxel) => [String(voxel), voxel])).values()];
    if (!each.length || each.length > MAX_VOXELS) throw new RangeError(`Pick between 1 and ${MAX_VOXELS} voxels; got ${each.length}.`);
    const curves = await Promise.all(each.map((voxel) => this.curveOf(voxel)));
    if (curves.includes(null)) throw new RangeError("This file holds the curves of the brain alone; click a vessel inside it.");
    const all = /** @type {Float64Array[]} */ (curves), n = all.length;
    const mean = all[0].map((_, t) => all.reduce((sum, curve) => sum + curve[t], 0) / n);
    const sd = mean.map((value, t) => Math.sqrt(all.reduce((sum, curve) => sum + (curve[t] - value) ** 2, 0) / Math.max(n - 1, 1)));
    return { voxels: each, mean: Float32Array.from(mean), sd: Float32Array.from(sd) };
  }
}
