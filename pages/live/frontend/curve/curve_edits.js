// Edits of a whole curve. The definition is perfcore/aif/edits.py; a test holds the two to 1e-6.
/** @import { WholeEdit } from "../types.js" */

const SAME_TIME = 1e-6;

/**
 * Smooth, width, dispersion, shift, tail, amplitude, baseline, cut: in this order.
 * @param {ArrayLike<number>} curve
 * @param {number} dt seconds
 * @param {WholeEdit} h a value of each handle
 */
export function editCurve(curve, dt, h) {
  /** @type {Float64Array} */
  let values = Float64Array.from(curve);
  if (h.smooth_s) values = smooth(values, dt, h.smooth_s);
  if (h.width !== 1) values = widen(values, h.width);
  if (h.dispersion_s) values = disperse(values, dt, h.dispersion_s);
  if (h.shift_s) values = shift(values, dt, h.shift_s);
  if (h.tail !== 1) values = scaleTail(values, h.tail);
  const last = h.cut_s === null ? Infinity : h.cut_s / dt + SAME_TIME;
  return values.map((value, i) => (i <= last ? value * h.amplitude + h.baseline : 0));
}

/** Gaussian in time. @param {Float64Array} values @param {number} dt @param {number} sigma seconds */
function smooth(values, dt, sigma) {
  const reach = Math.ceil((4 * sigma) / dt);
  return values.map((_, i) => {
    let [sum, total] = [0, 0];
    for (let j = Math.max(i - reach, 0); j <= Math.min(i + reach, values.length - 1); j++) {
      const weight = Math.exp(-0.5 * (((j - i) * dt) / sigma) ** 2);
      sum += weight * values[j];
      total += weight;
    }
    return sum / total;
  });
}

/** Read linearly at a place in samples; beyond the ends the end values. @param {Float64Array} values @param {number} place */
function read(values, place) {
  const last = values.length - 1;
  if (place <= 0) return values[0];
  if (place >= last) return values[last];
  const i = Math.floor(place);
  return values[i] + (place - i) * (values[i + 1] - values[i]);
}

/** Index of the peak. @param {Float64Array} values */
const topOf = (values) => values.reduce((best, value, i) => (value > values[best] ? i : best), 0);

/** Stretch about the peak. @param {Float64Array} values @param {number} width */
function widen(values, width) {
  const top = topOf(values);
  return values.map((_, i) => read(values, top + (i - top) / width));
}

/** @param {Float64Array} values @param {number} dt @param {number} by */
const shift = (values, dt, by) => values.map((_, i) => read(values, i - by / dt));

/** Convolution with an exponential of unit area, exact for a curve that is linear between its samples. @param {Float64Array} values @param {number} dt @param {number} tau */
function disperse(values, dt, tau) {
  const x = dt / tau;
  const decay = Math.exp(-x);
  const ratio = -Math.expm1(-x) / x;
  let state = 0;
  return values.map((value, i) => (state = decay * state + (1 - ratio) * value + (i ? (ratio - decay) * values[i - 1] : 0)));
}

/** Scale the samples after the first pass. @param {Float64Array} values @param {number} factor */
function scaleTail(values, factor) {
  const top = topOf(values);
  const half = 0.5 * values[top];
  let after = top + 1;
  while (after < values.length && values[after] > half) after++;
  if (after >= values.length || half <= 0) return values;
  const fall = (values[after - 1] - half) / (values[after - 1] - values[after]);
  const from = after - 1 + fall;
  const span = Math.max(from - top, 0.5);
  return values.map((value, i) => {
    const u = Math.min(Math.max((i - from) / span, 0), 1);
    return value * (1 + (factor - 1) * u * u * (3 - 2 * u));
  });
}

/** Why a curve cannot be an AIF, in a sentence; empty where it can. @param {Float32Array} curve */
export function problem(curve) {
  if (!curve.every((v) => Number.isFinite(v))) return "The curve holds values that are not numbers; the last good curve stays.";
  const top = Math.max(...curve);
  if (top <= 0 || top === Math.min(...curve)) return "This curve has no positive bolus; the last good curve stays.";
  if (curve.reduce((sum, v) => sum + v, 0) <= 0) return "The area under this curve is not positive, so it has no CBV; the last good curve stays.";
  return "";
}
