// The border of a lesion on pixel edges, as closed loops, so that dashes run along it.

/**
 * Trace the edges between pixels inside and outside, walking with the inside on the right.
 * @param {Uint8Array} inside one flag per voxel of the slice
 * @param {Uint32Array} pixels screen pixel of each voxel
 * @returns {Path2D} in pixel coordinates
 */
export function outline(inside, pixels, columns, rows) {
  const plane = new Uint8Array(rows * columns);
  for (let i = 0; i < inside.length; i++) if (inside[i]) plane[pixels[i]] = 1;
  const wide = columns + 1;
  const next = new Map(); // corner → the corners that edges lead to from it
  const edge = (from, to) => {
    const others = next.get(from);
    if (others) others.push(to);
    else next.set(from, [to]);
  };
  for (let i = 0; i < inside.length; i++) {
    if (!inside[i]) continue;
    const p = pixels[i];
    const x = p % columns;
    const y = (p - x) / columns;
    const corner = y * wide + x;
    if (y === 0 || !plane[p - columns]) edge(corner, corner + 1);
    if (x === columns - 1 || !plane[p + 1]) edge(corner + 1, corner + 1 + wide);
    if (y === rows - 1 || !plane[p + columns]) edge(corner + 1 + wide, corner + wide);
    if (x === 0 || !plane[p - 1]) edge(corner + wide, corner);
  }
  const path = new Path2D();
  for (const [start, ends] of next) {
    while (ends.length) {
      path.moveTo(start % wide, Math.floor(start / wide));
      let at = start;
      for (let to = next.get(at)?.pop(); to !== undefined; to = next.get(at)?.pop()) {
        path.lineTo(to % wide, Math.floor(to / wide));
        at = to;
      }
    }
  }
  return path;
}
