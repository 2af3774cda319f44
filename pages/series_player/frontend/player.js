// The series player. All frames of the shown slice are in the browser: playing and windows need no request.
import { find, findAll } from "../../live/frontend/common/dom.js";
import { toVoxel } from "../../live/frontend/common/voxel_coords.js";
import { unpack } from "../../live/frontend/common/wire.js";
import { Annotations } from "./annotations.js";
import { bindControls, showWindowControls } from "./controls.js";
import { CtWindows, PRESETS } from "./ct_windows.js";
import { bindKeys, bindPageKeys, bindPointer } from "./mouse_bindings.js";
import { Playback } from "./playback.js";
import { SelectorsPanel } from "./selectors_panel.js";
import { RequestError, SliceCache } from "./slice_cache.js";
import { SliceRenderer } from "./slice_renderer.js";
import { HTML, PAUSE, PLAY } from "./template.js";
import { TimeChart } from "./time_chart.js";

/** @import { Component } from "../../live/frontend/types.js" */
/** @import { ChartLine, Pixel, PlayerConfig, Position, Voxel, WindowPreset } from "./types.js" */

/** @type {WeakMap<HTMLElement, SeriesPlayer>} */
const players = new WeakMap();
/** State that survives a page change: display settings, and the last position in each case, by its name. */
const kept = {
  windows: new CtWindows(),
  rate: 10,
  maximum: false,
  /** @type {Set<string> | null} */
  selectors: null,
  /** @type {Map<string, Position>} */
  positions: new Map(),
};

export class SeriesPlayer {
  windows = kept.windows;
  maximum = kept.maximum;
  cache = new SliceCache();
  /** Slice in view. */
  z = 0;
  /** Chosen voxel. @type {Voxel | null} */
  voxel = null;
  /** @type {Position} */
  #position = { z: 0, frame: 0, voxel: null };
  /** @type {Pixel | null} */
  #hovered = null;
  #nPainted = 0;

