import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addSlice, joinCase } from "../transport/case_update.js";

/** @import { Case } from "../types.js" */

const SLICE = { area: Float32Array.of(7), baseline: new Int16Array(4).fill(30), lesion: Uint8Array.of(1), pixel: Uint32Array.of(2), tmip: new Int16Array(4), ttp: Float32Array.of(9) };

/** A case of two slices of 2 × 2 pixels with two voxels and one, its slices still to come. @param {object} fields @returns {any} */
const head = (fields = {}) => ({
  kind: "case", key: "case#1", epoch: 1, rows: 2, columns: 2, slices: 2, hasLesion: true, staticMaps: ["ttp"],
  arrays: { start: Float32Array.of(0, 1), starts: Uint32Array.of(0, 2, 3) }, ...fields,
});
const joined = (/** @type {Case | null} */ open, /** @type {any} */ received) => /** @type {Case} */ (joinCase(open, received));

describe("a case frame", () => {
  it("opens a case in which nothing is drawn before its slices come", () => {
    const { loaded, arrays } = joined(null, head());
    assert.equal(loaded.size, 0);
    assert.ok(arrays.pixel.every((at) => at >= 4), "no pixel of the slice");
    assert.ok([...arrays.area, ...arrays.ttp].every(Number.isNaN));
    assert.ok(arrays.baseline.every((hu) => hu === -1024));
    assert.deepEqual([...(arrays.lesion ?? [])], [0, 0, 0]);
  });

  it("takes its slices in any order", () => {
    const open = joined(null, head());
    addSlice(open, 1, SLICE);
    assert.deepEqual([...open.loaded], [1]);
    assert.deepEqual([...open.arrays.area], [NaN, NaN, 7]);
    assert.deepEqual([...open.arrays.baseline], [-1024, -1024, -1024, -1024, 30, 30, 30, 30]);
    assert.equal(open.arrays.pixel[2], 2);
  });

  it("keeps the slices that are here for an update, and for the same case sent again", () => {
    const open = joined(null, head());
    addSlice(open, 1, SLICE);
    const start = Float32Array.of(0, 2);
    for (const again of [head({ epoch: 2, arrays: { start, starts: Uint32Array.of(0, 2, 3) } }), { kind: "case", key: "case#1", epoch: 2, arrays: { start } }]) {
      const now = joined(open, again);
      assert.deepEqual([now.epoch, now.arrays.start, [...now.loaded]], [2, start, [1]]);
      assert.equal(now.arrays.pixel, open.arrays.pixel);
    }
    assert.equal(joined(open, head({ key: "case#2" })).loaded.size, 0);
  });

  it("is refused where it updates another case", () => {
    assert.equal(joinCase(joined(null, head()), { kind: "case", key: "case#2", epoch: 1, curveKey: "", aifVoxels: [], arrays: { start: Float32Array.of(0) } }), null);
  });
});
