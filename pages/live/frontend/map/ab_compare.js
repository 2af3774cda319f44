// @ts-nocheck
// Two what-ifs on one map: side by side of a divider, or their difference.
import { divergingScale } from "./color_scales.js";
import { places } from "./slice_layout.js";
import { roundStep } from "../common/number_format.js";
import { VolumeStore } from "./volume_store.js";

const SAMPLE = 20_000; // voxels that set the window of a difference
const SCALE = divergingScale();
const BAR = `<div class="compare" hidden>
  <div class="segments" role="radiogroup" aria-label="Compare"><button role="radio" data-way="wipe" title="A left, B right of a divider">Wipe</button><button role="radio" data-way="difference" title="B minus A">Difference</button></div>
  <span class="names"><b>A</b> <span data-out="side-a"></span><b>B</b> <span data-out="side-b"></span></span>
  <label class="span">± <input type="number" step="any" min="0" data-control="difference-span" aria-label="Window of the difference" title="Window: from minus to plus this"></label>
  <button data-action="uncompare" title="Stop comparing (Esc)" aria-label="Stop comparing">×</button></div>
<div class="divider" role="slider" tabindex="0" aria-label="Divider between A and B" aria-valuemin="0" aria-valuemax="100" hidden><i></i></div>
<div class="readout compared" data-out="compared"></div>`;

/** B minus A, to be drawn like a map. */
class Difference {
  constructor(a, b) { Object.assign(this, { a, b }); }

  get case() { return this.b.case; }

  range(z) { return this.b.range(z); }

  lesion(kind, z) { return this.b.lesion(kind, z); }

  pixelOf(voxel) { return this.b.pixelOf(voxel); }

  field(map, z) {
    const left = this.a.field(map, z);
    const right = this.b.field(map, z);
    return Float32Array.from(right, (value, i) => value - left[i]);
  }
}

