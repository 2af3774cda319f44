// Values of the Python modules: tests/pages/test_frontend_node.py writes them to the file in AIF_LAB_GOLDEN.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const path = process.env.AIF_LAB_GOLDEN;
export const golden = path ? JSON.parse(readFileSync(path, "utf8")) : null;

/** Values of arrays in JSON, which has no NaN: null in their place. @param {(number | null)[]} values */
export const numbers = (values) => values.map((value) => value ?? NaN);

/** @param {ArrayLike<number>} actual @param {number[]} expected @param {number} tolerance */
export function assertClose(actual, expected, tolerance) {
  assert.equal(actual.length, expected.length);
  expected.forEach((value, i) => {
    const isClose = Number.isNaN(value) ? Number.isNaN(actual[i]) : Math.abs(actual[i] - value) <= tolerance;
    assert.ok(isClose, `${actual[i]} is not ${value} at ${i}`);
  });
}

/** Options of tests that need the values. */
export const needsGolden = { skip: golden ? false : "run by pytest, which writes the values" };
