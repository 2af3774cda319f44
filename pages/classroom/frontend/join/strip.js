// Places of the class's values on a line: equal values are stacked.

const [MARGIN, BIN] = [10, 7]; // points
const MIN_SPAN = 0.02; // of the values, relative: less than that is not spread over the line

/**
 * @param {readonly number[]} values
 * @param {readonly (number | null)[]} others values that have to be on the line too
 * @param {number} width of the line
 */
export function dotsOf(values, others, width) {
  const all = [...values, ...others.filter((value) => value !== null)];
  const [least, most] = all.length ? [Math.min(...all), Math.max(...all)] : [0, 1];
  const size = Math.max(Math.abs(least), Math.abs(most));
  const room = most - least <= MIN_SPAN * size ? Math.max(size * 0.1, 0.5) : 0;
  const [low, high] = [least - room, most + room];
  const x = (/** @type {number} */ value) => MARGIN + ((value - low) / (high - low)) * (width - 2 * MARGIN);
  /** @type {Map<number, number>} */
  const stacked = new Map();
  const dots = values.map((value) => {
    const bin = Math.round(x(value) / BIN), level = stacked.get(bin) ?? 0;
    stacked.set(bin, level + 1);
    return { x: x(value), level };
  });
  return { dots, x, low, high, top: Math.max(...dots.map(({ level }) => level), 1) };
}
