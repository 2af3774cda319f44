// The colour bar with its unit and values: upright, or across where it is wider than high.
/** @import { MapStyle } from "../types.js" */
import { roundStep } from "../common/number_format.js";

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Pick<MapStyle, "lut" | "window" | "unit"> & {ratio: number}} style `ratio`: canvas pixels per point of type
 */
export function drawColorbar(canvas, { lut, window: [low, high], unit, ratio: r }) {
  const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const { width, height } = canvas;
  const style = getComputedStyle(canvas);
  const wanted = [width, height, r, low, high, unit, lut[128], lut[250], style.color].join("|");
  if (canvas.dataset.drawn === wanted) return;
  canvas.dataset.drawn = wanted;
  ctx.clearRect(0, 0, width, height);
  ctx.fillStyle = style.color;
  ctx.font = `${11 * r}px ${style.fontFamily}`;
  const lines = unit.split("\n");
  if (width > height) drawAcross(ctx, { lut, low, high, unit: lines.join(" "), r });
  else drawUpright(ctx, { lut, low, high, lines, r });
}

/** @param {number} colour a colour of a table @returns {string} */
const css = (colour) => `rgb(${colour & 255},${(colour >> 8) & 255},${(colour >> 16) & 255})`;

/** @param {number} low @param {number} high @param {number} count @returns {number[]} round values of the window */
function ticks(low, high, count) {
  const by = roundStep(high - low, count);
  const first = Math.ceil(low / by - 1e-9) * by;
  return Array.from({ length: Math.max(Math.floor((high - first) / by + 1e-9) + 1, 0) }, (_, i) => first + i * by);
}

/** @param {number} value */
const label = (value) => Number(value.toPrecision(4)).toString();

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {{lut: Uint32Array, low: number, high: number, lines: string[], r: number}} style
 */
function drawUpright(ctx, { lut, low, high, lines, r }) {
  const { height } = ctx.canvas, ink = ctx.fillStyle;
  // Whole canvas pixels: rows at fractions of them would be translucent.
  const [top, bottom, wide] = [(14 * lines.length + 4) * r, height - 8 * r, 12 * r].map(Math.round);
  for (let y = top; y < bottom; y++) {
    ctx.fillStyle = css(lut[Math.round((255 * (bottom - 1 - y)) / (bottom - top - 1))]);
    ctx.fillRect(0, y, wide, 1);
  }
  ctx.fillStyle = ink;
  ctx.textBaseline = "middle";
  for (const value of ticks(low, high, 6)) {
    const y = bottom - ((bottom - top) * (value - low)) / (high - low);
    ctx.fillRect(wide, Math.min(y, bottom - r), 4 * r, r);
    ctx.fillText(label(value), wide + 7 * r, y);
  }
  ctx.textBaseline = "top";
  lines.forEach((text, i) => ctx.fillText(text, 0, 13 * i * r));
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {{lut: Uint32Array, low: number, high: number, unit: string, r: number}} style
 */
function drawAcross(ctx, { lut, low, high, unit, r }) {
  const { width } = ctx.canvas, ink = ctx.fillStyle;
  const room = ctx.measureText(unit).width + 8 * r; // the unit stands behind the values
  const [left, right, thick, top] = [8 * r, width - room - 8 * r, 9 * r, 5 * r].map(Math.round);
  for (let x = left; x < right; x++) {
    ctx.fillStyle = css(lut[Math.round((255 * (x - left)) / Math.max(right - left - 1, 1))]);
    ctx.fillRect(x, top, 1, thick);
  }
  ctx.fillStyle = ink;
  ctx.textBaseline = "top";
  ctx.textAlign = "center";
  for (const value of ticks(low, high, Math.max((right - left) / (44 * r), 1))) {
    const x = left + ((right - left) * (value - low)) / (high - low);
    ctx.fillRect(Math.min(x, right - r), top + thick, r, 3 * r);
    ctx.fillText(label(value), x, top + thick + 4 * r);
  }
  ctx.textAlign = "right";
  ctx.textBaseline = "middle";
  ctx.fillText(unit, width, top + thick / 2);
  ctx.textAlign = "left";
}
