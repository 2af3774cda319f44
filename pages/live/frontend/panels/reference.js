// The pinned reference: the metrics that every change is counted from. It stays when another artery or setting is chosen.
/** @import { Lab } from "../lab.js" */
/** @import { Numbers, Provided } from "../types.js" */
import { element } from "../common/dom.js";
import { readStored, store } from "../common/storage.js";

const STORED = "lab|reference";
const TRUTH = "truth";
const SNAPSHOT = "snapshot:";

/** Metrics of a curve, and its name. @typedef {{label: string, numbers: Partial<Numbers>}} Pinned */
/** Of a case: the first curve that it was opened with, the choice, and what is pinned by it. @typedef {{first: Pinned, id: string, pinned: Pinned}} Entry */

export class Reference {
  /** By name of the case, and by lesson. @type {Record<string, Entry>} */
  #entries = readStored(STORED) ?? {};
  /** Metrics of the curve in the Lab. @type {Numbers | null} */
  #now = null;
  /** @type {Set<() => void>} */
  #listeners = new Set();

  /** @param {Lab} lab @param {Provided["snapshots"]} snapshots */
  constructor(lab, snapshots) {
    this.lab = lab;
    this.snapshots = snapshots;
    this.list = element("select", { title: "What the changes are counted from; it stays when another artery or setting is chosen" });
    this.list.dataset.control = "reference";
    this.list.setAttribute("aria-label", "Reference of the changes");
    this.list.addEventListener("change", () => this.#choose(this.list.value));
    lab.find(".numbers .keep").before(element("label", { className: "versus" }, "change from ", this.list));
  }

  /** @returns {Entry | undefined} */
  get #entry() { return this.#entries[this.#key]; }

  /** A lesson has a reference of its own: its start curve. */
  get #key() { return [this.lab.case?.name ?? "", ...(this.lab.config.focus ? [this.lab.config.focus.id] : [])].join("|"); }

  /** The metrics that changes are counted from. @returns {Partial<Numbers> | null} */
  get numbers() { return this.#entry?.pinned.numbers ?? null; }

  /** Call a function when another reference is chosen. @param {() => void} listener */
  onChange(listener) { this.#listeners.add(listener); }

  /** Take metrics of the curve in view; those of the start curve are the reference of a case that was not open before. @param {Numbers} numbers @param {Numbers} start */
  receive(numbers, start) {
    this.#now = numbers;
    if (this.#entry) return;
    const first = { label: this.#label(this.lab.config.start), numbers: start };
    this.#set({ first, id: "first", pinned: first });
  }

  /** @param {string} id of an AIF source */
  #label(id) {
    const { sources, lambda } = this.lab.config;
    return `${sources.find((one) => one.id === id)?.label ?? id}, λ ${Number(lambda.toFixed(3))}`;
  }

  /** @param {string} id */
  #choose(id) {
    const entry = this.#entry, now = this.#now;
    if (!entry) return;
    const row = this.snapshots.shelf?.rows.find(({ number }) => `${SNAPSHOT}${number}` === id);
    if (id === TRUTH) this.lab.request({ type: "reference", source: TRUTH });
    else if (id === "first") this.#set({ ...entry, id, pinned: entry.first });
    else if (row?.numbers) this.#set({ ...entry, id, pinned: { label: row.name, numbers: row.numbers } });
    else if (id === "now" && now) this.#set({ ...entry, id: "pinned", pinned: { label: "pinned curve", numbers: now } });
    this.show();
  }

  /** The server has computed the metrics of a source. @param {{source: string, numbers: Numbers}} frame */
  setSource({ source, numbers }) {
    const entry = this.#entry;
    if (entry) this.#set({ ...entry, id: source, pinned: { label: this.#label(source), numbers } });
  }

  /** @param {Entry} entry */
  #set(entry) {
    this.#entries[this.#key] = entry;
    store(STORED, this.#entries);
    this.show();
    this.snapshots.setReference(this.numbers);
    for (const listener of this.#listeners) listener();
  }

  /** List what can be the reference. */
  show() {
    const entry = this.#entry;
    if (!entry) return;
    const { config } = this.lab;
    const options = [new Option(`first curve: ${entry.first.label}`, "first")];
    if (config.sources.some(({ id }) => id === TRUTH)) options.push(new Option(config.sources.find(({ id }) => id === TRUTH)?.label, TRUTH));
    for (const { number, name, numbers, here } of this.snapshots.shelf?.rows ?? []) {
      if (numbers && here) options.push(new Option(name, `${SNAPSHOT}${number}`));
    }
    if (!options.some(({ value }) => value === entry.id)) options.push(new Option(entry.pinned.label, entry.id));
    options.push(new Option("pin the curve in view", "now"));
    this.list.replaceChildren(...options);
    this.list.value = entry.id;
  }
}

/** @param {Lab} lab @param {Provided} needed */
export function installReference(lab, { snapshots }) {
  const reference = new Reference(lab, snapshots);
  lab.events.on("numbers", ({ numbers, start }) => reference.receive(numbers, start));
  lab.events.on("config", () => { if (lab.case) reference.show(); });
  lab.events.on("case", () => { reference.show(); snapshots.setReference(reference.numbers); });
  lab.events.on("frame:shelf", () => { if (lab.case) reference.show(); });
  lab.events.on("frame:reference", (frame) => reference.setSource(frame));
  return { provides: { reference } };
}
