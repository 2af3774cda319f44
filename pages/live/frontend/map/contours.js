// Contours of a lesion along pixel edges.

/**
 * Contour as closed loops, so that dashes run along them: edges between pixels inside and outside, walked with the
 * inside on the right.
 * @param {Uint8Array} inside one flag per voxel of the slice
 * @param {Uint32Array} pixels screen pixel of each voxel
 * @param {number} columns
 * @param {number} rows
 * @returns {Path2D} in pixel coordinates
 */
export function loops(inside, pixels, columns, rows) {
  const plane = new Uint8Array(rows * columns);
  for (let i = 0; i < inside.length; i++) if (inside[i]) plane[pixels[i]] = 1;
  const wide = columns + 1;
  /** @type {Map<number, number[]>} */
  const next = new Map(); // corner → the corners that edges lead to from it
  const edge = (/** @type {number} */ from, /** @type {number} */ to) => {
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

let plane = new Uint8Array(0); // scratch of `runs`, all zero between calls

/**
 * The same contour as straight runs in no order: for solid lines, which are drawn at every step of a drag.
 * @param {Uint8Array} inside
 * @param {Uint32Array} pixels
 * @param {number} columns
 * @param {number} rows
 */
export function runs(inside, pixels, columns, rows) {
  // One column and row of margin on every side spares every test for the image's border.
  const wide = columns + 2;
  const size = wide * (rows + 2);
  if (plane.length < size) plane = new Uint8Array(size);
  let [x0, x1, y0, y1] = [columns, -1, rows, -1];
  for (let i = 0; i < inside.length; i++) {
    if (!inside[i]) continue;
    const y = (pixels[i] / columns) | 0;
    const x = pixels[i] - y * columns;
    plane[(y + 1) * wide + x + 1] = 1;
    if (x < x0) x0 = x;
    if (x > x1) x1 = x;
    if (y < y0) y0 = y;
    if (y > y1) y1 = y;
  }
  const path = new Path2D();
  if (x1 < 0) return path;
  for (let y = y0; y <= y1 + 1; y++) {
    let from = -1;
    for (let x = x0, p = (y + 1) * wide + x0 + 1; x <= x1 + 1; x++, p++) {
      const border = plane[p] !== plane[p - wide];
      if (border && from < 0) from = x;
      else if (!border && from >= 0) { path.moveTo(from, y); path.lineTo(x, y); from = -1; }
    }
  }
  for (let x = x0; x <= x1 + 1; x++) {
    let from = -1;
    for (let y = y0, p = (y0 + 1) * wide + x + 1; y <= y1 + 1; y++, p += wide) {
      const border = plane[p] !== plane[p - 1];
      if (border && from < 0) from = y;
      else if (!border && from >= 0) { path.moveTo(x, from); path.lineTo(x, y); from = -1; }
    }
  }
  for (let y = y0; y <= y1; y++) plane.fill(0, (y + 1) * wide + x0 + 1, (y + 1) * wide + x1 + 2);
  return path;
}
