// What lies between the voxels that are computed while all slices move: the server's half is pages/live/compute/preview_grid.py.

const parents = new WeakMap(); // by the case's flags of kept voxels

function pairs({ arrays, rows, columns, slices }) {
  const { kept, starts, pixel } = arrays;
  if (parents.has(kept)) return parents.get(kept);
  const n = kept.length;
  const [a, b] = [new Uint32Array(n), new Uint32Array(n)];
  const wide = columns + 2;
  const plane = new Int32Array(wide * (rows + 2));
  const beside = [[-1, 1], [-wide, wide], [-wide - 1, wide + 1], [wide - 1, 1 - wide]];
  let number = 0;
  for (let z = 0; z < slices; z++) {
    plane.fill(-1);
    const place = (i) => {
      const row = Math.floor(pixel[i] / columns);
      return (row + 1) * wide + (pixel[i] - row * columns) + 1;
    };
    for (let i = starts[z]; i < starts[z + 1]; i++) if (kept[i]) plane[place(i)] = number++;
    for (let i = starts[z]; i < starts[z + 1]; i++) {
      const p = place(i);
      if (kept[i]) { a[i] = b[i] = plane[p]; continue; }
      const [one, other] = beside.find(([d, e]) => plane[p + d] >= 0 || plane[p + e] >= 0);
      a[i] = plane[p + one] >= 0 ? plane[p + one] : plane[p + other];
      b[i] = plane[p + other] >= 0 ? plane[p + other] : plane[p + one];
    }
  }
  parents.set(kept, [a, b]);
  return [a, b];
}

/** Fill voxels `from` to `to` of `out` from the values of the kept ones among them. */
export function fill(now, values, out, from = 0, to = out.length) {
  const [a, b] = pairs(now);
  // Parents lie in the slice of their child: the first kept voxel of a slice has the least number.
  const first = from && now.arrays.kept.subarray(0, from).reduce((sum, one) => sum + one, 0);
  for (let i = from; i < to; i++) out[i] = 0.5 * (values[a[i] - first] + values[b[i] - first]);
}
