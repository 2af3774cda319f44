// Numbers as text on the projector: as many digits as are read from the last row.

/** A volume or another quantity: one digit below ten. @param {number | null | undefined} value @param {number} [size] whose digits it gets */
export const amount = (value, size = value ?? 0) => (typeof value === "number" ? value.toFixed(Math.abs(size) < 10 ? 1 : 0) : "–");

/** A fraction as percent: one digit below ten. @param {number | null} fraction */
export const percent = (fraction) => (fraction === null ? "–" : `${(100 * fraction).toFixed(fraction < 0.0995 ? 1 : 0)} %`);

/** Mean ± SD with the digits of the mean. @param {import("./class_statistics.js").Spread} spread @param {string} unit @param {number} [digits] */
export function meanAndSd({ mean, sd }, unit, digits) {
  if (mean === null) return "–";
  const size = sd === null ? mean : Math.min(mean, 10 * sd); // SD below 1 has a digit
  const text = (/** @type {number} */ v) => (digits === undefined ? amount(v, size) : v.toFixed(digits));
  return `${text(mean)}${sd === null ? "" : ` ± ${text(sd)}`} ${unit}`.trim();
}
