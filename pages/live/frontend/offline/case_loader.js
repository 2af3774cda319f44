// In the file that works without a server, in place of engine/case_loader.js: the visible slice first, then its neighbours.
/** @import { LoadHandlers } from "../engine/case_loader.js" */
import { readCoefficients, readFrame } from "./page_data.js";

/**
 * Load the case of the file; resolves with true when all slices have come, with false where loading was stopped.
 * @param {unknown} _address
 * @param {number} nSlices
 * @param {LoadHandlers} handlers
 * @param {AbortSignal} signal
 */
export async function loadCase(_address, nSlices, { onBasis, onSlice, visible }, signal) {
  const basis = await readFrame("basis", "basis");
  if (signal.aborted) return false;
  onBasis(basis);
  const away = (/** @type {number} */ z) => Math.abs(z - visible());
  const missing = Array.from({ length: nSlices }, (_, z) => z);
  while (missing.length) {
    missing.sort((a, b) => away(b) - away(a));
    const z = /** @type {number} */ (missing.pop());
    const { arrays } = await readCoefficients(z);
    if (signal.aborted) return false;
    onSlice(z, arrays.coefficients);
  }
  return true;
}
