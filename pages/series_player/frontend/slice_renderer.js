// @ts-nocheck
// A frame of a slice through its window: one pixel a voxel, so that the browser only has to scale it.

export class Picture {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.slice = null;
  }

  /** @param {{scale: number, arrays: {frames: Int16Array, baseline: Float32Array}}} slice */
  setSlice(slice, [, , width, height]) {
    this.slice = slice;
    this.maxima = {};
    this.n = width * height;
    if (this.canvas.width !== width || this.canvas.height !== height || !this.image) {
      Object.assign(this.canvas, { width, height });
      this.image = this.context.createImageData(width, height);
      this.image.data.fill(255);
    }
  }

  /** Value of a pixel in the units of the series; `of` as in the windows. */
  at(pixel, t, of, maximum) {
    const { scale, arrays } = this.slice;
    const stored = maximum ? this.maximum()[pixel] : arrays.frames[t * this.n + pixel];
    return stored * scale - (of === "enhancement" ? arrays.baseline[pixel] : 0);
  }

  /** Largest stored value over time; subtracting the baseline afterwards is the same. */
  maximum() {
    const { frames } = this.slice.arrays;
    if (this.maxima.stored) return this.maxima.stored;
    const most = frames.slice(0, this.n);
    for (let i = this.n; i < frames.length; i += this.n) {
      for (let p = 0; p < this.n; p++) if (frames[i + p] > most[p]) most[p] = frames[i + p];
    }
    return (this.maxima.stored = most);
  }

  draw(t, [low, high], of, maximum) {
    const { scale, arrays } = this.slice;
    const { data } = this.image;
    const source = maximum ? this.maximum() : arrays.frames.subarray(t * this.n, (t + 1) * this.n);
    const gain = 255 / (high - low);
    const enhancement = of === "enhancement";
    for (let p = 0, at = 0; p < this.n; p++, at += 4) {
      const value = source[p] * scale - (enhancement ? arrays.baseline[p] : 0);
      // The bytes clamp and round by themselves.
      data[at] = data[at + 1] = data[at + 2] = (value - low) * gain;
    }
    this.context.putImageData(this.image, 0, 0);
  }

  /** Largest value but for a thousandth: the window of a series that is not in HU. */
  top() {
    const sorted = Int16Array.from(this.maximum()).sort();
    return Math.max(sorted[Math.floor(0.999 * (sorted.length - 1))] * this.slice.scale, 1e-6);
  }
}
