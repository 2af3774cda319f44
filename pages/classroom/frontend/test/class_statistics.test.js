// Statistics of a class, against numpy's results where Python runs the tests, and against hand-made numbers.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { env } from "node:process";
import { test } from "node:test";
import { binAt, binsOf, countRight, curveBand, decisionCounts, paintedFrequency, percentile, spreadOf } from "../projector/class_statistics.js";

const golden = env.AIF_LAB_GOLDEN ? JSON.parse(readFileSync(env.AIF_LAB_GOLDEN, "utf8")).classroom : null;
const near = (/** @type {number | null} */ a, /** @type {number | null} */ b) => {
  if (a === null || b === null) assert.equal(a, b);
  else assert.ok(Math.abs(a - b) <= 1e-12 * Math.max(1, Math.abs(b)), `${a} is not ${b}`);
};

test("spreads are numpy's", { skip: golden === null }, () => {
  for (const { values, spread } of golden.spreads) {
    const found = /** @type {Record<string, number | null>} */ ({ ...spreadOf(values) });
    assert.deepEqual(Object.keys(found).sort(), Object.keys(spread).sort());
    for (const [name, value] of Object.entries(spread)) near(found[name], /** @type {number | null} */ (value));
  }
});

test("the band of curves is numpy's", { skip: golden === null }, () => {
  for (const { curves, band } of golden.bands) {
    curveBand(curves).forEach((line, k) => line.forEach((value, t) => near(value, band[k][t])));
  }
});

test("decisions are counted as perfcore decides", { skip: golden === null }, () => {
  const { all, limits, smallCore, ratio } = golden.decisions;
  assert.deepEqual(decisionCounts(all, limits), { of: all.length, smallCore, ratio });
  assert.deepEqual(decisionCounts([...all, { core_ml: 3, hypoperfused_ml: null }], limits).of, all.length);
});

test("numbers by hand: mean 20, SD 10, CV a half; percentiles between values", () => {
  const { n, mean, sd, cv, median, low, high } = spreadOf([10, 30, 20, null, NaN]);
  assert.deepEqual([n, mean, sd, cv, median], [3, 20, 10, 0.5, 20]);
  near(low, 12);
  near(high, 28);
  assert.equal(percentile([5], 90), 5);
});

test("a spread that is undefined is null", () => {
  assert.deepEqual(spreadOf([]), { n: 0, mean: null, median: null, sd: null, cv: null, low: null, high: null });
  assert.equal(spreadOf([7]).sd, null);
  assert.equal(spreadOf([-1, 1]).cv, null);
});

test("each value lies within its bin, and bins have a round width", () => {
  for (const values of [[0, 10, 20, 30, 40], [43.8, 44.1, 44], [0.1, 0.3, 0.7, 0.2], [5], [-3, 2, 8]]) {
    const bins = binsOf(values, 0.01);
    assert.ok(bins.n <= 16);
    assert.match((bins.step / 10 ** Math.floor(Math.log10(bins.step) + 1e-9)).toFixed(6), /^[125]\.0+$/);
    for (const value of values) {
      const low = bins.low + binAt(bins, value) * bins.step;
      assert.ok(low <= value + 1e-9 * bins.step && value < low + bins.step, `${value} in ${JSON.stringify(bins)}`);
    }
  }
});

test("an outlier shares the last bin instead of stretching the axis", () => {
  const values = [...Array.from({ length: 29 }, (_, i) => 40 + i), 1000];
  const bins = binsOf(values, 5);
  assert.ok(bins.over && !bins.under);
  assert.ok(bins.low + bins.n * bins.step < 150);
  assert.equal(binAt(bins, 1000), bins.n - 1);
  assert.ok(binAt(bins, 68) < bins.n - 1);
  const low = binsOf([...values.slice(0, 29), -1000], 5);
  assert.ok(low.under && !low.over);
  assert.equal(binAt(low, -1000), 0);
  assert.ok(binAt(low, 40) > 0);
});

test("equal values do not fill the axis, and the axis holds what they are compared with", () => {
  const bins = binsOf([44, 44.01, 44.02], 10, [60]);
  assert.ok(bins.n * bins.step >= 16);
  assert.ok(bins.low + bins.n * bins.step > 60);
});

test("frequency of painted voxels, and right answers within their tolerance", () => {
  assert.deepEqual([...paintedFrequency([[0, 2], [1, 1, 3, 1]], 5)], [0.5, 1, 0, 0.5, 0]);
  assert.equal(countRight([1.75, 1.8, 1.9], { value: 1.8, tolerance: 0.06 }), 2);
  assert.equal(countRight([0, 1, 1], { value: 1, tolerance: 0 }), 2);
});
