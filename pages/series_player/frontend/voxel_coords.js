// From a voxel to the screen and back: how a slice lies is the server's choice (patient's right on the left).

export function toScreen({ swap, flipX, flipY, rows, columns }, [x, y]) {
  const [column, row] = swap ? [y, x] : [x, y];
  return [flipX ? columns - 1 - column : column, flipY ? rows - 1 - row : row];
}

export function toVoxel({ swap, flipX, flipY, rows, columns }, [column, row], z) {
  const [across, down] = [flipX ? columns - 1 - column : column, flipY ? rows - 1 - row : row];
  return swap ? [down, across, z] : [across, down, z];
}

/** The pixel of the picture under the pointer, [column, row] of the whole slice, or null. */
export function pick(canvas, { box: [x, y, w, h] }, event) {
  const bounds = canvas.getBoundingClientRect();
  const column = Math.floor(((event.clientX - bounds.left) / bounds.width) * w);
  const row = Math.floor(((event.clientY - bounds.top) / bounds.height) * h);
  return column < 0 || row < 0 || column >= w || row >= h ? null : [column + x, row + y];
}
