// Snapshots of the file: kept in the page; snapshots.js stores their list in the tab, which restores them after a reload.
/** @import { Curve, Numbers, SnapshotCommand, SnapshotRow } from "../types.js" */
import { packCurve } from "../common/packed_curve.js";
import { fromBase64 } from "./page_data.js";

const MAX_SNAPSHOTS = 20;
const MAX_NAME_CHARS = 40;

/** @typedef {{number: number, name: string, start: string, curve: Curve, numbers: Partial<Numbers>, made: number}} Snapshot */
/** Of the file: its title, settings in words, and its checksum, by which its own snapshots are known. @typedef {{title: string, settings: string, checksum: string}} ShelfLabels */

/** A curve of packed_curve.js. @param {string} text @returns {Curve} */
export const unpackCurve = (text) =>
  new Float32Array(fromBase64(text.slice(text.indexOf(".") + 1).replaceAll("-", "+").replaceAll("_", "/")).buffer);

/** @param {string} name */
const clean = (name) => name.replaceAll(/\p{C}/gu, " ").replaceAll(/\s+/g, " ").trim().slice(0, MAX_NAME_CHARS).trimEnd();

export class SnapshotShelf {
  /** Number of the last command that was carried out. */
  done = 0;
  /** @type {Snapshot[]} */
  #kept = [];
  #last = 0;
  #labels;

  /** @param {ShelfLabels} labels */
  constructor(labels) { this.#labels = labels; }

  /** @param {number} number */
  get(number) {
    const found = this.#kept.find((snapshot) => snapshot.number === number);
    if (!found) throw new RangeError("This snapshot does not exist any more.");
    return found;
  }

  /** @param {Omit<Snapshot, "number">} snapshot */
  add({ name, ...rest }) {
    if (this.#kept.length >= MAX_SNAPSHOTS) throw new RangeError(`At most ${MAX_SNAPSHOTS} snapshots are kept; delete one first.`);
    this.#last += 1;
    this.#kept.push({ ...rest, number: this.#last, name: clean(name) || `Snapshot ${this.#last}` });
  }

  /** @param {number} number @param {string} name an empty one changes nothing */
  rename(number, name) {
    const snapshot = this.get(number);
    snapshot.name = clean(name) || snapshot.name;
  }

  /** @param {number} number */
  delete(number) {
    this.get(number);
    this.#kept = this.#kept.filter((snapshot) => snapshot.number !== number);
  }

  /** Take back the rows that the tab has stored; those of another file are left out. @param {Extract<SnapshotCommand, {act: "bring"}>["rows"]} rows */
  bring(rows) {
    for (const { name, link, numbers, made } of rows) {
      const fields = new URLSearchParams(link), curve = fields.get("curve");
      if (fields.get("file") === this.#labels.checksum && curve) {
        this.add({ name, start: fields.get("start") ?? "", curve: unpackCurve(curve), numbers, made });
      }
    }
  }

  /** Rows of the table. @returns {SnapshotRow[]} */
  rows() {
    const { title, settings, checksum } = this.#labels;
    return this.#kept.map(({ number, name, start, curve, numbers, made }) => ({
      number, name, title, here: true, settings, numbers, made,
      link: String(new URLSearchParams({ file: checksum, start, curve: packCurve(curve) })),
    }));
  }
}
