// Source of the AIF: a selector, a network, the truth or a file, chosen from the list; or voxels clicked on the map.
/** @import { Lab } from "../lab.js" */
/** @import { Voxel, VoxelsFrame } from "../types.js" */
import { element, find } from "../common/dom.js";

const MAX_CSV_BYTES = 4 << 20;
const CSV = "csv:";
export const VEIN = "vein";

/** Slices that hold voxels, in order. @param {Voxel[]} voxels */
const slicesOf = (voxels) => [...new Set(voxels.map((v) => v[2]))].sort((a, b) => a - b);

/** @param {Uint8Array} bytes */
function base64(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return btoa(text);
}

/** The list of sources, with its file chooser. */
class SourceList {
  #hadFocus = false;
  #waits = false; // for a run of the page
  /** The source of the curve that fine-tuning starts from, where that is not the page's. @type {string | null} */
  #startSource = null;

  /** @param {Lab} lab */
  constructor(lab) {
    this.lab = lab;
    this.list = find(lab.root, "[data-control=source]", HTMLSelectElement);
    this.file = find(lab.root, "[data-control=csv]", HTMLInputElement);
    this.list.addEventListener("change", () => this.#choose());
    this.file.addEventListener("change", () => this.#upload());
  }

  show() {
    const { config, shadow } = this.lab;
    /** @type {Map<string, HTMLOptGroupElement>} */
    const groups = new Map();
    for (const { id, label, group } of config.sources) {
      const node = groups.get(group) ?? element("optgroup", { label: group });
      node.append(new Option(label, id));
      groups.set(group, node);
    }
    this.list.replaceChildren(...groups.values(), new Option("a CSV file …", CSV));
    this.list.value = this.#shown;
    this.list.disabled = false;
    if (this.#waits) this.lab.notice("");
    this.#waits = false;
    if (this.#hadFocus && !shadow.activeElement) this.list.focus({ preventScroll: true });
    this.#hadFocus = false;
  }

  get #shown() { return this.#startSource ?? this.lab.config.start; }

  /** Name the curve that is shown. @param {string | null} id */
  setStartSource(id) {
    this.#startSource = id;
    if (!this.#waits) this.list.value = this.#shown;
  }

  #choose() {
    const chosen = this.list.value;
    if (chosen === CSV) {
      this.list.value = this.#shown;
      this.file.click();
      return;
    }
    if (chosen !== this.lab.config.start) this.#request(chosen);
    this.lab.events.emit("source", chosen);
  }

  /** @param {string} chosen */
  #request(chosen) {
    this.#wait(`Finding the curve: ${this.list.selectedOptions[0].text} …`);
    this.lab.setTriggerValue("source", chosen);
  }

  async #upload() {
    const file = this.file.files?.[0];
    this.file.value = "";
    if (!file) return;
    if (file.size > MAX_CSV_BYTES) {
      this.lab.notice("This file is larger than 4 MB; give a table of a few hundred rows.");
      return;
    }
    const bytes = new Uint8Array(await file.arrayBuffer());
    this.#wait("Reading the file …");
    this.lab.setTriggerValue("csv", { base64: base64(bytes) });
    this.lab.events.emit("source", CSV);
  }

  /** Disable the list until the page has run, and say why. @param {string} text */
  #wait(text) {
    this.#waits = true;
    this.lab.notice(text, { lasting: true });
    this.#hadFocus = this.lab.shadow.activeElement === this.list;
    this.list.disabled = true;
  }
}

/** Voxels clicked on the map: their mean is the curve, their standard deviation a band. */
class VoxelPicker {
  #picking = false;
  #requested = 0;
  /** Whether the vein is the curve that fine-tuning starts from. */
  #isVein = false;
  /** Picked voxels as the server knows them, by the key of the curve. @type {Map<string, string>} */
  #told = new Map();

  /** @param {Lab} lab */
  constructor(lab) {
    this.lab = lab;
    this.where = find(lab.root, "[data-action=where]");
  }

  /** The voxels behind the curve: those picked, else those of the source. */
  get #shown() {
    const { aif: { committed }, case: open } = this.lab;
    if (this.#isVein) return open?.vofVoxels ?? [];
    return committed?.voxels.length ? committed.voxels : open?.aifVoxels ?? [];
  }

