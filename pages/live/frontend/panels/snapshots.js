// Snapshots: saved curves with their settings and metrics, and the two that are compared. The page keeps them; the browser
// sends commands (command_queue.js) and stores the list, which restores it after a reload or a restart of the server.
/** @import { Lab } from "../lab.js" */
/** @import { Curve, Numbers, ShelfFrame, Side, SnapshotCommand } from "../types.js" */
/** @import { SideName } from "./snapshot_table.js" */
/** @import { SendCommands } from "../transport/command_queue.js" */
/** @import { Installed } from "../plugins.js" */
import { element, isShortcut } from "../common/dom.js";
import { packCurve } from "../common/packed_curve.js";
import { CommandQueue } from "../transport/command_queue.js";
import { icon, SnapshotTable } from "./snapshot_table.js";

const STORED = "lab|shelf";
/** Number of the last view that was opened for the server, by session token. @type {Map<string, number>} */
const opened = new Map();
/** Tokens of the sessions whose snapshots this document has shown. @type {Set<string>} */
const seen = new Set();

/** A view and curve to open, of a link or a restored snapshot. @typedef {NonNullable<ShelfFrame["wanted"]> & {token: string, curve?: Curve}} Wanted */

class Snapshots {
  /** The two sides of the comparison. @type {{a: Side, b: Side}} */
  sides = { a: null, b: null };
  /** The last list of the server. @type {ShelfFrame | null} */
  shelf = null;
  /** @type {Wanted | null} */
  #wanted = null;
  /** Metrics of the curve in the Lab. @type {Numbers | null} */
  #numbers = null;
  /** Metrics that changes are counted from. @type {Partial<Numbers> | null} */
  #reference = null;

  /** @param {Lab} lab */
  constructor(lab) {
    this.lab = lab;
    this.table = new SnapshotTable(lab.find("[data-slot=shelf]"), {
      metrics: () => lab.config.metrics.filter(({ id }) => id !== "auc"),
      choose: (side, which) => this.choose(side, which),
      send: (command) => this.#send(command),
    });
    const button = element("button", { className: "keep", title: "Save curve, settings and numbers as a snapshot (K)", innerHTML: `${icon("keep")}<span>Save snapshot</span>` });
    button.dataset.action = "keep";
    lab.find(".numbers .status").before(button);
    this.table.form.addEventListener("submit", (event) => { event.preventDefault(); this.save(); });
  }

  /** @type {SendCommands} */
  #trigger = (commands) => this.lab.setTriggerValue("shelf", commands);

  /** @param {SnapshotCommand} command */
  #send(command) { CommandQueue.of(this.lab.config.token).push(command, this.#trigger); }

  /** Save the curve in view as a snapshot. */
  save() {
    const { lab, table } = this;
    if (!lab.aif.committed) return;
    const { config, values } = lab;
    const { core } = values.thresholds; // fine-tuning may have learned another than the settings'
    const learned = core !== config.thresholds.core && { threshold: core };
    this.#send({ act: "keep", name: table.name.value, curve: packCurve(lab.editor.curve), ...learned });
    table.name.value = "";
  }

  /**
   * Choose a side of the comparison, or clear it; the other side is the curve in the Lab unless it is chosen already.
   * @param {SideName} side
   * @param {Side} which
   */
  choose(side, which) {
    const { sides } = this;
    const other = side === "a" ? "b" : "a";
    sides[side] = sides[side] === which ? null : which;
    if (sides[side] === null) sides[other] = null;
    else if (sides[other] === null || sides[other] === which) sides[other] = which === "now" ? null : "now";
    this.#sidesChanged();
  }

  clearSides() {
    this.sides.a = this.sides.b = null;
    this.#sidesChanged();
  }

