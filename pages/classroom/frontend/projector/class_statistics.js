// Statistics of a class's answers, as perfcore/teaching/class_statistics.py computes them.
import { roundStep } from "../../../live/frontend/common/number_format.js";

/** Lower limit, middle and upper limit of the band of curves; `BAND_PERCENTILES`. */
export const BAND_PERCENTILES = /** @type {const} */ ([10, 50, 90]);
const MAX_BINS = 15;
const FAR = 1.5; // times the 10–90 % range beyond its ends
const ROUNDING = 1e-9; // of a bin: keeps a value on a limit from falling below it

/**
 * Spread of a quantity over people; null where it is undefined: without a value, SD below two values, CV without a positive mean.
 * @typedef {object} Spread
 * @property {number} n
 * @property {number | null} mean
 * @property {number | null} median
 * @property {number | null} sd of the sample (n − 1)
 * @property {number | null} cv SD / mean
 * @property {number | null} low 10th percentile
 * @property {number | null} high 90th percentile
 */
/**
 * Bins of one width, each closed at its lower end. Where `under` or `over`, the first or last bin also holds all values
 * beyond it.
 * @typedef {{low: number, step: number, n: number, under: boolean, over: boolean}} Bins
 */

/** @param {Iterable<number | null | undefined>} values @returns {number[]} those that are finite */
export const known = (values) => [...values].filter((v) => typeof v === "number" && Number.isFinite(v)).map(Number);

/**
 * Percentile by linear interpolation, numpy's default.
 * @param {ArrayLike<number>} sorted at least one value, ascending
 * @param {number} q 0 to 100
 */
export function percentile(sorted, q) {
  const at = ((sorted.length - 1) * q) / 100;
  const below = Math.floor(at);
  const [a, b] = [sorted[below], sorted[Math.min(below + 1, sorted.length - 1)]];
  const part = at - below;
  return part < 0.5 ? a + (b - a) * part : b - (b - a) * (1 - part);
}

/** @param {Iterable<number | null | undefined>} values @returns {Spread} */
export function spreadOf(values) {
  const sorted = Float64Array.from(known(values)).sort();
  const n = sorted.length;
  if (!n) return { n, mean: null, median: null, sd: null, cv: null, low: null, high: null };
  const [low, median, high] = BAND_PERCENTILES.map((q) => percentile(sorted, q));
  const mean = sorted.reduce((sum, v) => sum + v, 0) / n;
  const sd = n > 1 ? Math.sqrt(sorted.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (n - 1)) : null;
  return { n, mean, median, sd, cv: sd !== null && mean > 0 ? sd / mean : null, low, high };
}

/**
 * Percentiles of curves at each time.
 * @param {ArrayLike<number>[]} curves at least one, all of one length
 * @returns {[low: Float64Array, middle: Float64Array, high: Float64Array]}
 */
export function curveBand(curves) {
  const band = BAND_PERCENTILES.map(() => new Float64Array(curves[0].length));
  const column = new Float64Array(curves.length);
  for (let t = 0; t < curves[0].length; t++) {
    for (let i = 0; i < curves.length; i++) column[i] = curves[i][t];
    column.sort();
    BAND_PERCENTILES.forEach((q, k) => { band[k][t] = percentile(column, q); });
  }
  return [band[0], band[1], band[2]];
}

/**
 * Bins of a round width. Values far outside the 10–90 % range share the first or last bin: one error of many people
 * would squeeze all others into one bar.
 * @param {number[]} values at least one
 * @param {number} minSpan a smaller spread is not stretched over the whole axis
 * @param {number[]} [within] further values that the axis holds
 * @returns {Bins}
 */
export function binsOf(values, minSpan, within = []) {
  const sorted = Float64Array.from(values).sort();
  const [p10, p90] = [percentile(sorted, 10), percentile(sorted, 90)];
  const fence = FAR * Math.max(p90 - p10, minSpan);
  const inside = [...values.filter((v) => v >= p10 - fence && v <= p90 + fence), ...within];
  const [min, max] = [Math.min(...inside), Math.max(...inside)];
  const room = Math.max(0, minSpan - (max - min)) / 2;
  const [from, to] = [min >= 0 ? Math.max(min - room, 0) : min - room, max + room];
  const step = roundStep(Math.max(to - from, 1e-9), MAX_BINS - 3);
  const under = sorted[0] < Math.floor(from / step + ROUNDING) * step;
  const low = (Math.floor(from / step + ROUNDING) - Number(under)) * step;
  const inner = Math.floor((to - low) / step + ROUNDING) + 1;
  const over = sorted[sorted.length - 1] >= low + inner * step;
  return { low, step, n: inner + Number(over), under, over };
}

/** Number of the bin of a value. @param {Bins} bins @param {number} value */
export const binAt = ({ low, step, n }, value) => Math.min(Math.max(Math.floor((value - low) / step + ROUNDING), 0), n - 1);

/**
 * How many people decide for treatment by each criterion; people without these volumes are left out.
 * @param {import("./messages.js").Numbers[]} all
 * @param {{largeCoreMl: number, targetRatio: number}} limits
 */
export function decisionCounts(all, { largeCoreMl, targetRatio }) {
  let of = 0, smallCore = 0, ratio = 0;
  for (const { core_ml: core, hypoperfused_ml: hypoperfused } of all) {
    if (typeof core !== "number" || typeof hypoperfused !== "number") continue;
    of += 1;
    if (core < largeCoreMl) smallCore += 1;
    if (hypoperfused > 0 && hypoperfused >= targetRatio * core) ratio += 1;
  }
  return { of, smallCore, ratio };
}

/**
 * Share of people who painted each voxel.
 * @param {number[][]} all runs of each person: start and length in turn
 * @param {number} n voxels
 */
export function paintedFrequency(all, n) {
  const out = new Float32Array(n);
  for (const runs of all) for (let i = 0; i + 1 < runs.length; i += 2) for (let k = 0; k < runs[i + 1]; k++) out[runs[i] + k] += 1;
  for (let i = 0; i < n; i++) out[i] /= Math.max(all.length, 1);
  return out;
}

/** Number of right answers, of a question. @param {number[]} values @param {import("./messages.js").Right} right */
export const countRight = (values, { value, tolerance }) => values.filter((v) => Math.abs(v - value) <= tolerance).length;
