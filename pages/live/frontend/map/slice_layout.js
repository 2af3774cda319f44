// Layout of slices: the slices on the canvas, the pointer's place in a slice.
/** @import { Case, SlicePlace } from "../types.js" */
/** @import { ViewState } from "./view_state.js" */

const SIDE_BY_SIDE = 1.5; // two maps lie side by side unless they are larger by more than this one above the other

/**
 * Place of each shown slice and map on a canvas, as large as they can be side by side.
 * @param {Case} now
 * @param {Pick<ViewState, "montage" | "slice" | "maps">} view
 * @param {{width: number, height: number}} canvas
 * @returns {SlicePlace[]}
 */
export function places(now, view, { width, height }) {
  const box = now.head;
  const slices = view.montage ? [...Array(now.slices).keys()] : [view.slice];
  const shown = slices.flatMap((z) => view.maps.map((map) => ({ z, map })));
  const [w, h] = [box.w * now.pixelMm[0], box.h * now.pixelMm[1]];
  let best = { across: 1, down: 1, scale: 0, worth: 0 };
  for (let across = 1; across <= shown.length; across++) {
    const down = Math.ceil(shown.length / across);
    const scale = Math.min(width / across / w, height / down / h);
    const worth = scale * (view.maps.length > 1 && view.maps.length === across ? SIDE_BY_SIDE : 1);
    if (worth > best.worth) best = { across, down, scale, worth };
  }
  const [cw, ch] = [w * best.scale, h * best.scale];
  // Two maps lie each in the middle of its half; the slices of a montage side by side without a gap.
  const [gapX, gapY] = view.maps.length > 1 ? [width / best.across - cw, height / best.down - ch] : [0, 0];
  const left = (width - (cw + gapX) * best.across + gapX) / 2;
  const top = (height - (ch + gapY) * best.down + gapY) / 2;
  return shown.map(({ z, map }, i) => ({
    z, map, x: left + (i % best.across) * (cw + gapX), y: top + Math.floor(i / best.across) * (ch + gapY), w: cw, h: ch,
  }));
}

/** Width of the head over its height on the screen. @param {Pick<Case, "head" | "pixelMm">} now */
export const headAspect = ({ head, pixelMm: [w, h] }) => (head.w * w) / (head.h * h);

/**
 * A point of the page → {x, y, z, w, map} in pixels of the slice under it (w: width of a pixel on the screen), or null.
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
  const place = placeAt(places(now, view, canvas), px, py, within);
  if (!place) return null;
  return {
    x: rect.x + ((px - place.x) / place.w) * rect.w, y: rect.y + ((py - place.y) / place.h) * rect.h,
    z: place.z, map: place.map, w: place.w / rect.w / ratio,
  };
}

/**
 * The place that holds a point of the canvas; of a given slice, the nearest.
 * @param {SlicePlace[]} all
 * @param {number} x
 * @param {number} y
 * @param {number | null} z
 * @returns {SlicePlace | undefined}
 */
function placeAt(all, x, y, z) {
  if (z === null) return all.find((p) => x >= p.x && x < p.x + p.w && y >= p.y && y < p.y + p.h);
  const away = (/** @type {SlicePlace} */ p) => Math.hypot(p.x + p.w / 2 - x, p.y + p.h / 2 - y);
  return all.filter((p) => p.z === z).sort((a, b) => away(a) - away(b))[0];
}
