// The page without a server against perfcore: curves of voxels, k(t), gamma-variate fits, CSV files.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { buildOperator } from "../engine/operator.js";
import { aifCsvText, readAifCsv } from "../offline/aif_csv.js";
import { fitGammaVariate } from "../offline/gamma_fit.js";
import { residueOf } from "../offline/residue.js";
import { Tissue } from "../offline/tissue.js";
import { assertClose, golden, needsGolden } from "./golden_values.js";

const SETTINGS = { deconvolution: "circulant", regularization: "tikhonov", discretization: "volterra", lambda: 0.3 };
const largest = (/** @type {number[]} */ values) => values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);

describe("page without a server", needsGolden, () => {
  const given = golden?.oneFile.tissue;
  const tissue = () => new Tissue(
    /** @type {any} */ ({ ...given, arrays: { starts: Uint32Array.from(given.starts), pixel: Uint32Array.from(given.pixel) } }),
    /** @type {any} */ ({ q: given.q, arrays: { vectors: Float32Array.from(given.vectors) } }),
    async (z) => Int16Array.from(given.coefficients[z]));

  it("has the prepared tissue of every voxel, and its k(t)", async () => {
    const operator = buildOperator(given.aif, given.dt, SETTINGS);
    const size = largest(given.tissue.flat());
    for (const [i, voxel] of given.voxels.entries()) {
      const curve = /** @type {Float64Array} */ (await tissue().curveOf(voxel));
      assertClose(curve, given.tissue[i], 2e-4 * size); // coefficients of 16 bits
      const { residue, residue_time: times } = residueOf(operator, given.tissue[i], 0);
      assertClose(residue, given.residue[i], 1e-6 * largest(given.residue[i]));
      assertClose(times, given.residueTime, 1e-6);
    }
  });

  it("has no curve outside the brain mask, and says so outside the image", async () => {
    const inside = new Set(given.voxels.map(String));
    const outside = [0, 1, 2, 3, 4].map((y) => [0, y, 0]).find((voxel) => !inside.has(String(voxel)));
    assert.ok(outside);
    assert.equal(await tissue().curveOf(/** @type {any} */ (outside)), null);
    await assert.rejects(tissue().curveOf([6, 0, 0]), /outside the image/);
    await assert.rejects(tissue().meanOf([/** @type {any} */ (outside)]), /click a vessel inside/);
    await assert.rejects(tissue().meanOf([]), /between 1 and/);
  });

  it("has the mean of picked voxels, each once, and their standard deviation", async () => {
    const { voxels, mean, sd } = await tissue().meanOf([...given.picked, given.picked[0]]);
    assert.deepEqual(voxels, given.picked);
    assertClose(mean, given.mean, 2e-4 * largest(given.mean));
    assertClose(sd, given.sd, 2e-4 * largest(given.mean));
    const one = await tissue().meanOf([given.picked[0]]);
    assert.ok(one.sd.every((value) => value === 0));
  });

  it("fits the gamma variates that perfcore fits, at least as closely", () => {
    for (const { curve, dt, rms, fitted } of golden.oneFile.fits) {
      const fit = () => fitGammaVariate(Float64Array.from(curve), dt);
      if (rms === null) { assert.throws(fit, RangeError); continue; }
      const found = fit();
      assert.ok(found.fit.rms <= rms * (1 + 1e-4) + 1e-6, `${found.fit.rms} is more than ${rms}`);
      assertClose(found.arrays.curve, fitted, 5e-3 * largest(curve));
    }
  });

  it("reads the CSV files that perfcore reads, and refuses the others", () => {
    const read = golden.oneFile.csv.filter((/** @type {any} */ { curve }) => curve);
    assert.ok(read.length >= 4 && read.length < golden.oneFile.csv.length);
    for (const { text, curve } of golden.oneFile.csv) {
      if (curve) assertClose(readAifCsv(text, 12, 1.5).curve, curve, 1e-5);
      else assert.throws(() => readAifCsv(text, 12, 1.5), RangeError, text);
    }
    const again = readAifCsv(aifCsvText(Float32Array.from(read[0].curve), 1.5), 12, 1.5);
    assert.ok(!again.isInterpolated);
    assertClose(again.curve, read[0].curve, 1e-5);
  });
});
