// The map: one canvas, values coloured here, outlines as lines on pixel edges.
import { outline } from "./outline.js";
import { step } from "./plot.js";

const AIR = -200; // HU; below it nothing is drawn
const GREY = new Uint32Array(256).map((_, i) => (255 << 24) | (i << 16) | (i << 8) | i);

function lutOf(rgb) {
  const lut = new Uint32Array(256);
  for (let i = 0; i < 256; i++) lut[i] = (255 << 24) | (rgb[3 * i + 2] << 16) | (rgb[3 * i + 1] << 8) | rgb[3 * i];
  return lut;
}

export class MapCanvas {
  constructor(canvas, bar, values) {
    Object.assign(this, { canvas, bar, values });
    this.view = { map: "rcbf", slice: 0, montage: false, outlines: { core: true, hypoperfused: true, truth: true } };
    this.scratch = document.createElement("canvas");
  }

  configure(maps, luts) {
    this.maps = maps;
    this.luts = Object.fromEntries(Object.entries(luts).map(([name, rgb]) => [name, lutOf(rgb)]));
  }

  meta() {
    const meta = this.maps[this.view.map];
    if (this.view.map !== "ttp" || !this.values.case) return meta;
    return { ...meta, window: this.ttpWindow() };
  }

  /** Time to peak has no usual scale: from the 2nd to the 98th percentile of the case. */
  ttpWindow() {
    if (this.ttpFor !== this.values.case) {
      this.ttpFor = this.values.case;
      const sorted = Float32Array.from(this.values.case.arrays.ttp).sort();
      const at = (q) => sorted[Math.floor(q * (sorted.length - 1))];
      this.ttpRange = [Math.floor(at(0.02)), Math.max(Math.ceil(at(0.98)), Math.floor(at(0.02)) + 1)];
    }
    return this.ttpRange;
  }

  tiles() {
    const { montage, slice } = this.view;
    return montage ? [...Array(this.values.case.slices).keys()] : [slice];
  }

  /** Where each shown slice lies on the canvas. */
  layout() {
    const { pixelMm } = this.values.case;
    const crop = this.crop();
    const shown = this.tiles();
    const { width, height } = this.canvas;
    const [w, h] = [crop.w * pixelMm[0], crop.h * pixelMm[1]];
    let best = null;
    for (let across = 1; across <= shown.length; across++) {
      const down = Math.ceil(shown.length / across);
      const scale = Math.min(width / across / w, height / down / h);
      if (!best || scale > best.scale) best = { across, down, scale };
    }
    const [cw, ch] = [w * best.scale, h * best.scale];
    const left = (width - cw * best.across) / 2;
    const top = (height - ch * best.down) / 2;
    return shown.map((z, i) => ({
      z, x: left + (i % best.across) * cw, y: top + Math.floor(i / best.across) * ch, w: cw, h: ch,
    }));
  }

  /** The part of a slice that holds the head, the same for all slices; {x, y, w, h} in pixels. */
  crop() {
    const { case: now } = this.values;
    if (this.cropFor === now.arrays.baseline) return this.cropBox;
    const { rows, columns, slices, arrays } = now;
    const data = now.hasBaseline ? arrays.baseline : arrays.tmip;
    const limit = now.hasBaseline ? AIR : 0;
    let [x0, x1, y0, y1] = [columns, -1, rows, -1];
    for (let z = 0, p = 0; z < slices; z++) {
      for (let y = 0; y < rows; y++) {
        for (let x = 0; x < columns; x++, p++) {
          if (data[p] <= limit) continue;
          if (x < x0) x0 = x;
          if (x > x1) x1 = x;
          if (y < y0) y0 = y;
          if (y > y1) y1 = y;
        }
      }
    }
    const pad = 4;
    [x0, y0] = [Math.max(x0 - pad, 0), Math.max(y0 - pad, 0)];
    [x1, y1] = [Math.min(x1 + pad, columns - 1), Math.min(y1 + pad, rows - 1)];
    this.cropFor = arrays.baseline;
    this.cropBox = x1 < x0 ? { x: 0, y: 0, w: columns, h: rows } : { x: x0, y: y0, w: x1 - x0 + 1, h: y1 - y0 + 1 };
    return this.cropBox;
  }

  resize() {
    const box = this.canvas.parentElement.getBoundingClientRect();
    const ratio = window.devicePixelRatio || 1;
    const [w, h] = [Math.max(Math.floor(box.width * ratio), 1), Math.max(Math.floor(box.height * ratio), 1)];
    if (this.canvas.width !== w || this.canvas.height !== h) Object.assign(this.canvas, { width: w, height: h });
    const [bw, bh] = [Math.floor(this.bar.clientWidth * ratio), Math.floor(this.bar.clientHeight * ratio)];
    if (this.bar.width !== bw || this.bar.height !== bh) Object.assign(this.bar, { width: bw, height: bh });
    this.ratio = ratio;
  }

  draw() {
    if (!this.values.case || !this.maps) return;
    const { rows, columns } = this.values.case;
    const ctx = this.canvas.getContext("2d");
    ctx.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (this.scratch.width !== columns || this.scratch.height !== rows) {
      Object.assign(this.scratch, { width: columns, height: rows });
      this.image = new ImageData(columns, rows);
      this.pixels = new Uint32Array(this.image.data.buffer);
    }
    for (const place of this.layout()) {
      this.colour(place.z);
      this.scratch.getContext("2d").putImageData(this.image, 0, 0);
      ctx.imageSmoothingEnabled = true;
      ctx.imageSmoothingQuality = "high";
      const crop = this.crop();
      ctx.drawImage(this.scratch, crop.x, crop.y, crop.w, crop.h, place.x, place.y, place.w, place.h);
      this.drawOutlines(ctx, place);
    }
    this.drawBar();
  }

