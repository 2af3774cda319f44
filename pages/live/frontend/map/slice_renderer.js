// Renders a slice to pixels: grey levels of the CT, and over them the map through its window and colour scale.
/** @import { Case, MapStyle, Range, VolumeReader } from "../types.js" */
import { GREYS } from "./color_scales.js";

const AIR = -200; // HU; below it nothing is drawn
/** @type {Range} */
const BRAIN_WINDOW = [0, 80]; // HU
const DIM = 0.45; // behind a map the head is shown dimly, for orientation

export class SliceRenderer {
  #canvas = document.createElement("canvas");
  #context = /** @type {CanvasRenderingContext2D} */ (this.#canvas.getContext("2d"));
  #image = new ImageData(1, 1);
  #pixels = new Uint32Array(this.#image.data.buffer);
  /** @type {Uint32Array[]} */
  #backgrounds = [];
  /** @type {Int16Array | null} */
  #backgroundsOf = null;

  /**
   * Draw one slice of a map, one pixel per voxel; returns the canvas that holds it until the next call.
   * @param {VolumeReader} values
   * @param {Case} now
   * @param {number} z
   * @param {Pick<MapStyle, "map" | "case_array" | "window" | "lut">} style
   */
  draw(values, now, z, { map, case_array: caseArray, window, lut }) {
    const { rows, columns, arrays } = now;
    if (this.#image.width !== columns || this.#image.height !== rows) {
      Object.assign(this.#canvas, { width: columns, height: rows });
      this.#image = new ImageData(columns, rows);
      this.#pixels = new Uint32Array(this.#image.data.buffer);
    }
    const n = rows * columns;
    if (caseArray) drawLevels(this.#pixels, arrays[caseArray].subarray(z * n, (z + 1) * n), window, lut, 1);
    else {
      this.#pixels.set(this.#background(now, z));
      drawMap(this.#pixels, values, now, z, map, window, lut);
    }
    this.#context.putImageData(this.#image, 0, 0);
    return this.#canvas;
  }

  /** Draw the head of slice z anew: its data have come. @param {number} z */
  forget(z) { delete this.#backgrounds[z]; }

  /** The dim head behind a map; it stays the same while a case is shown. @param {Case} now @param {number} z */
  #background(now, z) {
    const { baseline } = now.arrays;
    if (this.#backgroundsOf !== baseline) { this.#backgroundsOf = baseline; this.#backgrounds = []; }
    if (!this.#backgrounds[z]) {
      const n = now.rows * now.columns;
      this.#backgrounds[z] = new Uint32Array(n);
      drawLevels(this.#backgrounds[z], baseline.subarray(z * n, (z + 1) * n), BRAIN_WINDOW, GREYS, DIM);
    }
    return this.#backgrounds[z];
  }
}

/**
 * Grey levels of the CT, transparent in air.
 * @param {Uint32Array} pixels
 * @param {Int16Array} values in HU
 * @param {Range} window
 * @param {Uint32Array} lut
 * @param {number} dim brightness, 0 to 1
 */
function drawLevels(pixels, values, [low, high], lut, dim) {
  const gain = (255 * dim) / (high - low);
  const most = (255 * dim) | 0;
  for (let p = 0; p < values.length; p++) {
    const level = (values[p] - low) * gain;
    pixels[p] = values[p] <= AIR ? 0 : lut[level > 0 ? (level < most ? level | 0 : most) : 0];
  }
}

/**
 * @param {Uint32Array} pixels
 * @param {VolumeReader} values
 * @param {Case} now
 * @param {number} z
 * @param {string} map
 * @param {Range} window
 * @param {Uint32Array} lut
 */
function drawMap(pixels, values, now, z, map, [low, high], lut) {
  const field = values.field(map, z);
  const at = now.arrays.pixel;
  const gain = 255 / (high - low);
  const [from] = values.range(z);
  for (let i = 0; i < field.length; i++) {
    const value = field[i];
    const level = (value - low) * gain;
    // A value that is not a number is not drawn: the head shows through.
    if (value === value) pixels[at[from + i]] = lut[level > 0 ? (level < 255 ? level | 0 : 255) : 0];
  }
}
