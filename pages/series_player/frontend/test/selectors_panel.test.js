import assert from "node:assert/strict";
import { it } from "node:test";
import { mainSlice } from "../selectors_panel.js";

/** @import { Voxel } from "../types.js" */

it("finds the slice that holds most of the voxels", () => {
  const voxels = /** @type {Voxel[]} */ ([[1, 1, 3], [4, 1, 7], [2, 2, 7], [9, 9, 0]]);
  assert.equal(mainSlice(voxels), 7);
  assert.equal(mainSlice([]), 0);
});
