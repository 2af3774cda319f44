// Engine: computes the maps of edits in the page, in two workers; the server computes what the engine does not have, and
// confirms at rest. While a case is loading, the slices that are here are computed here.
/** @import { BasisFrame, Case, Edit, EngineFrame, EngineStatus, FlowFrame, Numbers, SliceArrays, Thresholds } from "../types.js" */
/** @import { CaseAddress } from "./case_loader.js" */
/** @import { DeconvolutionSettings } from "./operator.js" */
/** @import { FlowResult, WorkerMessage } from "./messages.js" */
import { FLAG_ALL_SLICES, FLAG_REST } from "../common/wire.js";
import { kernelModule, newWorker } from "./assets.js";
import { loadCase } from "./case_loader.js";
import { healthyMean, healthyShift, lesionNumbers } from "./flow_numbers.js";
import { buildOperator, isSupported, project } from "./operator.js";

/** The epoch names the case and settings; the settings may be newer than the case until its new frame has come. @typedef {DeconvolutionSettings & {tmaxReference: string, epoch?: number}} EngineSettings */
/**
 * @typedef {object} EngineHost
 * @property {(frame: EngineFrame) => void} onFrame
 * @property {(status: EngineStatus, nLoaded: number, nSlices: number) => void} onStatus
 * @property {(z: number, arrays: SliceArrays) => void} onStatic the static data of a slice have come
 * @property {(error: number) => void} onCompared mean relative error of CBF against the server's at rest
 * @property {(reason: "failed" | "differs") => void} onGivenUp a worker has failed, or the maps differ beyond the stated error
 * @property {() => number} visible the slice in view
 * @property {() => Promise<unknown>} [firstMap] resolves when a map is on the screen
 * @property {() => Thresholds} thresholds
 */
/** @typedef {{cbf: Float32Array, tmax: Float32Array, ref: number}} Flow */
/** P for the temporal basis, and the scale of its results. @typedef {{matrix: Float32Array, cbfPerK: number, startS: number, dtS: number}} BasisOperator */

const MAX_MEAN_ERROR = 1e-3; // of CBF against the server's at rest, relative; that of the basis is below it
const N_WORKERS = 2;

/** A worker and its answers in order. */
class EngineWorker {
  #worker = newWorker();
  /** @type {Map<number, (result: FlowResult) => void>} */
  #waiting = new Map();
  #nJobs = 0;
  nRunning = 0;

