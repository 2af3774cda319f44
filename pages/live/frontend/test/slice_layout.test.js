import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { places, toSlice } from "../map/slice_layout.js";
import { ViewState } from "../map/view_state.js";

/** @import { Case } from "../types.js" */

const [ROWS, COLUMNS, SLICES] = [40, 60, 5];
/** The part of a slice that is shown. */
const HEAD = { x: 16, y: 6, w: 28, h: 28 };

/** @param {Partial<Case>} fields @returns {Case} */
const caseOf = (fields = {}) => /** @type {any} */ ({
  rows: ROWS, columns: COLUMNS, slices: SLICES, pixelMm: [1, 1], head: HEAD, ...fields,
});

describe("places", () => {
  const canvas = { width: 900, height: 500 };

  it("centres one slice, as large as it fits, in the proportions of its voxels", () => {
    const open = caseOf({ pixelMm: [2, 1] });
    const [place, ...others] = places(open, { montage: false, slice: 3, maps: ["rcbf"] }, canvas);
    assert.equal(others.length, 0);
    assert.equal(place.z, 3);
    assert.equal(place.w / place.h, 2);
    assert.ok(Math.abs(place.w - canvas.width) < 1e-9 || Math.abs(place.h - canvas.height) < 1e-9);
    assert.ok(Math.abs(2 * place.x + place.w - canvas.width) < 1e-9 && Math.abs(2 * place.y + place.h - canvas.height) < 1e-9);
  });

  it("shows one slice as two maps, side by side or one above the other as the canvas is", () => {
    const view = { montage: false, slice: 2, maps: ["rcbf", "tmax"] };
    const [a, b] = places(caseOf(), view, { width: 900, height: 400 });
    assert.deepEqual([a.map, b.map, a.z, b.z], ["rcbf", "tmax", 2, 2]);
    assert.ok(a.y === b.y && a.x + a.w <= b.x + 1e-9);
    const [above, below] = places(caseOf(), view, { width: 300, height: 900 });
    assert.ok(above.x === below.x && above.y + above.h <= below.y + 1e-9);
  });

  for (const [width, height] of [[900, 500], [200, 900], [900, 100], [50, 50]]) {
    it(`fits a montage into ${width} × ${height} without overlap, larger than any other grid`, () => {
      const all = places(caseOf(), { montage: true, slice: 0, maps: ["rcbf"] }, { width, height });
      assert.deepEqual(all.map(({ z }) => z), [0, 1, 2, 3, 4]);
      for (const [i, a] of all.entries()) {
        assert.ok(a.x > -1e-9 && a.y > -1e-9 && a.x + a.w < width + 1e-9 && a.y + a.h < height + 1e-9);
        for (const b of all.slice(i + 1)) {
          assert.ok(a.x + a.w < b.x + 1e-9 || b.x + b.w < a.x + 1e-9 || a.y + a.h < b.y + 1e-9 || b.y + b.h < a.y + 1e-9);
        }
      }
      const best = Math.max(...[1, 2, 3, 4, 5].map((n) => Math.min(width / n, height / Math.ceil(5 / n))));
      assert.ok(Math.abs(all[0].w - best) < 1e-9);
    });
  }
});

describe("toSlice", () => {
  /** Canvas of 900 × 500 pixels, shown at half that size at (30, 20) of the page. */
  const canvas = /** @type {HTMLCanvasElement} */ (/** @type {unknown} */ ({
    width: 900, height: 500, getBoundingClientRect: () => ({ left: 30, top: 20, width: 450, height: 250 }),
  }));
  /** @type {ViewState} */
  let view;
  beforeEach(() => { view = new ViewState(); });

  /** A point of a slice on the page. @param {Case} open @param {number} z @param {number} x @param {number} y */
  function onPage(open, z, x, y) {
    const place = places(open, view, canvas).find((one) => one.z === z);
    assert.ok(place);
    const rect = view.rect(open.head);
    return {
      clientX: 30 + (place.x + ((x - rect.x) / rect.w) * place.w) / 2,
      clientY: 20 + (place.y + ((y - rect.y) / rect.h) * place.h) / 2,
    };
  }

  for (const [montage, zoom] of /** @type {[boolean, number][]} */ ([[false, 1], [true, 1], [false, 3], [true, 3]])) {
    it(`hit-tests points of every slice (montage ${montage}, zoom ${zoom})`, () => {
      const open = caseOf();
      Object.assign(view, { montage, slice: 2 });
      if (zoom > 1) view.zoomBy(zoom, { x: 28, y: 21 }, open.head);
      for (const z of montage ? [0, 1, 2, 3, 4] : [2]) {
        const found = toSlice(open, view, canvas, onPage(open, z, 30.25, 19.5));
        assert.ok(found);
        assert.equal(found.z, z);
        assert.ok(Math.abs(found.x - 30.25) < 1e-9 && Math.abs(found.y - 19.5) < 1e-9);
      }
    });
  }

  it("is null outside the slices, unless a slice is given", () => {
    const open = caseOf();
    const beside = { clientX: 31, clientY: 21 };
    view.two = false;
    assert.equal(toSlice(open, view, canvas, beside), null);
    const found = toSlice(open, view, canvas, beside, 0);
    assert.ok(found && found.x < open.head.x);
  });
});
