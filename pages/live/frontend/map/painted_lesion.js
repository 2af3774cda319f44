// Model of the painted lesion: brush strokes on the brain mask, undo, run-length encoding for the server.
/** @import { OutlineKind, Voxel } from "../types.js" */
/** @import { VolumeStore } from "./volume_store.js" */

/** @typedef {[z: number, flags: Uint8Array]} SliceFlags flags of the mask's voxels of one slice */
/** @typedef {[x: number, y: number]} Position in pixels of a slice */

const MAX_UNDO = 40; // strokes

/** Painted flags by case name: they outlive a page change. @type {Map<string, Uint8Array>} */
const paintedFlags = new Map();

export class PaintedLesion {
  /** Slices as they were before each stroke. @type {SliceFlags[][]} */
  #past = [];

  /** @param {VolumeStore} values */
  constructor(values) { this.values = values; }

  /** One flag per voxel of the brain mask. */
  get flags() {
    if (!this.values.painted) throw new Error("No case is open.");
    return this.values.painted;
  }

  get canUndo() { return this.#past.length > 0; }

  /** Indices of all slices. */
  get slices() { return [...Array(this.values.open.slices).keys()]; }

  /** Whether there is a painted lesion on a case. @param {string} name of the case */
  static isPainted(name) { return paintedFlags.get(name)?.includes(1) ?? false; }

  /** Take the flags that were painted on the open case; returns whether there are some. */
  openCase() {
    const { values } = this;
    const n = values.nVoxels;
    const { name } = values.open;
    const before = paintedFlags.get(name);
    if (values.painted?.length !== n || !before) this.#past.length = 0;
    values.painted = before?.length === n ? before : new Uint8Array(n);
    paintedFlags.set(name, values.painted);
    return values.painted.includes(1);
  }

  /** A copy of the flags of a slice. @param {number} z @returns {SliceFlags} */
  copy(z) { return [z, this.flags.slice(...this.values.range(z))]; }

  /** Keep slices as they were before a stroke, for undo. @param {SliceFlags[]} before */
  remember(before) {
    this.#past.push(before);
    if (this.#past.length > MAX_UNDO) this.#past.shift();
  }

  /** Restore the slices before the last stroke; returns their indices, or null. */
  undo() {
    const last = this.#past.pop();
    if (!last) return null;
    for (const [z, flags] of last) this.flags.set(flags, this.values.range(z)[0]);
    return last.map(([z]) => z);
  }

  /** Replace all slices by a lesion of the case, or clear them. @param {OutlineKind | null} kind */
  replace(kind) {
    this.remember(this.slices.map((z) => this.copy(z)));
    for (const z of this.slices) {
      const flags = kind && this.values.lesion(kind, z);
      if (flags) this.flags.set(flags, this.values.range(z)[0]);
      else this.flags.fill(0, ...this.values.range(z));
    }
  }

  /**
   * Set every voxel of slice z within the brush's radius of a line.
   * @param {number} z
   * @param {Position} from
   * @param {Position} to
   * @param {{radius: number, erase: boolean}} brush
   */
  stroke(z, [x0, y0], [x1, y1], { radius, erase }) {
    const steps = Math.max(Math.ceil(Math.hypot(x1 - x0, y1 - y0) / Math.max(radius / 2, 0.5)), 1);
    for (let k = 0; k <= steps; k++) this.#dab(z, [x0 + ((x1 - x0) * k) / steps, y0 + ((y1 - y0) * k) / steps], radius, erase ? 0 : 1);
  }

  /** @param {number} z @param {Position} centre @param {number} radius @param {0 | 1} flag */
  #dab(z, [x, y], radius, flag) {
    const { rows, columns } = this.values.open;
    for (let row = Math.max(Math.floor(y - radius), 0); row <= Math.min(y + radius, rows - 1); row++) {
      for (let column = Math.max(Math.floor(x - radius), 0); column <= Math.min(x + radius, columns - 1); column++) {
        if ((column + 0.5 - x) ** 2 + (row + 0.5 - y) ** 2 > radius ** 2) continue;
        const i = this.values.indexAt(column, row, z);
        if (i >= 0) this.flags[i] = flag;
      }
    }
  }

  /** Centre of a voxel. @param {Voxel} voxel @returns {Position} */
  centreOf(voxel) {
    const [column, row] = this.values.pixelOf(voxel);
    return [column + 0.5, row + 0.5];
  }

  /** Runs of painted voxels of slice z: start and length in turn, counted from the slice's first voxel. @param {number} z */
  runs(z) {
    const { flags } = this;
    const [first, last] = this.values.range(z);
    /** @type {number[]} */
    const runs = [];
    for (let i = first; i < last; i++) {
      if (!flags[i]) continue;
      let end = i;
      while (end < last && flags[end]) end++;
      runs.push(i - first, end - i);
      i = end;
    }
    return runs;
  }
}
