// Overlay: values of all voxels that are not a perfusion map (sensitivity, core frequency), drawn in place of the map.
/** @import { Lab } from "../lab.js" */
/** @import { Case, Layer, MapStyle, OutlineKind, Range, Voxel } from "../types.js" */
/** @import { VolumeStore } from "./volume_store.js" */
import { find } from "../common/dom.js";
import { windowEnd } from "./color_scales.js";

/**
 * One value per voxel and how it is drawn; `of` names the panel that shows it, `lut` a colour scale.
 * @typedef {object} OverlayContent
 * @property {string} of
 * @property {Float32Array} field
 * @property {string} label
 * @property {string} [note]
 * @property {string} [unit]
 * @property {Range} window
 * @property {string} lut
 * @property {number} digits
 */

const HTML = `<div class="overlay-bar" hidden><b data-out="overlay"></b> <span data-out="overlay-note"></span>
  <button data-action="overlay-close" title="Back to the map (Esc)" aria-label="Back to the map">×</button></div>
<div class="readout compared" data-out="overlaid"></div>`;

/** Values of all voxels with the outlines of the volume in view, drawn like a map. */
export class OverlayVolume {
  /**
   * @param {VolumeStore} values
   * @param {Float32Array} all
   */
  constructor(values, all) {
    this.values = values;
    this.all = all;
  }

  get case() { return this.values.case; }

  get painted() { return this.values.painted; }

  get paintedShown() { return this.values.paintedShown; }

  /** @param {number} z */
  range(z) { return this.values.range(z); }

  /** @param {OutlineKind} kind @param {number} z */
  lesion(kind, z) { return this.values.lesion(kind, z); }

  /** @param {Voxel} voxel */
  pixelOf(voxel) { return this.values.pixelOf(voxel); }

  /** @param {string} _map @param {number} z */
  field(_map, z) { return this.all.subarray(...this.range(z)); }
}

class MapOverlay {
  /** @type {OverlayContent | null} */
  #content = null;

  /** @param {Lab} lab */
  constructor(lab) {
    this.lab = lab;
    const picture = lab.find(".picture");
    picture.insertAdjacentHTML("beforeend", HTML);
    this.bar = find(picture, ".overlay-bar");
    this.out = find(picture, "[data-out=overlaid]");
    lab.map.addLayerProvider(2, (meta) => this.#layers(meta));
    lab.actions["overlay-close"] = () => this.close();
  }

  /** Name of the panel whose overlay is shown, or null. */
  get of() { return this.#content?.of ?? null; }

  /** @param {OverlayContent | null} content */
  show(content) {
    this.#content = content;
    this.bar.hidden = !content;
    this.lab.root.dataset.overlay = content?.of ?? "";
    find(this.bar, "[data-out=overlay]").textContent = content?.label ?? "";
    find(this.bar, "[data-out=overlay-note]").textContent = content?.note ?? "";
    this.readout();
    this.lab.draw();
  }

  /** Remove the overlay; with a name only where that panel's overlay is shown. @param {string} [of] */
  close(of = this.#content?.of) {
    if (of === undefined || this.#content?.of !== of) return;
    this.show(null);
    this.lab.events.emit("overlay-closed", of);
  }

  /** @param {MapStyle} meta @returns {Layer[] | null} */
  #layers(meta) {
    if (!this.#content || meta.map !== this.lab.view.map) return null;
    const { field, label, unit = "", window, lut, digits } = this.#content;
    const style = { ...meta, map: "overlay", case_array: undefined, label, unit, window, lut: this.lab.map.luts[lut], digits };
    return [{ values: new OverlayVolume(this.lab.values, field), meta: style, from: 0, to: 1 }];
  }

  /** Show the value under the pointer. */
  readout() {
    const content = this.#content;
    const { hover, values } = this.lab;
    const i = content && hover ? values.indexAt(hover.column, hover.row, hover.z) : -1;
    this.out.textContent = !content || i < 0 ? "" : `${content.label} ${content.field[i].toFixed(content.digits)} ${content.unit ?? ""}`;
  }

  /** Close an overlay whose voxels are not those of the case. @param {Case} opened */
  setCase(opened) {
    if (this.#content && this.#content.field.length !== opened.arrays.starts.at(-1)) this.close();
  }
}

/** @param {Lab} lab */
export function installMapOverlay(lab) {
  const overlay = new MapOverlay(lab);
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape" || overlay.of === null) return;
    event.preventDefault();
    overlay.close();
  };
  lab.root.addEventListener("keydown", onKey);
  lab.events.on("hover", () => overlay.readout());
  lab.events.on("painted", () => overlay.readout());
  lab.events.on("case", (opened) => overlay.setCase(opened));
  lab.events.on("map", () => overlay.close());
  lab.events.on("sides", ({ a, b }) => { if (a !== null && b !== null) overlay.close(); });
  return { provides: { overlay }, close() { lab.root.removeEventListener("keydown", onKey); } };
}

/**
 * Upper end of a window that holds 98 % of the values, rounded to two digits; at least `least`.
 * @param {Float32Array} field
 * @param {number} least
 */
export const upperEnd = (field, least) => Number(windowEnd(field, least).toPrecision(2));
