// View state: map, slice, colour scales, windows, zoom. It is the browser's own and survives a page change.
/** @import { Box, Point, Range } from "../types.js" */
import { readStored, store } from "../common/storage.js";

const KEY = "lab|view";
const MAX_ZOOM = 16;

export class ViewState {
  map = "rcbf";
  slice = 0;
  montage = false;
  /** Whether one slice is shown as two maps side by side. */
  two = true;
  /** The map on the right of the two. */
  second = "tmax";
  /** @type {Record<string, boolean>} */
  outlines = { core: true, hypoperfused: true, truth: true, aif: true, vof: true, region: true };
  /** Windows that the user has set, by map. @type {Record<string, Range>} */
  windows = {};
  /** Colour scales that the user has chosen, by map. @type {Record<string, string>} */
  scales = {};
  zoom = 1;
  /** In screen pixels of a slice; null is the middle of the head. @type {Point | null} */
  centre = null;

  constructor() {
    const stored = readStored(KEY) ?? {};
    for (const [name, value] of Object.entries(this.#stored())) {
      if (typeof stored[name] === typeof value) Object.assign(this, { [name]: stored[name] });
    }
  }

  #stored() {
    const { map, montage, two, second, outlines, windows, scales } = this;
    return { map, montage, two, second, outlines, windows, scales };
  }

  /** The maps in view, from left to right. */
  get maps() { return this.two && !this.montage ? [this.map, this.second] : [this.map]; }

  /** Show a map; the one beside it stays another one. @param {string} map */
  setMap(map) {
    if (map === this.second) this.second = this.map === map ? this.second : this.map;
    this.map = map;
  }

  /** Keep the view over a page change and a reload. */
  store() { store(KEY, this.#stored()); }

  /** Set a map's window; an empty, reversed or infinite one is refused. @param {string} map @param {number} low @param {number} high */
  setWindow(map, low, high) {
    if (!(Number.isFinite(low) && Number.isFinite(high) && high > low)) return false;
    this.windows[map] = [low, high];
    return true;
  }

  /** Zoom by a factor about a point of the slice, which stays in place. @param {number} factor @param {Point} about @param {Box} box */
  zoomBy(factor, about, box) {
    const zoom = Math.min(Math.max(this.zoom * factor, 1), MAX_ZOOM);
    const { x, y } = this.centre ?? middle(box);
    const ratio = this.zoom / zoom;
    this.zoom = zoom;
    this.centre = zoom === 1 ? null : { x: about.x + (x - about.x) * ratio, y: about.y + (y - about.y) * ratio };
    this.#clamp(box);
  }

  /** @param {number} dx @param {number} dy @param {Box} box */
  pan(dx, dy, box) {
    if (!this.centre) return;
    this.centre = { x: this.centre.x + dx, y: this.centre.y + dy };
    this.#clamp(box);
  }

  resetZoom() {
    this.zoom = 1;
    this.centre = null;
  }

  /** The part of every slice that is shown, in screen pixels of a slice. @param {Box} box @returns {Box} */
  rect(box) {
    if (!this.centre) return box;
    const [w, h] = [box.w / this.zoom, box.h / this.zoom];
    return { x: this.centre.x - w / 2, y: this.centre.y - h / 2, w, h };
  }

  /** @param {Box} box */
  #clamp(box) {
    if (!this.centre) return;
    const [w, h] = [box.w / this.zoom / 2, box.h / this.zoom / 2];
    this.centre.x = Math.min(Math.max(this.centre.x, box.x + w), box.x + box.w - w);
    this.centre.y = Math.min(Math.max(this.centre.y, box.y + h), box.y + box.h - h);
  }
}

/** @param {Box} box @returns {Point} */
export const middle = (box) => ({ x: box.x + box.w / 2, y: box.y + box.h / 2 });
