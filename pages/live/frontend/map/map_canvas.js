// The map's canvas: one slice or all of them, with annotations and colour bar.
/** @import { Box, Case, Layer, MapInfo, MapStyle, Range, SlicePixel, SlicePlace, Voxel } from "../types.js" */
/** @import { VoxelAnnotation } from "./annotations.js" */
/** @import { RegionOutline } from "./region_outline.js" */
/** @import { ViewState } from "./view_state.js" */
/** @import { VolumeStore } from "./volume_store.js" */
import { typeScale } from "../common/dom.js";
import { drawAnnotations } from "./annotations.js";
import { lutOf } from "./color_scales.js";
import { drawColorbar } from "./colorbar.js";
import { drawRegions } from "./region_outline.js";
import { places, toSlice } from "./slice_layout.js";
import { SliceRenderer } from "./slice_renderer.js";
import { staticField } from "./volume_store.js";

/** @typedef {(style: MapStyle) => Layer[] | null} LayerProvider layers drawn in place of the one map, or null */

const SHARP = 10; // from this many screen pixels a voxel, its edges are shown

export class MapCanvas {
  /** @type {Record<string, MapInfo>} */
  maps = {};
  /** @type {Record<string, Uint32Array>} */
  luts = {};
  /** @type {Record<string, string>} */
  colours = {};
  /** The voxel in view. @type {Voxel | null} */
  probed = null;
  /** @type {VoxelAnnotation[]} */
  voxels = [];
  /** @type {RegionOutline[]} */
  regions = [];
  ratio = 1; // canvas pixels per screen pixel
  ink = 1; // canvas pixels per point of type and lines
  /** @type {{priority: number, provider: LayerProvider}[]} */
  #layerProviders = [];
  #renderer = new SliceRenderer();
  /** Windows of maps of the tissue alone, by their values. @type {WeakMap<Float32Array, Range>} */
  #fitted = new WeakMap();

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {HTMLCanvasElement[]} bars colour bars of the maps from left to right
   * @param {VolumeStore} values
   * @param {ViewState} view
   */
  constructor(canvas, bars, values, view) {
    this.canvas = canvas;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.bars = bars;
    this.values = values;
    this.view = view;
  }

  /**
   * Draw other layers in place of the map where the provider returns some; the highest priority is first.
   * @param {number} priority
   * @param {LayerProvider} provider
   */
  addLayerProvider(priority, provider) {
    this.#layerProviders.push({ priority, provider });
    this.#layerProviders.sort((a, b) => b.priority - a.priority);
  }

  /** @param {Record<string, MapInfo>} maps @param {Record<string, Uint8Array>} luts @param {Record<string, string>} colours of outlines */
  configure(maps, luts, colours) {
    this.maps = maps;
    this.colours = colours;
    this.luts = Object.fromEntries(Object.entries(luts).map(([name, rgb]) => [name, lutOf(rgb)]));
  }

  /**
   * How a map is shown: label, unit, digits, window, colour scale.
   * @returns {MapStyle}
   */
  style(map = this.view.map) {
    const meta = this.maps[map];
    const usual = meta.static && !meta.case_array && this.values.case ? this.#fittedWindow(map, this.values.case) : meta.window;
    const scale = this.view.scales[map] ?? meta.lut;
    return { ...meta, map, usual, scale, window: this.view.windows[map] ?? usual, lut: this.luts[scale] };
  }

