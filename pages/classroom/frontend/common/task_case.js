// The case of a task: its data, its maps of any curve by the engine in this page, and the curves of its voxels.
/** @import { Case, CaseHead, ConfigFrame, Curve, EngineFrame, EngineStatus, Numbers, Voxel } from "../../../live/frontend/types.js" */
import { unpack, FLAG_ALL_SLICES, FLAG_REST } from "../../../live/frontend/common/wire.js";
import { Engine } from "../../../live/frontend/engine/engine.js";
import { VolumeStore } from "../../../live/frontend/map/volume_store.js";
import { joinCase } from "../../../live/frontend/transport/case_update.js";
import { roomUrl } from "./room_socket.js";

const RETRY_MS = 1000;
const EPOCH = 1;

/**
 * @typedef {object} TaskCaseHandlers
 * @property {() => void} onMaps maps or static data of a slice have come
 * @property {(numbers: Numbers) => void} onNumbers lesion metrics of the curve as this page computes them
 * @property {(status: EngineStatus) => void} [onStatus] where the maps are computed; "server": not in this browser
 */
/** @typedef {{z: number, perUnit: number, arrays: {pixel: Uint32Array, curves: Int16Array}}} CurvesFrame */

export class TaskCase {
  /** CBF and Tmax of the last curve; `values.case` is the case. */
  values = new VolumeStore();
  slice = 0;
  #seq = 0;
  /** @type {Map<number, Promise<CurvesFrame>>} */
  #curves = new Map();
  #abort = new AbortController();
  #engine;
  #address;
  #config;

  /**
   * Load the case of a task; resolves when its head is here, its slices follow.
   * @param {{key: string, title: string, slice: number}} info of the task's message
   * @param {{token: string, code: string}} credentials
   * @param {TaskCaseHandlers} handlers
   */
  static async open(info, { token, code }, handlers) {
    const address = { token, case: info.key, url: roomUrl("class/case", code) };
    const [config, head] = unpack(await request(address, { kind: "case" }));
    return new TaskCase(info, address, config, head, handlers);
  }

  /**
   * @param {{slice: number}} info
   * @param {{token: string, case: string, url: URL}} address
   * @param {ConfigFrame} config
   * @param {CaseHead & {startNumbers: Numbers}} head
   * @param {TaskCaseHandlers} handlers
   */
  constructor(info, address, config, head, handlers) {
    this.#address = address;
    this.#config = config;
    this.slice = info.slice;
    this.startNumbers = head.startNumbers;
    const opened = /** @type {Case} */ (joinCase(null, head));
    this.values.setCase(opened);
    Object.assign(this.values, { thresholds: config.thresholds, slope: config.slope });
    this.#engine = new Engine({
      onFrame: (frame) => this.#show(frame, handlers),
      onStatus: (status) => handlers.onStatus?.(status),
      onStatic: (z, arrays) => { this.values.addSlice(z, arrays); handlers.onMaps(); },
      onCompared: () => {},
      onGivenUp: () => {},
      visible: () => this.slice,
      thresholds: () => this.values.thresholds,
    });
    this.#engine.configure(config, true);
    this.#engine.open(opened, address);
    this.#engine.startNumbers = head.startNumbers;
  }

  /** @type {Case} */
  get opened() { return this.values.open; }

  /** Maps, colour scales, thresholds. */
  get config() { return this.#config; }

  get engineStatus() { return this.#engine.status; }

  /**
   * Compute the maps of a curve; of several the latest wins. False where this browser has not loaded what it needs yet
   * (`onStatus` tells when it has), or cannot compute maps.
   * @param {Curve} curve
   * @param {{rest: boolean}} options at rest all slices are computed and `onNumbers` follows
   */
  compute(curve, { rest }) {
    this.values.setCurve(curve);
    const flags = rest ? FLAG_REST | FLAG_ALL_SLICES : 0;
    return this.#engine.edit({ epoch: EPOCH, seq: ++this.#seq, flags, slice: this.slice, curve: curve.slice() });
  }

  /** @param {EngineFrame} frame @param {TaskCaseHandlers} handlers */
  #show(frame, handlers) {
    const { cbf, tmax } = frame.arrays;
    if (cbf && tmax && frame.seq >= (this.values.shownSeq[this.slice] ?? -1)) {
      this.values.setMaps(frame.kind, /** @type {any} */ (frame));
      handlers.onMaps();
    }
    if (frame.numbers) handlers.onNumbers(frame.numbers);
  }

  /**
   * Measured curves of the voxels of a slice that can be clicked; loaded once.
   * @param {number} z
   */
  loadCurves(z) {
    let loading = this.#curves.get(z);
    if (!loading) {
      loading = request(this.#address, { kind: "curves", slice: z }, this.#abort.signal).then((bytes) => unpack(bytes)[0]);
      this.#curves.set(z, loading);
      loading.catch(() => this.#curves.delete(z));
    }
    return loading;
  }

  /** Voxel of the series at a screen pixel. @param {{column: number, row: number, z: number}} pixel @returns {Voxel} */
  voxelAt({ column, row, z }) { return this.values.voxelAt(column, row, z); }

  close() {
    this.#abort.abort();
    this.#engine.close();
  }
}

/**
 * Curve of a screen pixel, enhancement; null where no artery is looked for.
 * @param {CurvesFrame} frame
 * @param {number} at pixel: row × columns + column
 * @param {number} nTime
 * @returns {Curve | null}
 */
export function curveAt({ perUnit, arrays: { pixel, curves } }, at, nTime) {
  const i = pixel.indexOf(at);
  return i < 0 ? null : Float32Array.from(curves.subarray(i * nTime, (i + 1) * nTime), (v) => v / perUnit);
}

/**
 * @param {{token: string, case: string, url: URL}} address
 * @param {{kind: string, slice?: number}} what
 * @param {AbortSignal} [signal]
 * @returns {Promise<ArrayBuffer>}
 */
async function request({ token, case: key, url }, what, signal) {
  for (;;) {
    const response = await fetch(url, { method: "POST", body: JSON.stringify({ token, case: key, ...what }), signal })
      .catch((error) => { if (signal?.aborted) throw error; return null; });
    if (response?.ok) return response.arrayBuffer();
    if (response && response.status < 500 && response.status !== 429) throw new Error("The server has no such case any more.");
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS)); // the connection may return
  }
}
