// Region of interest in a file without a server: its voxels, their mean smoothed curves, and the maps that do not depend
// on the AIF. The voxels are those of perfcore/analysis/region.py.
/** @import { Case, Curve, MapInfo, RegionFrame, RegionStatistics } from "../types.js" */
/** @import { RegionShape } from "../map/region_shape.js" */
/** @import { Tissue } from "./tissue.js" */
import { statistics } from "../common/statistics.js";
import { toVoxel } from "../common/voxel_coords.js";
import { contains, mirrored } from "../map/region_shape.js";

/** Positions in slice order of the voxels inside a region. @param {Case} opened @param {RegionShape} region */
function positionsIn(opened, { slice, vertices }) {
  const { columns, arrays: { starts, pixel } } = opened;
  /** @type {number[]} */
  const found = [];
  for (let i = starts[slice]; i < starts[slice + 1]; i++) {
    const [x, y] = toVoxel(opened, [pixel[i] % columns, Math.floor(pixel[i] / columns)], slice);
    if (contains(vertices, { x, y })) found.push(i);
  }
  return Uint32Array.from(found);
}

/**
 * Statistics of the maps that do not depend on the AIF, by id.
 * @param {Case} opened
 * @param {Record<string, MapInfo>} maps
 * @param {number} slice
 * @param {Uint32Array} positions
 */
function fixedStatistics({ rows, columns, arrays }, maps, slice, positions) {
  const fields = /** @type {Record<string, Float32Array>} */ (/** @type {unknown} */ (arrays));
  /** @type {Record<string, RegionStatistics>} */
  const found = {};
  for (const [map, { case_array: stack, static: isStatic }] of Object.entries(maps)) {
    if (stack) found[map] = statistics(Array.from(positions, (at) => arrays[stack][slice * rows * columns + arrays.pixel[at]]));
    else if (isStatic) found[map] = statistics(Array.from(positions, (at) => fields[map][at]));
  }
  return found;
}

/**
 * The frame that answers a region.
 * @param {{opened: Case, tissue: Tissue, config: {maps: Record<string, MapInfo>}, basis: {voxelMl: number}}} session
 * @param {RegionShape & {number: number}} request
 * @returns {Promise<RegionFrame>}
 */
export async function measureRegion({ opened, tissue, config, basis }, { number, slice, vertices }) {
  const mirror = mirrored(opened, { slice, vertices });
  const inside = {
    region: positionsIn(opened, { slice, vertices }),
    mirror: mirror ? positionsIn(opened, mirror) : new Uint32Array(0),
  };
  /** @type {Partial<Record<"regionCurve" | "mirrorCurve", Curve>>} */
  const curves = {};
  for (const side of /** @type {const} */ (["region", "mirror"])) {
    const places = inside[side].map((at) => at - opened.arrays.starts[slice]);
    if (places.length) curves[`${side}Curve`] = Float32Array.from(await tissue.meanCurve(slice, places));
  }
  const fixed = {
    region: fixedStatistics(opened, config.maps, slice, inside.region),
    mirror: fixedStatistics(opened, config.maps, slice, inside.mirror),
  };
  return { kind: "region", number, slice, voxelMl: basis.voxelMl, fixed, arrays: { ...inside, ...curves } };
}
