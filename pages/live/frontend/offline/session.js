// The page's own session: what a server would keep of it. One case, its start AIFs, the curve in view, snapshots.
/** @import { BasisFrame, ConfigFrame, Curve, Numbers, SourceInfo, Voxel } from "../types.js" */
/** @import { FileCase, PageInfo, SourcesFrame } from "./file.js" */
import { readAifCsv } from "./aif_csv.js";
import { readCoefficients } from "./page_data.js";
import { SnapshotShelf } from "./snapshot_shelf.js";
import { Tissue } from "./tissue.js";
import { Volumes } from "./volumes.js";

const OWN_COLOUR = "#9aa0a6";
const OWN_GROUP = "your files";
const INTERPOLATED = "The AIF has another time grid than the series and was interpolated linearly.";

/** @typedef {{curve: Curve, voxels: Voxel[]}} Start */
/** Frames of the file. @typedef {{config: ConfigFrame, opened: FileCase, basis: BasisFrame, sources: SourcesFrame}} OpenedFile */

/** Coefficients of a slice of the file. @param {number} z */
const readSlice = async (z) => (await readCoefficients(z)).arrays.coefficients;

export class PageSession {
  /** The curve of the last edit at rest. @type {Curve} */
  curve;
  epoch = 1;
  /** A sentence to show once. @type {ConfigFrame["notice"]} */
  notice = null;
  /** A curve to open, of a restored snapshot. @type {{number: number, curve: Curve} | null} */
  wanted = null;
  /** @type {Map<string, Start>} */
  #starts;
  /** Metrics of start AIFs, by id. @type {Map<string, Promise<Numbers>>} */
  #startNumbers = new Map();
  /** @type {SourceInfo[]} */
  #own = [];
  #start;
  #nNotices = 0;
  #page;

  /** @param {OpenedFile} frames @param {Pick<PageInfo, "title" | "checksum">} page @param {(z: number) => Promise<Int16Array>} [coefficientsOf] of slice z */
  constructor({ config, opened, basis, sources }, page, coefficientsOf = readSlice) {
    this.config = config;
    this.opened = opened;
    this.basis = basis;
    this.coefficientsOf = coefficientsOf;
    this.#page = page;
    this.#start = config.start;
    this.#starts = new Map(Object.entries(sources.arrays).map(([id, curve]) => [id, { curve, voxels: sources.voxels?.[id] ?? [] }]));
    this.#starts.set(config.start, { curve: opened.arrays.start, voxels: opened.aifVoxels });
    if (opened.startNumbers) this.#startNumbers.set(config.start, Promise.resolve(opened.startNumbers));
    this.curve = opened.arrays.start;
    this.tissue = new Tissue(opened, basis, coefficientsOf);
    this.volumes = new Volumes(opened, basis, config, config.thresholds);
    this.shelf = new SnapshotShelf({ title: page.title, settings: settingsText(config), checksum: page.checksum });
  }

  get #key() { return `${this.#page.checksum}|${this.#start}`; }

  /** @returns {Start} */
  get start() { return /** @type {Start} */ (this.#starts.get(this.#start)); }

  get startId() { return this.#start; }

  /** Metrics of the start AIF. */
  startNumbers() { return this.numbersOf(this.#start); }

  /** Metrics of an AIF, by its id. @param {string} id */
  numbersOf(id) {
    const { curve } = this.#starts.get(id) ?? this.start;
    const found = this.#startNumbers.get(id) ?? this.volumes.of(curve).then(({ numbers }) => numbers);
    this.#startNumbers.set(id, found);
    return found;
  }

  /** Configuration of the Lab as a run of a server's page would send it. @returns {ConfigFrame} */
  configFrame() {
    const { config } = this;
    const sources = [...config.sources.filter(({ id }) => this.#starts.has(id)), ...this.#own];
    return { ...config, page: "lab", token: this.#page.checksum, path: "", casePath: "page", computesInBrowser: true, classCurves: 0, epoch: this.epoch, start: this.#start, sources, notice: this.notice };
  }

  /** The case with the start AIF; the part that is there already is not sent again. @param {string | null | undefined} have key of the open case */
  caseFrame(have) {
    const { opened, start } = this;
    const now = { epoch: this.epoch, curveKey: this.#key, aifVoxels: start.voxels };
    const { edited: _, ...arrays } = opened.arrays;
    if (have === opened.key) return { kind: /** @type {const} */ ("case"), ...now, key: opened.key, arrays: { start: start.curve } };
    return { ...opened, ...now, arrays: { ...arrays, start: start.curve } };
  }

  /** List of the snapshots, as a run of a server's page would send it. */
  shelfHeader() {
    const { number = 0 } = this.wanted ?? {};
    const wanted = number ? { number, curveKey: this.#key, map: "", slice: null, montage: null } : null;
    return { kind: "shelf", done: this.shelf.done, rows: this.shelf.rows(), link: "", shared: false, known: true, title: this.#page.title, wanted };
  }

  /** @param {string} text a sentence to show once */
  notify(text) { this.notice = { id: ++this.#nNotices, text }; }

  /** Start from another AIF; an unknown one changes nothing. @param {string} id */
  select(id) {
    if (!this.#starts.has(id) || id === this.#start) return;
    this.#start = id;
    this.epoch += 1;
  }

  /** Start from an AIF in a CSV file. @param {Uint8Array} bytes */
  addCsv(bytes) {
    const { arrays: { start }, dt } = this.opened;
    try {
      const { curve, isInterpolated } = readAifCsv(new TextDecoder("utf-8", { fatal: true }).decode(bytes), start.length, dt);
      const number = this.#own.length + 1, id = `file-${number}`;
      this.#own.push({ id, label: `File ${number}`, colour: OWN_COLOUR, group: OWN_GROUP });
      this.#starts.set(id, { curve, voxels: [] });
      this.select(id);
      if (isInterpolated) this.notify(INTERPOLATED);
    } catch (error) {
      const reason = error instanceof RangeError ? error.message : "it is not a text table in UTF-8; give a CSV with the columns time_s and value.";
      this.notify(`This curve cannot be used: ${reason}`);
    }
  }
}

/** Settings in a few words, for the table of the snapshots. @param {ConfigFrame} config */
export const settingsText = ({ deconvolution, regularization, discretization, lambda, thresholds }) =>
  `${deconvolution}, ${regularization} ${lambda}, ${discretization}, core < ${thresholds.core}, Tmax > ${thresholds.tmax} s`;

/** @type {PageSession | null} */
let current = null;

/** Make a session the page's: the socket answers for it. @param {PageSession} session */
export function setSession(session) { current = session; }

/** The page's session. */
export function pageSession() {
  if (!current) throw new Error("The page has not been opened.");
  return current;
}
