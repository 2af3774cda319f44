// Numbers as text for readouts, tables and axes; a minus is the typographic one.

/**
 * @param {number} value
 * @param {number} digits
 */
export const signed = (value, digits) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(digits)}`;

/**
 * A value with fixed digits; an en dash where there is none.
 * @param {number | null | undefined} value
 * @param {number} digits
 */
export const fixed = (value, digits) => (value === null || value === undefined ? "–" : value.toFixed(digits));

/**
 * Whether a change rounds to zero at the digits shown.
 * @param {number} change
 * @param {number} digits
 */
export const isSmall = (change, digits) => Math.abs(change) < 0.5 * 10 ** -digits;

/**
 * Change of two values as they are shown: the difference of the rounded ones, which a reader can check. Null where one is
 * missing.
 * @param {number | null | undefined} value
 * @param {number | null | undefined} from
 * @param {number} digits
 */
export function shownChange(value, from, digits) {
  if (value === null || value === undefined || from === null || from === undefined) return null;
  return Number(value.toFixed(digits)) - Number(from.toFixed(digits));
}

/**
 * A change against a start value; "±0" where it rounds to zero.
 * @param {number} change
 * @param {number} digits
 */
export const formatChange = (change, digits) => (isSmall(change, digits) ? "±0" : signed(change, digits));

/** Two digits; small and large numbers by their power of ten. @param {number} value */
export function compact(value) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  const power = Math.floor(Math.log10(size));
  const text = power >= -4 && power < 4
    ? String(Number(size.toPrecision(2)))
    : `${(size / 10 ** power).toFixed(0)}e${String(power).replace("-", "−")}`;
  return value < 0 ? `−${text}` : text;
}

/**
 * The round step (1, 2, 5 × 10ⁿ) that gives at most `max` intervals over a span.
 * @param {number} span
 * @param {number} max
 */
export function roundStep(span, max) {
  const raw = span / max;
  const power = 10 ** Math.floor(Math.log10(raw));
  return ([1, 2, 5, 10].find((m) => m * power >= raw) ?? NaN) * power;
}
