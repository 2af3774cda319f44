// The maps, computed in the browser from CBF and Tmax: changing the map, the window or a threshold needs no call.

import { fill } from "./preview_grid.js";

/** What the person is looking at: a case, the flow of its slices, thresholds. */
export class Values {
  constructor() {
    this.case = null;
    this.thresholds = { core: 0.38, tmax: 6 };
    this.slope = NaN; // of the core probability; the server names it
  }

  setCase(frame) {
    const n = frame.arrays.starts.at(-1);
    this.case = frame;
    this.cbf = new Float32Array(n).fill(NaN);
    this.tmax = new Float32Array(n).fill(NaN);
    this.ref = NaN;
    this.fresh = new Int32Array(frame.slices).fill(-1); // the edit that each slice shows
  }

  range(z) {
    return [this.case.arrays.starts[z], this.case.arrays.starts[z + 1]];
  }

  setSlice(frame) {
    this.cbf.set(frame.arrays.cbf, this.range(frame.z)[0]);
    this.tmax.set(frame.arrays.tmax, this.range(frame.z)[0]);
    this.fresh[frame.z] = frame.seq;
    this.ref = frame.ref;
  }

  setVolume(frame) {
    this.cbf.set(frame.arrays.cbf);
    this.tmax.set(frame.arrays.tmax);
    this.fresh.fill(frame.seq);
    this.ref = frame.ref;
  }

  /** All slices on their way, or one of them in a crowd: every second voxel, the rest filled in. */
  setCoarse(frame) {
    const range = frame.one ? this.range(frame.z) : [];
    fill(this.case, frame.arrays.cbf, this.cbf, ...range);
    fill(this.case, frame.arrays.tmax, this.tmax, ...range);
    if (frame.one) this.fresh[frame.z] = frame.seq;
    else this.fresh.fill(frame.seq);
    this.ref = frame.ref;
  }

  setCurve(curve) {
    this.aifArea = curve.reduce((sum, v) => sum + v, 0) * (this.case?.dt ?? 1);
  }

  /** One map's value at voxel i of slice z. */
  at(map, i, z) {
    return this.field(map, z)[i - this.range(z)[0]];
  }

  /** A map's values over the mask's voxels of slice z; valid until the next call. */
  field(map, z) {
    const [from, to] = this.range(z);
    const { cbf, ref } = this;
    const { area } = this.case.arrays;
    if (map === "cbf") return cbf.subarray(from, to);
    if (map === "tmax") return this.tmax.subarray(from, to);
    // A map that does not depend on the curve comes with the case.
    if (map in this.case.arrays) return this.case.arrays[map].subarray(from, to);
    if (!this.scratch || this.scratch.length < to - from) this.scratch = new Float32Array(to - from);
    const out = this.scratch.subarray(0, to - from);
    const volume = this.aifArea > 0 ? this.case.cbvPerRatio / this.aifArea : NaN;
    const { core } = this.thresholds;
    switch (map) {
      case "rcbf": for (let i = from; i < to; i++) out[i - from] = cbf[i] / ref; break;
      case "cbv": for (let i = from; i < to; i++) out[i - from] = volume * area[i]; break;
      case "mtt": for (let i = from; i < to; i++) out[i - from] = cbf[i] > 0 ? (60 * volume * area[i]) / cbf[i] : NaN; break;
      case "core_probability":
        for (let i = from; i < to; i++) out[i - from] = 1 / (1 + Math.exp((cbf[i] / ref - core) / this.slope));
        break;
      default: out.fill(NaN);
    }
    return out;
  }

  /** Which voxels of slice z belong to an outline; null where the case has none. */
  lesion(kind, z) {
    const [from, to] = this.range(z);
    if (kind === "truth") return this.case.arrays.lesion?.subarray(from, to) ?? null;
    const out = new Uint8Array(to - from);
    const limit = Math.fround(this.thresholds.core);
    const ref = Math.fround(this.ref);
    for (let i = from; i < to; i++) {
      out[i - from] = kind === "core" ? Math.fround(this.cbf[i] / ref) < limit : this.tmax[i] > this.thresholds.tmax;
    }
    return out;
  }

  /** Screen pixel → voxel of the series. */
  voxelAt(column, row, z) {
    const { swap, flipX, flipY, rows, columns } = this.case;
    const c = flipX ? columns - 1 - column : column;
    const r = flipY ? rows - 1 - row : row;
    return swap ? [r, c, z] : [c, r, z];
  }

  /** Voxel of the series → screen pixel [column, row]. */
  pixelOf([x, y]) {
    const { swap, flipX, flipY, rows, columns } = this.case;
    const [c, r] = swap ? [y, x] : [x, y];
    return [flipX ? columns - 1 - c : c, flipY ? rows - 1 - r : r];
  }

  /** Index of the mask's voxel at a screen pixel of slice z, or -1. */
  indexAt(column, row, z) {
    const wanted = row * this.case.columns + column;
    const [from, to] = this.range(z);
    const { pixel } = this.case.arrays;
    if (this.lookup?.z !== z || this.lookup.case !== this.case) {
      const table = new Int32Array(this.case.rows * this.case.columns).fill(-1);
      for (let i = from; i < to; i++) table[pixel[i]] = i;
      this.lookup = { z, case: this.case, table };
    }
    return this.lookup.table[wanted] ?? -1;
  }
}