  /** @param {() => void} onError */
  constructor(onError) {
    this.#worker.onerror = onError;
    this.#worker.onmessage = (/** @type {MessageEvent<FlowResult>} */ { data }) => {
      this.nRunning -= 1;
      this.#waiting.get(data.job)?.(data);
      this.#waiting.delete(data.job);
    };
  }

  /** @param {WorkerMessage} message */
  send(message) { this.#worker.postMessage(message); }

  /** @param {number[]} parts @param {BasisOperator} operator @returns {Promise<FlowResult>} */
  flow(parts, operator) {
    const job = ++this.#nJobs;
    this.nRunning += 1;
    return new Promise((resolve) => {
      this.#waiting.set(job, resolve);
      this.send({ kind: "flow", job, parts, ...operator });
    });
  }

  close() { this.#worker.terminate(); }
}

export class Engine {
  /** @type {EngineStatus} */
  status = "server";
  /** @type {Case | null} */
  #case = null;
  /** @type {BasisFrame | null} */
  #basis = null;
  /** @type {EngineSettings | null} */
  #settings = null;
  /** @type {EngineWorker[]} */
  #workers = [];
  /** @type {Set<number>} */
  #loaded = new Set();
  #abort = new AbortController();
  /** @type {Edit | null} */
  #next = null;
  #busy = false;
  #trusted = true;
  /** Exact healthy mean and shift over those of the sample, of the last whole volume. */
  #correction = { scale: 1, shift: 0 };
  /** The last whole volume at rest. @type {{seq: number, cbf: Float32Array} | null} */
  #rested = null;
  /** The server's last volume at rest. @type {FlowFrame | null} */
  #confirmation = null;
  /** @type {"idle" | "loading" | "loaded" | "failed"} */
  #transfer = "idle";
  #hasKernel = true;
  #allowed = true;
  /** Metrics of the start AIF, as the server computed them. @type {Numbers | null} */
  startNumbers = null;
  #host;

  /** @param {EngineHost} host */
  constructor(host) { this.#host = host; }

  /** @param {EngineSettings} settings @param {boolean} allowed whether maps are to be computed here */
  configure(settings, allowed = true) {
    this.#settings = settings;
    this.#allowed = allowed;
    this.#announce();
  }

  /** Load a case; new settings or another start of the open one change nothing. @param {Case} opened @param {{token: string, url: URL}} address */
  open(opened, { token, url }) {
    const isOpen = this.#case?.key === opened.key && this.#transfer !== "failed";
    this.#case = opened;
    this.startNumbers = this.#rested = this.#confirmation = null;
    if (!isOpen) this.#load(opened, { token, url, case: opened.key });
  }

  /** @param {Case} opened @param {CaseAddress} address */
  async #load(opened, address) {
    this.close();
    this.#trusted = true;
    this.#transfer = "loading";
    this.#announce();
    const { signal } = (this.#abort = new AbortController());
    const module = this.#allowed ? await kernelModule() : null;
    if (signal.aborted) return;
    this.#hasKernel = Boolean(module);
    this.#announce();
    const whole = await loadCase(address, opened.slices, {
      visible: this.#host.visible,
      onStatic: this.#host.onStatic,
      onBasis: (basis) => { if (module) this.#begin(basis, module); },
      onSlice: (z, coefficients) => this.#store(z, coefficients),
      firstMap: () => this.#host.firstMap?.() ?? Promise.resolve(),
    }, signal, Boolean(module));
    if (signal.aborted) return;
    this.#transfer = whole ? "loaded" : "failed";
    this.#announce();
  }

  /** @param {BasisFrame} basis @param {WebAssembly.Module} module */
  #begin(basis, module) {
    this.#basis = basis;
    this.#workers = Array.from({ length: N_WORKERS }, () => new EngineWorker(() => this.#giveUp("failed")));
    for (const worker of this.#workers) worker.send({ kind: "open", module, q: basis.q });
    this.#store(this.#sample, basis.arrays.sample);
  }

  /** @param {number} part @param {Int16Array} coefficients */
  #store(part, coefficients) {
    for (const worker of this.#workers) worker.send({ kind: "store", part, coefficients });
    this.#loaded.add(part);
    this.#announce();
  }

  /** Number of the part with the sample of healthy voxels. */
  get #sample() { return this.#case?.slices ?? 0; }

  get #isWhole() { return this.#loaded.size > this.#sample; }

  #announce() {
    const able = this.#allowed && this.#hasKernel && this.#trusted && this.#settings && isSupported(this.#settings);
    const coming = this.#transfer === "loading" || this.#isWhole;
    this.status = !able || !coming ? "server" : this.#isWhole ? "browser" : "loading";
    this.#host.onStatus(this.status, Math.max(this.#loaded.size - 1, 0), this.#sample);
  }

  /**
   * Compute the maps of an edit; of several the latest wins. False where the server has to compute them: settings that the
   * engine does not have, slices that have not come, a curve without a bolus.
   * @param {Edit} edit
   */
  edit(edit) {
    const whole = edit.flags & (FLAG_REST | FLAG_ALL_SLICES);
    if (this.status === "server" || !(whole ? this.#isWhole : this.#loaded.has(edit.slice))) return false;
    if (!edit.curve.some((value) => value > 0)) return false;
    this.#next = edit;
    this.#pump();
    return true;
  }

  /** Whether the maps of an edit are here or will be: the server need not send those of all slices. @param {Edit} edit */
  provides({ flags }) { return this.status === "browser" || (this.status === "loading" && !(flags & FLAG_ALL_SLICES)); }

  async #pump() {
    const edit = this.#next, opened = this.#case;
    if (this.#busy || !edit || !opened) return;
    this.#next = null;
    this.#busy = true;
    const { signal } = this.#abort;
    try {
      const operator = this.#operator(edit);
      if (edit.flags & (FLAG_REST | FLAG_ALL_SLICES)) await this.#volume(edit, operator, signal);
      else await this.#slice(edit, operator, signal);
    } finally {
      if (!signal.aborted) this.#busy = false;
    }
    this.#pump();
  }

  /** @param {Edit} edit @returns {BasisOperator} */
  #operator({ curve }) {
    const basis = /** @type {BasisFrame} */ (this.#basis), { dt } = /** @type {Case} */ (this.#case);
    const operator = buildOperator(curve, dt, /** @type {EngineSettings} */ (this.#settings));
    const { startS, dtS } = operator;
    return { matrix: project(operator, basis.arrays.vectors, basis.q), cbfPerK: basis.cbfPerK, startS, dtS };
  }

  /** The visible slice; the numbers of the whole volume follow where the other worker is free. @param {Edit} edit @param {BasisOperator} operator @param {AbortSignal} signal */
  async #slice(edit, operator, signal) {
    const [first, second] = this.#workers;
    if (this.#isWhole && !second.nRunning) this.#numbersBehind(edit, operator, signal);
    const { cbf, tmax } = await first.flow([edit.slice, this.#sample], operator);
    if (signal.aborted) return;
    const n = this.#sizeOf(edit.slice), sample = this.#sampleOf(cbf.subarray(n), tmax.subarray(n));
    this.#shift(tmax, sample.shift + this.#correction.shift);
    const arrays = { cbf: cbf.subarray(0, n), tmax: tmax.subarray(0, n) };
    this.#host.onFrame({ kind: "slice", epoch: edit.epoch, seq: edit.seq, z: edit.slice, ref: sample.mean * this.#correction.scale, arrays });
  }

  /** Metrics of the whole volume during a drag of one slice. @param {Edit} edit @param {BasisOperator} operator @param {AbortSignal} signal */
  async #numbersBehind(edit, operator, signal) {
    const parts = Array.from({ length: this.#sample + 1 }, (_, part) => part);
    const result = await this.#workers[1].flow(parts, operator);
    if (signal.aborted) return;
    this.#emitVolume(edit, this.#gather([result]), false);
  }

  /** Maps and metrics of all slices, half by each worker. @param {Edit} edit @param {BasisOperator} operator @param {AbortSignal} signal */
  async #volume(edit, operator, signal) {
    const { epoch = edit.epoch } = /** @type {EngineSettings} */ (this.#settings), isServers = epoch === edit.epoch;
    const half = Math.ceil(this.#sample / 2);
    const slices = Array.from({ length: this.#sample }, (_, z) => z);
    const [first, second] = this.#workers;
    const results = await Promise.all([
      first.flow(slices.slice(0, half), operator), second.flow([...slices.slice(half), this.#sample], operator)]);
    if (signal.aborted) return;
    const flow = this.#gather(results);
    if (edit.flags & FLAG_REST && isServers) this.#rested = { seq: edit.seq, cbf: flow.cbf };
    this.#emitVolume(edit, flow, true);
    this.#compare();
  }

  /** Join the results of all slices, the sample last; healthy mean and shift are exact. @param {FlowResult[]} results @returns {Flow} */
  #gather(results) {
    const n = this.#sizeOf(null), { reference } = /** @type {BasisFrame} */ (this.#basis).arrays;
    const total = results.reduce((sum, { cbf }) => sum + cbf.length, 0);
    const all = { cbf: new Float32Array(total), tmax: new Float32Array(total) };
    let at = 0;
    for (const { cbf, tmax } of results) {
      all.cbf.set(cbf, at);
      all.tmax.set(tmax, at);
      at += cbf.length;
    }
    const [cbf, tmax] = [all.cbf.subarray(0, n), all.tmax.subarray(0, n)];
    const sample = this.#sampleOf(all.cbf.subarray(n), all.tmax.subarray(n));
    const ref = healthyMean(cbf, reference);
    const shift = this.#anchors ? healthyShift(tmax, reference) : 0;
    this.#correction = { scale: ref / sample.mean, shift: shift - sample.shift };
    this.#shift(tmax, shift);
    return { cbf, tmax, ref };
  }

  get #anchors() { return this.#settings?.tmaxReference === "healthy"; }

  /** @param {Float32Array} cbf @param {Float32Array} tmax */
  #sampleOf(cbf, tmax) {
    const every = new Uint8Array(cbf.length).fill(1);
    return { mean: healthyMean(cbf, every), shift: this.#anchors ? healthyShift(tmax, every) : 0 };
  }

  /** @param {Float32Array} tmax @param {number} shift */
  #shift(tmax, shift) { if (shift) for (let i = 0; i < tmax.length; i++) tmax[i] += shift; }

  /** Voxels of a slice, or of all. @param {number | null} z */
  #sizeOf(z) {
    const { starts } = /** @type {Case} */ (this.#case).arrays;
    return z === null ? (starts.at(-1) ?? 0) : starts[z + 1] - starts[z];
  }

  /** @param {Edit} edit @param {Flow} flow @param {boolean} withMaps */
  #emitVolume({ epoch, seq, flags, slice }, flow, withMaps) {
    const { voxelMl, lesionVoxels } = /** @type {BasisFrame} */ (this.#basis);
    const { lesion } = /** @type {Case} */ (this.#case).arrays;
    const numbers = lesionNumbers(flow, this.#host.thresholds(), { voxelMl, lesionVoxels, lesion });
    const start = this.startNumbers ?? undefined;
    const arrays = withMaps ? { cbf: flow.cbf, tmax: flow.tmax } : {};
    this.#host.onFrame({
      kind: "volume", epoch, seq, z: slice, ref: flow.ref, moving: !(flags & FLAG_REST), arrays,
      ...(start && { numbers, start }),
    });
  }

  /** Compare the server's volume of a curve at rest with the engine's, as soon as both are here. @param {FlowFrame} frame */
  confirm(frame) {
    if (frame.kind !== "volume" || !frame.arrays.cbf) return;
    this.#confirmation = frame;
    this.#compare();
  }

  #compare() {
    const { seq, step = 1, arrays: { cbf = null } = {} } = this.#confirmation ?? {};
    const own = this.#rested?.seq === seq ? this.#rested?.cbf : null;
    if (!own || !cbf) return;
    this.#confirmation = null;
    const least = 0.02 * cbf.reduce((a, b) => Math.max(a, b), 0);
    let sum = 0, n = 0;
    for (let i = 0; i < cbf.length; i++) if (cbf[i] > least) { sum += Math.abs(own[step * i] - cbf[i]) / cbf[i]; n += 1; }
    const error = n ? sum / n : 0;
    this.#host.onCompared(error);
    if (error > MAX_MEAN_ERROR) this.#giveUp("differs");
  }

  /** The server computes this case from now on. @param {"failed" | "differs"} reason */
  #giveUp(reason) {
    if (!this.#trusted) return;
    this.#trusted = false;
    this.#announce();
    this.#host.onGivenUp(reason);
  }

  close() {
    this.#abort.abort();
    for (const worker of this.#workers) worker.close();
    this.#workers = [];
    this.#loaded.clear();
    this.#basis = this.#next = this.#rested = this.#confirmation = null;
    this.#transfer = "idle";
    this.#busy = false;
    this.#correction = { scale: 1, shift: 0 };
    this.#announce();
  }
}
