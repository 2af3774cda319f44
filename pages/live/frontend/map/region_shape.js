// Geometry of a region: ellipse and lasso as polygons, in pixels of a slice on the screen or in voxel indices.
/** @import { Case, Point } from "../types.js" */
import { toScreen, toVoxel } from "../common/voxel_coords.js";

const N_ELLIPSE = 48; // vertices
const MAX_VERTICES = 256; // as perfcore/analysis/region.py accepts
const CENTRE = 0.5; // of a pixel whose corner is at whole numbers; a voxel index is that of the centre
const DECIMALS = 1000;

/** Position in a slice: x and y. @typedef {[x: number, y: number]} Position */
/** A polygon in a slice, in voxel indices. @typedef {{slice: number, vertices: Position[]}} RegionShape */

/** The ellipse in the rectangle between two corners. @param {Position} a @param {Position} b @returns {Position[]} */
export function ellipse([x0, y0], [x1, y1]) {
  const [cx, cy, rx, ry] = [(x0 + x1) / 2, (y0 + y1) / 2, Math.abs(x1 - x0) / 2, Math.abs(y1 - y0) / 2];
  return Array.from({ length: N_ELLIPSE }, (_, i) => {
    const angle = (2 * Math.PI * i) / N_ELLIPSE;
    return [cx + rx * Math.cos(angle), cy + ry * Math.sin(angle)];
  });
}

/**
 * A circle of a radius in millimetres.
 * @param {Position} centre
 * @param {number} radiusMm
 * @param {[number, number]} pixelMm
 */
export function circle([x, y], radiusMm, [w, h]) {
  return ellipse([x - radiusMm / w, y - radiusMm / h], [x + radiusMm / w, y + radiusMm / h]);
}

/** Distance of a point from a segment. @param {Position} p @param {Position} a @param {Position} b */
function distance([px, py], [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const t = length ? Math.min(Math.max(((px - ax) * dx + (py - ay) * dy) / length, 0), 1) : 0;
  return Math.hypot(px - ax - t * dx, py - ay - t * dy);
}

/** Douglas and Peucker: the points farther than a tolerance from the line through those kept. @param {Position[]} points @param {number} tolerance */
function thinned(points, tolerance) {
  const kept = new Uint8Array(points.length);
  kept[0] = kept[points.length - 1] = 1;
  /** @type {[number, number][]} */
  const spans = [[0, points.length - 1]];
  for (let span = spans.pop(); span; span = spans.pop()) {
    const [from, to] = span;
    let [at, far] = [-1, tolerance];
    for (let i = from + 1; i < to; i++) {
      const away = distance(points[i], points[from], points[to]);
      if (away > far) [at, far] = [i, away];
    }
    if (at < 0) continue;
    kept[at] = 1;
    spans.push([from, at], [at, to]);
  }
  return points.filter((_, i) => kept[i]);
}

/** A path of the pointer as a polygon of few vertices, at most a tenth of a pixel away where they suffice. @param {Position[]} path */
export function lasso(path) {
  let tolerance = 0.1;
  let polygon = thinned(path, tolerance);
  while (polygon.length > MAX_VERTICES) polygon = thinned(path, tolerance *= 1.5);
  return polygon;
}

/** Width and height of a polygon. @param {Position[]} polygon @returns {[number, number]} */
export function extent(polygon) {
  const [xs, ys] = [polygon.map(([x]) => x), polygon.map(([, y]) => y)];
  return [Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys)];
}

/** Whether a point lies in a polygon (even–odd rule). @param {Position[]} polygon @param {Point} point */
export function contains(polygon, { x, y }) {
  let inside = false;
  polygon.forEach(([x1, y1], i) => {
    const [x0, y0] = polygon.at(i - 1) ?? [x1, y1];
    if (y0 > y !== y1 > y && x < x0 + ((y - y0) / (y1 - y0)) * (x1 - x0)) inside = !inside;
  });
  return inside;
}

/**
 * A polygon moved by pixels; its middle stays in the image.
 * @param {Position[]} polygon
 * @param {Position} by
 * @param {{rows: number, columns: number}} image
 */
export function moved(polygon, [dx, dy], { rows, columns }) {
  const middle = (/** @type {0 | 1} */ axis) => polygon.reduce((sum, p) => sum + p[axis], 0) / polygon.length;
  const [cx, cy] = [middle(0), middle(1)];
  const [mx, my] = [Math.min(Math.max(cx + dx, 0), columns) - cx, Math.min(Math.max(cy + dy, 0), rows) - cy];
  return polygon.map(([x, y]) => /** @type {Position} */ ([x + mx, y + my]));
}

/**
 * A polygon on the screen as a region of the series, rounded as it is sent.
 * @param {Case} now
 * @param {number} z
 * @param {Position[]} polygon
 * @returns {RegionShape}
 */
export function toRegion(now, z, polygon) {
  const round = (/** @type {number} */ v) => Math.round(v * DECIMALS) / DECIMALS;
  return { slice: z, vertices: polygon.map(([x, y]) => {
    const [i, j] = toVoxel(now, [x - CENTRE, y - CENTRE], z);
    return [round(i), round(j)];
  }) };
}

/** A region as a polygon on the screen. @param {Case} now @param {RegionShape} region @returns {Position[]} */
export const toPolygon = (now, { vertices }) => vertices.map((vertex) => {
  const [x, y] = toScreen(now, vertex);
  return [x + CENTRE, y + CENTRE];
});

/** The mirror of a region over the midline; null where the slices have none. @param {Case} now @param {RegionShape} region @returns {RegionShape | null} */
export function mirrored({ arrays }, { slice, vertices }) {
  if (!arrays.mirror) return null;
  const [a, b, c, d, e, f] = arrays.mirror.subarray(6 * slice, 6 * slice + 6);
  return { slice, vertices: vertices.map(([i, j]) => [a * i + b * j + c, d * i + e * j + f]) };
}
