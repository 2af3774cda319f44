// Comparison of two curves' maps: side by side with a divider, or their difference.
/** @import { Lab } from "../lab.js" */
/** @import { Case, Layer, MapStyle, Provided, Range, Side, SnapshotFrame } from "../types.js" */
import { closest, find, findAll, setRadio } from "../common/dom.js";
import { signed } from "../common/number_format.js";
import { divergingScale } from "./color_scales.js";
import { DIVIDER_HTML, installDivider } from "./divider.js";
import { VolumeDifference } from "./volume_difference.js";
import { VolumeStore } from "./volume_store.js";

const SCALE = divergingScale();
const HTML = `<div class="compare" hidden>
  <div class="segments" role="radiogroup" aria-label="Compare"><button role="radio" data-way="wipe" title="A left, B right of a divider">Wipe</button><button role="radio" data-way="difference" title="B minus A">Difference</button></div>
  <span class="names"><b>A</b> <span data-out="side-a"></span><b>B</b> <span data-out="side-b"></span></span>
  <label class="span">± <input type="number" step="any" min="0" data-control="difference-span" aria-label="Window of the difference" title="Window: from minus to plus this"></label>
  <button data-action="uncompare" title="Stop comparing (Esc)" aria-label="Stop comparing">×</button></div>
${DIVIDER_HTML}
<div class="readout compared" data-out="compared"></div>`;

/** @typedef {{a: VolumeStore, b: VolumeStore}} Volumes */

/** Whether the user wants no animations: scroll at once. */
const prefersReducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

class AbCompare {
  /** Title of the comparison in view, for the exported picture. @type {string | undefined} */
  title = undefined;
  /** Maps of snapshots, by number. @type {Map<number, SnapshotFrame>} */
  #frames = new Map();
  /** Upper ends of the difference's window that the user has set, by map. @type {Record<string, number>} */
  #windowEnds = {};
  /** Both volumes, once they have come. @type {Volumes | null} */
  #volumes = null;
  /** @type {"wipe" | "difference"} */
  #mode = "wipe";
  /** Upper ends of the windows computed from the values, by map. @type {Record<string, number>} */
  #fitted = {};

  /**
   * @param {Lab} lab
   * @param {Provided["snapshots"]} snapshots
   */
  constructor(lab, snapshots) {
    this.lab = lab;
    this.snapshots = snapshots;
    const picture = lab.find(".picture");
    picture.insertAdjacentHTML("beforeend", HTML);
    this.bar = find(picture, ".compare");
    this.divider = installDivider(lab, picture);
    this.out = find(picture, "[data-out=compared]");
    this.span = find(picture, "[data-control=difference-span]", HTMLInputElement);
    this.#installControls();
    lab.map.addLayerProvider(1, (meta) => this.#layers(meta));
    lab.actions.uncompare = () => lab.events.emit("uncompare");
  }

  get comparing() { return this.#volumes !== null; }

  /** Both volumes where a map depends on the curve; else null. */
  #active(map = this.lab.view.map) { return this.#volumes && !this.lab.map.maps[map].static ? this.#volumes : null; }

  #installControls() {
    this.bar.addEventListener("click", (event) => {
      const mode = closest(event, "[data-way]")?.dataset.way;
      if (mode === "wipe" || mode === "difference") this.#setMode(mode);
    });
    this.bar.addEventListener("keydown", (event) => {
      const { dataset } = /** @type {HTMLElement} */ (event.target);
      if (!dataset.way || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
      event.preventDefault();
      this.#setMode(this.#mode === "wipe" ? "difference" : "wipe");
      find(this.bar, `[data-way=${this.#mode}]`).focus();
    });
    this.span.addEventListener("change", () => {
      const { view } = this.lab;
      const end = Number(this.span.value);
      if (Number.isFinite(end) && end > 0) this.#windowEnds[view.map] = end;
      else delete this.#windowEnds[view.map];
      this.show();
    });
  }

  /** @param {"wipe" | "difference"} mode */
  #setMode(mode) {
    this.#mode = mode;
    this.show();
  }

  /** @param {Side} side */
  #nameOf(side) {
    return side === "now" ? "now" : this.snapshots.shelf?.rows.find(({ number }) => number === side)?.name ?? "";
  }

