// Deconvolution operator P of one AIF, k = P c: the formulas of perfcore/deconvolution/inverse.py, in float64.

/** @typedef {{deconvolution: string, discretization: string, regularization: string, lambda: number}} DeconvolutionSettings */
/** @typedef {{matrix: Float64Array, nRows: number, nTime: number, startS: number, dtS: number}} Operator */

const LEAD_S = 15; // the circulant form is searched from this many seconds before the AIF
const NORM_TOLERANCE = 1e-13;
const MAX_NORM_STEPS = 5000;

/** Settings that the engine computes; the others stay with the server. @param {DeconvolutionSettings} settings */
export const isSupported = ({ deconvolution, regularization }) =>
  regularization === "tikhonov" || (regularization === "tsvd" && deconvolution === "circulant");

/**
 * Operator of an AIF.
 * @param {ArrayLike<number>} aif Enhancement per frame.
 * @param {number} dtS Time step in seconds.
 * @param {DeconvolutionSettings} settings
 * @returns {Operator} `matrix` has nRows × nTime values; its first row lies at `startS`.
 * @throws {RangeError} The AIF has no positive bolus or the settings are not supported.
 */
export function buildOperator(aif, dtS, settings) {
  if (!isSupported(settings)) throw new RangeError("This deconvolution is computed by the server.");
  const curve = Float64Array.from(aif);
  if (curve.length < 2 || !curve.every(Number.isFinite) || !curve.some((value) => value > 0)) {
    throw new RangeError("The AIF has no positive bolus.");
  }
  return settings.deconvolution === "causal" ? causal(curve, dtS, settings) : circulant(curve, dtS, settings);
}

/** @param {Float64Array} curve @param {number} dtS @param {DeconvolutionSettings} settings @returns {Operator} */
function circulant(curve, dtS, settings) {
  const nTime = curve.length, period = 2 * nTime;
  const nLead = Math.min(Math.floor(LEAD_S / dtS + 1e-9), nTime), nRows = nLead + nTime;
  const first = circulantInverse(circulantKernel(curve, dtS, settings.discretization), settings);
  const matrix = new Float64Array(nRows * nTime);
  for (let r = 0; r < nRows; r++) {
    for (let j = 0; j < nTime; j++) matrix[r * nTime + j] = first[(r - nLead - j + 2 * period) % period];
  }
  return { matrix, nRows, nTime, startS: -nLead * dtS, dtS };
}

/** First column of the zero-padded circulant matrix. @param {Float64Array} curve @param {number} dtS @param {string} discretization */
function circulantKernel(curve, dtS, discretization) {
  const period = 2 * curve.length, kernel = new Float64Array(period);
  const at = (/** @type {number} */ i) => curve[(i + period) % period] ?? 0;
  for (let m = 0; m < period; m++) {
    kernel[m] = dtS * (discretization === "rectangular" ? at(m) : (at(m - 1) + 4 * at(m) + at(m + 1)) / 6);
  }
  return kernel;
}

/** First column of the inverse of a circulant matrix, which is diagonal in Fourier space. @param {Float64Array} kernel @param {DeconvolutionSettings} settings */
function circulantInverse(kernel, settings) {
  const period = kernel.length, half = period / 2, { cosine, sine } = trigonometry(period);
  const real = new Float64Array(half + 1), imaginary = new Float64Array(half + 1), power = new Float64Array(half + 1);
  for (let f = 0; f <= half; f++) {
    let re = 0, im = 0;
    for (let m = 0, at = 0; m < half + 1; m++, at = (at + f) % period) { // the kernel is 0 in between, but for its last value
      re += kernel[m] * cosine[at];
      im -= kernel[m] * sine[at];
    }
    re += kernel[period - 1] * cosine[f];
    im += kernel[period - 1] * sine[f];
    [real[f], imaginary[f], power[f]] = [re, im, re * re + im * im];
  }
  const highest = power.reduce((a, b) => Math.max(a, b), 0);
  const sigma = power.map((value) => Math.sqrt(value + 1e-28 * highest));
  const gain = gains(sigma, settings);
  const column = new Float64Array(period);
  for (let m = 0; m < period; m++) {
    let sum = 0;
    for (let f = 0, at = 0; f <= half; f++, at = (at + m) % period) {
      const weight = (gain[f] / sigma[f]) * (f === 0 || f === half ? 1 : 2);
      // Of the two real frequencies only the real part counts, as in an inverse real transform.
      sum += weight * (real[f] * cosine[at] + (f === 0 || f === half ? 0 : imaginary[f] * sine[at]));
    }
    column[m] = sum / period;
  }
  return column;
}

/** Inverse gains g(σ) of perfcore/regularization.py. @param {Float64Array} sigma @param {DeconvolutionSettings} settings */
function gains(sigma, settings) {
  const limit = settings.lambda * sigma.reduce((a, b) => Math.max(a, b), 0);
  return settings.regularization === "tikhonov"
    ? sigma.map((value) => value / (value * value + limit * limit))
    : sigma.map((value) => (value < limit * (1 - 1e-12) ? 0 : 1 / value));
}