  #sidesChanged() {
    this.draw();
    this.lab.events.emit("sides", this.sides);
  }

  draw() {
    const { lab, shelf, sides } = this;
    if (!shelf) return;
    this.table.draw({ rows: shelf.rows, sides, numbers: this.#numbers, reference: this.#reference }, /** @type {HTMLElement | null} */ (lab.shadow.activeElement));
  }

  /** @param {Numbers} numbers */
  setNumbers(numbers) {
    this.#numbers = numbers;
    this.table.setNumbers(numbers);
  }

  /** @param {Partial<Numbers> | null} reference */
  setReference(reference) {
    this.#reference = reference;
    this.draw();
  }

  /** @param {ShelfFrame} frame */
  receive(frame) {
    const { events, config: { token } } = this.lab;
    const { sides } = this;
    this.shelf = frame;
    CommandQueue.of(token).acknowledge(frame.done, this.#trigger);
    this.#storeOrResend(token, frame);
    /** @type {Set<Side>} */
    const numbers = new Set(frame.rows.filter(({ here }) => here).map(({ number }) => number));
    if ([sides.a, sides.b].some((which) => typeof which === "number" && !numbers.has(which))) events.emit("uncompare");
    this.draw();
    if (frame.wanted && frame.wanted.number > (opened.get(token) ?? 0)) this.#wanted = { ...frame.wanted, token, curve: frame.arrays.curve };
    this.openWanted();
  }

  /**
   * Store the list. A reload or a restarted server begins a new session: the stored list, and commands that the earlier
   * server did not acknowledge, are sent to it in place.
   * @param {string} token
   * @param {ShelfFrame} frame
   */
  #storeOrResend(token, { rows }) {
    const isNew = !seen.has(token);
    seen.add(token);
    try {
      const stored = JSON.parse(sessionStorage.getItem(STORED) ?? "null") ?? [];
      /** @type {SnapshotCommand[]} */
      const lost = isNew ? [...(stored.length ? [{ act: /** @type {const} */ ("bring"), rows: stored }] : []), ...CommandQueue.takeOrphans(token)] : [];
      if (lost.length) setTimeout(() => { for (const command of lost) this.#send(command); });
      else sessionStorage.setItem(STORED, JSON.stringify(rows.map(({ name, link, numbers, made }) => ({ name, link, numbers, made }))));
    } catch { /* storage may be off */ }
  }

  /** Show the view and curve of a link or a restored snapshot, once its case is open. */
  openWanted() {
    const { lab } = this;
    const wanted = this.#wanted;
    if (!wanted || lab.case?.curveKey !== wanted.curveKey || lab.case.epoch !== lab.config.epoch) return;
    const { map, slice, montage, curve, token, number, morph } = wanted;
    this.#wanted = null;
    opened.set(token, number);
    const { view } = lab;
    if (map) view.map = map;
    if (montage !== null) view.montage = montage;
    view.store();
    if (slice !== null) lab.goTo(slice);
    lab.viewChanged();
    if (curve && morph) lab.events.emit("morph", { curve, handles: morph });
    else if (curve) lab.aif.commit(curve, { voxels: [], effect: null });
    else if (lab.aif.changed()) lab.actions.reset();
    else lab.aif.recompute();
    lab.root.dataset.granted = String(number);
  }
}

/** @param {Lab} lab @returns {Installed} */
export function installSnapshots(lab) {
  const snapshots = new Snapshots(lab);
  lab.actions.keep = () => snapshots.save();
  const onKey = (/** @type {KeyboardEvent} */ event) => { if (isShortcut(event, "k")) lab.actions.keep(); };
  lab.root.addEventListener("keydown", onKey);
  lab.events.on("uncompare", () => snapshots.clearSides());
  lab.events.on("config", () => snapshots.table.addMetricHeadings());
  lab.events.on("numbers", ({ numbers }) => snapshots.setNumbers(numbers));
  lab.events.on("frame:shelf", (frame) => snapshots.receive(frame));
  lab.events.on("case", () => queueMicrotask(() => snapshots.openWanted()));
  return { provides: { snapshots }, close() { lab.root.removeEventListener("keydown", onKey); } };
}
