// Transfer of a case's temporal basis to the engine: the visible slice first, then its neighbours.
/** @import { BasisFrame, CoefficientsFrame } from "../types.js" */
import { unpack } from "../common/wire.js";

/** @typedef {{token: string, case: string, url: URL}} CaseAddress */
/**
 * @typedef {object} LoadHandlers
 * @property {(basis: BasisFrame) => void} onBasis
 * @property {(z: number, coefficients: Int16Array) => void} onSlice
 * @property {() => number} visible the slice in view
 */

/**
 * @template F
 * @param {CaseAddress} address
 * @param {object} request
 * @param {AbortSignal} signal
 * @returns {Promise<F>}
 */
async function request({ token, case: key, url }, request, signal) {
  const body = JSON.stringify({ token, case: key, ...request });
  const response = await fetch(url, { method: "POST", body, signal });
  const [frame] = unpack(await response.arrayBuffer());
  if (!response.ok) throw new Error(frame.message);
  return frame;
}

/**
 * Load a case; resolves with true when all slices have come, with false where the server refuses or is lost.
 * @param {CaseAddress} address
 * @param {number} nSlices
 * @param {LoadHandlers} handlers
 * @param {AbortSignal} signal
 */
export async function loadCase(address, nSlices, { onBasis, onSlice, visible }, signal) {
  try {
    onBasis(await request(address, { kind: "basis" }, signal));
    const missing = new Set(Array.from({ length: nSlices }, (_, z) => z));
    while (missing.size) {
      const z = nearest(missing, visible());
      missing.delete(z);
      /** @type {CoefficientsFrame} */
      const { arrays } = await request(address, { kind: "coefficients", slice: z }, signal);
      if (signal.aborted) return false;
      onSlice(z, arrays.coefficients);
    }
    return true;
  } catch {
    return false; // without a case in the page the server computes, as before
  }
}

/** @param {Set<number>} slices @param {number} wanted */
const nearest = (slices, wanted) => [...slices].reduce((best, z) => (Math.abs(z - wanted) < Math.abs(best - wanted) ? z : best));
