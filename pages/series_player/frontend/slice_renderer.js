// Draws a frame of a slice through its window, one canvas pixel per voxel; the browser scales the canvas.
/** @import { CropBox, Quantity, Range, SliceFrame } from "./types.js" */

export class SliceRenderer {
  /** @type {SliceFrame | null} */
  slice = null;
  /** @type {ImageData | null} */
  #image = null;
  /** Largest stored value of each pixel over time. @type {Int16Array | null} */
  #maximum = null;
  #nPixels = 0;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  }

  /** @param {SliceFrame} slice @param {CropBox} box */
  setSlice(slice, [, , width, height]) {
    this.slice = slice;
    this.#maximum = null;
    this.#nPixels = width * height;
    if (this.canvas.width !== width || this.canvas.height !== height || !this.#image) {
      Object.assign(this.canvas, { width, height });
      this.#image = this.context.createImageData(width, height);
      this.#image.data.fill(255);
    }
  }

  /**
   * Stored values of a frame, or the temporal maximum.
   * @param {SliceFrame} slice
   * @param {number} t
   * @param {boolean} maximum
   */
  #stored(slice, t, maximum) {
    return maximum ? this.#temporalMaximum(slice) : slice.arrays.frames.subarray(t * this.#nPixels, (t + 1) * this.#nPixels);
  }

  /**
   * Value of a pixel in the unit of the series; NaN where no slice is shown.
   * @param {number} pixel
   * @param {number} t frame
   * @param {Quantity} quantity
   * @param {boolean} maximum over time, in place of frame t
   */
  valueAt(pixel, t, quantity, maximum) {
    const { slice } = this;
    if (!slice) return NaN;
    const baseline = quantity === "enhancement" ? slice.arrays.baseline[pixel] : 0;
    return this.#stored(slice, t, maximum)[pixel] * slice.scale - baseline;
  }

  /** Largest value over time; the baseline is constant, so subtracting it afterwards is the same. @param {SliceFrame} slice */
  #temporalMaximum({ arrays: { frames } }) {
    if (this.#maximum) return this.#maximum;
    const n = this.#nPixels;
    const highest = frames.slice(0, n);
    for (let i = n; i < frames.length; i += n) {
      for (let p = 0; p < n; p++) if (frames[i + p] > highest[p]) highest[p] = frames[i + p];
    }
    return (this.#maximum = highest);
  }

  /**
   * @param {number} t frame
   * @param {Range} range values drawn black and white
   * @param {Quantity} quantity
   * @param {boolean} maximum over time, in place of frame t
   */
  draw(t, [low, high], quantity, maximum) {
    const { slice } = this;
    if (!slice || !this.#image) return;
    const { data } = this.#image;
    const { scale, arrays: { baseline } } = slice;
    const stored = this.#stored(slice, t, maximum);
    const gain = 255 / (high - low);
    const enhancement = quantity === "enhancement";
    for (let p = 0, at = 0; p < this.#nPixels; p++, at += 4) {
      const value = stored[p] * scale - (enhancement ? baseline[p] : 0);
      // ImageData clamps and rounds.
      data[at] = data[at + 1] = data[at + 2] = (value - low) * gain;
    }
    this.context.putImageData(this.#image, 0, 0);
  }

  /** Window from 0 to the 99.9th percentile of the temporal maximum, for a series that is not in HU. */
  fullWindow() {
    if (!this.slice) throw new Error("No slice is shown.");
    const sorted = Int16Array.from(this.#temporalMaximum(this.slice)).sort();
    const width = Math.max(sorted[Math.floor(0.999 * (sorted.length - 1))] * this.slice.scale, 1e-6);
    return { centre: width / 2, width };
  }
}
