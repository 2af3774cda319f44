// The engine against perfcore: operators, maxima with their times, healthy reference and numbers.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { healthyMean, healthyShift, lesionNumbers } from "../engine/flow_numbers.js";
import { buildOperator, isSupported, project } from "../engine/operator.js";
import { LANES, PeakKernel } from "../engine/peak_kernel.js";
import { sliceFlow } from "../offline/first_slice.js";
import { assertClose, golden, needsGolden, numbers } from "./golden_values.js";

const compiled = WebAssembly.compile(readFileSync(new URL("../engine/peak.wasm", import.meta.url)));
const largest = (/** @type {number[]} */ values) => values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);

// Stated errors against perfcore's maps of all frames, in voxels with flow (CBF above 2 % of the largest).
const MAX_MEAN_ERROR = 3e-4; // of CBF, relative to the voxel's
const MAX_WORST_ERROR = 2e-3; // likewise
const MAX_TMAX_ERROR_S = 0.05; // mean
const MAX_CORE_ERROR = 2e-3; // of its volume

/** @template {Float32Array | Int16Array | Uint8Array} A @param {string} text base64 @param {new (buffer: ArrayBuffer) => A} type */
const bytes = (text, type) => new type(Uint8Array.from(Buffer.from(text, "base64")).buffer);

/** @typedef {{cbf: Float32Array, tmax: Float32Array}} Maps @param {Maps} own @param {Maps} expected */
function flowErrors(own, expected) {
  const top = expected.cbf.reduce((a, b) => Math.max(a, b), 0);
  let nFlow = 0, mean = 0, worst = 0, tmaxS = 0;
  for (let i = 0; i < own.cbf.length; i++) {
    if (expected.cbf[i] <= 0.02 * top) continue;
    const error = Math.abs(own.cbf[i] - expected.cbf[i]) / expected.cbf[i];
    nFlow += 1;
    mean += error;
    worst = Math.max(worst, error);
    tmaxS += Math.abs(own.tmax[i] - expected.tmax[i]);
  }
  return { nFlow, mean: mean / nFlow, worst, tmaxS: tmaxS / nFlow };
}

describe("engine", needsGolden, () => {
  it("builds perfcore's operators in every form that it has", () => {
    assert.ok(golden.engine.operators.length > 100);
    for (const { aif, dt, settings, startS, matrix } of golden.engine.operators) {
      const found = buildOperator(aif, dt, settings);
      assert.equal(found.startS, startS);
      assertClose(found.matrix, matrix, 1e-10 * largest(matrix)); // float64; the ridge of the causal form is iterated
    }
  });

  it("finds perfcore's maxima and their times, in tissue as it is stored", async () => {
    const { aif, dt, q, vectors, coefficients, top, row } = golden.engine.peaks;
    const settings = { deconvolution: "circulant", regularization: "tikhonov", discretization: "volterra", lambda: 0.3 };
    const kernel = new PeakKernel(await compiled, q);
    const block = kernel.store(Int16Array.from(coefficients));
    assert.ok(top.length % LANES, "the last group is not full");
    const found = kernel.peaks(project(buildOperator(aif, dt, settings), Float32Array.from(vectors), q), [block]);
    assertClose(found.top, top, 1e-5 * largest(top)); // sums of q products in float32
    assertClose(found.row, numbers(row), 2e-3);
  });

  it("keeps its results when the memory grows, and computes blocks in the order asked for", async () => {
    const q = 2, kernel = new PeakKernel(await compiled, q), matrix = Float32Array.of(1, 0, 0, 1, 1, 1);
    const values = [3, 5, 7].map((first) => Int16Array.from({ length: 2 * q * 4000 }, (_, i) => (i < 8000 ? first : 1)));
    const blocks = values.map((coefficients) => kernel.store(coefficients));
    const { top, row } = kernel.peaks(matrix, [blocks[2], blocks[0]]);
    assert.equal(top.length, 16_000);
    assert.ok(top.every((value, i) => value === (i < 8000 ? 8 : 4)));
    assert.ok(row.every((value) => value === 2));
  });

  it("computes perfcore's healthy reference and numbers", () => {
    for (const one of golden.engine.numbers) {
      const cbf = Float32Array.from(one.cbf), tmax = Float32Array.from(numbers(one.tmax)), reference = Uint8Array.from(one.reference);
      const ref = healthyMean(cbf, reference);
      assertClose([ref], [one.ref], 1e-9 * one.ref);
      const shift = one.anchored ? healthyShift(tmax, reference) : 0;
      assertClose([shift], [one.shift], 1e-6);
      const known = { voxelMl: one.voxelMl, lesionVoxels: one.lesionVoxels, lesion: one.lesion ? Uint8Array.from(one.lesion) : undefined };
      const shifted = tmax.map((value) => value + shift);
      for (const [name, value] of Object.entries(lesionNumbers({ cbf, tmax: shifted, ref }, one.thresholds, known))) {
        const expected = one.numbers[name];
        if (expected === null) assert.equal(value, null, name);
        else assertClose([/** @type {number} */ (value)], [expected], 1e-9 * Math.max(1, Math.abs(expected)));
      }
    }
  });

  it("leaves to the server what is not one matrix or needs an SVD, and curves without a bolus", () => {
    const settings = { deconvolution: "causal", regularization: "tsvd", discretization: "volterra", lambda: 0.3 };
    assert.ok(!isSupported(settings));
    assert.ok(!isSupported({ ...settings, regularization: "oscillation" }));
    assert.throws(() => buildOperator([1, 2], 1, settings), RangeError);
    assert.throws(() => buildOperator([0, -1], 1, { ...settings, regularization: "tikhonov" }), RangeError);
  });
});

