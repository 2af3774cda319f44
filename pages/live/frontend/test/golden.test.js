// Against values of the Python modules: tests/pages/test_frontend_node.py writes them to the file in AIF_LAB_GOLDEN.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { packCurve } from "../common/packed_curve.js";
import { toScreen, toVoxel } from "../common/voxel_coords.js";
import { packEdit, unpack } from "../common/wire.js";
import { editCurve } from "../curve/curve_edits.js";
import { variantCurve } from "../curve/variants.js";
import { assertClose, golden, needsGolden, numbers } from "./golden_values.js";

/** @import { Edit } from "../types.js" */

describe("golden values", needsGolden, () => {
  it("curve edits equal perfcore/aif/edits.py", () => {
    assert.ok(golden.edits.length > 100);
    for (const { curve, dt, edit, expected } of golden.edits) {
      const size = Math.max(...curve.map(Math.abs));
      assertClose(editCurve(curve, dt, edit), expected, 1e-6 * size);
    }
  });

  it("variants of the start AIF equal perfcore/aif/variants.py", () => {
    assert.ok(golden.variants.length > 10);
    for (const { variant, dt, start, vof, expected } of golden.variants) {
      const arrays = { start: Float32Array.from(start), vof: Float32Array.from(vof) };
      assertClose(/** @type {Float32Array} */ (variantCurve(variant, { dt, arrays })), expected, 1e-6 * Math.max(...start));
    }
  });

  it("maps screen pixels to voxels in every orientation, as the server does", () => {
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

  it("decodes frames packed by wire.py, one or several per buffer", () => {
    const { bytes, frames } = golden.wire;
    const decoded = unpack(Uint8Array.from(Buffer.from(bytes, "base64")));
    assert.equal(decoded.length, frames.length);
    for (const [i, { kind, header, arrays }] of frames.entries()) {
      const { arrays: found, kind: foundKind, ...rest } = decoded[i];
      assert.equal(foundKind, kind);
      assert.deepEqual(rest, header);
      assert.deepEqual(Object.keys(found), Object.keys(arrays));
      for (const [name, { type, values }] of Object.entries(arrays)) {
        assert.equal(found[name].constructor.name.toLowerCase(), `${type}array`);
        assert.deepEqual([...found[name]], numbers(values));
      }
    }
  });

  it("throws for a truncated frame or a wrong magic number", () => {
    const bytes = Buffer.from(golden.wire.bytes, "base64");
    assert.throws(() => unpack(Uint8Array.from(bytes.subarray(0, bytes.length - 8))), /damaged/);
    assert.throws(() => unpack(Uint8Array.from(bytes.subarray(8))), /damaged/);
  });

  it("packs edits and curves for the Python test to read", () => {
    const edits = golden.wire.edits.map((/** @type {Edit} */ edit) => Buffer.from(packEdit(edit)).toString("base64"));
    const curves = golden.wire.edits.map((/** @type {Edit} */ { curve }) => packCurve(curve));
    writeFileSync(golden.wire.packed, JSON.stringify({ edits, curves }));
  });
});
