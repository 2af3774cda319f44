// Layout of slices: the slices on the canvas, the pointer's place in a slice.
/** @import { Case, SlicePlace } from "../types.js" */
/** @import { ViewState } from "./view_state.js" */

/**
 * Place of each shown slice on a canvas, as large as they can be side by side.
 * @param {Case} now
 * @param {Pick<ViewState, "montage" | "slice">} view
 * @param {{width: number, height: number}} canvas
 * @returns {SlicePlace[]}
 */
export function places(now, view, { width, height }) {
  const box = now.head;
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
  const rect = view.rect(now.head);
  const all = places(now, view, canvas);
  const place = all.find((p) => (within === null ? px >= p.x && px < p.x + p.w && py >= p.y && py < p.y + p.h : p.z === within));
  if (!place) return null;
  return {
    x: rect.x + ((px - place.x) / place.w) * rect.w, y: rect.y + ((py - place.y) / place.h) * rect.h,
    z: place.z, w: place.w / rect.w / ratio,
  };
}
