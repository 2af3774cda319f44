// AIF as CSV with the columns time_s,value: the rules of perfcore/io/aif_csv.py.
/** @import { Curve } from "../types.js" */

const COLUMNS = ["time_s", "value"];
const TIME_TOLERANCE = 0.01; // of a frame: a CSV rounds its times
const MAX_VALUE = 1e12;
const DIGITS = 9;

/** @param {string} cell without quotes */
const unquoted = (cell) => cell.trim().replace(/^"(.*)"$/, "$1").replaceAll('""', '"').trim();

/** @param {string} text @returns {{time: number[], value: number[]}} */
function columnsOf(text) {
  const rows = text.replace(/^\ufeff/, "").split(/\r\n|\n|\r/).filter((line) => line.replaceAll(",", "").trim())
    .map((line) => line.split(",").map(unquoted));
  const names = (rows.shift() ?? []).map((name) => name.toLowerCase());
  if (COLUMNS.some((column) => names.filter((name) => name === column).length !== 1)) {
    throw new RangeError(`The AIF file lacks the columns ${COLUMNS.join(" and ")}; give a CSV with both in its first row, separated by commas.`);
  }
  const wide = rows.findIndex((row) => row.slice(names.length).some(Boolean));
  if (wide >= 0) throw new RangeError(`Row ${wide + 1} of the AIF file has more cells than its first row; write numbers with decimal points.`);
  const [time, value] = COLUMNS.map((column) => rows.map((row, i) => {
    const cell = row[names.indexOf(column)] ?? "", number = Number(cell);
    if (!cell || !Number.isFinite(number)) throw new RangeError(`The AIF has no finite number in column ${column} of row ${i + 1}; correct the file.`);
    return number;
  }));
  return { time, value };
}

/** @param {number[]} time */
function checkTimes(time) {
  if (time.length < 2) throw new RangeError(`The AIF has ${time.length} rows; give one for every frame of the series.`);
  if (time[0] < 0) throw new RangeError("The AIF has a negative time; give times from 0 at the first frame.");
  const row = time.findIndex((at, i) => i > 0 && at <= time[i - 1]);
  if (row > 0) throw new RangeError(`The times of the AIF do not increase strictly at row ${row + 1}; sort them and remove doubles.`);
}

/** Linear interpolation; beyond the ends the end values. @param {number} at @param {number[]} time @param {number[]} value */
function interpolated(at, time, value) {
  const next = time.findIndex((t) => t > at);
  if (next === 0) return value[0];
  if (next < 0) return value[value.length - 1];
  const part = (at - time[next - 1]) / (time[next] - time[next - 1]);
  return value[next - 1] + part * (value[next] - value[next - 1]);
}

/**
 * Read an AIF on the frames of a series.
 * @param {string} text
 * @param {number} nTime
 * @param {number} dtS
 * @returns {{curve: Curve, isInterpolated: boolean}}
 * @throws {RangeError} The text is no such table, or the curve has no bolus or does not cover the series.
 */
export function readAifCsv(text, nTime, dtS) {
  const { time, value } = columnsOf(text);
  checkTimes(time);
  const high = value.findIndex((v) => Math.abs(v) > MAX_VALUE);
  if (high >= 0) throw new RangeError(`The AIF holds ${value[high]} in value ${high + 1}; expected enhancement within ±${MAX_VALUE}.`);
  const tolerance = TIME_TOLERANCE * dtS, lastS = (nTime - 1) * dtS;
  if (time[0] > tolerance || time[time.length - 1] < lastS - tolerance) {
    throw new RangeError(`The AIF covers ${time[0]} to ${time[time.length - 1]} s; give a curve over the whole scan, 0 to ${lastS} s.`);
  }
  const isInterpolated = time.length !== nTime || time.some((at, i) => Math.abs(at - i * dtS) > tolerance);
  const curve = Float32Array.from({ length: nTime }, (_, i) => (isInterpolated ? interpolated(i * dtS, time, value) : value[i]));
  const top = Math.max(...curve);
  if (top <= 0 || top === Math.min(...curve)) throw new RangeError("The AIF has no positive bolus during the series; give the enhancement of an artery.");
  return { curve, isInterpolated };
}

/** @param {number} value */
const text = (value) => String(Number(value.toPrecision(DIGITS)));

/** An AIF as CSV. @param {Curve} curve @param {number} dtS */
export const aifCsvText = (curve, dtS) =>
  `${COLUMNS.join(",")}\n${Array.from(curve, (value, i) => `${text(i * dtS)},${text(value)}\n`).join("")}`;