  /** @param {string | null} id */
  setStartSource(id) {
    this.#isVein = id === VEIN;
    this.showVoxels();
  }

  /** Mark the voxels on the map and list their slices. */
  showVoxels() {
    const { lab, where } = this;
    const start = lab.case?.aifVoxels ?? [];
    const picked = lab.aif.committed?.voxels ?? [];
    lab.map.voxels = [["vof", lab.case?.vofVoxels ?? [], 1], ["aif", start, picked.length ? 0.45 : 1], ["aif", picked, 1]];
    const shown = this.#shown;
    const slices = slicesOf(shown);
    const listed = slices.length > 2 ? `${slices.length} slices` : `slice ${slices.map((z) => z + 1).join(", ")}`;
    where.hidden = !shown.length;
    where.textContent = `${shown.length} voxel${shown.length > 1 ? "s" : ""}, ${listed}`;
    find(lab.root, "[data-action=unpick]").hidden = this.#isVein || !picked.length;
    find(lab.root, ".key.band").hidden = !lab.aif.committed?.spread;
    lab.root.dataset.voxels = String(picked.length);
  }

  /** Tell the server which voxels the committed curve was picked from. */
  tellVoxels() {
    const { lab } = this;
    const key = lab.case?.curveKey, voxels = lab.aif.committed?.voxels ?? [];
    if (!key || !lab.config?.keepsVoxels || (this.#told.get(key) ?? "[]") === JSON.stringify(voxels)) return;
    this.#told.set(key, JSON.stringify(voxels));
    lab.request({ type: "picked", key, voxels });
  }

  /** Go to the slice of the voxels; each further call to the next slice that has some. */
  goToVoxels() {
    const { lab } = this;
    const slices = slicesOf(this.#shown);
    const at = slices.indexOf(lab.view.slice);
    lab.goTo(at < 0 ? slices[0] : slices[(at + 1) % slices.length]);
  }

  toggle() {
    const { lab } = this;
    this.#picking = !this.#picking;
    find(lab.root, "[data-action=pick]").setAttribute("aria-pressed", String(this.#picking));
    lab.map.canvas.dataset.picking = String(this.#picking);
    if (this.#picking) lab.notice("Click voxels of an artery on the map (Enter for the voxel in view); click one again to remove it.");
  }

  clear() { this.lab.aif.commit(this.lab.values.open.arrays.start, { voxels: [], effect: null }); }

  /** @param {Voxel | null} voxel */
  pick(voxel) {
    const { lab } = this;
    if (!this.#picking) return;
    if (!voxel) { lab.notice("That point is outside the image; click a vessel inside the skull."); return; }
    const now = lab.aif.committed?.voxels ?? [];
    const rest = now.filter((v) => v.some((x, i) => x !== voxel[i]));
    const next = rest.length < now.length ? rest : [...now, voxel];
    if (!next.length) this.clear();
    else lab.request({ type: "voxels", voxels: next, number: ++this.#requested });
  }

  /** @param {VoxelsFrame} frame */
  setCurve({ voxels, arrays, flags, number }) {
    if (number !== this.#requested) return;
    const done = this.lab.aif.commit(arrays.mean, { voxels, spread: voxels.length > 1 ? arrays.sd : null, effect: "voxels" });
    if (done && flags.length) this.lab.notice(flags[0]);
  }
}

/** @param {Lab} lab */
export function installAifSources(lab) {
  const list = new SourceList(lab);
  const picker = new VoxelPicker(lab);
  lab.events.on("config", () => { list.show(); picker.showVoxels(); });
  lab.events.on("case", () => picker.showVoxels());
  lab.events.on("committed", () => { picker.showVoxels(); picker.tellVoxels(); });
  lab.events.on("start-source", (id) => { list.setStartSource(id); picker.setStartSource(id); });
  lab.events.on("pick", (voxel) => picker.pick(voxel));
  lab.events.on("frame:voxels", (frame) => picker.setCurve(frame));
  lab.actions.where = () => picker.goToVoxels();
  lab.actions.pick = () => picker.toggle();
  lab.actions.unpick = () => picker.clear();
}
