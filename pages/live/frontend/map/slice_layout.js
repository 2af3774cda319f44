// Layout of slices: the head's box in a slice, the slices on the canvas, the pointer's place in a slice.
/** @import { Box, Case, SlicePlace } from "../types.js" */
/** @import { ViewState } from "./view_state.js" */

const AIR = -200; // HU; below it nothing is drawn
const PAD = 4;
/** @type {WeakMap<Int16Array, Box>} */
const boxes = new WeakMap();

/**
 * The part of a slice that holds the head, the same for all slices, in pixels.
 * @param {Pick<Case, "rows" | "columns" | "slices" | "hasBaseline"> & {arrays: Pick<Case["arrays"], "baseline" | "tmip">}} now
 * @returns {Box}
 */
export function headBox(now) {
  const data = now.hasBaseline ? now.arrays.baseline : now.arrays.tmip;
  const known = boxes.get(data);
  if (known) return known;
  const { rows, columns, slices } = now;
  const limit = now.hasBaseline ? AIR : 0;
  let [x0, x1, y0, y1] = [columns, -1, rows, -1];
  for (let z = 0, p = 0; z < slices; z++) {
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++, p++) {
        if (data[p] <= limit) continue;
        if (x < x0) x0 = x;
        if (x > x1) x1 = x;
        if (y < y0) y0 = y;
        if (y > y1) y1 = y;
      }
    }
  }
  [x0, y0] = [Math.max(x0 - PAD, 0), Math.max(y0 - PAD, 0)];
  [x1, y1] = [Math.min(x1 + PAD, columns - 1), Math.min(y1 + PAD, rows - 1)];
  const box = x1 < x0 ? { x: 0, y: 0, w: columns, h: rows } : { x: x0, y: y0, w: x1 - x0 + 1, h: y1 - y0 + 1 };
  boxes.set(data, box);
  return box;
}

/**
 * Place of each shown slice on a canvas, as large as they can be side by side.
 * @param {Case} now
 * @param {Pick<ViewState, "montage" | "slice">} view
 * @param {{width: number, height: number}} canvas
 * @returns {SlicePlace[]}
 */
export function places(now, view, { width, height }) {
  const box = headBox(now);
  const shown = view.montage ? [...Array(now.slices).keys()] : [view.slice];
  const [w, h] = [box.w * now.pixelMm[0], box.h * now.pixelMm[1]];
  let best = { across: 1, down: 1, scale: 0 };
  for (let across = 1; across <= shown.length; across++) {
    const down = Math.ceil(shown.length / across);
    const scale = Math.min(width / across / w, height / down / h);
    if (scale > best.scale) best = { across, down, scale };
  }
  const [cw, ch] = [w * best.scale, h * best.scale];
  const left = (width - cw * best.across) / 2;
  const top = (height - ch * best.down) / 2;
  return shown.map((z, i) => ({
    z, x: left + (i % best.across) * cw, y: top + Math.floor(i / best.across) * ch, w: cw, h: ch,
  }));
}

/**
 * A point of the page → {x, y, z, w} in pixels of the slice under it (w: width of a pixel on the screen), or null.
 * @param {Case} now
 * @param {ViewState} view
 * @param {HTMLCanvasElement} canvas
 * @param {{clientX: number, clientY: number}} event
 * @param {number | null} within the one slice to look in
 */
export function toSlice(now, view, canvas, event, within = null) {
  const bounds = canvas.getBoundingClientRect();
  const ratio = canvas.width / bounds.width;
  const px = (event.clientX - bounds.left) * ratio;
  const py = (event.clientY - bounds.top) * ratio;
  const rect = view.rect(headBox(now));
  const all = places(now, view, canvas);
  const place = all.find((p) => (within === null ? px >= p.x && px < p.x + p.w && py >= p.y && py < p.y + p.h : p.z === within));
  if (!place) return null;
  return {
    x: rect.x + ((px - place.x) / place.w) * rect.w, y: rect.y + ((py - place.y) / place.h) * rect.h,
    z: place.z, w: place.w / rect.w / ratio,
  };
}
