// Voxel of the series ↔ pixel of the screen. The server chooses how a slice lies (patient's right on the left).
/** @import { Voxel } from "../types.js" */

/** @typedef {{swap: boolean, flipX: boolean, flipY: boolean, rows: number, columns: number}} SliceOrientation */

/**
 * Screen pixel [column, row] of a voxel.
 * @param {SliceOrientation} orientation
 * @param {ArrayLike<number>} voxel
 * @returns {[number, number]}
 */
export function toScreen({ swap, flipX, flipY, rows, columns }, voxel) {
  const [column, row] = swap ? [voxel[1], voxel[0]] : [voxel[0], voxel[1]];
  return [flipX ? columns - 1 - column : column, flipY ? rows - 1 - row : row];
}

/**
 * Voxel at a screen pixel of slice z.
 * @param {SliceOrientation} orientation
 * @param {ArrayLike<number>} pixel column and row
 * @param {number} z
 * @returns {Voxel}
 */
export function toVoxel({ swap, flipX, flipY, rows, columns }, pixel, z) {
  const [across, down] = [flipX ? columns - 1 - pixel[0] : pixel[0], flipY ? rows - 1 - pixel[1] : pixel[1]];
  return swap ? [down, across, z] : [across, down, z];
}
