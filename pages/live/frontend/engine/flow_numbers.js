// Healthy reference and lesion metrics of a volume: the formulas of perfcore/maps.py and perfcore/metrics.py.
/** @import { Numbers, Thresholds } from "../types.js" */

const AUC_BINS = 2048;
const MAX_BINNED_RCBF = 4;
const HEALTHY_TMAX_S = 3.5;

/** Mean CBF of the reference voxels. @param {Float32Array} cbf @param {Uint8Array} reference flags */
export function healthyMean(cbf, reference) {
  let sum = 0, n = 0;
  for (let i = 0; i < cbf.length; i++) if (reference[i]) { sum += cbf[i]; n += 1; }
  return sum / n;
}

/** What is added to Tmax so that the healthy median is 3.5 s; NaN does not count. @param {Float32Array} tmax @param {Uint8Array} reference */
export function healthyShift(tmax, reference) {
  const found = tmax.filter((value, i) => reference[i] && value === value);
  found.sort();
  return HEALTHY_TMAX_S - found[Math.floor((found.length - 1) / 2)]; // the lower median, as torch.nanmedian
}

/**
 * Metrics of a volume, as perfcore's `voxel_numbers` gives them with binned AUC.
 * @param {{cbf: Float32Array, tmax: Float32Array, ref: number}} flow
 * @param {Thresholds} thresholds
 * @param {{voxelMl: number, lesion?: Uint8Array, lesionVoxels: number}} known
 * @returns {Numbers}
 */
export function lesionNumbers({ cbf, tmax, ref }, thresholds, { voxelMl, lesion, lesionVoxels }) {
  const mean = Math.fround(ref), coreLimit = Math.fround(thresholds.core), scale = Math.fround(AUC_BINS / MAX_BINNED_RCBF);
  const inside = new Float64Array(AUC_BINS), outside = new Float64Array(AUC_BINS);
  let nCore = 0, nLate = 0, nBoth = 0;
  for (let i = 0; i < cbf.length; i++) {
    const rcbf = Math.fround(cbf[i] / mean);
    const isCore = rcbf < coreLimit;
    if (isCore) nCore += 1;
    if (tmax[i] > thresholds.tmax) nLate += 1;
    if (!lesion) continue;
    const bin = Math.min(Math.max(Math.trunc(Math.fround(rcbf * scale)) || 0, 0), AUC_BINS - 1);
    if (lesion[i]) { inside[bin] += 1; if (isCore) nBoth += 1; } else outside[bin] += 1;
  }
  const core = nCore * voxelMl, late = nLate * voxelMl, hasLesion = Boolean(lesion && lesionVoxels);
  return {
    core_ml: core,
    hypoperfused_ml: late,
    mismatch_ml: Math.max(late - core, 0),
    mismatch_ratio: core > 0 ? late / core : null,
    reference_cbf: ref,
    dice: hasLesion ? (2 * nBoth) / (nCore + lesionVoxels) : null,
    auc: hasLesion ? binnedAuc(inside, outside) : null,
  };
}

/** Area under the ROC curve of "a lower rCBF is lesion". @param {Float64Array} inside @param {Float64Array} outside */
function binnedAuc(inside, outside) {
  const sum = (/** @type {Float64Array} */ bins) => bins.reduce((total, n) => total + n, 0);
  const [nInside, nOutside] = [sum(inside), sum(outside)];
  if (!nInside || !nOutside) return null;
  let above = nOutside, pairs = 0;
  for (let bin = 0; bin < AUC_BINS; bin++) {
    above -= outside[bin];
    pairs += inside[bin] * (above + 0.5 * outside[bin]);
  }
  return pairs / (nInside * nOutside);
}
