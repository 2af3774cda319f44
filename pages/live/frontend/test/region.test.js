// Geometry and statistics of a region, against those of perfcore, and its CSV texts.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { statistics } from "../common/statistics.js";
import { circle, contains, ellipse, extent, lasso, mirrored, moved, toPolygon, toRegion } from "../map/region_shape.js";
import { cells, curvesCsv, ratioOf, tableCsv } from "../panels/region_table.js";
import { assertClose, golden, needsGolden, numbers } from "./golden_values.js";

/** @import { Case, MapInfo, RegionStatistics } from "../types.js" */
/** @import { Position } from "../map/region_shape.js" */

/** @param {Position[]} polygon */
const area = (polygon) => Math.abs(polygon.reduce((sum, [x1, y1], i) => {
  const [x0, y0] = /** @type {Position} */ (polygon.at(i - 1));
  return sum + (x0 * y1 - x1 * y0) / 2;
}, 0));

describe("a region's geometry", () => {
  it("has ellipses between two corners, and circles in millimetres", () => {
    const wide = ellipse([10, 40], [30, 20]);
    assertClose(extent(wide), [20, 20], 1e-9);
    assert.ok(Math.abs(area(wide) / (Math.PI * 100) - 1) < 0.005, "a polygon of 48 vertices");
    assertClose(extent(circle([5, 5], 6, [2, 1.5])), [6, 8], 1e-9);
  });

  it("thins a path to few vertices near it, and to 256 for any path", () => {
    const path = Array.from({ length: 900 }, (_, i) => /** @type {Position} */ ([30 * Math.cos(i / 150), 30 * Math.sin(i / 150)]));
    const polygon = lasso(path);
    assert.ok(polygon.length < 80, "chords of a tenth of a pixel need 38");
    assert.ok(Math.abs(area(polygon) / area(path) - 1) < 0.01);
    let seed = 1;
    const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
    const wild = lasso(Array.from({ length: 5000 }, () => [200 * random(), 200 * random()]));
    assert.ok(wild.length <= 256 && wild.length > 100);
    assert.equal(lasso([[1, 1], [2, 2], [3, 3]]).length, 2, "a straight line");
  });

  it("keeps its middle in the image when it is moved", () => {
    /** @type {Position[]} */
    const square = [[4, 4], [8, 4], [8, 8], [4, 8]];
    const image = { rows: 20, columns: 30 };
    assert.deepEqual(moved(square, [3, -2], image), [[7, 2], [11, 2], [11, 6], [7, 6]]);
    assert.deepEqual(moved(square, [-90, 90], image)[0], [-2, 18]);
  });

  it("comes back from voxel indices to the screen in every orientation", () => {
    for (const swap of [false, true]) {
      for (const flipX of [false, true]) {
        const now = /** @type {any} */ ({ swap, flipX, flipY: !flipX, rows: 20, columns: 30 });
        const polygon = ellipse([3, 5], [14, 12]);
        const region = toRegion(now, 2, polygon);
        assert.equal(region.slice, 2);
        toPolygon(now, region).forEach((point, i) => assertClose(point, polygon[i], 6e-4));
      }
    }
  });

  it("has perfcore's mirror and inside", needsGolden, () => {
    const { mirror, polygons } = golden.regions;
    const opened = /** @type {Case} */ (/** @type {any} */ ({ arrays: { mirror: Float32Array.from(mirror) } }));
    for (const { slice, vertices, mirrored: expected, inside } of polygons) {
      const found = mirrored(opened, { slice, vertices });
      found?.vertices.forEach((point, i) => assertClose(point, expected[i], 1e-4));
      inside.forEach((/** @type {number[]} */ column, /** @type {number} */ x) => {
        assert.deepEqual(column.map((_, y) => Number(contains(vertices, { x, y }))), column);
      });
    }
    assert.equal(mirrored(/** @type {any} */ ({ arrays: {} }), polygons[0]), null);
  });
});

describe("statistics of a region", () => {
  it("equal perfcore's", needsGolden, () => {
    for (const { values, voxels, mean, sd, median } of golden.regions.statistics) {
      const found = statistics(numbers(values));
      assert.equal(found.voxels, voxels);
      assertClose(numbers([found.mean, found.sd, found.median]), numbers([mean, sd, median]), 1e-9);
    }
  });

  /** @param {number | null} mean @param {number | null} sd @returns {RegionStatistics} */
  const of = (mean, sd) => ({ voxels: mean === null ? 0 : 4, mean, sd, median: mean });
  const info = /** @type {MapInfo} */ ({ label: "CBF", unit: "ml/\n100 g/min", digits: 1 });

  it("are shown with the map's digits, and an en dash where there is no value", () => {
    assert.deepEqual(cells({ map: "cbf", info, region: of(12.34, 2), mirror: of(24.68, 3.21) }), ["12.3 ± 2.0", "24.7 ± 3.2", "0.50"]);
    assert.deepEqual(cells({ map: "cbf", info, region: of(-1.26, 0), mirror: of(null, null) }), ["−1.3 ± 0.0", "–", "–"]);
    for (const mean of [0, 0.049, -0.049]) assert.equal(ratioOf({ map: "cbf", info, region: of(1, 0), mirror: of(mean, 0) }), null, "shown as 0.0");
    assert.equal(ratioOf({ map: "cbf", info, region: of(1, 0), mirror: of(0.5, 0) }), 2);
  });

  it("are CSV with a line for each map and side", () => {
    const text = tableCsv([{ map: "cbf", info, region: of(12.25, 2), mirror: of(null, null) }], 0.5);
    assert.equal(text, "region,map,unit,mean,sd,median,voxels,ml\nregion,cbf,ml/100 g/min,12.25,2,12.25,4,2\nmirror,cbf,ml/100 g/min,,,,0,0\n");
    const curves = curvesCsv([0, 1.5], { region: Float32Array.of(0, 7.25), mirror: undefined, aif: Float32Array.of(1, 200) });
    assert.equal(curves, "time_s,region,mirror,aif\n0,0,,1\n1.5,7.25,,200\n");
  });
});
