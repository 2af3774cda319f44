// AIF quality against perfcore: tests/support/aif_quality_golden.py has the curves.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { divisorOf } from "../curve/aif_editor.js";
import { assessAif, LIGHTS, measureAif } from "../curve/aif_quality.js";
import { negativeTmax } from "../panels/aif_quality.js";
import { golden, needsGolden } from "./golden_values.js";

/** @param {number | null | undefined} actual @param {number | null} expected @param {string} name */
function assertMeasure(actual, expected, name) {
  if (expected === null) { assert.equal(actual ?? null, null, name); return; }
  assert.ok(typeof actual === "number" && Math.abs(actual - expected) <= 1e-5 * Math.max(1, Math.abs(expected)), `${name}: ${actual} is not ${expected}`);
}

describe("AIF quality", needsGolden, () => {
  it("measures and judges as perfcore does, with the same sentences", () => {
    const { checks, curves } = golden.aifQuality;
    assert.ok(curves.length > 50);
    for (const { reference, dt, curve, vof, share, measures, verdict, cause, sentence, sentences } of curves) {
      const found = measureAif(reference, dt, Float32Array.from(curve), vof && Float32Array.from(vof), share);
      for (const [name, expected] of Object.entries(measures)) assertMeasure(found[name], expected, name);
      const quality = assessAif(checks, found, reference.doubts);
      assert.equal(quality.verdict, verdict);
      assert.equal(quality.cause, cause);
      assert.equal(quality.sentence, sentence);
      assert.deepEqual(quality.findings.map((finding) => finding.sentence), sentences);
    }
    assert.deepEqual(Object.fromEntries(Object.entries(LIGHTS).map(([verdict, { shape, word }]) => [verdict, [shape, word]])), golden.aifQuality.shapes);
  });
});

describe("the light's other inputs", () => {
  it("counts Tmax below 0 in the slices of the newest maps alone", () => {
    const values = { case: { arrays: { starts: Uint32Array.of(0, 2, 6) } }, shownSeq: Int32Array.of(3, 4), tmax: Float32Array.of(-1, -1, -2, 1, NaN, 3) };
    assert.equal(negativeTmax(/** @type {any} */ (values)), 1 / 3);
    assert.equal(negativeTmax(/** @type {any} */ ({ ...values, shownSeq: Int32Array.of(-1, -1) })), null);
  });

  it("draws the VOF at its own height up to three times the AIF, else smaller by a round factor", () => {
    assert.deepEqual([0, 100, 300, 301, 900, 4000].map((peak) => divisorOf(peak, 100)), [1, 1, 1, 2, 5, 20]);
  });
});
