// Table of a region and its mirror: rows for the page, and CSV texts.
/** @import { Curve, MapInfo, RegionStatistics } from "../types.js" */
import { fixed, isSmall } from "../common/number_format.js";

/** @typedef {"region" | "mirror"} RegionSide */
/** Statistics of one map on both sides. @typedef {{map: string, info: MapInfo, region: RegionStatistics, mirror: RegionStatistics}} RegionRow */

const RATIO_DIGITS = 2;
const CSV_DIGITS = 7; // of float32

/** @param {MapInfo} info */
const unitOf = ({ unit }) => unit.replace("\n", "");

/** Mean of the region over that of the mirror; null where there is none, or that of the mirror is shown as 0. @param {RegionRow} row */
export function ratioOf({ info, region, mirror }) {
  if (region.mean === null || mirror.mean === null || isSmall(mirror.mean, info.digits)) return null;
  return region.mean / mirror.mean;
}

/** @param {RegionStatistics} found @param {number} digits */
const meanText = ({ mean, sd }, digits) => (mean === null ? "–" : `${fixed(mean, digits)} ± ${fixed(sd, digits)}`.replaceAll("-", "−"));

/** Texts of a row's cells: region, mirror, ratio. @param {RegionRow} row */
export const cells = (row) => [
  meanText(row.region, row.info.digits), meanText(row.mirror, row.info.digits), fixed(ratioOf(row), RATIO_DIGITS).replace("-", "−"),
];

/** A number as CSV has it; empty where there is none. @param {number | null} value */
const csvNumber = (value) => (value === null ? "" : String(Number(value.toPrecision(CSV_DIGITS))));

/**
 * The table as CSV: a line for each map and side.
 * @param {RegionRow[]} rows
 * @param {number} voxelMl
 */
export function tableCsv(rows, voxelMl) {
  const lines = /** @type {const} */ (["region", "mirror"]).flatMap((side) => rows.map(({ map, info, [side]: found }) => [
    side, map, unitOf(info), csvNumber(found.mean), csvNumber(found.sd), csvNumber(found.median), found.voxels,
    csvNumber(found.voxels * voxelMl),
  ]));
  return text([["region", "map", "unit", "mean", "sd", "median", "voxels", "ml"], ...lines]);
}

/**
 * Curves over time as CSV; a column without a curve is empty.
 * @param {ArrayLike<number>} timesS
 * @param {Record<string, Curve | undefined>} curves by the name of their column
 */
export function curvesCsv(timesS, curves) {
  const lines = Array.from(timesS, (time, i) => [
    csvNumber(time), ...Object.values(curves).map((curve) => (curve ? csvNumber(curve[i]) : "")),
  ]);
  return text([["time_s", ...Object.keys(curves)], ...lines]);
}

/** @param {(string | number)[][]} lines */
const text = (lines) => lines.map((line) => `${line.join(",")}\n`).join("");
