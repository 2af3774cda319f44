// Numbers of questions as text.

const MAX_DIGITS = 6;

/** Digits after the point of a step: those that all its multiples need. @param {number} step */
export function digitsOf(step) {
  for (let digits = 0; digits < MAX_DIGITS; digits++) if (Math.abs(step - Number(step.toFixed(digits))) < 1e-9) return digits;
  return MAX_DIGITS;
}
