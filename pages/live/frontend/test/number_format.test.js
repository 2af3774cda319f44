import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compact, fixed, formatChange, isSmall, roundStep, shownChange, signed } from "../common/number_format.js";

describe("numbers as text", () => {
  it("have a typographic minus and fixed digits", () => {
    assert.equal(signed(-1.25, 1), "−1.3");
    assert.equal(signed(2, 1), "+2.0");
    assert.equal(fixed(0, 2), "0.00");
    assert.equal(fixed(null, 2), "–");
    assert.equal(fixed(undefined, 2), "–");
  });

  it("show a change that rounds to zero as ±0, on both sides of the limit", () => {
    for (const sign of [-1, 1]) {
      assert.equal(formatChange(sign * 0.049, 1), "±0");
      assert.equal(formatChange(sign * 0.051, 1), signed(sign * 0.1, 1));
    }
    assert.ok(isSmall(0, 3) && !isSmall(0.001, 3));
  });

  it("show the change of the values as they are shown", () => {
    const change = (/** @type {number} */ value, /** @type {number} */ from) => formatChange(shownChange(value, from, 1) ?? NaN, 1);
    assert.equal(change(43.94, 43.96), "−0.1", "43.9 from 44.0");
    assert.equal(change(44.04, 43.96), "±0", "44.0 from 44.0");
    assert.equal(change(44.05001, 43.96), "+0.1");
    assert.equal(shownChange(null, 1, 1), null);
    assert.equal(shownChange(1, undefined, 1), null);
  });

  it("compact format: two significant digits, powers of ten for small and large values", () => {
    assert.deepEqual([0, 3.14159, -3.14159, 0.0123, 1234].map(compact), ["0", "3.1", "−3.1", "0.012", "1200"]);
    assert.deepEqual([0.00123, 0.00745, 0.0000123, -45678].map(compact), ["0.0012", "0.0075", "1e−5", "−5e4"]);
  });
});

describe("roundStep", () => {
  it("is the smallest of 1, 2, 5 × 10ⁿ that gives at most the given number of intervals", () => {
    for (const span of [0.003, 0.7, 1, 9.99, 45, 60, 1234]) {
      for (const max of [1, 3.5, 8]) {
        const step = roundStep(span, max);
        const mantissa = step / 10 ** Math.floor(Math.log10(step) + 1e-9);
        assert.ok([1, 2, 5].some((m) => Math.abs(mantissa - m) < 1e-6), `${step}`);
        assert.ok(span / step <= max * (1 + 1e-9));
        const smaller = step / (Math.abs(mantissa - 5) < 1e-6 ? 2.5 : 2);
        assert.ok(span / smaller > max * (1 - 1e-9), `${smaller} is enough for ${span} in ${max}`);
      }
    }
  });
});
