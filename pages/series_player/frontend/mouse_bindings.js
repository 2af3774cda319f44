// @ts-nocheck
// Mouse, touch and keys on the picture: a tap picks a voxel, a drag sets the window, the wheel changes the slice.
import { toScreen, toVoxel } from "../../live/frontend/common/voxel_coords.js";
import { PRESETS } from "./ct_windows.js";

const TAP = 4; // screen pixels a finger may slip

/** @param {import("./player.js").Cine} cine */
export function listen(cine) {
  const { canvas } = cine.picture;
  let held = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    held = { x: event.clientX, y: event.clientY, from: { ...cine.windows.now }, moved: false };
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!held) { cine.point(pick(canvas, cine.config, event)); return; }
    const [dx, dy] = [event.clientX - held.x, event.clientY - held.y];
    held.moved ||= Math.hypot(dx, dy) > TAP;
    if (!held.moved) return;
    const bounds = canvas.getBoundingClientRect();
    cine.windows.drag(held.from, dx / bounds.width, dy / bounds.height);
    cine.showWindow();
  });
  canvas.addEventListener("pointerup", (event) => {
    const at = held && !held.moved && pick(canvas, cine.config, event);
    held = null;
    if (at) cine.choose(toVoxel(cine.config, at, cine.z));
  });
  canvas.addEventListener("pointercancel", () => { held = null; });
  canvas.addEventListener("pointerleave", () => { if (!held) cine.point(null); });
  canvas.addEventListener("dblclick", () => { cine.windows.reset(); cine.showWindow(); });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    cine.goToSlice(cine.z - Math.sign(event.deltaY));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => { if (key(cine, event)) event.preventDefault(); });
}

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function key(cine, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const [dx, dy] = STEPS[event.key] ?? [0, 0];
  if (event.shiftKey && (dx || dy)) return move(cine, dx, dy);
  if (dx) return cine.step(dx);
  if (dy) return cine.goToSlice(cine.z - dy);
  if (event.key === "PageUp") return cine.goToSlice(cine.z + 1);
  if (event.key === "PageDown") return cine.goToSlice(cine.z - 1);
  if (event.key === "Home") return cine.goToFrame(0);
  if (event.key === "End") return cine.goToFrame(cine.config.nTime - 1);
  if (event.key === " ") return cine.play(!cine.clock.playing);
  if (event.key.toLowerCase() === "m") return cine.showMaximum(!cine.maximum);
  const preset = PRESETS[Number(event.key) - 1];
  return preset ? cine.usePreset(preset.name) : false;
}

/** Move the chosen voxel by a pixel of the screen; the first time it stands in the middle of the picture. */
function move(cine, dx, dy) {
  const { config, z, voxel } = cine;
  const [x, y, w, h] = config.box;
  const [column, row] = voxel ? toScreen(config, voxel) : [x + (w >> 1) - dx, y + (h >> 1) - dy];
  const clamp = (value, low, size) => Math.min(Math.max(value, low), low + size - 1);
  return cine.choose(toVoxel(config, [clamp(column + dx, x, w), clamp(row + dy, y, h)], z));
}

/** The pixel of the picture under the pointer, [column, row] of the whole slice, or null. */
function pick(canvas, { box: [x, y, w, h] }, event) {
  const bounds = canvas.getBoundingClientRect();
  const column = Math.floor(((event.clientX - bounds.left) / bounds.width) * w);
  const row = Math.floor(((event.clientY - bounds.top) / bounds.height) * h);
  return column < 0 || row < 0 || column >= w || row >= h ? null : [column + x, row + y];
}
