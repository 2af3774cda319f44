// Maps of one slice, before the workers hold the whole case: the first picture of the file.
/** @import { BasisFrame, Curve } from "../types.js" */
/** @import { EngineSettings } from "../engine/engine.js" */
import { healthyMean, healthyShift } from "../engine/flow_numbers.js";
import { buildOperator, project } from "../engine/operator.js";
import { PeakKernel } from "../engine/peak_kernel.js";

/**
 * CBF and Tmax of a slice; healthy mean and shift are those of the sample of healthy voxels.
 * @param {Curve} aif
 * @param {number} dtS
 * @param {EngineSettings} settings
 * @param {BasisFrame} basis
 * @param {Int16Array} coefficients of the slice
 * @param {WebAssembly.Module} module
 */
export function sliceFlow(aif, dtS, settings, basis, coefficients, module) {
  const kernel = new PeakKernel(module, basis.q), operator = buildOperator(aif, dtS, settings);
  const blocks = [kernel.store(basis.arrays.sample), kernel.store(coefficients)];
  const { top, row } = kernel.peaks(project(operator, basis.arrays.vectors, basis.q), blocks);
  const n = blocks[0].nVoxels, every = new Uint8Array(n).fill(1);
  const cbf = top.map((value) => value * basis.cbfPerK), tmax = row.map((value) => operator.startS + operator.dtS * value);
  const shift = settings.tmaxReference === "healthy" ? healthyShift(tmax.subarray(0, n), every) : 0;
  return { ref: healthyMean(cbf.subarray(0, n), every), cbf: cbf.slice(n), tmax: tmax.slice(n).map((value) => value + shift) };
}
