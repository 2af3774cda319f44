// Gamma-variate fit to the first pass of a curve: the model, start and bounds of perfcore/aif/fit.py, by Levenberg and
// Marquardt's method with the parameters kept within their bounds.
/** @import { FitFrame } from "../types.js" */

const FIRST_PASS_END = 0.4; // of the peak
const MIN_POINTS = 5;
const MAX_STEPS = 400;
const TOLERANCE = 1e-13;
const DERIVATIVE_STEP = 1e-6;

/** Onset in s, α, time to peak in s, scale. @typedef {[onset: number, alpha: number, peakS: number, scale: number]} Parameters */

/** Value of a gamma variate whose peak is `scale`. @param {number} time @param {ArrayLike<number>} parameters */
function gammaVariate(time, parameters) {
  const [onset, alpha, peakS, scale] = Array.from(parameters);
  const x = (time - onset) / (peakS - onset);
  return x > 0 ? scale * Math.exp(alpha * (Math.log(x) + 1 - x)) : 0;
}

/**
 * @param {Float64Array} curve enhancement from 0 s
 * @param {number} dtS
 * @returns {FitFrame}
 * @throws {RangeError} The curve has no bolus, or its first pass has too few points.
 */
export function fitGammaVariate(curve, dtS) {
  const top = curve.reduce((best, value, i) => (value > curve[best] ? i : best), 0), peak = curve[top];
  if (!(peak > 0) || curve.every((value) => value === peak)) {
    throw new RangeError("The curve has no positive bolus, so no gamma variate can be fitted; draw a bolus first.");
  }
  const below = curve.findIndex((value, i) => i >= top && value < FIRST_PASS_END * peak);
  const stop = below < 0 ? curve.length : below + 1;
  const rising = curve.subarray(0, top).findLastIndex((value) => value < 0.1 * peak);
  const onset = rising < 0 ? -dtS : rising * dtS;
  if (stop < MIN_POINTS || top * dtS <= onset) {
    throw new RangeError(`The first pass has ${stop} points; a gamma-variate fit needs at least ${MIN_POINTS} with a rise.`);
  }
  const low = [Math.min(onset, 0) - 10 * dtS, 0.3, Math.max(top - 2, 0) * dtS, 0.3];
  const high = [Math.max(top - 2.5, 0) * dtS, 30, (top + 2) * dtS, 3];
  high[0] = Math.max(high[0], low[0] + dtS);
  const values = curve.subarray(0, stop).map((value) => value / peak);
  const residual = (/** @type {number[]} */ x) => Array.from(values, (value, i) => gammaVariate(i * dtS, x) - value);
  const found = leastSquares(residual, [onset, 3, top * dtS, 1], { low, high, scales: [dtS, 1, dtS, 0.1] });
  const [onsetS, alpha, peakS, scale] = found;
  const rms = Math.sqrt(sumOfSquares(residual(found)) / stop);
  const fitted = Float32Array.from(curve, (_, i) => peak * gammaVariate(i * dtS, found));
  return { kind: "fit", fit: { onset_s: onsetS, alpha, beta_s: (peakS - onsetS) / alpha, peak: scale * peak, rms }, arrays: { curve: fitted } };
}

/** @param {number[]} values */
const sumOfSquares = (values) => values.reduce((sum, value) => sum + value * value, 0);

/**
 * @param {(x: number[]) => number[]} residual
 * @param {number[]} start
 * @param {{low: number[], high: number[], scales: number[]}} limits
 */
function leastSquares(residual, start, { low, high, scales }) {
  const clamp = (/** @type {number[]} */ x) => x.map((value, i) => Math.min(Math.max(value, low[i] + 1e-6), high[i] - 1e-6));
  let x = clamp(start), now = residual(x), error = sumOfSquares(now), damping = 1e-3;
  for (let step = 0; step < MAX_STEPS && damping < 1e12; step++) {
    const columns = x.map((value, i) => derivative(residual, x, i, DERIVATIVE_STEP * scales[i] * (value > (low[i] + high[i]) / 2 ? -1 : 1)));
    const gradient = columns.map((column) => dot(column, now));
    // At a bound that the gradient points beyond, a parameter stays.
    const free = x.map((value, i) => (gradient[i] > 0 ? value > low[i] + 2e-6 : value < high[i] - 2e-6));
    const next = clamp(stepFrom(x, columns.map((column, i) => (free[i] ? column : column.map(() => 0))), gradient, { free, damping }));
    const there = residual(next), better = sumOfSquares(there);
    if (better < error) {
      const gain = error - better;
      [x, now, error, damping] = [next, there, better, damping / 5];
      if (gain < TOLERANCE * error) break;
    } else damping *= 4;
  }
  return x;
}

/** @param {(x: number[]) => number[]} residual @param {number[]} x @param {number} i @param {number} step */
function derivative(residual, x, i, step) {
  const [after, before] = [1, -1].map((sign) => residual(x.map((value, j) => (j === i ? value + sign * step : value))));
  return after.map((value, k) => (value - before[k]) / (2 * step));
}

/** @param {number[]} a @param {number[]} b */
const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);

/** @param {number[]} x @param {number[][]} columns of the Jacobian @param {number[]} gradient @param {{free: boolean[], damping: number}} options */
function stepFrom(x, columns, gradient, { free, damping }) {
  const normal = columns.map((a, i) => columns.map((b, j) => (i === j ? (free[i] ? dot(a, a) * (1 + damping) + 1e-300 : 1) : dot(a, b))));
  const step = solve(normal, gradient.map((value, i) => (free[i] ? -value : 0)));
  return x.map((value, i) => value + step[i]);
}

/** Gaussian elimination with pivots. @param {number[][]} matrix @param {number[]} right */
function solve(matrix, right) {
  const n = right.length, rows = matrix.map((row, i) => [...row, right[i]]);
  for (let i = 0; i < n; i++) {
    const pivot = rows.slice(i).reduce((best, row, k) => (Math.abs(row[i]) > Math.abs(rows[best][i]) ? i + k : best), i);
    [rows[i], rows[pivot]] = [rows[pivot], rows[i]];
    for (let r = i + 1; r < n; r++) {
      const factor = rows[r][i] / rows[i][i];
      for (let c = i; c <= n; c++) rows[r][c] -= factor * rows[i][c];
    }
  }
  const x = new Array(n).fill(0);
  for (let i = n - 1; i >= 0; i--) x[i] = (rows[i][n] - rows[i].slice(i + 1, n).reduce((sum, value, k) => sum + value * x[i + 1 + k], 0)) / rows[i][i];
  return x;
}
