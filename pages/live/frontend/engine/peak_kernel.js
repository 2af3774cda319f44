// Memory and calls of peak.wasm: tissue coefficients of a case, and the maximum of k = P c with its time.

export const LANES = 16; // voxels of a group: see peak.c
const PAGE_BYTES = 65_536;

/**
 * The part of the kernel that a worker uses.
 * @typedef {{memory: WebAssembly.Memory, peaks: (p: number, nRows: number, q: number, c: number, nGroups: number, top: number, row: number) => number, __heap_base: WebAssembly.Global}} Exports
 */

/** A run of voxels in the kernel's memory. @typedef {{at: number, nVoxels: number, nGroups: number}} Block */

export class PeakKernel {
  #exports;
  #q;
  #next;

  /** @param {WebAssembly.Module} module @param {number} q coefficients of a voxel */
  constructor(module, q) {
    this.#exports = /** @type {Exports} */ (/** @type {unknown} */ (new WebAssembly.Instance(module).exports));
    this.#q = q;
    this.#next = aligned(this.#exports.__heap_base.value);
  }

  /** @param {number} nFloats */
  #allocate(nFloats) {
    const at = this.#next, { memory } = this.#exports;
    this.#next = aligned(at + 4 * nFloats);
    const missing = this.#next - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
    return at;
  }

  /** @param {number} at @param {number} nFloats */
  #floats(at, nFloats) { return new Float32Array(this.#exports.memory.buffer, at, nFloats); }

  /** Store coefficients of voxels. @param {Int16Array} coefficients q × nVoxels @returns {Block} */
  store(coefficients) {
    const q = this.#q, nVoxels = coefficients.length / q, nGroups = Math.ceil(nVoxels / LANES);
    const at = this.#allocate(nGroups * q * LANES), out = this.#floats(at, nGroups * q * LANES);
    for (let j = 0; j < q; j++) {
      for (let v = 0; v < nVoxels; v++) {
        const lane = v % LANES;
        out[((v - lane) / LANES) * q * LANES + j * LANES + lane] = coefficients[j * nVoxels + v];
      }
    }
    return { at, nVoxels, nGroups };
  }

  /**
   * Maximum of P c over the rows, and its row refined by a parabola; NaN where the maximum is not positive.
   * @param {Float32Array} matrix nRows × q
   * @param {Block[]} blocks
   * @returns {{top: Float32Array, row: Float32Array}} of all voxels of the blocks, one block after the other
   */
  peaks(matrix, blocks) {
    const q = this.#q, nRows = matrix.length / q, start = this.#next;
    const nVoxels = blocks.reduce((sum, block) => sum + block.nVoxels, 0);
    const nPadded = Math.max(0, ...blocks.map(({ nGroups }) => nGroups)) * LANES;
    const p = this.#allocate(matrix.length), top = this.#allocate(nPadded), row = this.#allocate(nPadded);
    this.#next = start; // scratch: reused by the next call
    this.#floats(p, matrix.length).set(matrix);
    const tops = new Float32Array(nVoxels), rows = new Float32Array(nVoxels);
    let done = 0;
    for (const block of blocks) {
      if (this.#exports.peaks(p, nRows, q, block.at, block.nGroups, top, row)) throw new RangeError("The series is too long.");
      tops.set(this.#floats(top, block.nVoxels), done);
      rows.set(this.#floats(row, block.nVoxels), done);
      done += block.nVoxels;
    }
    return { top: tops, row: rows };
  }
}

/** @param {number} at */
const aligned = (at) => Math.ceil(at / 16) * 16;
