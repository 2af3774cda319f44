// Case updates: the parts of a case that the browser has are not sent again.
/** @import { Case, CaseFrame } from "../types.js" */

/**
 * The case of a received frame, completed by the open case; null where the frame is an update of another one.
 * @param {Case | null} open
 * @param {CaseFrame} received
 * @returns {Case | null}
 */
export function joinCase(open, received) {
  if (received.arrays.pixel) return /** @type {Case} */ (received);
  if (open?.key !== received.key) return null;
  return { ...open, ...received, arrays: { ...open.arrays, ...received.arrays, pixel: open.arrays.pixel } };
}
