// Colour scales as look-up tables of canvas pixels. Which scale a map has is MapInfo's in perfcore/map_info.py, sent with
// the config message; a user can choose another in the toolbar.

/**
 * 256 RGB triples → 256 canvas pixels (little-endian RGBA).
 * @param {ArrayLike<number>} rgb
 */
export function lutOf(rgb) {
  const lut = new Uint32Array(256);
  for (let i = 0; i < 256; i++) lut[i] = ((255 << 24) | (rgb[3 * i + 2] << 16) | (rgb[3 * i + 1] << 8) | rgb[3 * i]) >>> 0;
  return lut;
}

/** @param {number} level 0 to 255 */
const grey = (level) => ((255 << 24) | (level << 16) | (level << 8) | level) >>> 0;

export const GREYS = new Uint32Array(256).map((_, i) => grey(i));

const DIVERGING_STOPS = [
  [33, 60, 145], [67, 130, 200], [150, 190, 222], [236, 236, 236], [238, 172, 142], [211, 94, 80], [148, 20, 42],
];

/** Blue, light grey, red for differences: equal steps of lightness on both sides, safe for colour blindness. */
export function divergingScale() {
  const rgb = [];
  for (let i = 0; i < 256; i++) {
    const x = (i / 255) * (DIVERGING_STOPS.length - 1);
    const k = Math.min(Math.floor(x), DIVERGING_STOPS.length - 2);
    for (let c = 0; c < 3; c++) {
      rgb.push(Math.round(DIVERGING_STOPS[k][c] + (x - k) * (DIVERGING_STOPS[k + 1][c] - DIVERGING_STOPS[k][c])));
    }
  }
  return lutOf(rgb);
}

const MAX_SAMPLES = 20_000;
const WINDOW_QUANTILE = 0.98;

/**
 * Value below which 98 % of (a sample of) the values lie; `least` at least.
 * @param {ArrayLike<number>} values
 * @param {number} least
 */
export function windowEnd(values, least) {
  const every = Math.max(1, Math.floor(values.length / MAX_SAMPLES));
  const sample = Float32Array.from({ length: Math.floor(values.length / every) }, (_, i) => values[i * every]).sort();
  return Math.max(sample[Math.floor(WINDOW_QUANTILE * sample.length)] ?? 0, least);
}
