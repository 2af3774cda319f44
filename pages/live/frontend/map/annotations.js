// Annotations over a slice: lesion outlines, voxels of the AIF and VOF, the voxel in view.
/** @import { Box, Case, SlicePlace, VolumeReader, Voxel } from "../types.js" */
import { loops, runs } from "./contours.js";

/** @typedef {[kind: "aif" | "vof", voxels: Voxel[], opacity: number]} VoxelAnnotation */

/** Colour of each outline, by name. @typedef {Record<string, string>} OutlineColours */

/** @type {WeakMap<Uint8Array, Path2D[]>} */
const truthContours = new WeakMap(); // by the known lesion: its contour, slice by slice

/**
 * @param {Case} now
 * @param {number} z
 * @param {Uint32Array} pixels
 */
function truthContour({ arrays: { lesion, starts }, columns, rows }, z, pixels) {
  if (!lesion) return null;
  const contours = truthContours.get(lesion) ?? [];
  truthContours.set(lesion, contours);
  return (contours[z] ??= loops(lesion.subarray(starts[z], starts[z + 1]), pixels, columns, rows));
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {VolumeReader} values
 * @param {Case} now
 * @param {SlicePlace} place
 * @param {Box} rect the part of the slice that is shown at the place
 * @param {{outlines: Record<string, boolean>, voxels: VoxelAnnotation[], probed: Voxel | null, ratio: number, colours: OutlineColours}} shown
 */
export function drawAnnotations(ctx, values, now, place, rect, { outlines, voxels, probed, ratio, colours }) {
  const { z } = place;
  const [sx, sy] = [place.w / rect.w, place.h / rect.h];
  ctx.save();
  ctx.translate(place.x - rect.x * sx, place.y - rect.y * sy);
  ctx.scale(sx, sy);
  const line = (1.4 * ratio) / sx;
  ctx.lineWidth = line;
  drawOutlines(ctx, values, now, z, { outlines, colours, line });
  const minSize = (4 * ratio) / sx; // a voxel smaller than four points stays visible
  for (const [kind, list, opacity] of voxels) {
    if (!outlines[kind]) continue;
    ctx.strokeStyle = colours[kind];
    ctx.globalAlpha = opacity;
    for (const voxel of list) {
      if (voxel[2] !== z) continue;
      const [c, r] = values.pixelOf(voxel);
      const grow = Math.max(0, minSize - 1) / 2;
      ctx.strokeRect(c - grow, r - grow, 1 + 2 * grow, 1 + 2 * grow);
    }
    ctx.globalAlpha = 1;
  }
  if (probed?.[2] === z) drawCrosshair(ctx, values.pixelOf(probed), 6 * line, colours.probe);
  ctx.restore();
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {VolumeReader} values
 * @param {Case} now
 * @param {number} z
 * @param {{outlines: Record<string, boolean>, colours: OutlineColours, line: number}} shown line: its width
 */
function drawOutlines(ctx, values, now, z, { outlines, colours, line }) {
  const { rows, columns, arrays, loaded } = now;
  if (!loaded.has(z)) return; // where its voxels lie has not come yet
  const [from, to] = values.range(z);
  const pixels = arrays.pixel.subarray(from, to);
  ctx.lineCap = "square";
  for (const kind of /** @type {const} */ (["hypoperfused", "core"])) {
    const flags = outlines[kind] && values.lesion(kind, z);
    if (!flags) continue;
    ctx.strokeStyle = colours[kind];
    ctx.stroke(runs(flags, pixels, columns, rows));
  }
  if (values.paintedShown && values.painted) {
    ctx.strokeStyle = colours.painted;
    ctx.stroke(runs(values.painted.subarray(from, to), pixels, columns, rows));
  }
  ctx.lineCap = "butt";
  const truth = outlines.truth && truthContour(now, z, pixels);
  if (truth) {
    ctx.strokeStyle = colours.truth;
    ctx.setLineDash([3 * line, 2.4 * line]);
    ctx.stroke(truth);
    ctx.setLineDash([]);
  }
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {[number, number]} pixel
 * @param {number} arm
 * @param {string} colour
 */
function drawCrosshair(ctx, [column, row], arm, colour) {
  const [c, r] = [column + 0.5, row + 0.5];
  ctx.strokeStyle = colour;
  ctx.beginPath();
  for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
    ctx.moveTo(c + (dx * arm) / 3, r + (dy * arm) / 3);
    ctx.lineTo(c + dx * arm, r + dy * arm);
  }
  ctx.stroke();
}