  colour(z) {
    const { rows, columns, arrays } = this.values.case;
    const n = rows * columns;
    const { map } = this.view;
    const meta = this.meta();
    const grey = meta.source;
    const [low, high] = grey ? meta.window : [0, 80];
    const source = arrays[grey ?? "baseline"].subarray(z * n, (z + 1) * n);
    const gain = 255 / (high - low);
    // Behind a coloured map the head is shown dimly, for orientation.
    const dim = grey ? 1 : 0.45;
    const most = (255 * dim) | 0;
    for (let p = 0; p < n; p++) {
      const level = (source[p] - low) * gain * dim;
      this.pixels[p] = source[p] <= AIR ? 0 : GREY[level < 0 ? 0 : level > most ? most : level | 0];
    }
    if (grey) return;
    const lut = this.luts[meta.lut];
    const [from, to] = this.values.range(z);
    const scale = 255 / (meta.window[1] - meta.window[0]);
    for (let i = from; i < to; i++) {
      const value = this.values.at(map, i);
      if (Number.isNaN(value)) continue;
      const level = (value - meta.window[0]) * scale;
      this.pixels[arrays.pixel[i]] = lut[level < 0 ? 0 : level > 255 ? 255 : level | 0];
    }
  }

  drawOutlines(ctx, { z, x, y, w, h }) {
    const { rows, columns, arrays, aifVoxels, vofVoxels } = this.values.case;
    const [from, to] = this.values.range(z);
    const pixels = arrays.pixel.subarray(from, to);
    const crop = this.crop();
    const [sx, sy] = [w / crop.w, h / crop.h];
    ctx.save();
    ctx.translate(x, y);
    ctx.scale(sx, sy);
    ctx.translate(-crop.x, -crop.y);
    const line = ctx.lineWidth = (1.4 * this.ratio) / sx;
    for (const [kind, colour, dash] of [
      ["hypoperfused", "#3fd07a", []], ["core", "#ff4fd8", []], ["truth", "#ffffff", [3 * line, 2.4 * line]],
    ]) {
      if (!this.view.outlines[kind]) continue;
      const inside = this.values.lesion(kind, z);
      if (!inside) continue;
      ctx.strokeStyle = colour;
      ctx.setLineDash(dash);
      ctx.stroke(outline(inside, pixels, columns, rows));
    }
    ctx.setLineDash([]);
    if (this.probed?.[2] === z) {
      const [c, r] = this.values.pixelOf(this.probed).map((v) => v + 0.5);
      const arm = 5 * line;
      ctx.strokeStyle = "#ffd23f";
      ctx.beginPath();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        ctx.moveTo(c + (dx * arm) / 3, r + (dy * arm) / 3);
        ctx.lineTo(c + dx * arm, r + dy * arm);
      }
      ctx.stroke();
    }
    for (const [voxels, colour] of [[aifVoxels, "#ff4b4b"], [vofVoxels, "#4aa3ff"]]) {
      ctx.strokeStyle = colour;
      for (const v of voxels) {
        if (v[2] !== z) continue;
        const [c, r] = this.values.pixelOf(v);
        ctx.strokeRect(c, r, 1, 1);
      }
    }
    ctx.restore();
  }

  drawBar() {
    const meta = this.meta();
    const ctx = this.bar.getContext("2d");
    const { width, height } = this.bar;
    const r = this.ratio;
    const style = getComputedStyle(this.bar);
    ctx.clearRect(0, 0, width, height);
    const [top, bottom, barWidth] = [26 * r, height - 10 * r, 12 * r];
    const lut = meta.source ? GREY : this.luts[meta.lut];
    for (let y = top; y < bottom; y++) {
      const c = lut[Math.round((255 * (bottom - 1 - y)) / (bottom - top - 1))];
      ctx.fillStyle = `rgb(${c & 255},${(c >> 8) & 255},${(c >> 16) & 255})`;
      ctx.fillRect(0, y, barWidth, 1);
    }
    ctx.fillStyle = style.color;
    ctx.font = `${11 * r}px ${style.fontFamily}`;
    ctx.textBaseline = "middle";
    const [low, high] = meta.window;
    const by = step(high - low, 6);
    for (let value = Math.ceil(low / by) * by; value <= high + 1e-9; value += by) {
      const y = bottom - ((bottom - top) * (value - low)) / (high - low);
      ctx.fillRect(barWidth, Math.min(y, bottom - r), 4 * r, r);
      ctx.fillText(Number(value.toFixed(2)).toString(), barWidth + 7 * r, y);
    }
    ctx.textBaseline = "top";
    meta.unit.split("\n").forEach((text, i) => ctx.fillText(text, 0, 12 * i * r));
  }

  /** Pointer position → {column, row, z}, or null outside every slice. */
  pick(event) {
    if (!this.values.case) return null;
    const box = this.canvas.getBoundingClientRect();
    const px = ((event.clientX - box.left) * this.canvas.width) / box.width;
    const py = ((event.clientY - box.top) * this.canvas.height) / box.height;
    const crop = this.crop();
    for (const { z, x, y, w, h } of this.layout()) {
      if (px >= x && px < x + w && py >= y && py < y + h) {
        const [column, row] = [((px - x) / w) * crop.w, ((py - y) / h) * crop.h];
        return { column: crop.x + Math.floor(column), row: crop.y + Math.floor(row), z };
      }
    }
    return null;
  }
}
