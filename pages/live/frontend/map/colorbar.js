// The colour bar with its unit and values.
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
  const lines = unit.split("\n");
  const [top, bottom, wide] = [(14 * lines.length + 4) * r, height - 8 * r, 12 * r];
  for (let y = top; y < bottom; y++) {
    const c = lut[Math.round((255 * (bottom - 1 - y)) / (bottom - top - 1))];
    ctx.fillStyle = `rgb(${c & 255},${(c >> 8) & 255},${(c >> 16) & 255})`;
    ctx.fillRect(0, y, wide, 1);
  }
  ctx.fillStyle = style.color;
  ctx.font = `${11 * r}px ${style.fontFamily}`;
  ctx.textBaseline = "middle";
  const by = roundStep(high - low, 6);
  for (let value = Math.ceil(low / by - 1e-9) * by; value <= high + 1e-9 * by; value += by) {
    const y = bottom - ((bottom - top) * (value - low)) / (high - low);
    ctx.fillRect(wide, Math.min(y, bottom - r), 4 * r, r);
    ctx.fillText(Number(value.toPrecision(4)).toString(), wide + 7 * r, y);
  }
  ctx.textBaseline = "top";
  lines.forEach((text, i) => ctx.fillText(text, 0, 13 * i * r));
}
