// What is drawn over a slice: outlines, the voxels of the input functions, the voxel in view.
import { loops, runs } from "./contours.js";

export const COLOURS = { hypoperfused: "#3fd07a", core: "#ff4fd8", truth: "#ffffff", aif: "#ff4b4b", vof: "#4aa3ff", probe: "#ffd23f", painted: "#ffa31a" };
const truths = new WeakMap(); // by the known lesion: its loops, slice by slice

function knownLesion(values, z, pixels) {
  const { lesion } = values.case.arrays;
  if (!lesion) return null;
  if (!truths.has(lesion)) truths.set(lesion, []);
  return (truths.get(lesion)[z] ??= loops(values.lesion("truth", z), pixels, values.case.columns, values.case.rows));
}

/** @param place {z, x, y, w, h} on the canvas  @param rect the part of the slice that is shown there */
export function drawMarks(ctx, values, place, rect, { outlines, voxels, probed, ratio }) {
  const { rows, columns, arrays } = values.case;
  const { z } = place;
  const [from, to] = values.range(z);
  const pixels = arrays.pixel.subarray(from, to);
  const [sx, sy] = [place.w / rect.w, place.h / rect.h];
  ctx.save();
  ctx.translate(place.x - rect.x * sx, place.y - rect.y * sy);
  ctx.scale(sx, sy);
  const line = ctx.lineWidth = (1.4 * ratio) / sx;
  ctx.lineCap = "square";
  for (const kind of ["hypoperfused", "core"]) {
    if (!outlines[kind]) continue;
    ctx.strokeStyle = COLOURS[kind];
    ctx.stroke(runs(values.lesion(kind, z), pixels, columns, rows));
  }
  if (values.paintedShown) {
    ctx.strokeStyle = COLOURS.painted;
    ctx.stroke(runs(values.painted.subarray(from, to), pixels, columns, rows));
  }
  ctx.lineCap = "butt";
  const truth = outlines.truth && knownLesion(values, z, pixels);
  if (truth) {
    ctx.strokeStyle = COLOURS.truth;
    ctx.setLineDash([3 * line, 2.4 * line]);
    ctx.stroke(truth);
    ctx.setLineDash([]);
  }
  for (const [kind, list, opacity] of voxels) {
    if (!outlines[kind]) continue;
    ctx.strokeStyle = COLOURS[kind];
    ctx.globalAlpha = opacity;
    for (const voxel of list) {
      if (voxel[2] !== z) continue;
      const [c, r] = values.pixelOf(voxel);
      const grow = Math.max(0, (4 * ratio) / sx - 1) / 2; // a voxel smaller than four points is still seen
      ctx.strokeRect(c - grow, r - grow, 1 + 2 * grow, 1 + 2 * grow);
    }
    ctx.globalAlpha = 1;
  }
  if (probed?.[2] === z) {
    const [c, r] = values.pixelOf(probed).map((v) => v + 0.5);
    const arm = 6 * line;
    ctx.strokeStyle = COLOURS.probe;
    ctx.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      ctx.moveTo(c + (dx * arm) / 3, r + (dy * arm) / 3);
      ctx.lineTo(c + dx * arm, r + dy * arm);
    }
    ctx.stroke();
  }
  ctx.restore();
}
