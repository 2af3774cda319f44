// @ts-nocheck
// The player: one slice's frames are here, so playing, windows and the maximum ask nobody.
import { Chart } from "./time_chart.js";
import { Clock } from "./playback.js";
import { listen } from "./mouse_bindings.js";
import { HTML, PAUSE, PLAY } from "./template.js";
import { Marks } from "./annotations.js";
import { Picture } from "./slice_renderer.js";
import { toVoxel } from "../../live/frontend/common/voxel_coords.js";
import { Selectors } from "./selectors_panel.js";
import { Server } from "./slice_cache.js";
import { PRESETS, Windows } from "./ct_windows.js";
import { unpack } from "../../live/frontend/common/wire.js";

const players = new WeakMap();
// What a page change should not lose: how things are shown, and where one was in each case.
const memory = { windows: new Windows(), rate: 10, maximum: false, shown: null, places: new Map() };

export class Cine {
  constructor(root) {
    this.root = root;
    root.innerHTML = HTML;
    this.windows = memory.windows;
    this.maximum = memory.maximum;
    this.server = new Server();
    this.picture = new Picture(this.find("canvas"));
    this.marks = new Marks(this.find(".marks"));
    this.clock = new Clock((frame) => this.showFrame(frame));
    this.clock.rate = memory.rate;
    this.painted = 0;
    const seek = (seconds) => this.goToFrame(Math.min(Math.max(Math.round(seconds / this.config.dt), 0), this.config.nTime - 1));
    this.charts = { voxel: new Chart(this.find("[data-chart=voxel]"), "enhancement", seek), vessels: new Chart(this.find("[data-chart=vessels]"), "enhancement", seek) };
    this.selectors = new Selectors({
      node: this.find(".selectors"),
      onShown: () => { memory.shown = this.selectors.shown; this.showVessels(); },
      onGoTo: (z) => this.goToSlice(z),
    });
    this.selectors.shown = memory.shown;
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(this.find(".picture"));
    this.observer.observe(this.find("[data-chart=voxel]"));
    listen(this);
    this.controls();
    root.dataset.mounts = Number(root.dataset.mounts ?? 0) + 1;
  }

  find(selector) { return this.root.querySelector(selector); }

  out(name, text) { this.find(`[data-out=${name}]`).textContent = text; }

  /** Streamlit has run again: another case, or nothing new. */
  update({ data }) {
    const [config] = unpack(data);
    const other = this.config?.case !== config.case;
    this.config = config;
    this.server.configure(config);
    if (!other) return;
    const place = memory.places.get(config.name) ?? { z: config.firstSlice, frame: 0, voxel: null };
    Object.assign(this, { z: place.z, voxel: null, over: null });
    memory.places.set(config.name, place);
    this.picture.slice = null;
    this.clock.count = config.nTime;
    this.clock.frame = Math.min(place.frame, config.nTime - 1);
    this.find("[data-control=frame]").max = config.nTime - 1;
    Object.assign(this.find("[data-control=slice]"), { max: config.slices - 1, disabled: config.slices < 2 });
    for (const side of this.root.querySelectorAll(".side")) side.hidden = config.swap;
    for (const { name, of } of PRESETS) this.find(`[data-preset=${name}]`).hidden = !config.hu && of === "frame";
    if (!config.hu) this.windows.name = "vessels";
    const unit = config.hu ? "HU" : "enhancement";
    for (const chart of Object.values(this.charts)) { chart.plot.yLabel = unit; chart.set([], config.dt); }
    this.out("voxel", "");
    delete this.root.dataset.voxel;
    this.root.dataset.case = config.name;
    this.selectors.configure(config);
    this.fit();
    this.goToSlice(this.z).then(() => this.selectors.seek(this.server));
    this.choose(place.voxel ?? config.firstVoxel);
  }