export function installAbCompare(lab, { snapshots }) {
  const { map, view, values } = lab;
  const picture = lab.find(".picture");
  picture.insertAdjacentHTML("beforeend", BAR);
  const bar = picture.querySelector(".compare");
  const divider = picture.querySelector(".divider");
  const out = picture.querySelector("[data-out=compared]");
  const span = picture.querySelector("[data-control=difference-span]");
  const kept = new Map(); // by snapshot: the frame with its maps
  const spans = {}; // by map: the window that a person has set
  let sides = null; // {a, b} as Values, once both are here
  let mode = "wipe";
  let at = 0.5; // where the divider stands, as a part of a slice's width
  let usual = null;
  let title; // of the comparison in view

  const active = () => sides !== null && !map.maps[view.map].static;
  const nameOf = (which) => (which === "now" ? "now" : snapshots.shelf.rows.find(({ number }) => number === which)?.name ?? "");

  /** A side's maps, or null while they are on their way. */
  function side(which) {
    if (which === "now") return values;
    const frame = kept.get(which);
    if (!frame) { lab.request({ type: "snapshot", number: which }); return null; }
    const { arrays, ref, aifArea, thresholds } = frame;
    const { area = values.case.arrays.area, ttp = values.case.arrays.ttp } = arrays;
    const now = { ...values.case, arrays: { ...values.case.arrays, area, ttp } };
    return VolumeStore.of(now, { cbf: arrays.cbf, tmax: arrays.tmax, ref, aifArea, thresholds, slope: values.slope });
  }

  function choose() {
    const { a, b } = snapshots.sides;
    const wanted = a !== null && b !== null && lab.case;
    const [left, right] = wanted ? [side(a), side(b)] : [null, null];
    sides = left && right ? { a: left, b: right } : null;
    usual = null;
    show();
    if (sides) lab.find(".bench").scrollIntoView({ block: "start", behavior: still() ? "auto" : "smooth" });
  }

  function show() {
    const on = active();
    bar.hidden = !sides;
    divider.hidden = !on || mode !== "wipe";
    lab.root.dataset.compare = on ? mode : "";
    for (const node of bar.querySelectorAll("[data-way]")) {
      node.setAttribute("aria-checked", node.dataset.way === mode);
      node.tabIndex = node.dataset.way === mode ? 0 : -1;
    }
    span.parentElement.hidden = !on || mode !== "difference";
    title = undefined;
    if (sides) {
      const [a, b] = [nameOf(snapshots.sides.a), nameOf(snapshots.sides.b)];
      bar.querySelector("[data-out=side-a]").textContent = a;
      bar.querySelector("[data-out=side-b]").textContent = b;
      const { label } = map.maps[view.map];
      if (on) title = mode === "wipe" ? `${label}: ${a} | ${b}` : `Δ ${label}: ${b} − ${a}`;
      if (!on) out.textContent = `${label} is the same in both`;
    }
    if (on && mode === "difference" && lab.shadow.activeElement !== span) span.value = limits()[1];
    place();
    lab.draw();
  }

  /** A symmetric window: what a person set, else a round number that holds 98 % of the voxels. */
  function limits() {
    const most = spans[view.map] ?? (usual?.map === view.map ? usual.most : (usual = { map: view.map, most: typical() }).most);
    return [-most, most];
  }

  function typical() {
    const n = values.case.arrays.starts.at(-1);
    const every = Math.max(1, Math.floor(n / SAMPLE));
    const found = [];
    for (let z = 0; z < values.case.slices; z++) {
      const field = new Difference(sides.a, sides.b).field(view.map, z);
      for (let i = 0; i < field.length; i += every) if (Number.isFinite(field[i])) found.push(Math.abs(field[i]));
    }
    const sorted = Float32Array.from(found).sort();
    const [low, high] = map.maps[view.map].window;
    const raw = Math.max(sorted[Math.floor(0.98 * sorted.length)] ?? 0, (high - low) / 50);
    return Number(roundStep(raw, 1).toPrecision(2));
  }

  /** What the canvas draws in place of the one map: layers with the part of a slice's width that each fills. */
  map.addLayerSource(1, (meta) => {
    if (!active()) return null;
    if (mode === "wipe") return [{ values: sides.a, meta, from: 0, to: at }, { values: sides.b, meta, from: at, to: 1 }];
    const digits = Math.max(meta.digits, 2);
    return [{ values: new Difference(sides.a, sides.b), meta: { ...meta, label: `Δ ${meta.label}`, window: limits(), lut: SCALE, digits }, from: 0, to: 1 }];
  });

  /** Lay the divider over the (first) slice. */
  function place() {
    if (divider.hidden || !lab.case) return;
    const first = places(lab.case, view, map.canvas)[0];
    const ratio = map.ratio || 1;
    Object.assign(divider.style, {
      left: `${(first.x + at * first.w) / ratio}px`, top: `${first.y / ratio}px`, height: `${first.h / ratio}px`,
    });
    divider.setAttribute("aria-valuenow", Math.round(100 * at));
    divider.setAttribute("aria-valuetext", `A on ${Math.round(100 * at)} % of the slice`);
  }

  function move(to) {
    at = Math.min(Math.max(to, 0), 1);
    place();
    lab.draw();
  }

  divider.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    divider.focus({ preventScroll: true });
    divider.setPointerCapture(event.pointerId);
  });
  divider.addEventListener("pointermove", (event) => {
    if (!divider.hasPointerCapture(event.pointerId)) return;
    const box = map.canvas.getBoundingClientRect();
    const first = places(lab.case, view, map.canvas)[0];
    move(((event.clientX - box.left) * (map.canvas.width / box.width) - first.x) / first.w);
  });
  divider.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -0.02, ArrowDown: -0.02, ArrowRight: 0.02, ArrowUp: 0.02, PageDown: -0.1, PageUp: 0.1, Home: -1, End: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    move(at + by * (event.shiftKey ? 5 : 1));
  });
  bar.addEventListener("click", ({ target }) => {
    const to = target.closest("[data-way]")?.dataset.way;
    if (to) { mode = to; show(); }
  });
  bar.addEventListener("keydown", (event) => {
    if (!event.target.dataset.way || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    event.preventDefault();
    mode = mode === "wipe" ? "difference" : "wipe";
    show();
    bar.querySelector(`[data-way=${mode}]`).focus();
  });
  span.addEventListener("change", () => {
    const most = Number(span.value);
    if (Number.isFinite(most) && most > 0) spans[view.map] = most;
    else delete spans[view.map];
    show();
  });
  lab.actions.uncompare = () => lab.events.emit("uncompare");
  const onKey = (event) => { if (event.key === "Escape" && sides) lab.events.emit("uncompare"); };
  lab.root.addEventListener("keydown", onKey);

  /** Both values under the pointer, and what lies between them. */
  function readout() {
    if (!active()) { if (!sides) out.textContent = ""; return; }
    const hover = lab.hover;
    const i = hover ? values.indexAt(hover.column, hover.row, hover.z) : -1;
    if (i < 0) { out.textContent = ""; return; }
    const { digits, unit } = map.maps[view.map];
    const place0 = i - values.range(hover.z)[0];
    const a = sides.a.field(view.map, hover.z)[place0];
    const b = sides.b.field(view.map, hover.z)[place0];
    const change = b - a;
    const shown = Math.max(digits, 2);
    out.textContent = `A ${a.toFixed(shown)}  B ${b.toFixed(shown)}  B − A ${change < 0 ? "−" : "+"}${Math.abs(change).toFixed(shown)} ${unit.replace("\n", "")}`;
  }

  lab.events.on("sides", choose);
  lab.events.on("frame:snapshot", (frame) => {
    if (frame.key !== lab.case?.key) return;
    kept.set(frame.number, frame);
    choose();
  });
  lab.events.on("case", (now) => {
    // Maps of snapshots stay while the same voxels do.
    for (const [number, frame] of kept) if (frame.key !== now.key) kept.delete(number);
    if ((snapshots.sides.a !== null || snapshots.sides.b !== null)) choose();
  });
  lab.events.on("frame:shelf", () => { if (sides) show(); });
  lab.events.on("volume", () => { if (sides && mode === "difference" && !spans[view.map]) { usual = null; show(); } });
  lab.events.on("view", show);
  lab.events.on("resize", place);
  lab.events.on("hover", readout);
  lab.events.on("painted", () => { place(); readout(); });
  return { provides: { compare: { get title() { return title; } } }, close() { lab.root.removeEventListener("keydown", onKey); } };
}

/** Reduced motion: scroll at once. */
const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