  /**
   * Window of a map of the tissue alone (time to peak): from the 2nd to the 98th percentile of the case.
   * @param {string} map
   * @param {Case} now
   */
  #fittedWindow(map, now) {
    const field = staticField(now, map);
    if (!field || now.loaded.size < now.slices) return this.maps[map].window;
    let range = this.#fitted.get(field);
    if (!range) {
      const sorted = Float32Array.from(field).sort();
      const at = (/** @type {number} */ q) => sorted[Math.floor(q * (sorted.length - 1))];
      const low = Math.floor(at(0.02));
      range = [low, Math.max(Math.ceil(at(0.98)), low + 1)];
      this.#fitted.set(field, range);
    }
    return range;
  }

  /** Fit to the page. @param {number} scale canvas pixels per pixel of the screen; more for a picture to save */
  resize(scale = 1) {
    const box = /** @type {HTMLElement} */ (this.canvas.parentElement).getBoundingClientRect();
    const ratio = scale * (window.devicePixelRatio || 1);
    const [w, h] = [Math.max(Math.floor(box.width * ratio), 1), Math.max(Math.floor(box.height * ratio), 1)];
    if (this.canvas.width !== w || this.canvas.height !== h) Object.assign(this.canvas, { width: w, height: h });
    for (const bar of this.bars) {
      const [bw, bh] = [Math.floor(bar.clientWidth * ratio), Math.floor(bar.clientHeight * ratio)];
      if (bar.width !== bw || bar.height !== bh) { Object.assign(bar, { width: bw, height: bh }); delete bar.dataset.drawn; }
    }
    this.ratio = ratio;
    this.ink = ratio * typeScale(this.canvas);
  }

  /** The static data of a slice have come. @param {number} z */
  sliceLoaded(z) { this.#renderer.forget(z); }

  /** The layers to draw in the place of a map. @returns {Layer[]} */
  layers(map = this.view.map) {
    const meta = this.style(map);
    for (const { provider } of this.#layerProviders) {
      const layers = provider(meta);
      if (layers) return layers;
    }
    return [{ values: this.values, meta, from: 0, to: 1 }];
  }

  draw() {
    const { canvas, context: ctx, values, view, ratio, ink } = this;
    const now = values.case;
    if (!now || !this.maps[view.map]) return;
    const layers = new Map(view.maps.map((map) => [map, this.layers(map)]));
    ctx.clearRect(0, 0, canvas.width, canvas.height);
    const rect = view.rect(now.head);
    for (const place of places(now, view, canvas)) {
      for (const { values: shown, meta, from, to } of layers.get(place.map) ?? []) {
        const slice = this.#renderer.draw(shown, now, place.z, meta);
        ctx.save();
        if (view.zoom > 1 || to - from < 1) {
          ctx.beginPath();
          ctx.rect(place.x + from * place.w, place.y, (to - from) * place.w, place.h);
          ctx.clip();
        }
        ctx.imageSmoothingEnabled = place.w / rect.w < SHARP * ratio;
        ctx.imageSmoothingQuality = view.montage ? "low" : "high";
        ctx.drawImage(slice, rect.x, rect.y, rect.w, rect.h, place.x, place.y, place.w, place.h);
        drawAnnotations(ctx, shown, now, place, rect, { outlines: view.outlines, voxels: this.voxels, probed: this.probed, ratio: ink, colours: this.colours });
        ctx.restore();
        if (from > 0 && from < 1) {
          ctx.fillStyle = "#fff";
          ctx.fillRect(place.x + from * place.w - ratio / 2, place.y, ratio, place.h);
        }
      }
      if (this.regions.length && view.outlines.region !== false) this.#drawRegions(place, rect);
    }
    for (const [i, shown] of [...layers.values()].entries()) drawColorbar(this.bars[i], { ...shown[0].meta, ratio: ink });
  }

  /** @param {SlicePlace} place @param {Box} rect */
  #drawRegions(place, rect) {
    const { context: ctx, ink: ratio, colours, view } = this;
    ctx.save();
    ctx.beginPath();
    ctx.rect(place.x, place.y, place.w, place.h);
    ctx.clip();
    drawRegions(ctx, this.regions, place, rect, { ratio, colours, named: !view.montage });
    ctx.restore();
  }

  /**
   * Pixel under the pointer, or null outside every slice.
   * @param {{clientX: number, clientY: number}} event
   * @returns {SlicePixel | null}
   */
  pick(event) {
    if (!this.values.case) return null;
    const at = toSlice(this.values.case, this.view, this.canvas, event);
    return at && { column: Math.floor(at.x), row: Math.floor(at.y), z: at.z, map: at.map };
  }
}