  /** Show another slice; its frames come first where they are not here. */
  async goToSlice(z) {
    const { config } = this;
    this.z = Math.min(Math.max(z, 0), config.slices - 1);
    memory.places.get(config.name).z = this.z;
    this.find("[data-control=slice]").value = this.z;
    this.out("slice", `${this.z + 1} / ${config.slices}`);
    this.root.dataset.status = "loading";
    const wanted = this.z;
    try {
      const slice = await this.server.slice(wanted);
      if (this.config !== config || this.z !== wanted) return;
      this.picture.setSlice(slice, config.box);
      if (!config.hu) this.windows.usual.vessels ??= { centre: this.picture.top() / 2, width: this.picture.top() };
      this.notice("");
      this.root.dataset.status = "ready";
      this.root.dataset.slice = wanted;
      this.showWindow();
      this.showFrame(this.clock.frame);
      this.showMarks();
      for (const near of [wanted + 1, wanted - 1]) if (near >= 0 && near < config.slices) this.server.slice(near).catch(() => {});
    } catch (error) {
      this.failed(error);
    }
  }

  goToFrame(frame) { this.play(false); this.clock.go(frame); return true; }

  step(by) { return this.goToFrame(this.clock.frame + by); }

  play(playing) {
    this.clock.play(playing);
    const node = this.find("[data-control=play]");
    node.innerHTML = playing ? PAUSE : PLAY;
    node.title = playing ? "Pause (space)" : "Play (space)";
    node.setAttribute("aria-label", playing ? "Pause" : "Play");
    this.root.dataset.playing = playing;
    if (playing && this.maximum) this.showMaximum(false);
    return true;
  }

  showFrame(frame) {
    const { config } = this;
    memory.places.get(config.name).frame = frame;
    this.find("[data-control=frame]").value = frame;
    this.out("frame", `${(frame * config.dt).toFixed(config.dt % 1 ? 1 : 0)} s · ${frame + 1} / ${config.nTime}`);
    for (const chart of Object.values(this.charts)) chart.mark(frame);
    this.paint();
    this.root.dataset.frame = frame;
  }

  paint() {
    if (!this.picture.slice) return;
    this.picture.draw(this.clock.frame, this.windows.range, this.windows.preset.of, this.maximum);
    this.root.dataset.painted = ++this.painted;
    this.point(this.over);
  }

  usePreset(name) {
    const preset = PRESETS.find((one) => one.name === name);
    if (!this.config.hu && preset.of === "frame") return false;
    this.windows.name = name;
    this.showWindow();
    return true;
  }

  showWindow() {
    const { centre, width } = this.windows.now;
    const digits = width < 10 ? 2 : 0;
    this.find("[data-control=centre]").value = centre.toFixed(digits);
    this.find("[data-control=width]").value = width.toFixed(digits);
    for (const node of this.root.querySelectorAll("[data-preset]")) {
      const on = node.dataset.preset === this.windows.name;
      node.setAttribute("aria-checked", on);
      node.tabIndex = on ? 0 : -1;
    }
    this.find("[data-control=maximum]").setAttribute("aria-checked", this.maximum);
    this.paint();
  }

  showMaximum(on) {
    this.maximum = memory.maximum = on;
    if (on) this.play(false);
    this.showWindow();
    return true;
  }

  /** The value under the pointer. */
  point(at) {
    this.over = at;
    if (!at || !this.picture.slice) { this.out("readout", ""); return; }
    const [x, y, w] = this.config.box;
    const value = this.picture.at((at[1] - y) * w + at[0] - x, this.clock.frame, this.windows.preset.of, this.maximum);
    const what = this.config.hu ? (this.windows.preset.of === "frame" ? "HU" : "HU enhancement") : "enhancement";
    this.out("readout", `${value.toFixed(this.config.hu ? 0 : 3)} ${what}  (${toVoxel(this.config, at, this.z).join(", ")})`);
  }

