// Maps of the case in view, derived in the browser from CBF and Tmax: another map, window or threshold needs no request.
/** @import { Case, Curve, MapsFrame, OutlineKind, Range, SliceArrays, Thresholds, Voxel } from "../types.js" */
import { addSlice } from "../transport/case_update.js";
import { toScreen, toVoxel } from "../common/voxel_coords.js";

/**
 * Values of a map that does not depend on the curve, of all voxels; it is sent with the case.
 * @param {Case} now
 * @param {string} map
 * @returns {Float32Array | undefined}
 */
export const staticField = (now, map) => /** @type {Record<string, any>} */ (now.arrays)[map];

/** The case and its CBF and Tmax, slice by slice, with the thresholds. */
export class VolumeStore {
  /** @type {Case | null} */
  case = null;
  /** @type {Thresholds} */
  thresholds = { core: 0.38, tmax: 6 };
  slope = NaN; // of the core probability; the server names it
  /** @type {Float32Array} */
  cbf = new Float32Array(0);
  /** @type {Float32Array} */
  tmax = new Float32Array(0);
  ref = NaN; // mean CBF of healthy tissue
  aifArea = NaN;
  /** Sequence number of the edit that each slice shows. */
  shownSeq = new Int32Array(0);
  /** The painted lesion, one flag per voxel. @type {Uint8Array | null} */
  painted = null;
  paintedShown = false;
  #scratch = new Float32Array(0);
  /** @type {{z: number, of: Case, table: Int32Array} | null} */
  #lookup = null;

  /**
   * Maps of a snapshot on the voxels of a case.
   * @param {Case} ofCase
   * @param {Pick<VolumeStore, "cbf" | "tmax" | "ref" | "aifArea" | "thresholds" | "slope">} maps
   */
  static of(ofCase, maps) {
    return Object.assign(new VolumeStore(), { case: ofCase, ...maps });
  }

  /** The open case; there must be one. */
  get open() {
    if (!this.case) throw new Error("No case is open.");
    return this.case;
  }

  /** Number of voxels of the brain mask. */
  get nVoxels() { return this.open.arrays.starts.at(-1) ?? 0; }

  /** @param {Case} opened */
  setCase(opened) {
    this.case = opened;
    this.cbf = new Float32Array(this.nVoxels).fill(NaN);
    this.tmax = new Float32Array(this.nVoxels).fill(NaN);
    this.ref = NaN;
    this.shownSeq = new Int32Array(opened.slices).fill(-1);
  }

  /** Take the static data of a slice. @param {number} z @param {SliceArrays} arrays */
  addSlice(z, arrays) {
    addSlice(this.open, z, arrays);
    this.#lookup = null;
  }

  /** First voxel of slice z, and the one after its last. @param {number} z @returns {Range} */
  range(z) {
    const { starts } = this.open.arrays;
    return [starts[z], starts[z + 1]];
  }

  /** Take maps of one slice or of the volume. @param {"slice" | "volume"} kind @param {MapsFrame} frame */
  setMaps(kind, frame) {
    if (kind === "slice") this.#setSlice(frame);
    else this.#setVolume(frame);
    this.ref = frame.ref;
  }

