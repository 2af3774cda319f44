// Requests to the server, and a cache of whole slices (all frames): playing and stepping back need no request.
import { unpack } from "../../live/frontend/common/wire.js";

/** @import { Exchanges, PlayerConfig, SliceFrame } from "./types.js" */

const MAX_CACHED_BYTES = 160e6;

/** A request that the server refused: its sentence and the HTTP status. */
export class RequestError extends Error {
  /** @param {string} message @param {number} status */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

export class SliceCache {
  #token = "";
  /** Key of the case. @type {string | null} */
  #case = null;
  /** @type {URL | null} */
  #url = null;
  #abort = new AbortController();
  /** Slices in order of use, the last used at the end; bytes are 0 until a slice is received.
   * @type {Map<number, {frame: Promise<SliceFrame>, bytes: number}>} */
  #slices = new Map();

  constructor(maxBytes = MAX_CACHED_BYTES) { this.maxBytes = maxBytes; }

  /** Use another case: requests for the one before are aborted. @param {Pick<PlayerConfig, "token" | "path" | "case">} config */
  configure({ token, path, case: key }) {
    if (this.#case !== key) {
      this.#abort.abort();
      this.#abort = new AbortController();
      this.#slices = new Map();
    }
    this.#token = token;
    this.#case = key;
    this.#url = new URL(path, document.baseURI);
  }

  /**
   * Request one frame.
   * @template {keyof Exchanges} K
   * @param {Exchanges[K]["request"] & {kind: K}} request
   * @returns {Promise<Exchanges[K]["answer"]>} rejected with a RequestError where the server refuses
   */
  async request(request) {
    const body = JSON.stringify({ token: this.#token, case: this.#case, ...request });
    const response = await fetch(/** @type {URL} */ (this.#url), { method: "POST", body, signal: this.#abort.signal });
    const [frame] = unpack(await response.arrayBuffer());
    if (!response.ok) throw new RequestError(frame.message, response.status);
    return frame;
  }

  /** The frames of a slice; one request, however often it is called meanwhile. @param {number} z */
  slice(z) {
    const slices = this.#slices;
    const cached = slices.get(z);
    if (cached) {
      slices.delete(z);
      slices.set(z, cached);
      return cached.frame;
    }
    const entry = { frame: this.request({ kind: "slice", slice: z }), bytes: 0 };
    slices.set(z, entry);
    entry.frame.then((frame) => {
      entry.bytes = frame.arrays.frames.byteLength;
      this.#evict(slices, z);
    }, () => { if (slices.get(z) === entry) slices.delete(z); });
    return entry.frame;
  }

  /**
   * Remove the slices used longest ago until the rest fits.
   * @param {Map<number, {bytes: number}>} slices
   * @param {number} newest slice that stays
   */
  #evict(slices, newest) {
    let total = [...slices.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    for (const [z, { bytes }] of slices) {
      if (total <= this.maxBytes || z === newest) break;
      total -= bytes;
      slices.delete(z);
    }
  }

  close() { this.#abort.abort(); }
}