/** @type {{period: number, cosine: Float64Array, sine: Float64Array} | null} */
let tables = null;

/** @param {number} period */
function trigonometry(period) {
  if (tables?.period !== period) {
    const angle = (/** @type {number} */ i) => (2 * Math.PI * i) / period;
    tables = {
      period,
      cosine: Float64Array.from({ length: period }, (_, i) => Math.cos(angle(i))),
      sine: Float64Array.from({ length: period }, (_, i) => Math.sin(angle(i))),
    };
  }
  return tables;
}

/** (AᵀA+λ²I)⁻¹Aᵀ by Cholesky. @param {Float64Array} curve @param {number} dtS @param {DeconvolutionSettings} settings @returns {Operator} */
function causal(curve, dtS, settings) {
  const n = curve.length, forward = causalMatrix(curve, dtS, settings.discretization);
  const normal = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let r = i; r < n; r++) sum += forward[r * n + i] * forward[r * n + j]; // lower triangular
      normal[i * n + j] = normal[j * n + i] = sum;
    }
  }
  const ridge = settings.lambda ** 2 * largestEigenvalue(normal, n);
  for (let i = 0; i < n; i++) normal[i * n + i] += ridge;
  choleskyInPlace(normal, n);
  const matrix = new Float64Array(n * n), column = new Float64Array(n);
  for (let j = 0; j < n; j++) {
    for (let i = 0; i < n; i++) column[i] = forward[j * n + i]; // column j of the transpose
    solveInPlace(normal, n, column);
    for (let i = 0; i < n; i++) matrix[i * n + j] = column[i];
  }
  return { matrix, nRows: n, nTime: n, startS: 0, dtS };
}

/** Lower-triangular forward matrix of perfcore/deconvolution/forward.py. @param {Float64Array} a @param {number} dtS @param {string} discretization */
function causalMatrix(a, dtS, discretization) {
  const n = a.length, matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const lag = i - j;
      let value = a[lag];
      if (discretization !== "rectangular") {
        if (j === 0) value = i === 0 ? 0 : (2 * a[i] + a[i - 1]) / 6;
        else if (lag === 0) value = (2 * a[0] + a[1]) / 6;
        else value = (a[lag - 1] + 4 * a[lag] + a[lag + 1]) / 6;
      }
      matrix[i * n + j] = dtS * value;
    }
  }
  return matrix;
}

/** Largest eigenvalue of a positive semidefinite matrix by power iteration. @param {Float64Array} matrix @param {number} n */
function largestEigenvalue(matrix, n) {
  let vector = new Float64Array(n).fill(1), value = 0;
  for (let step = 0; step < MAX_NORM_STEPS; step++) {
    const next = new Float64Array(n);
    let dot = 0, square = 0, norm = 0;
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += matrix[i * n + j] * vector[j];
      next[i] = sum;
      dot += sum * vector[i];
      square += vector[i] * vector[i];
      norm += sum * sum;
    }
    const found = dot / square; // the Rayleigh quotient: its error is the square of the vector's
    vector = next.map((one) => one / Math.sqrt(norm));
    if (Math.abs(found - value) <= NORM_TOLERANCE * found) return found;
    value = found;
  }
  return value;
}

/** Lower Cholesky factor, in place. @param {Float64Array} matrix @param {number} n */
function choleskyInPlace(matrix, n) {
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) {
      let sum = matrix[i * n + j];
      for (let m = 0; m < j; m++) sum -= matrix[i * n + m] * matrix[j * n + m];
      matrix[i * n + j] = i === j ? Math.sqrt(sum) : sum / matrix[j * n + j];
    }
  }
}

/** Solve L Lᵀ x = b, in place. @param {Float64Array} factor @param {number} n @param {Float64Array} b */
function solveInPlace(factor, n, b) {
  for (let i = 0; i < n; i++) {
    for (let m = 0; m < i; m++) b[i] -= factor[i * n + m] * b[m];
    b[i] /= factor[i * n + i];
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let m = i + 1; m < n; m++) b[i] -= factor[m * n + i] * b[m];
    b[i] /= factor[i * n + i];
  }
}

/**
 * P for tissue in a temporal basis.
 * @param {Operator} operator
 * @param {Float32Array} vectors q × nTime, orthonormal rows; scaled where the coefficients are.
 * @param {number} q
 * @returns {Float32Array} nRows × q.
 */
export function project({ matrix, nRows, nTime }, vectors, q) {
  const out = new Float32Array(nRows * q);
  for (let r = 0; r < nRows; r++) {
    for (let j = 0; j < q; j++) {
      let sum = 0;
      for (let t = 0; t < nTime; t++) sum += matrix[r * nTime + t] * vectors[j * nTime + t];
      out[r * q + j] = sum;
    }
  }
  return out;
}
