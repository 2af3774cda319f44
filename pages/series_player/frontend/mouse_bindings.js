// Mouse, touch and keys on the slice: a tap picks a voxel, a drag sets the window, the wheel changes the slice.
import { toScreen, toVoxel } from "../../live/frontend/common/voxel_coords.js";
import { PRESETS } from "./ct_windows.js";

/** @import { CropBox, Pixel, PlayerConfig, Voxel, WindowLevel } from "./types.js" */
/** @typedef {import("./player.js").SeriesPlayer} SeriesPlayer */
/** @typedef {{clientX: number, clientY: number}} Pointer */

const MAX_TAP_PX = 4; // a pointer that moves farther drags

/** Bind taps, drags and the wheel. @param {SeriesPlayer} player */
export function bindPointer(player) {
  const { canvas } = player.renderer;
  /** @type {{x: number, y: number, from: WindowLevel, moved: boolean} | null} */
  let press = null;
  const pick = (/** @type {Pointer} */ event) => pixelAt(canvas.getBoundingClientRect(), player.config.box, event);
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    press = { x: event.clientX, y: event.clientY, from: { ...player.windows.level }, moved: false };
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!press) { player.showReadout(pick(event)); return; }
    const [dx, dy] = [event.clientX - press.x, event.clientY - press.y];
    press.moved ||= Math.hypot(dx, dy) > MAX_TAP_PX;
    if (!press.moved) return;
    const bounds = canvas.getBoundingClientRect();
    player.windows.drag(press.from, dx / bounds.width, dy / bounds.height);
    player.showWindow();
  });
  canvas.addEventListener("pointerup", (event) => {
    const pixel = press && !press.moved && pick(event);
    press = null;
    if (pixel) player.chooseVoxel(toVoxel(player.config, pixel, player.z));
  });
  canvas.addEventListener("pointercancel", () => { // the browser scrolls the page instead
    if (press?.moved) { player.windows.drag(press.from, 0, 0); player.showWindow(); }
    press = null;
  });
  canvas.addEventListener("pointerleave", () => { if (!press) player.showReadout(null); });
  canvas.addEventListener("dblclick", () => { player.windows.reset(); player.showWindow(); });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    player.goToSlice(player.z - Math.sign(event.deltaY));
  }, { passive: false });
}

/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** @param {SeriesPlayer} player */
export function bindKeys(player) {
  player.renderer.canvas.addEventListener("keydown", (event) => {
    const action = keyAction(player, event);
    if (!action) return;
    event.preventDefault();
    action();
  });
}

/**
 * Keys pressed where nothing has the focus: those that do not scroll a page by its height. Returns the clean-up.
 * @param {SeriesPlayer} player
 * @param {EventTarget} page the document
 */
export function bindPageKeys(player, page) {
  const onKey = (/** @type {Event} */ event) => {
    const pressed = /** @type {KeyboardEvent} */ (event), { body } = /** @type {Document} */ (page);
    if (event.defaultPrevented || event.target !== body || !(pressed.key in ARROWS || /^[0-9m]$/i.test(pressed.key))) return;
    const action = keyAction(player, pressed);
    if (!action) return;
    event.preventDefault();
    action();
  };
  page.addEventListener("keydown", onKey);
  return () => page.removeEventListener("keydown", onKey);
}

/**
 * Action of a key, or null.
 * @param {SeriesPlayer} player
 * @param {KeyboardEvent} event
 * @returns {(() => unknown) | null}
 */
function keyAction(player, event) {
  const { config, z } = player;
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  const [dx, dy] = ARROWS[event.key] ?? [0, 0];
  if (event.shiftKey && (dx || dy)) return () => player.chooseVoxel(movedVoxel(config, z, player.voxel, dx, dy));
  if (dx) return () => player.step(dx);
  if (dy) return () => player.goToSlice(z - dy);
  switch (event.key.toLowerCase()) {
    case "pageup": return () => player.goToSlice(z + 1);
    case "pagedown": return () => player.goToSlice(z - 1);
    case "home": return () => player.goToFrame(0);
    case "end": return () => player.goToFrame(config.nTime - 1);
    case " ": return () => player.play(!player.playback.playing);
    case "m": return () => player.showMaximum(!player.maximum);
  }
  const preset = PRESETS[Number(event.key) - 1];
  return preset && player.canUse(preset) ? () => player.usePreset(preset.name) : null;
}

/**
 * The voxel one screen pixel further; from the middle of the slice where none is chosen yet.
 * @param {PlayerConfig} config
 * @param {number} z slice of the new voxel
 * @param {Voxel | null} voxel
 * @param {number} dx columns
 * @param {number} dy rows
 */
export function movedVoxel(config, z, voxel, dx, dy) {
  const [x, y, w, h] = config.box;
  const [column, row] = voxel ? toScreen(config, voxel) : [x + (w >> 1) - dx, y + (h >> 1) - dy];
  const clamp = (/** @type {number} */ value, /** @type {number} */ low, /** @type {number} */ size) =>
    Math.min(Math.max(value, low), low + size - 1);
  return toVoxel(config, [clamp(column + dx, x, w), clamp(row + dy, y, h)], z);
}

/**
 * The pixel of the whole slice under the pointer, or null outside the canvas.
 * @param {Pick<DOMRect, "left" | "top" | "width" | "height">} bounds of the canvas on the page
 * @param {CropBox} box
 * @param {Pointer} pointer
 * @returns {Pixel | null}
 */
export function pixelAt(bounds, [x, y, w, h], { clientX, clientY }) {
  const column = Math.floor(((clientX - bounds.left) / bounds.width) * w);
  const row = Math.floor(((clientY - bounds.top) / bounds.height) * h);
  return column < 0 || row < 0 || column >= w || row >= h ? null : [column + x, row + y];
}
