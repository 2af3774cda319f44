// The case of a task on the projector: clicks of the class, maps of one curve, or how often each voxel was painted.
/** @import { Layer, MapStyle, Voxel } from "../../../live/frontend/types.js" */
/** @import { TaskCase } from "../common/task_case.js" */
/** @import { GroupKey } from "./plot.js" */
/** @import { PersonPicker } from "./person_picker.js" */
/** @import { Reference } from "./messages.js" */
import { element, setRadio } from "../../../live/frontend/common/dom.js";
import { svg } from "../../../live/frontend/common/svg_chart.js";
import { MapCanvas } from "../../../live/frontend/map/map_canvas.js";
import { OverlayVolume } from "../../../live/frontend/map/map_overlay.js";
import { places } from "../../../live/frontend/map/slice_layout.js";
import { ViewState } from "../../../live/frontend/map/view_state.js";
import { chartScale, rem, shortName } from "./plot.js";

/** @typedef {"clicks" | "painted" | "rcbf" | "tmax"} MapMode */
/** @typedef {{id: number, key: GroupKey, voxels: Voxel[]}} Clicks of a person */
/** @typedef {{mode: MapMode, title: string, clicks: Clicks[], references: Reference[], frequency: Float32Array | null, curve: number[] | null, voxels: Voxel[], painted: Uint8Array | null}} MapContent */

const LABELS = { clicks: "Clicks", painted: "Painted", rcbf: "rCBF", tmax: "Tmax" };
const FLOW = ["rcbf", "tmax"];
const MAX_DOT = 3; // radius of the largest dot, in those of a single click
/** Window of the temporal maximum, HU: vessels are seen in a lit room. @type {[number, number]} */
const BRIGHT = [0, 100];

export class ClassMap {
  /** @type {TaskCase | null} */
  #task = null;
  /** @type {MapContent | null} */
  #content = null;
  /** @type {number | null} */
  #shown = null;
  #computed = ""; // the curve whose maps were asked for last
  #picker;
  #onMode;

