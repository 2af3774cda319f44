// The handle that a finger means: the nearest one in time, within reach of the curve.

/** @typedef {{x: number, y: number}} Point */

/**
 * Index of the handle nearest to a finger horizontally; NaN where it lies beyond reach in either direction.
 * @param {readonly Point[]} handles
 * @param {Point} finger
 * @param {Point} reach in the same unit
 */
export function nearestHandle(handles, finger, reach) {
  let best = NaN, distance = reach.x;
  handles.forEach(({ x }, i) => {
    const away = Math.abs(x - finger.x);
    if (away < distance || (away === distance && Number.isNaN(best))) [best, distance] = [i, away];
  });
  return Number.isNaN(best) || Math.abs(handles[best].y - finger.y) > reach.y ? NaN : best;
}
