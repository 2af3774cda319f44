// Whole volumes of curves that are asked for by their maps: at rest, for the comparison, and for numbers of other starts.
// An engine of its own computes them, so that a drag in the Lab does not replace them; one after the other.
/** @import { BasisFrame, Case, Curve, EngineFrame, Numbers, Thresholds } from "../types.js" */
/** @import { EngineSettings } from "../engine/engine.js" */
import { FLAG_REST } from "../common/wire.js";
import { kernelModule } from "../engine/assets.js";
import { Engine } from "../engine/engine.js";
import { lesionNumbers } from "../engine/flow_numbers.js";

const NO_SIMD = "This browser has no WebAssembly SIMD, which computes the maps; open the file in a current browser.";

/** @typedef {{cbf: Float32Array, tmax: Float32Array, ref: number, numbers: Numbers}} Volume */

export class Volumes {
  #engine;
  #opened;
  #basis;
  #thresholds;
  #seq = 0;
  /** @type {((frame: EngineFrame) => void) | null} */
  #answer = null;
  /** @type {Promise<unknown>} */
  #last;
  /** Whether all slices have come. */
  isWhole = false;

  /**
   * @param {Case} opened
   * @param {BasisFrame} basis
   * @param {EngineSettings} settings
   * @param {Thresholds} thresholds
   */
  constructor(opened, basis, settings, thresholds) {
    this.#opened = opened;
    this.#basis = basis;
    this.#thresholds = thresholds;
    /** @type {() => void} */
    let whole = () => {};
    this.#last = new Promise((resolve) => { whole = () => resolve(null); });
    this.#engine = new Engine({
      onFrame: (frame) => { if (frame.seq === this.#seq) this.#answer?.(frame); },
      onStatus: (status) => { if (status === "browser") { this.isWhole = true; whole(); } },
      onStatic: () => {},
      onCompared: () => {},
      onGivenUp: () => {},
      visible: () => opened.firstSlice,
      thresholds: () => thresholds,
    });
    this.#engine.configure(settings);
    this.#engine.open(opened, { token: "", url: new URL("about:blank") });
  }

  /**
   * Maps and metrics of a curve.
   * @param {Curve} curve
   * @returns {Promise<Volume>}
   */
  async of(curve) {
    if (!await kernelModule()) throw new RangeError(NO_SIMD);
    const found = this.#last.then(() => this.#compute(curve));
    this.#last = found.catch(() => {});
    return found;
  }

  /** @param {Curve} curve @returns {Promise<Volume>} */
  async #compute(curve) {
    this.#seq += 1;
    /** @type {Promise<EngineFrame>} */
    const answer = new Promise((resolve) => { this.#answer = resolve; });
    if (!this.#engine.edit({ epoch: 0, seq: this.#seq, flags: FLAG_REST, slice: 0, curve })) {
      throw new RangeError("This curve has no positive bolus, so no maps can be computed; the last good curve stays.");
    }
    const { arrays, ref } = await answer;
    const { cbf, tmax } = /** @type {{cbf: Float32Array, tmax: Float32Array}} */ (arrays);
    const { voxelMl, lesionVoxels } = this.#basis;
    const known = { voxelMl, lesionVoxels, lesion: this.#opened.arrays.lesion };
    return { cbf, tmax, ref, numbers: lesionNumbers({ cbf, tmax, ref }, this.#thresholds, known) };
  }

  close() { this.#engine.close(); }
}
