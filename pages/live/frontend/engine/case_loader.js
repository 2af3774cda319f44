// Transfer of a case, the visible slice first, then its neighbours: static data, and coefficients for the engine.
/** @import { BasisFrame, CoefficientsFrame, SliceArrays, StaticFrame } from "../types.js" */
import { unpack } from "../common/wire.js";

/** @typedef {{token: string, case: string, url: URL}} CaseAddress */
/**
 * @typedef {object} LoadHandlers
 * @property {(basis: BasisFrame) => void} onBasis
 * @property {(z: number, coefficients: Int16Array) => void} onSlice
 * @property {(z: number, arrays: SliceArrays) => void} onStatic
 * @property {() => number} visible the slice in view
 * @property {() => Promise<unknown>} [firstMap] resolves when a map is on the screen: the other slices follow then
 */

const RETRY_MS = 1000;
const TEMPORARY = [408, 429]; // and every fault of a server or proxy, 5xx
/** Frames of the last case by name: kept over a page change. @type {{key: string, frames: Map<string, Promise<any>>}} */
const received = { key: "", frames: new Map() };

/** The server refuses: another case is open, or the session has ended. */
class Refused extends Error {}

/**
 * @param {CaseAddress} address
 * @param {{kind: string, slice?: number}} request
 * @param {AbortSignal} signal
 */
async function fetchFrame({ token, case: key, url }, request, signal) {
  const body = JSON.stringify({ token, case: key, ...request });
  for (;;) {
    try {
      const response = await fetch(url, { method: "POST", body, signal });
      if (!response.ok) throw isTemporary(response.status) ? new Error("Try again.") : new Refused();
      return unpack(await response.arrayBuffer())[0];
    } catch (error) {
      if (signal.aborted || error instanceof Refused) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS)); // the connection may return, a place be free
      signal.throwIfAborted();
    }
  }
}

/**
 * A frame, fetched once for a case.
 * @template F
 * @param {CaseAddress} address
 * @param {{kind: string, slice?: number}} request
 * @param {AbortSignal} signal
 * @returns {Promise<F>}
 */
function frameOf(address, request, signal) {
  if (received.key !== address.case) Object.assign(received, { key: address.case, frames: new Map() });
  const { frames } = received;
  const name = `${request.kind} ${request.slice}`;
  const known = frames.get(name);
  if (known) return known;
  const frame = fetchFrame(address, request, signal);
  frames.set(name, frame);
  frame.catch(() => frames.delete(name));
  return frame;
}

/**
 * Load a case; resolves with true when all slices have come, with false where the server refuses or loading is stopped.
 * @param {CaseAddress} address
 * @param {number} nSlices
 * @param {LoadHandlers} handlers
 * @param {AbortSignal} signal
 * @param {boolean} forEngine whether the engine's data are loaded too
 */
export async function loadCase(address, nSlices, { onBasis, onSlice, onStatic, visible, firstMap }, signal, forEngine = true) {
  /** @type {Promise<BasisFrame> | null} */
  const basis = forEngine ? frameOf(address, { kind: "basis" }, signal) : null;
  const missing = new Set(Array.from({ length: nSlices }, (_, z) => z));
  let begun = false;
  const load = async (/** @type {number} */ z) => {
    /** @type {Promise<StaticFrame>} */
    const still = frameOf(address, { kind: "static", slice: z }, signal);
    /** @type {Promise<CoefficientsFrame> | null} */
    const coefficients = forEngine ? frameOf(address, { kind: "coefficients", slice: z }, signal) : null;
    coefficients?.catch(() => {}); // awaited below
    const { arrays } = await still;
    if (!signal.aborted) onStatic(z, arrays);
    if (!basis || !coefficients) return;
    const first = await basis;
    if (!begun && !signal.aborted) { begun = true; onBasis(first); }
    const { arrays: { coefficients: values } } = await coefficients;
    if (!signal.aborted) onSlice(z, values);
  };
  try {
    while (missing.size && !signal.aborted) {
      const z = nearest(missing, visible());
      missing.delete(z);
      await load(z);
      if (missing.size === nSlices - 1) await firstMap?.();
    }
    return !signal.aborted;
  } catch {
    return false;
  }
}

/** @param {number} status of a refused request */
const isTemporary = (status) => TEMPORARY.includes(status) || status >= 500;

/** @param {Set<number>} slices @param {number} wanted */
const nearest = (slices, wanted) => [...slices].reduce((best, z) => (Math.abs(z - wanted) < Math.abs(best - wanted) ? z : best));
