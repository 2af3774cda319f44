// The map: one canvas, one slice or all of them.
import { drawBar } from "./colorbar.js";
import { lutOf, Painter } from "./slice_renderer.js";
import { headBox, places, toSlice } from "./slice_layout.js";
import { drawMarks } from "./annotations.js";

const SHARP = 10; // from this many screen pixels a voxel, its edges are shown

export class MapCanvas {
  constructor(canvas, bar, values, view) {
    Object.assign(this, { canvas, bar, values, view });
    this.painter = new Painter();
    this.probed = null;
    this.voxels = []; // [outline's name, voxels, opacity]
    this.layers = () => null; // (meta) => what is drawn in place of the one map: [{values, meta, from, to}], see compare.js
  }

  configure(maps, luts) {
    this.maps = maps;
    this.luts = Object.fromEntries(Object.entries(luts).map(([name, rgb]) => [name, lutOf(rgb)]));
  }

  /** What the map in view is shown as: label, unit, digits, window, colour scale. */
  meta(map = this.view.map) {
    const meta = this.maps[map];
    const usual = meta.static && !meta.source && this.values.case ? this.fittedWindow(map) : meta.window;
    const scale = this.view.scales[map] ?? meta.lut;
    return { ...meta, map, usual, scale, window: this.view.windows[map] ?? usual, lut: this.luts[scale] };
  }

  /** A map of the tissue alone (time to peak) has no usual scale: from the 2nd to the 98th percentile of the case. */
  fittedWindow(map) {
    const field = this.values.case.arrays[map];
    if (this.fittedFor !== field) {
      this.fittedFor = field;
      const sorted = Float32Array.from(field).sort();
      const at = (q) => sorted[Math.floor(q * (sorted.length - 1))];
      this.fittedRange = [Math.floor(at(0.02)), Math.max(Math.ceil(at(0.98)), Math.floor(at(0.02)) + 1)];
    }
    return this.fittedRange;
  }

  resize() {
    const box = this.canvas.parentElement.getBoundingClientRect();
    const ratio = window.devicePixelRatio || 1;
    const [w, h] = [Math.max(Math.floor(box.width * ratio), 1), Math.max(Math.floor(box.height * ratio), 1)];
    if (this.canvas.width !== w || this.canvas.height !== h) Object.assign(this.canvas, { width: w, height: h });
    const [bw, bh] = [Math.floor(this.bar.clientWidth * ratio), Math.floor(this.bar.clientHeight * ratio)];
    if (this.bar.width !== bw || this.bar.height !== bh) { Object.assign(this.bar, { width: bw, height: bh }); delete this.bar.dataset.drawn; }
    this.ratio = ratio;
  }

  draw() {
    if (!this.values.case || !this.maps) return;
    const { canvas, values, view, ratio } = this;
    const own = this.meta();
    const layers = this.layers(own) ?? [{ values, meta: own, from: 0, to: 1 }];
    const ctx = canvas.getContext("2d");
    ctx.clearRect(0, 0, canvas.width, canvas.height);
    const rect = view.rect(headBox(values.case));
    for (const place of places(values.case, view, canvas)) {
      for (const { values: shown, meta, from, to } of layers) {
        const slice = this.painter.paint(shown, place.z, meta);
        ctx.save();
        if (view.zoom > 1 || to - from < 1) {
          ctx.beginPath();
          ctx.rect(place.x + from * place.w, place.y, (to - from) * place.w, place.h);
          ctx.clip();
        }
        ctx.imageSmoothingEnabled = place.w / rect.w < SHARP * ratio;
        ctx.imageSmoothingQuality = view.montage ? "low" : "high";
        ctx.drawImage(slice, rect.x, rect.y, rect.w, rect.h, place.x, place.y, place.w, place.h);
        drawMarks(ctx, shown, place, rect, { outlines: view.outlines, voxels: this.voxels, probed: this.probed, ratio });
        ctx.restore();
        if (from > 0 && from < 1) {
          ctx.fillStyle = "#fff";
          ctx.fillRect(place.x + from * place.w - ratio / 2, place.y, ratio, place.h);
        }
      }
    }
    drawBar(this.bar, { ...layers[0].meta, ratio });
  }

  /** Pointer position → {column, row, z}, or null outside every slice. */
  pick(event) {
    if (!this.values.case) return null;
    const at = toSlice(this.values.case, this.view, this.canvas, event);
    return at && { column: Math.floor(at.x), row: Math.floor(at.y), z: at.z };
  }
}
