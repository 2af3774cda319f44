// Room below zero for the tissue curve beside the AIF: in steps, so that the axis does not move from voxel to voxel.
import assert from "node:assert/strict";
import { test } from "node:test";
import { roomBelow } from "../curve/aif_editor.js";

const AIF = Float32Array.of(0, 100, 20);

test("a tissue curve has room for what lies below zero, in steps and at most its height above", () => {
  const room = (/** @type {number} */ lowest) => roomBelow(Float32Array.of(0, lowest, 4), 10, AIF);
  assert.deepEqual([1, 0, -0.5, -0.97].map(room), [0.1, 0.1, 0.1, 0.1]);
  assert.ok(Math.abs(room(-1.5) - 0.2) < 1e-9 && Math.abs(room(-2.5) - 0.3) < 1e-9);
  assert.equal(room(-30), 0.4);
});
