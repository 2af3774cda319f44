// Interpolation from the voxels of the preview grid to all voxels; the server's half is
// pages/live/compute/preview_grid.py. A voxel that is not computed is the mean of two neighbours that are.
/** @import { Case } from "../types.js" */

/** @typedef {Pick<Case, "rows" | "columns" | "slices"> & {arrays: Pick<Case["arrays"], "starts" | "pixel" | "kept">}} Grid */

/** @type {WeakMap<Uint8Array, [Uint32Array, Uint32Array]>} */
const parents = new WeakMap(); // by the case's flags of computed voxels

/**
 * Indices of both parents of each voxel, among the computed voxels.
 * @param {Grid} grid
 * @param {Uint8Array} kept
 * @returns {[Uint32Array, Uint32Array]}
 */
function parentsOf({ arrays, rows, columns, slices }, kept) {
  const known = parents.get(kept);
  if (known) return known;
  const { starts, pixel } = arrays;
  const n = kept.length;
  const [a, b] = [new Uint32Array(n), new Uint32Array(n)];
  const wide = columns + 2;
  const plane = new Int32Array(wide * (rows + 2));
  const neighbours = [[-1, 1], [-wide, wide], [-wide - 1, wide + 1], [wide - 1, 1 - wide]];
  let number = 0;
  for (let z = 0; z < slices; z++) {
    plane.fill(-1);
    const place = (/** @type {number} */ i) => {
      const row = Math.floor(pixel[i] / columns);
      return (row + 1) * wide + (pixel[i] - row * columns) + 1;
    };
    for (let i = starts[z]; i < starts[z + 1]; i++) if (kept[i]) plane[place(i)] = number++;
    for (let i = starts[z]; i < starts[z + 1]; i++) {
      const p = place(i);
      if (kept[i]) { a[i] = b[i] = plane[p]; continue; }
      const pair = neighbours.find(([d, e]) => plane[p + d] >= 0 || plane[p + e] >= 0);
      if (!pair) throw new Error("A voxel has no neighbour on the preview grid.");
      const [one, other] = [plane[p + pair[0]], plane[p + pair[1]]];
      a[i] = one >= 0 ? one : other;
      b[i] = other >= 0 ? other : one;
    }
  }
  parents.set(kept, [a, b]);
  return [a, b];
}

/**
 * Fill voxels `from` to `to` of `out` from the values of the computed ones among them.
 * @param {Grid} grid
 * @param {Float32Array} values
 * @param {Float32Array} out
 */
export function fill(grid, values, out, from = 0, to = out.length) {
  const { kept } = grid.arrays;
  if (!kept) throw new Error("This case has no preview grid.");
  const [a, b] = parentsOf(grid, kept);
  // Parents lie in the slice of their child: the first computed voxel of a slice has the least number.
  const first = from && kept.subarray(0, from).reduce((sum, one) => sum + one, 0);
  for (let i = from; i < to; i++) out[i] = 0.5 * (values[a[i] - first] + values[b[i] - first]);
}