  /** @param {HTMLElement} host @param {MapMode[]} modes @param {PersonPicker} picker @param {(mode: MapMode) => void} onMode */
  constructor(host, modes, picker, onMode) {
    this.#picker = picker;
    this.#onMode = onMode;
    this.view = new ViewState();
    Object.assign(this.view, { montage: false, two: false, windows: { tmip: BRIGHT }, scales: {} });
    const canvas = element("canvas"), bar = element("canvas", { className: "bar" });
    canvas.dataset.testid = "map";
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", "Map");
    this.dots = svg("svg", { class: "dots", "data-testid": "dots", "aria-hidden": "true" });
    this.title = element("p", { className: "map-title" });
    this.key = element("p", { className: "map-key" });
    this.slice = element("output", { className: "slice" });
    const [back, on] = [-1, 1].map((by) => {
      const button = element("button", { textContent: by < 0 ? "‹" : "›", onclick: () => this.stepSlice(by) });
      button.setAttribute("aria-label", by < 0 ? "Slice below" : "Slice above");
      return button;
    });
    this.modes = modes.map((mode) => {
      const button = element("button", { textContent: LABELS[mode], onclick: () => onMode(mode) });
      button.dataset.mode = mode;
      button.setAttribute("role", "radio");
      return button;
    });
    const choice = element("div", { className: "segments" }, ...this.modes);
    choice.setAttribute("role", "radiogroup");
    choice.setAttribute("aria-label", "Map");
    choice.addEventListener("keydown", (event) => this.#chooseByKey(event));
    const picture = element("div", { className: "picture" }, canvas, this.dots, this.title, this.key);
    this.root = element("section", { className: "class-map" }, element("div", { className: "stage" }, picture, bar),
      element("div", { className: "map-tools" }, back, this.slice, on, choice));
    host.append(this.root);
    this.canvas = new MapCanvas(canvas, [bar], /** @type {any} */ ({ case: null }), this.view);
    this.canvas.addLayerProvider(1, (style) => this.#layers(style));
    picture.addEventListener("wheel", (event) => { event.preventDefault(); this.stepSlice(event.deltaY > 0 ? -1 : 1); }, { passive: false });
    new ResizeObserver(() => this.draw()).observe(picture);
    this.dots.addEventListener("pointermove", (event) => picker.hover(this.#people(event)[0] ?? null));
    this.dots.addEventListener("pointerleave", () => picker.hover(null));
    this.dots.addEventListener("click", (event) => this.#pickDot(event));
  }

  /** @param {TaskCase} task */
  open(task) {
    if (this.#task === task) return;
    this.#task = task;
    const { config } = task;
    this.canvas.values = task.values;
    const maps = Object.entries(config.maps).map(([name, info]) => [name, { ...info, unit: info.unit.replace(" ", "\n") }]);
    this.canvas.configure(Object.fromEntries(maps), config.arrays, config.colours); // units in lines as narrow as the bar
    this.showSlice(task.slice);
  }

  get isOpen() { return this.#task !== null; }

  /** @param {number} z */
  showSlice(z) {
    if (!this.#task) return;
    this.view.slice = this.#task.slice = Math.min(Math.max(z, 0), this.#task.opened.slices - 1);
    this.draw();
  }

  /** @param {number} by */
  stepSlice(by) { this.showSlice(this.view.slice + by); }

  /** @param {MapContent} content */
  show(content) {
    this.#content = content;
    for (const button of this.modes) setRadio(button, button.dataset.mode === content.mode);
    this.compute();
    this.draw();
  }

  /** Compute the maps of the curve in view, unless that is done or they are not in view. */
  compute() {
    const task = this.#task, curve = this.#content?.curve;
    if (!task || !curve || !FLOW.includes(this.#content?.mode ?? "")) return;
    const key = curve.join();
    if (key !== this.#computed && task.compute(Float32Array.from(curve), { rest: true })) this.#computed = key;
  }

  draw() {
    const task = this.#task, content = this.#content;
    if (!task || !content) return;
    const { mode, clicks, painted, voxels } = content;
    const { canvas, view } = this;
    const isFlow = FLOW.includes(mode);
    view.map = isFlow ? mode : mode === "painted" ? "rcbf" : "tmip";
    view.outlines = { core: isFlow, hypoperfused: isFlow, truth: mode !== "clicks", aif: isFlow, vof: false, region: false };
    Object.assign(task.values, { painted, paintedShown: painted !== null });
    canvas.voxels = [["aif", voxels, 1]];
    canvas.bars[0].hidden = mode === "clicks";
    canvas.resize();
    canvas.ratio *= chartScale();
    canvas.draw();
    this.#drawDots(mode === "clicks" ? content : { ...content, clicks: [], references: [] });
    const z = view.slice;
    const now = clicks.filter(({ key }) => key === "now");
    const here = now.filter((one) => one.voxels.some((v) => v[2] === z)).length;
    this.slice.value = `Slice ${z + 1} of ${task.opened.slices}`;
    this.title.textContent = mode === "clicks" ? `${here} of ${now.length} clicked on this slice` : content.title;
    canvas.canvas.setAttribute("aria-label", `${this.title.textContent}, slice ${z + 1}`);
    this.#drawKey(isFlow, mode === "painted");
    this.root.dataset.slice = String(z);
    this.root.dataset.mode = mode;
    this.root.dataset.shown = isFlow && task.values.shownSeq[z] >= 0 ? "maps" : isFlow ? "" : mode;
  }

  /** Names of the outlines, in their colours. @param {boolean} isFlow @param {boolean} isPainted */
  #drawKey(isFlow, isPainted) {
    const task = /** @type {TaskCase} */ (this.#task);
    const { core, tmax } = task.values.thresholds;
    const names = [
      ...(isFlow ? [["core", `rCBF < ${core}`], ["hypoperfused", `Tmax > ${tmax} s`]] : []),
      ...((isFlow || isPainted) && task.opened.hasLesion ? [["truth", "True core"]] : []),
      ...(isPainted && this.#content?.painted ? [["painted", "Painted"]] : []),
    ];
    this.key.replaceChildren(...names.map(([name, text]) => {
      const node = element("span", { textContent: text });
      node.style.setProperty("--colour", this.canvas.colours[name]);
      return node;
    }));
    if (isFlow && task.engineStatus === "server") this.key.replaceChildren("This browser cannot compute the map of a single curve.");
  }

  /** @param {MapStyle} style @returns {Layer[] | null} */
  #layers(style) {
    const { mode, frequency } = /** @type {MapContent} */ (this.#content);
    if (mode !== "painted" || !frequency) return null;
    const meta = { ...style, map: "overlay", case_array: undefined, label: "Painted by", unit: "% of\npeople", window: /** @type {[number, number]} */ ([0, 100]), lut: this.canvas.luts.inferno, digits: 0 };
    return [{ values: new OverlayVolume(this.canvas.values, frequency), meta, from: 0, to: 1 }];
  }

  /** Screen points of a voxel of the slice in view. @param {Voxel} voxel */
  #placeOf(voxel) {
    const { opened, values } = /** @type {TaskCase} */ (this.#task);
    const node = this.canvas.canvas;
    const ratio = node.width / Math.max(node.clientWidth, 1);
    const [place] = places(opened, this.view, node);
    const rect = this.view.rect(opened.head);
    const [column, row] = values.pixelOf(voxel);
    return { x: (place.x + ((column + 0.5 - rect.x) / rect.w) * place.w) / ratio, y: (place.y + ((row + 0.5 - rect.y) / rect.h) * place.h) / ratio };
  }

  /** One dot for each clicked voxel, larger where several people clicked it. @param {MapContent} content */
  #drawDots({ clicks, references }) {
    const z = this.view.slice;
    const unit = rem();
    this.dots.replaceChildren();
    /** @type {Map<string, {voxel: Voxel, key: GroupKey, ids: number[]}>} */
    const dots = new Map();
    for (const { id, key, voxels } of clicks) {
      for (const voxel of voxels) {
        if (voxel[2] !== z) continue;
        const name = `${key} ${voxel}`;
        const dot = dots.get(name) ?? { voxel, key, ids: [] };
        dot.ids.push(id);
        dots.set(name, dot);
      }
    }
    const inOrder = [...dots.values()].sort((a, b) => a.key.localeCompare(b.key) || b.ids.length - a.ids.length); // "before" lies below
    const size = 0.3 * unit * Math.min(1, MAX_DOT / Math.sqrt(Math.max(...inOrder.map(({ ids }) => ids.length), 1)));
    for (const { voxel, key, ids } of inOrder) {
      const { x, y } = this.#placeOf(voxel);
      const group = svg("g", { class: `dot ${key}`, "data-people": ids.join(" ") }, this.dots);
      svg("circle", { cx: x, cy: y, r: size * Math.sqrt(ids.length) + 0.08 * unit }, group);
      if (ids.length > 2) svg("text", { x, y: y + 0.32 * unit, "text-anchor": "middle" }, group).textContent = String(ids.length);
    }
    for (const one of references) this.#drawReference(one, z);
    this.highlight(this.#shown);
  }

  /** @param {number | null} shown person in view */
  highlight(shown) {
    this.#shown = shown;
    this.dots.classList.toggle("one", shown !== null);
    for (const dot of this.dots.querySelectorAll("[data-people]")) {
      dot.classList.toggle("shown", shown !== null && this.#people({ target: dot }).includes(shown));
    }
  }

  /** Voxels of a reference as squares, with its name. @param {Reference} one @param {number} z */
  #drawReference({ label, colour, voxels }, z) {
    const here = voxels.filter((v) => v[2] === z).map((v) => this.#placeOf(v));
    if (!here.length) return;
    const size = 0.45 * rem();
    for (const { x, y } of here) svg("rect", { class: "voxel", stroke: colour, x: x - size / 2, y: y - size / 2, width: size, height: size }, this.dots);
    const top = here.reduce((a, b) => (b.y < a.y ? b : a));
    const right = top.x > this.canvas.canvas.clientWidth * 0.6;
    const text = svg("text", { class: "voxel-name", x: top.x + (right ? -1 : 1) * 0.7 * rem(), y: top.y - 0.5 * rem(), "text-anchor": right ? "end" : "start" }, this.dots);
    svg("tspan", { style: `fill:${colour}` }, text).textContent = "■\u00a0";
    svg("tspan", {}, text).textContent = shortName(label);
  }

  /** @param {{target: EventTarget | null}} event @returns {number[]} people who clicked the voxel under the pointer */
  #people({ target }) {
    const people = /** @type {Element} */ (target).closest("[data-people]")?.getAttribute("data-people");
    return people ? people.split(" ").map(Number) : [];
  }

  /** Pick a person of a dot; again: the next one. @param {Event} event */
  #pickDot(event) {
    const people = this.#people(event);
    const at = people.indexOf(this.#picker.picked ?? -1);
    this.#picker.pick(people.length ? people[(at + 1) % people.length] : this.#picker.hovered);
  }

  /** @param {KeyboardEvent} event */
  #chooseByKey(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const n = this.modes.length;
    const next = this.modes[(this.modes.findIndex((one) => one.dataset.mode === this.#content?.mode) + by + n) % n];
    next.focus();
    this.#onMode(/** @type {MapMode} */ (next.dataset.mode));
  }
}