  /** @param {HTMLElement} root @param {PlayerConfig} config */
  constructor(root, config) {
    this.root = root;
    this.config = config;
    root.innerHTML = HTML;
    this.renderer = new SliceRenderer(find(root, "canvas", HTMLCanvasElement));
    this.annotations = new Annotations(find(root, ".annotations", SVGSVGElement));
    this.playback = new Playback((frame) => this.showFrame(frame));
    this.playback.rate = kept.rate;
    const chart = (/** @type {string} */ name) => new TimeChart(find(root, `[data-chart=${name}]`, SVGSVGElement), "enhancement", (s) => this.#seek(s));
    this.charts = { voxel: chart("voxel"), vessels: chart("vessels") };
    this.selectors = new SelectorsPanel({
      node: find(root, ".selectors"),
      onShown: () => { kept.selectors = this.selectors.shown; this.showVessels(); },
      onGoTo: (z) => this.goToSlice(z),
    });
    this.selectors.shown = kept.selectors;
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(find(root, ".picture"));
    this.observer.observe(find(root, "[data-chart=voxel]"));
    bindPointer(this);
    bindKeys(this);
    this.unbindPageKeys = bindPageKeys(this, document);
    bindControls(this);
    root.dataset.mounts = String(Number(root.dataset.mounts ?? 0) + 1);
    this.cache.configure(config);
    this.#open();
  }

  /** A form control by its name. @param {string} name */
  control(name) { return find(this.root, `[data-control=${name}]`, HTMLInputElement); }

  /** @param {string} name @param {string} text */
  #output(name, text) { find(this.root, `[data-out=${name}]`).textContent = text; }

  /** The page has run again, with another case or the same. @param {PlayerConfig} config */
  update(config) {
    const isOther = this.config.case !== config.case;
    this.config = config;
    this.cache.configure(config);
    if (isOther) this.#open();
  }

  /** Show the configured case where it was left, or at its first slice and voxel. */
  #open() {
    const { config } = this;
    this.#position = kept.positions.get(config.name) ?? { z: config.firstSlice, frame: 0, voxel: null };
    kept.positions.set(config.name, this.#position);
    this.z = this.#position.z;
    this.voxel = null;
    this.#hovered = null;
    this.renderer.slice = null;
    this.playback.nFrames = config.nTime;
    this.playback.frame = Math.min(this.#position.frame, config.nTime - 1);
    this.control("frame").max = String(config.nTime - 1);
    Object.assign(this.control("slice"), { max: config.slices - 1, disabled: config.slices < 2 });
    for (const side of findAll(this.root, ".side")) side.hidden = config.swap;
    for (const preset of PRESETS) find(this.root, `[data-preset=${preset.name}]`).hidden = !this.canUse(preset);
    if (!config.hu) this.windows.name = "vessels";
    for (const chart of Object.values(this.charts)) {
      chart.plot.yLabel = config.hu ? "HU" : "enhancement";
      chart.setLines([], config.dt);
    }
    this.#output("voxel", "");
    delete this.root.dataset.voxel;
    this.root.dataset.case = config.name;
    this.selectors.configure(config);
    this.fit();
    this.goToSlice(this.z).then(() => this.selectors.runAll(this.cache));
    this.chooseVoxel(this.#position.voxel ?? config.firstVoxel);
  }

  /** Show another slice, once its frames are here. @param {number} z */
  async goToSlice(z) {
    const { config } = this;
    const wanted = Math.min(Math.max(z, 0), config.slices - 1);
    this.z = this.#position.z = wanted;
    this.control("slice").value = String(wanted);
    this.#output("slice", `${wanted + 1} / ${config.slices}`);
    this.root.dataset.status = "loading";
    try {
      const slice = await this.cache.slice(wanted);
      if (this.config !== config || this.z !== wanted) return;
      this.renderer.setSlice(slice, config.box);
      if (!config.hu) this.windows.defaults.vessels ??= this.renderer.fullWindow();
      this.#notice("");
      this.root.dataset.status = "ready";
      this.root.dataset.slice = String(wanted);
      this.showWindow();
      this.showFrame(this.playback.frame);
      this.#annotate();
      for (const near of [wanted + 1, wanted - 1]) if (near >= 0 && near < config.slices) this.cache.slice(near).catch(() => {});
    } catch (error) {
      this.#failed(error);
    }
  }

  /** @param {number} frame */
  goToFrame(frame) {
    this.play(false);
    this.playback.goTo(frame);
  }

  /** @param {number} seconds */
  #seek(seconds) { this.goToFrame(Math.min(Math.max(Math.round(seconds / this.config.dt), 0), this.config.nTime - 1)); }

  /** @param {number} by frames */
  step(by) { this.goToFrame(this.playback.frame + by); }

  /** @param {boolean} playing */
  play(playing) {
    this.playback.play(playing);
    const button = find(this.root, "[data-control=play]");
    button.innerHTML = playing ? PAUSE : PLAY;
    button.title = playing ? "Pause (space)" : "Play (space)";
    button.setAttribute("aria-label", playing ? "Pause" : "Play");
    this.root.dataset.playing = String(playing);
    if (playing && this.maximum) this.showMaximum(false);
  }

  /** @param {number} rate frames per second */
  setRate(rate) {
    kept.rate = rate;
    this.playback.setRate(rate);
  }

  /** @param {number} frame */
  showFrame(frame) {
    const { config } = this;
    this.#position.frame = frame;
    this.control("frame").value = String(frame);
    this.#output("frame", `${(frame * config.dt).toFixed(config.dt % 1 ? 1 : 0)} s · ${frame + 1} / ${config.nTime}`);
    for (const chart of Object.values(this.charts)) chart.showFrame(frame);
    this.#paint();
    this.root.dataset.frame = String(frame);
  }

  #paint() {
    if (!this.renderer.slice) return;
    this.renderer.draw(this.playback.frame, this.windows.range, this.windows.preset.quantity, this.maximum);
    this.root.dataset.painted = String(++this.#nPainted);
    this.showReadout(this.#hovered);
  }

  /** Whether a preset applies: windows of frames are in HU. @param {WindowPreset} preset */
  canUse(preset) { return this.config.hu || preset.quantity !== "frame"; }

  /** @param {string} name */
  usePreset(name) {
    this.windows.name = name;
    this.showWindow();
  }

  showWindow() {
    showWindowControls(this);
    this.#paint();
  }

  /** Show the temporal maximum in place of a frame. @param {boolean} on */
  showMaximum(on) {
    this.maximum = kept.maximum = on;
    if (on) this.play(false);
    this.showWindow();
  }

  /** Show the value under the pointer. @param {Pixel | null} pixel */
  showReadout(pixel) {
    this.#hovered = pixel;
    if (!pixel || !this.renderer.slice) { this.#output("readout", ""); return; }
    const { config, windows: { preset: { quantity } } } = this;
    const [x, y, w] = config.box;
    const value = this.renderer.valueAt((pixel[1] - y) * w + pixel[0] - x, this.playback.frame, quantity, this.maximum);
    const unit = !config.hu ? "enhancement" : quantity === "frame" ? "HU" : "HU enhancement";
    this.#output("readout", `${value.toFixed(config.hu ? 0 : 3)} ${unit}  (${toVoxel(config, pixel, this.z).join(", ")})`);
  }

  /** Choose a voxel and show its curves. @param {Voxel} voxel */
  async chooseVoxel(voxel) {
    this.voxel = this.#position.voxel = voxel;
    this.#annotate();
    const { config } = this;
    try {
      const { arrays: { measured, smoothed } } = await this.cache.request({ kind: "voxel", voxel });
      if (this.config !== config || this.voxel !== voxel) return;
      const lines = [{ values: measured, kind: "measured", id: "measured" }];
      if (smoothed) lines.push({ values: smoothed, kind: "smoothed", id: "smoothed" });
      this.charts.voxel.setLines(lines, config.dt);
      this.#output("voxel", `(${voxel[0]}, ${voxel[1]}), slice ${voxel[2] + 1}${smoothed ? "" : ", outside the brain mask"}`);
      this.root.dataset.voxel = voxel.join(",");
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Show the AIFs and VOFs of the chosen selectors. */
  showVessels() {
    /** @type {ChartLine[]} */
    const lines = this.selectors.visible.flatMap(({ name, colour, arrays: { aif, vof } }) => [
      { values: aif, kind: "aif", colour, id: `${name}:aif` },
      ...(vof ? [{ values: vof, kind: "vof", id: `${name}:vof` }] : []),
    ]);
    this.charts.vessels.setLines(lines, this.config.dt);
    this.charts.vessels.showFrame(this.playback.frame);
    this.#annotate();
  }

  #annotate() { this.annotations.draw(this.config, this.z, this.selectors.visible, this.voxel); }

  /** Fit the head into the space there is, in the voxels' proportions. */
  fit() {
    const { width, height } = find(this.root, ".picture").getBoundingClientRect();
    const { box: [, , w, h], pixelMm } = this.config;
    const [acrossMm, downMm] = [w * pixelMm[0], h * pixelMm[1]];
    const scale = Math.min(width / acrossMm, height / downMm);
    Object.assign(find(this.root, ".head").style, { width: `${acrossMm * scale}px`, height: `${downMm * scale}px` });
    for (const chart of Object.values(this.charts)) chart.rescale();
    this.#annotate();
  }

  /** @param {string} text */
  #notice(text) {
    const node = find(this.root, ".notice");
    node.textContent = text;
    node.hidden = !text;
  }

  /** @param {unknown} error */
  #failed(error) {
    const refused = error instanceof RequestError ? error : null;
    // Aborted, or refused because another case is open: the page runs again with that case.
    if (/** @type {Error} */ (error).name === "AbortError" || refused?.status === 409) return;
    this.root.dataset.status = "error";
    this.#notice(refused ? refused.message : "The server does not answer; the next step tries again.");
  }

  close() {
    this.playback.play(false);
    this.observer.disconnect();
    this.unbindPageKeys();
    this.cache.close();
  }
}

/**
 * Called at every run of the page; returns the clean-up for unmounting.
 * @param {Component} component
 */
export function mount({ parentElement, data }) {
  const root = parentElement.querySelector("[data-testid=series-player]");
  if (!(root instanceof HTMLElement)) return () => {};
  /** @type {PlayerConfig[]} */
  const [config] = unpack(/** @type {ArrayBuffer} */ (data));
  const player = players.get(root) ?? new SeriesPlayer(root, config);
  players.set(root, player);
  player.update(config);
  return () => { player.close(); players.delete(root); };
}
