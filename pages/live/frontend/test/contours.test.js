import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { loops, runs } from "../map/contours.js";
import { FakePath } from "./fake_page.js";

const [COLUMNS, ROWS] = [9, 7];

before(() => { Object.assign(globalThis, { Path2D: FakePath }); });

/** Flags of all pixels, by a rule. @param {(x: number, y: number) => boolean} rule */
function region(rule) {
  const pixels = Uint32Array.from({ length: COLUMNS * ROWS }, (_, i) => i);
  return { pixels, inside: Uint8Array.from(pixels, (p) => Number(rule(p % COLUMNS, Math.floor(p / COLUMNS)))) };
}

/** Unit edges of a path, each as "x,y–x,y" from its smaller end. @param {Path2D} path */
function edges(path) {
  const found = [];
  for (const line of /** @type {any} */ (path).lines) {
    for (let i = 1; i < line.length; i++) {
      const [[x0, y0], [x1, y1]] = [line[i - 1], line[i]];
      const n = Math.abs(x1 - x0) + Math.abs(y1 - y0);
      assert.ok(x0 === x1 || y0 === y1, "an edge runs along pixels");
      for (let k = 0; k < n; k++) {
        const at = (/** @type {number} */ j) => `${x0 + ((x1 - x0) * j) / n},${y0 + ((y1 - y0) * j) / n}`;
        found.push([at(k), at(k + 1)].sort().join("–"));
      }
    }
  }
  return found.sort();
}

/** Edges between pixels inside and outside, counted pixel by pixel. @param {(x: number, y: number) => boolean} rule */
function expectedEdges(rule) {
  const inside = (/** @type {number} */ x, /** @type {number} */ y) => x >= 0 && y >= 0 && x < COLUMNS && y < ROWS && rule(x, y);
  const found = [];
  for (let y = 0; y <= ROWS; y++) {
    for (let x = 0; x <= COLUMNS; x++) {
      if (inside(x, y) !== inside(x, y - 1)) found.push([`${x},${y}`, `${x + 1},${y}`].sort().join("–"));
      if (inside(x, y) !== inside(x - 1, y)) found.push([`${x},${y}`, `${x},${y + 1}`].sort().join("–"));
    }
  }
  return found.sort();
}

/** @type {Record<string, (x: number, y: number) => boolean>} */
const REGIONS = {
  "one pixel": (x, y) => x === 3 && y === 2,
  "a block at the image's border": (x, y) => x < 3 && y >= ROWS - 2,
  "a ring": (x, y) => x >= 1 && x <= 5 && y >= 1 && y <= 5 && !(x === 3 && y === 3),
  "two pixels that touch at a corner": (x, y) => (x === 2 && y === 2) || (x === 3 && y === 3),
  "a checkerboard": (x, y) => (x + y) % 2 === 0,
  "the whole image": () => true,
  nothing: () => false,
};

for (const [name, rule] of Object.entries(REGIONS)) {
  describe(`contour of ${name}`, () => {
    const { inside, pixels } = region(rule);

    it("contains each boundary edge once, as loops and as runs", () => {
      assert.deepEqual(edges(loops(inside, pixels, COLUMNS, ROWS)), expectedEdges(rule));
      assert.deepEqual(edges(runs(inside, pixels, COLUMNS, ROWS)), expectedEdges(rule));
    });

    it("orients every loop with the inside on the right", () => {
      let area = 0;
      for (const line of /** @type {any} */ (loops(inside, pixels, COLUMNS, ROWS)).lines) {
        assert.deepEqual(line[0], line.at(-1));
        for (let i = 1; i < line.length; i++) area += (line[i - 1][0] * line[i][1] - line[i][0] * line[i - 1][1]) / 2;
      }
      assert.equal(area, inside.reduce((sum, flag) => sum + flag, 0)); // of screen axes: y down, clockwise is positive
    });
  });
}

it("reuses its buffers without state from an earlier contour", () => {
  const large = region(() => true);
  const small = region(REGIONS["one pixel"]);
  runs(large.inside, large.pixels, COLUMNS, ROWS);
  assert.deepEqual(edges(runs(small.inside, small.pixels, COLUMNS, ROWS)), expectedEdges(REGIONS["one pixel"]));
});