  /** @param {MapsFrame} frame */
  #setSlice({ arrays, z, seq }) {
    this.cbf.set(arrays.cbf, this.range(z)[0]);
    this.tmax.set(arrays.tmax, this.range(z)[0]);
    this.shownSeq[z] = seq;
  }

  /** @param {MapsFrame} frame */
  #setVolume({ arrays, seq }) {
    this.cbf.set(arrays.cbf);
    this.tmax.set(arrays.tmax);
    this.shownSeq.fill(seq);
  }

  /** Copies of maps of the volume with the values of slice z that are here. @param {number} z @param {{cbf: Float32Array, tmax: Float32Array}} maps */
  withSlice(z, { cbf, tmax }) {
    const [from, to] = this.range(z);
    const copy = { cbf: cbf.slice(), tmax: tmax.slice() };
    copy.cbf.set(this.cbf.subarray(from, to), from);
    copy.tmax.set(this.tmax.subarray(from, to), from);
    return copy;
  }

  /** @param {Curve} curve */
  setCurve(curve) {
    this.aifArea = curve.reduce((sum, v) => sum + v, 0) * (this.case?.dt ?? 1);
  }

  /** One map's value at voxel i of slice z. @param {string} map @param {number} i @param {number} z */
  at(map, i, z) {
    return this.field(map, z)[i - this.range(z)[0]];
  }

  /**
   * A map's values over the mask's voxels of slice z; valid until the next call.
   * @param {string} map
   * @param {number} z
   */
  field(map, z) {
    const [from, to] = this.range(z);
    const { cbf, ref, slope } = this;
    const { arrays: { area }, cbvPerRatio } = this.open;
    if (map === "cbf") return cbf.subarray(from, to);
    if (map === "tmax") return this.tmax.subarray(from, to);
    const fixed = staticField(this.open, map);
    if (fixed) return fixed.subarray(from, to);
    if (this.#scratch.length < to - from) this.#scratch = new Float32Array(to - from);
    const out = this.#scratch.subarray(0, to - from);
    const volume = this.aifArea > 0 ? cbvPerRatio / this.aifArea : NaN;
    const { core } = this.thresholds;
    switch (map) {
      case "rcbf": for (let i = from; i < to; i++) out[i - from] = cbf[i] / ref; break;
      case "cbv": for (let i = from; i < to; i++) out[i - from] = volume * area[i]; break;
      case "mtt": for (let i = from; i < to; i++) out[i - from] = cbf[i] > 0 ? (60 * volume * area[i]) / cbf[i] : NaN; break;
      case "core_probability":
        for (let i = from; i < to; i++) out[i - from] = 1 / (1 + Math.exp((cbf[i] / ref - core) / slope));
        break;
      default: out.fill(NaN);
    }
    return out;
  }

  /**
   * Flags of the voxels of slice z inside an outline; null where the case has no such lesion.
   * @param {OutlineKind} kind
   * @param {number} z
   * @returns {Uint8Array | null}
   */
  lesion(kind, z) {
    const [from, to] = this.range(z);
    if (kind === "truth") return this.open.arrays.lesion?.subarray(from, to) ?? null;
    const out = new Uint8Array(to - from);
    const { cbf, tmax } = this;
    // In float32, as perfcore compares.
    const coreLimit = Math.fround(this.thresholds.core);
    const ref = Math.fround(this.ref);
    const tmaxLimit = this.thresholds.tmax;
    if (kind === "core") for (let i = from; i < to; i++) out[i - from] = Math.fround(cbf[i] / ref) < coreLimit ? 1 : 0;
    else for (let i = from; i < to; i++) out[i - from] = tmax[i] > tmaxLimit ? 1 : 0;
    return out;
  }

  /** Screen pixel → voxel of the series. @param {number} column @param {number} row @param {number} z */
  voxelAt(column, row, z) { return toVoxel(this.open, [column, row], z); }

  /** Voxel of the series → screen pixel [column, row]. @param {Voxel} voxel */
  pixelOf(voxel) { return toScreen(this.open, voxel); }

  /** Index of the mask's voxel at a screen pixel of slice z, or -1. @param {number} column @param {number} row @param {number} z */
  indexAt(column, row, z) {
    const { rows, columns, arrays: { pixel } } = this.open;
    if (!this.#lookup || this.#lookup.z !== z || this.#lookup.of !== this.case) {
      const table = new Int32Array(rows * columns).fill(-1);
      const [from, to] = this.range(z);
      for (let i = from; i < to; i++) table[pixel[i]] = i;
      this.#lookup = { z, of: this.open, table };
    }
    return this.#lookup.table[row * columns + column] ?? -1;
  }
}
