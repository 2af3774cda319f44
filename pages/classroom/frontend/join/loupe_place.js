// Place and source of the magnifier.
/** @import { Point } from "../../../live/frontend/types.js" */

const MARGIN = 4; // to the edge of the window
export const LOUPE = { size: 132, gap: 36, nVoxels: 15 }; // points, points, voxels across

/** @param {number} value @param {number} high */
const clamp = (value, high) => Math.min(Math.max(value, MARGIN), Math.max(high - MARGIN, MARGIN));

/**
 * Place of the magnifier in the window: above the finger, or beside it where there is no room above.
 * @param {Point} finger
 * @param {{width: number, height: number}} window
 * @param {{size: number, gap: number}} loupe
 */
export function loupePlace(finger, window, { size, gap }) {
  const top = finger.y - gap - size;
  if (top >= MARGIN) return { left: clamp(finger.x - size / 2, window.width - size), top };
  const left = finger.x - gap - size;
  return { left: left >= MARGIN ? left : clamp(finger.x + gap, window.width - size), top: clamp(finger.y - size / 2, window.height - size) };
}

/**
 * The part of a slice in the magnifier, and the place of a voxel's square in it.
 * @param {Point} at in pixels of the slice
 * @param {{size: number, nVoxels: number}} loupe
 */
export function loupeSource(at, { size, nVoxels }) {
  const [x, y, scale] = [at.x - nVoxels / 2, at.y - nVoxels / 2, size / nVoxels];
  /** @type {(column: number, row: number) => {x: number, y: number, w: number}} */
  const square = (column, row) => ({ x: (column - x) * scale, y: (row - y) * scale, w: scale });
  return { x, y, w: nVoxels, square };
}
