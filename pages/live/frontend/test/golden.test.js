// Against values of the Python modules: tests/pages/test_frontend_node.py writes them to the file in AIF_LAB_GOLDEN.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { toScreen, toVoxel } from "../common/voxel_coords.js";
import { editCurve } from "../curve/curve_edits.js";
import { fill } from "../map/preview_grid.js";

const path = process.env.AIF_LAB_GOLDEN;
const golden = path ? JSON.parse(readFileSync(path, "utf8")) : null;

/** @param {ArrayLike<number>} actual @param {number[]} expected @param {number} tolerance */
function assertClose(actual, expected, tolerance) {
  assert.equal(actual.length, expected.length);
  expected.forEach((value, i) => assert.ok(Math.abs(actual[i] - value) <= tolerance, `${actual[i]} is not ${value} at ${i}`));
}

describe("golden values", { skip: golden ? false : "run by pytest, which writes the values" }, () => {
  it("edits a curve as perfcore/aif/edits.py does", () => {
    assert.ok(golden.edits.length > 100);
    for (const { curve, dt, edit, expected } of golden.edits) {
      const size = Math.max(...curve.map(Math.abs));
      assertClose(editCurve(curve, dt, edit), expected, 1e-6 * size);
    }
  });

  it("fills the preview grid as the server measures it, all of it or one slice", () => {
    const { kept, starts, pixel, values, rows, columns, expected } = golden.grid;
    const arrays = { kept: Uint8Array.from(kept), starts: Uint32Array.from(starts), pixel: Uint32Array.from(pixel) };
    const grid = { arrays, rows, columns, slices: 2 };
    const [all, second] = [new Float32Array(kept.length), new Float32Array(kept.length)];
    fill(grid, Float32Array.from(values), all);
    assertClose(all, expected, 1e-6);
    const before = arrays.kept.subarray(0, starts[1]).reduce((sum, one) => sum + one, 0);
    fill(grid, Float32Array.from(values.slice(before)), second, starts[1], starts[2]);
    assertClose(second, expected.map((/** @type {number} */ value, /** @type {number} */ i) => (i < starts[1] ? 0 : value)), 1e-6);
  });

  it("finds screen pixels and voxels in every orientation as the server lays out a slice", () => {
    assert.equal(golden.layouts.length, 8);
    for (const { screen, nx, ny, ...orientation } of golden.layouts) {
      for (let i = 0; i < nx * ny; i++) {
        const voxel = [Math.floor(i / ny), i % ny, 2];
        const [column, row] = toScreen(orientation, voxel);
        assert.equal(screen[row][column], i);
        assert.deepEqual(toVoxel(orientation, [column, row], 2), voxel);
      }
    }
  });
});
