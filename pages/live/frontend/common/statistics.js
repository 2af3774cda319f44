// Statistics of the values in a region, as perfcore/analysis/region.py computes them.
/** @import { RegionStatistics } from "../types.js" */

/**
 * Statistics of values; those that are not finite are left out. SD is that of a sample (n − 1).
 * @param {ArrayLike<number>} values
 * @returns {RegionStatistics}
 */
export function statistics(values) {
  const known = Float64Array.from(values).filter(Number.isFinite).sort();
  const n = known.length;
  if (!n) return { voxels: 0, mean: null, sd: null, median: null };
  const mean = known.reduce((sum, v) => sum + v, 0) / n;
  const squares = known.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  const middle = n >> 1;
  return {
    voxels: n, mean, sd: n > 1 ? Math.sqrt(squares / (n - 1)) : null,
    median: n % 2 ? known[middle] : (known[middle - 1] + known[middle]) / 2,
  };
}
