// Residue function k(t) of a curve, on the clock of Tmax.
/** @import { BasisFrame, Curve } from "../types.js" */
/** @import { EngineSettings } from "../engine/engine.js" */
/** @import { Operator } from "../engine/operator.js" */
import { healthyShift } from "../engine/flow_numbers.js";
import { buildOperator, project } from "../engine/operator.js";
import { PeakKernel } from "../engine/peak_kernel.js";

/**
 * k = P c in 1/s, and its times in seconds; `shift` is what is added to the scan's clock.
 * @param {Operator} operator
 * @param {ArrayLike<number>} tissue
 * @param {number} shift
 */
export function residueOf({ matrix, nRows, nTime, startS, dtS }, tissue, shift) {
  const residue = new Float32Array(nRows), times = new Float32Array(nRows);
  for (let r = 0; r < nRows; r++) {
    let sum = 0;
    for (let t = 0; t < nTime; t++) sum += matrix[r * nTime + t] * tissue[t];
    residue[r] = sum;
    times[r] = startS + shift + dtS * r;
  }
  return { residue, residue_time: times };
}

/** Builds the operator of the curve in view once, for all voxels that are probed. */
export class Residues {
  /** @type {{curve: Curve, operator: Operator, shift: number} | null} */
  #last = null;

  /**
   * @param {Curve} aif
   * @param {number} dtS
   * @param {EngineSettings} settings
   * @param {{basis: BasisFrame, module: WebAssembly.Module | null}} healthy sample of healthy voxels, and the kernel
   * @param {ArrayLike<number>} tissue
   */
  of(aif, dtS, settings, healthy, tissue) {
    if (this.#last?.curve !== aif) {
      const operator = buildOperator(aif, dtS, settings);
      this.#last = { curve: aif, operator, shift: settings.tmaxReference === "healthy" ? shiftOf(operator, healthy) : 0 };
    }
    return residueOf(this.#last.operator, tissue, this.#last.shift);
  }
}

/** What is added to the scan's clock so that the healthy sample has its usual Tmax. @param {Operator} operator @param {{basis: BasisFrame, module: WebAssembly.Module | null}} healthy */
function shiftOf(operator, { basis, module }) {
  if (!module) return 0;
  const kernel = new PeakKernel(module, basis.q);
  const block = kernel.store(basis.arrays.sample);
  const { row } = kernel.peaks(project(operator, basis.arrays.vectors, basis.q), [block]);
  return healthyShift(row.map((value) => operator.startS + operator.dtS * value), new Uint8Array(row.length).fill(1));
}
