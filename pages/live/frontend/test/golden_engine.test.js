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