  /** Show the curves of a voxel. */
  choose(voxel) {
    this.voxel = memory.places.get(this.config.name).voxel = voxel;
    this.showMarks();
    const { config } = this;
    this.server.ask({ kind: "voxel", voxel }).then((frame) => {
      if (this.config !== config || this.voxel !== voxel) return;
      const { measured, smoothed } = frame.arrays;
      const lines = [{ values: measured, kind: "measured", id: "measured" }];
      if (smoothed) lines.push({ values: smoothed, kind: "smoothed", id: "smoothed" });
      this.voxelCurves = frame.arrays;
      this.charts.voxel.set(lines, config.dt);
      this.out("voxel", `(${voxel.join(", ")})${smoothed ? "" : ", outside the brain mask"}`);
      this.root.dataset.voxel = voxel.join(",");
    }).catch((error) => this.failed(error));
    return true;
  }

  showVessels() {
    const lines = this.selectors.visible.flatMap(({ name, colour, arrays }) => [
      { values: arrays.aif, kind: "aif", colour, id: `${name}:aif` },
      ...(arrays.vof ? [{ values: arrays.vof, kind: "vof", colour, id: `${name}:vof` }] : []),
    ]);
    this.charts.vessels.set(lines, this.config.dt);
    this.charts.vessels.mark(this.clock.frame);
    this.showMarks();
  }

  showMarks() { this.marks.draw(this.config, this.z, this.selectors.visible, this.voxel); }

  /** The head as large as it goes, with the voxels' own proportions. */
  fit() {
    if (!this.config) return;
    const { width, height } = this.find(".picture").getBoundingClientRect();
    const [, , w, h] = this.config.box;
    const [across, down] = [w * this.config.pixelMm[0], h * this.config.pixelMm[1]];
    const scale = Math.min(width / across, height / down);
    Object.assign(this.find(".head").style, { width: `${across * scale}px`, height: `${down * scale}px` });
    for (const chart of Object.values(this.charts)) chart.rescale();
    this.showMarks();
  }

  notice(text) {
    const node = this.find(".notice");
    node.textContent = text;
    node.hidden = !text;
  }

  failed(error) {
    // A case that has been left, or is about to be: Streamlit runs again with the new one.
    if (error.name === "AbortError" || error.status === 409) return;
    this.root.dataset.status = "error";
    this.notice(error.status ? error.message : "The server does not answer; it is asked again at the next step.");
  }

  controls() {
    const on = (name, event, act) => this.find(`[data-control=${name}]`).addEventListener(event, (e) => act(e.target));
    on("play", "click", () => this.play(!this.clock.playing));
    on("frame", "input", ({ value }) => this.goToFrame(Number(value)));
    on("slice", "input", ({ value }) => this.goToSlice(Number(value)));
    on("maximum", "click", () => this.showMaximum(!this.maximum));
    on("speed", "change", ({ value }) => { this.clock.since = null; this.clock.rate = memory.rate = Number(value); });
    this.find("[data-control=speed]").value = String(memory.rate);
    for (const name of ["centre", "width"]) {
      on(name, "change", ({ value }) => {
        const { centre, width } = { ...this.windows.now, [name]: Number(value) };
        this.windows.set(centre, width);
        this.showWindow();
      });
    }
    const group = this.find(".segments");
    group.addEventListener("click", ({ target }) => { if (target.dataset.preset) this.usePreset(target.dataset.preset); });
    group.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!by) return;
      event.preventDefault();
      const all = PRESETS.filter(({ of }) => this.config.hu || of !== "frame");
      const at = all.findIndex(({ name }) => name === this.windows.name);
      this.usePreset(all[(at + by + all.length) % all.length].name);
      this.find(`[data-preset=${this.windows.name}]`).focus();
    });
  }

  close() {
    this.clock.play(false);
    this.observer.disconnect();
    this.server.close();
  }
}

/** Called at every run of the page; returns the clean-up for unmounting. */
export function mount(component) {
  const root = component.parentElement.querySelector("[data-testid=cine]");
  if (!root) return () => {};
  let cine = players.get(root);
  if (!cine) players.set(root, (cine = new Cine(root)));
  cine.update(component);
  return () => { cine.close(); players.delete(root); };
}