  /** Maps of a side; null while they are requested. @param {"now" | number} side */
  #volumeOf(side) {
    const { values } = this.lab;
    if (side === "now") return values;
    const frame = this.#frames.get(side);
    if (!frame) { this.lab.request({ type: "snapshot", number: side }); return null; }
    const { arrays, ref, aifArea, thresholds } = frame;
    const open = values.open;
    const { area = open.arrays.area, ttp = open.arrays.ttp } = arrays;
    const ofCase = { ...open, arrays: { ...open.arrays, area, ttp } };
    return VolumeStore.of(ofCase, { cbf: arrays.cbf, tmax: arrays.tmax, ref, aifArea, thresholds, slope: values.slope });
  }

  /** Take the sides that the user has chosen among the snapshots. */
  choose() {
    const { a, b } = this.snapshots.sides;
    const wanted = a !== null && b !== null && this.lab.case;
    const [left, right] = wanted ? [this.#volumeOf(a), this.#volumeOf(b)] : [null, null];
    this.#volumes = left && right ? { a: left, b: right } : null;
    this.#fitted = {};
    this.show();
    if (this.#volumes) this.lab.find(".panels").scrollIntoView({ block: "start", behavior: prefersReducedMotion() ? "auto" : "smooth" });
  }

  show() {
    const { lab } = this;
    const active = this.#active();
    this.bar.hidden = !this.#volumes;
    this.divider.node.hidden = !active || this.#mode !== "wipe";
    lab.root.dataset.compare = active ? this.#mode : "";
    for (const node of findAll(this.bar, "[data-way]")) setRadio(node, node.dataset.way === this.#mode);
    find(this.bar, ".span").hidden = !active || this.#mode !== "difference";
    this.title = undefined;
    if (this.#volumes) this.#showNames(Boolean(active));
    if (active && this.#mode === "difference" && lab.shadow.activeElement !== this.span) {
      this.span.value = String(this.#window(active)[1]);
    }
    this.divider.layOut();
    lab.draw();
  }

  /** @param {boolean} active */
  #showNames(active) {
    const { map, view } = this.lab;
    const [a, b] = [this.#nameOf(this.snapshots.sides.a), this.#nameOf(this.snapshots.sides.b)];
    find(this.bar, "[data-out=side-a]").textContent = a;
    find(this.bar, "[data-out=side-b]").textContent = b;
    const { label } = map.maps[view.map];
    if (active) this.title = this.#mode === "wipe" ? `${label}: ${a} | ${b}` : `Δ ${label}: ${b} − ${a}`;
    else this.out.textContent = `${label} is the same in both`;
  }

  /** Symmetric window: as set by the user, else a round number that holds 98 % of the voxels. @param {Volumes} volumes @returns {Range} */
  #window(volumes, map = this.lab.view.map) {
    const end = this.#windowEnds[map] ?? (this.#fitted[map] ??= this.#fit(map, volumes));
    return [-end, end];
  }

  /** @param {string} map @param {Volumes} volumes */
  #fit(map, volumes) {
    const [low, high] = this.lab.map.maps[map].window;
    return new VolumeDifference(volumes).windowEnd(map, (high - low) / 50);
  }

  /** Layers that the canvas draws in place of the one map. @param {MapStyle} meta @returns {Layer[] | null} */
  #layers(meta) {
    const volumes = this.#active(meta.map);
    if (!volumes) return null;
    const at = this.divider.position;
    if (this.#mode === "wipe") return [{ values: volumes.a, meta, from: 0, to: at }, { values: volumes.b, meta, from: at, to: 1 }];
    const style = { ...meta, label: `Δ ${meta.label}`, window: this.#window(volumes, meta.map), lut: SCALE, digits: Math.max(meta.digits, 2) };
    return [{ values: new VolumeDifference(volumes), meta: style, from: 0, to: 1 }];
  }

  /** Show both values under the pointer and their difference. */
  readout() {
    const { hover, map, values, view } = this.lab;
    if (!this.#volumes) this.out.textContent = "";
    const volumes = this.#active();
    if (!volumes) return;
    const i = hover ? values.indexAt(hover.column, hover.row, hover.z) : -1;
    if (!hover || i < 0) { this.out.textContent = ""; return; }
    const { digits, unit } = map.maps[view.map];
    const a = volumes.a.at(view.map, i, hover.z);
    const b = volumes.b.at(view.map, i, hover.z);
    const shown = Math.max(digits, 2);
    this.out.textContent = `A ${a.toFixed(shown)}  B ${b.toFixed(shown)}  B − A ${signed(b - a, shown)} ${unit.replace("\n", "")}`;
  }

  /** @param {SnapshotFrame} frame */
  receive(frame) {
    if (frame.key !== this.lab.case?.key) return;
    this.#frames.set(frame.number, frame);
    this.choose();
  }

  /** A case has come: maps of snapshots stay while its voxels are the same. @param {Case} opened */
  setCase(opened) {
    for (const [number, frame] of this.#frames) if (frame.key !== opened.key) this.#frames.delete(number);
    const { a, b } = this.snapshots.sides;
    if (a !== null || b !== null) this.choose();
  }

  /** The maps have changed: fit the window of the difference again, unless the user has set it. */
  refit() {
    if (!this.#volumes || this.#mode !== "difference" || this.#windowEnds[this.lab.view.map]) return;
    this.#fitted = {};
    this.show();
  }
}

/**
 * @param {Lab} lab
 * @param {Pick<Provided, "snapshots">} needed
 */
export function installAbCompare(lab, { snapshots }) {
  const compare = new AbCompare(lab, snapshots);
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape" || !compare.comparing) return;
    event.preventDefault();
    lab.events.emit("uncompare");
  };
  lab.root.addEventListener("keydown", onKey);
  lab.events.on("sides", () => compare.choose());
  lab.events.on("frame:snapshot", (frame) => compare.receive(frame));
  lab.events.on("case", (opened) => compare.setCase(opened));
  lab.events.on("frame:shelf", () => { if (compare.comparing) compare.show(); });
  lab.events.on("volume", () => compare.refit());
  lab.events.on("view", () => compare.show());
  lab.events.on("resize", () => compare.divider.layOut());
  lab.events.on("hover", () => compare.readout());
  lab.events.on("painted", () => { compare.divider.layOut(); compare.readout(); });
  return { provides: { compare }, close() { lab.root.removeEventListener("keydown", onKey); } };
}