describe("first slice of a file", needsGolden, () => {
  it("gives the first slice of a file with the mean of the healthy sample", async () => {
    const { aif, dt, q, vectors, coefficients, top, row } = golden.engine.peaks;
    const settings = { deconvolution: "circulant", regularization: "tikhonov", discretization: "volterra", lambda: 0.3, tmaxReference: "healthy" };
    const values = Int16Array.from(coefficients), cbfPerK = 6000;
    const basis = /** @type {any} */ ({ q, cbfPerK, arrays: { vectors: Float32Array.from(vectors), sample: values } });
    const found = sliceFlow(aif, dt, settings, basis, values, await compiled);
    const flow = top.map((/** @type {number} */ value) => cbfPerK * value);
    assertClose(found.cbf, flow, 1e-5 * largest(flow));
    assertClose([found.ref], [flow.reduce((/** @type {number} */ a, /** @type {number} */ b) => a + b) / flow.length], 1e-5 * largest(flow));
    const times = Float32Array.from(numbers(row), (value) => buildOperator(aif, dt, settings).startS + dt * value);
    const shift = healthyShift(times, new Uint8Array(times.length).fill(1));
    assertClose(found.tmax, [...times].map((value) => value + shift), 1e-2);
  });
});

describe("engine on a real head", needsGolden, () => {
  it("computes the maps and the core of a real head within the stated errors", async (test) => {
    for (const one of JSON.parse(readFileSync(golden.engine.tissue, "utf8"))) {
      const kernel = new PeakKernel(await compiled, one.q), vectors = bytes(one.vectors, Float32Array);
      const blocks = [kernel.store(bytes(one.coefficients, Int16Array))], reference = bytes(one.reference, Uint8Array);
      for (const { name, aif, settings, ...stored } of one.flows) {
        const operator = buildOperator(aif, one.dt, settings), { startS } = operator;
        const { top, row } = kernel.peaks(project(operator, vectors, one.q), blocks);
        const own = { cbf: top.map((value) => value * one.cbfPerK), tmax: row.map((value) => startS + one.dt * value) };
        const expected = { cbf: bytes(stored.cbf, Float32Array), tmax: bytes(stored.tmax, Float32Array) };
        const found = flowErrors(own, expected);
        const [core, expectedCore] = [own, expected].map((flow) => lesionNumbers(
          { ...flow, ref: healthyMean(flow.cbf, reference) }, one.thresholds, { voxelMl: one.voxelMl, lesionVoxels: 0 }).core_ml);
        const coreError = Math.abs(core - expectedCore) / expectedCore;
        test.diagnostic(`${name}: CBF mean ${found.mean.toExponential(1)}, worst ${found.worst.toExponential(1)}; `
          + `Tmax ${found.tmaxS.toFixed(4)} s; core ${(100 * coreError).toFixed(3)} % of ${expectedCore.toFixed(1)} ml`);
        assert.ok(found.nFlow > 0.5 * top.length && expectedCore > 1, name);
        assert.ok(found.mean <= MAX_MEAN_ERROR && found.worst <= MAX_WORST_ERROR, `${name}: CBF`);
        assert.ok(found.tmaxS <= MAX_TMAX_ERROR_S, `${name}: Tmax`);
        assert.ok(coreError <= MAX_CORE_ERROR, `${name}: core`);
      }
    }
  });
});
