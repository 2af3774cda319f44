// Values become pixels: grey levels of the CT, and over them the map through its window and colour scale.

const AIR = -200; // HU; below it nothing is drawn
const BRAIN = [0, 80];
const DIM = 0.45; // behind a map the head is shown dimly, for orientation
const grey = (level) => ((255 << 24) | (level << 16) | (level << 8) | level) >>> 0;

/** 256 RGB triples → 256 pixels. */
export function lutOf(rgb) {
  const lut = new Uint32Array(256);
  for (let i = 0; i < 256; i++) lut[i] = ((255 << 24) | (rgb[3 * i + 2] << 16) | (rgb[3 * i + 1] << 8) | rgb[3 * i]) >>> 0;
  return lut;
}

export class Painter {
  constructor() {
    this.scratch = document.createElement("canvas");
    this.context = this.scratch.getContext("2d");
    this.backgrounds = [];
  }

  /** Draw one slice of a map, a pixel a voxel; returns the canvas that holds it until the next call. */
  paint(values, z, { map, source, window, lut }) {
    const { rows, columns, arrays } = values.case;
    if (this.scratch.width !== columns || this.scratch.height !== rows || !this.image) {
      Object.assign(this.scratch, { width: columns, height: rows });
      this.image = new ImageData(columns, rows);
      this.pixels = new Uint32Array(this.image.data.buffer);
    }
    const n = rows * columns;
    if (source) this.levels(this.pixels, arrays[source].subarray(z * n, (z + 1) * n), window, lut, 1);
    else {
      this.pixels.set(this.background(values.case, z));
      this.map(values, z, map, window, lut);
    }
    this.context.putImageData(this.image, 0, 0);
    return this.scratch;
  }

  /** The dim head behind a map; it never changes while a case is shown. */
  background(now, z) {
    const { baseline } = now.arrays;
    if (this.of !== baseline) { this.of = baseline; this.backgrounds = []; }
    if (!this.backgrounds[z]) {
      const n = now.rows * now.columns;
      const greys = new Uint32Array(256).map((_, i) => grey(i));
      this.backgrounds[z] = new Uint32Array(n);
      this.levels(this.backgrounds[z], baseline.subarray(z * n, (z + 1) * n), BRAIN, greys, DIM);
    }
    return this.backgrounds[z];
  }

  levels(pixels, source, [low, high], lut, dim) {
    const gain = (255 * dim) / (high - low);
    const most = (255 * dim) | 0;
    for (let p = 0; p < source.length; p++) {
      const level = (source[p] - low) * gain;
      pixels[p] = source[p] <= AIR ? 0 : lut[level > 0 ? (level < most ? level | 0 : most) : 0];
    }
  }

  map(values, z, map, [low, high], lut) {
    const { pixels } = this;
    const field = values.field(map, z);
    const at = values.case.arrays.pixel;
    const gain = 255 / (high - low);
    const [from] = values.range(z);
    for (let i = 0; i < field.length; i++) {
      const value = field[i];
      const level = (value - low) * gain;
      // A value that is not a number is not drawn: the head shows through.
      if (value === value) pixels[at[from + i]] = lut[level > 0 ? (level < 255 ? level | 0 : 255) : 0];
    }
  }
}
