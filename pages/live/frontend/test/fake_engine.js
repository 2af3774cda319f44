// Stand-ins for what the engine uses of the browser: workers that run the kernel at once, and the server's frames.
import { PeakKernel } from "../engine/peak_kernel.js";
import { packFrame } from "../offline/pack_frame.js";

/** Every worker that was made. @type {FakeWorker[]} */
export const workers = [];

/** Let promises and the answers of workers arrive. */
export const settle = async () => { for (let i = 0; i < 60; i++) await new Promise((resolve) => setImmediate(resolve)); };

/** Wait until a condition holds; the test's own time limit ends a wait in vain. @param {() => unknown} condition */
export const until = async (condition) => { while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1)); };

/** Worker whose answers come in a later turn, as worker.js gives them. */
export class FakeWorker {
  /** @type {((event: {data: any}) => void) | null} */
  onmessage = null;
  /** @type {(() => void) | null} */
  onerror = null;
  terminated = false;
  /** @type {PeakKernel | null} */
  #kernel = null;
  /** @type {any[]} */
  #blocks = [];

  constructor() { workers.push(this); }

  static install() { Object.assign(globalThis, { Worker: FakeWorker }); }

  /** @param {any} data */
  postMessage(data) {
    if (data.kind === "open") this.#kernel = new PeakKernel(data.module, data.q);
    else if (data.kind === "store") this.#blocks[data.part] = this.#kernel?.store(data.coefficients);
    else setImmediate(() => this.#answer(data));
  }

  /** @param {any} job */
  #answer({ job, matrix, parts, cbfPerK, startS, dtS }) {
    if (this.terminated || !this.#kernel) return;
    const { top, row } = this.#kernel.peaks(matrix, parts.map((/** @type {number} */ part) => this.#blocks[part]));
    this.onmessage?.({ data: { job, cbf: top.map((value) => value * cbfPerK), tmax: row.map((value) => startS + dtS * value) } });
  }

  terminate() { this.terminated = true; }
}

/** Server with a case of three slices with two voxels each, in a basis of all frames. */
export class FakeServer {
  /** @type {string[]} */
  asked = [];
  refuses = false;
  /** Requests that fail from now on, as without a network. */
  lost = 0;
  /** Requests that are answered by "too many requests" from now on. */
  busy = 0;
  reference = Uint8Array.of(1, 0, 1, 1, 0, 1);
  #wasm;
  #nTime;

  /** @param {Uint8Array<ArrayBuffer>} wasm @param {number} nTime */
  constructor(wasm, nTime) { this.#wasm = wasm; this.#nTime = nTime; }

  install() {
    Object.assign(globalThis, { fetch: (/** @type {URL} */ url, /** @type {any} */ options) => this.#fetch(url, options) });
    return this;
  }

  /** @param {number} n */
  #coefficients(n) { return Int16Array.from({ length: this.#nTime * n }, (_, i) => 1 + ((7 * i) % 11)); }

  /** @param {URL} url @param {{body?: string} | undefined} options */
  async #fetch(url, options) {
    if (url.pathname.endsWith("peak.wasm")) return { ok: true, arrayBuffer: async () => this.#wasm };
    const { kind, slice } = JSON.parse(/** @type {string} */ (options?.body));
    if (this.lost > 0) { this.lost -= 1; throw new TypeError("network"); }
    this.asked.push(kind === "basis" ? kind : `${kind} ${slice}`);
    const isBusy = this.busy > 0;
    if (isBusy) this.busy -= 1;
    const status = this.refuses ? 409 : isBusy ? 429 : 200;
    return { ok: status === 200, status, arrayBuffer: async () => this.#frame(kind, slice).buffer };
  }

  /** @param {string} kind @param {number} z */
  #frame(kind, z) {
    if (kind === "coefficients") return packFrame({ kind, z }, { coefficients: this.#coefficients(2) });
    if (kind === "static") return packFrame({ kind, z }, { area: Float32Array.of(z, z) });
    const q = this.#nTime;
    const vectors = Float32Array.from({ length: q * q }, (_, i) => (Math.floor(i / q) === i % q ? 1 : 0));
    return packFrame({ kind, q, cbfPerK: 4000, voxelMl: 0.1, lesionVoxels: 0 }, { vectors, reference: this.reference, sample: this.#coefficients(3) });
  }
}
