import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { headBox, places, toSlice } from "../map/slice_layout.js";
import { ViewState } from "../map/view_state.js";

/** @import { Case } from "../types.js" */

const [ROWS, COLUMNS, SLICES] = [40, 60, 5];
const AIR = -1000;
/** Pixels of the head: columns 20 to 39, rows 10 to 29, in the middle slice alone. */
const HEAD = { x: 20, y: 10, w: 20, h: 20 };

/** A case whose head fills `HEAD`. @param {Partial<Case>} fields @returns {Case} */
function caseOf(fields = {}) {
  const volume = (/** @type {number} */ outside, /** @type {number} */ inside) => {
    const data = new Int16Array(ROWS * COLUMNS * SLICES).fill(outside);
    for (let y = HEAD.y; y < HEAD.y + HEAD.h; y++) data.fill(inside, (2 * ROWS + y) * COLUMNS + HEAD.x, (2 * ROWS + y) * COLUMNS + HEAD.x + HEAD.w);
    return data;
  };
  return /** @type {any} */ ({
    rows: ROWS, columns: COLUMNS, slices: SLICES, pixelMm: [1, 1], hasBaseline: true,
    arrays: { baseline: volume(AIR, 40), tmip: volume(0, 10) }, ...fields,
  });
}

describe("headBox", () => {
  it("is the bounding box of the head in all slices with a margin of 4 pixels", () => {
    const margin = { x: HEAD.x - 4, y: HEAD.y - 4, w: HEAD.w + 8, h: HEAD.h + 8 };
    assert.deepEqual(headBox(caseOf()), margin);
    assert.deepEqual(headBox(caseOf({ hasBaseline: false })), margin);
  });

  it("is the whole slice where there is no tissue, and never larger than it", () => {
    const filled = (/** @type {number} */ value) => caseOf({ arrays: /** @type {any} */ ({ baseline: new Int16Array(ROWS * COLUMNS * SLICES).fill(value) }) });
    for (const value of [AIR, 40]) assert.deepEqual(headBox(filled(value)), { x: 0, y: 0, w: COLUMNS, h: ROWS });
  });
});

describe("places", () => {
  const canvas = { width: 900, height: 500 };

  it("centres one slice, as large as it fits, in the proportions of its voxels", () => {
    const open = caseOf({ pixelMm: [2, 1] });
    const [place, ...others] = places(open, { montage: false, slice: 3 }, canvas);
    assert.equal(others.length, 0);
    assert.equal(place.z, 3);
    assert.equal(place.w / place.h, 2);
    assert.ok(Math.abs(place.w - canvas.width) < 1e-9 || Math.abs(place.h - canvas.height) < 1e-9);
    assert.ok(Math.abs(2 * place.x + place.w - canvas.width) < 1e-9 && Math.abs(2 * place.y + place.h - canvas.height) < 1e-9);
  });

  for (const [width, height] of [[900, 500], [200, 900], [900, 100], [50, 50]]) {
    it(`fits a montage into ${width} × ${height} without overlap, larger than any other grid`, () => {
      const all = places(caseOf(), { montage: true, slice: 0 }, { width, height });
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
    const rect = view.rect(headBox(open));
    return {
      clientX: 30 + (place.x + ((x - rect.x) / rect.w) * place.w) / 2,
      clientY: 20 + (place.y + ((y - rect.y) / rect.h) * place.h) / 2,
    };
  }

  for (const [montage, zoom] of /** @type {[boolean, number][]} */ ([[false, 1], [true, 1], [false, 3], [true, 3]])) {
    it(`hit-tests points of every slice (montage ${montage}, zoom ${zoom})`, () => {
      const open = caseOf();
      Object.assign(view, { montage, slice: 2 });
      if (zoom > 1) view.zoomBy(zoom, { x: 28, y: 21 }, headBox(open));
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
    assert.equal(toSlice(open, view, canvas, beside), null);
    const found = toSlice(open, view, canvas, beside, 0);
    assert.ok(found && found.x < headBox(open).x);
  });
});
