// Outlines of a region and of its mirror on the map, each with its name.
/** @import { Box, SlicePlace } from "../types.js" */
/** @import { Position } from "./region_shape.js" */

/** A closed polygon in pixels of slice z. @typedef {{kind: "region" | "mirror", z: number, polygon: Position[]}} RegionOutline */

/** @type {Record<RegionOutline["kind"], string>} */
export const LABELS = { region: "Region", mirror: "Mirror" };
const CASING = "#000b"; // behind a line, so that it is seen on every colour scale
const FONT_SIZE = 12; // screen pixels

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {RegionOutline[]} outlines
 * @param {SlicePlace} place
 * @param {Box} rect the part of the slice that is shown at the place
 * @param {{ratio: number, colours: Record<string, string>, named: boolean}} shown named: whether the labels are drawn
 */
export function drawRegions(ctx, outlines, place, rect, { ratio, colours, named }) {
  for (const { kind, z, polygon } of outlines) {
    if (z !== place.z || polygon.length < 2) continue;
    const points = polygon.map(([x, y]) => [place.x + ((x - rect.x) / rect.w) * place.w, place.y + ((y - rect.y) / rect.h) * place.h]);
    const path = new Path2D();
    points.forEach(([x, y], i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
    path.closePath();
    ctx.lineJoin = "round";
    ctx.setLineDash(kind === "mirror" ? [6 * ratio, 4 * ratio] : []);
    ctx.strokeStyle = CASING;
    ctx.lineWidth = 4 * ratio;
    ctx.stroke(path);
    ctx.strokeStyle = colours[kind];
    ctx.lineWidth = 2 * ratio;
    ctx.stroke(path);
    ctx.setLineDash([]);
    if (named) drawLabel(ctx, LABELS[kind], points, { ratio, colour: colours[kind] });
  }
}

/** Write a name above the highest point. @param {CanvasRenderingContext2D} ctx @param {string} text @param {number[][]} points @param {{ratio: number, colour: string}} style */
function drawLabel(ctx, text, points, { ratio, colour }) {
  const xs = points.map(([x]) => x);
  const top = Math.min(...points.map(([, y]) => y));
  ctx.font = `600 ${FONT_SIZE * ratio}px system-ui, sans-serif`;
  Object.assign(ctx, { textAlign: "center", textBaseline: "bottom", lineWidth: 3.5 * ratio, strokeStyle: CASING, fillStyle: colour });
  const at = /** @type {const} */ ([(Math.min(...xs) + Math.max(...xs)) / 2, top - 4 * ratio]);
  ctx.strokeText(text, ...at);
  ctx.fillText(text, ...at);
}
