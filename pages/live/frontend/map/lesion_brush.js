// @ts-nocheck
// A lesion painted on the map: the target of fine-tuning. The brush adds or erases; the server hears of each stroke.
import { toSlice } from "./slice_layout.js";

const BAR = `<div class="paint-bar" hidden><div class="segments" role="radiogroup" aria-label="Brush"><button role="radio" data-brush="add" title="Add (left button)">Add</button><button role="radio" data-brush="erase" title="Erase (Alt, or right button)">Erase</button></div>
  <span data-out="brush-size" title="The wheel sets it, or [ and ]"></span>
  <button data-action="paint-undo" title="Take the last stroke back">Undo</button>
  <select data-control="paint-from" aria-label="Begin with" title="Begin with"><option value="">From …</option><option value="truth">known lesion</option><option value="core">core now</option><option value="nothing">nothing</option></select>
  <span data-out="painted"></span><button data-action="paint" title="Done (Esc)" aria-label="Done">×</button></div>
<i class="ring" hidden></i>`;
const MOST_RUNS = 1200; // numbers in one message: well below the socket's limit
const UNDONE = 40;
const kept = new Map(); // by case: what was painted outlives a page change

export function installLesionBrush(lab, { fineTuning }) {
  const { map, values, view } = lab;
  const picture = lab.find(".picture");
  picture.insertAdjacentHTML("beforeend", BAR);
  const bar = picture.querySelector(".paint-bar");
  const ring = picture.querySelector(".ring");
  const from = bar.querySelector("[data-control=paint-from]");
  const toggle = lab.find(".pane [data-action=paint]");
  let on = false;
  let erase = false;
  let radius = 6; // pixels of the slice
  let stroke = null; // {z, erase, last, before} while the pointer is down
  const past = [];

  const mask = () => values.painted;
  const slices = () => [...Array(lab.case.slices).keys()];

  function show() {
    bar.hidden = !on;
    ring.hidden = !on;
    toggle.setAttribute("aria-pressed", on);
    map.canvas.dataset.painting = on;
    for (const node of bar.querySelectorAll("[data-brush]")) {
      const checked = (node.dataset.brush === "erase") === erase;
      node.setAttribute("aria-checked", checked);
      node.tabIndex = checked ? 0 : -1;
    }
    bar.querySelector("[data-out=brush-size]").textContent = `∅ ${Math.round(2 * radius * (lab.case?.pixelMm[0] ?? 1))} mm`;
    bar.querySelector("[data-action=paint-undo]").disabled = !past.length;
    from.querySelector("[value=truth]").disabled = !lab.case?.hasLesion;
  }

  lab.actions.paint = () => {
    on = !on && lab.config.page === "tune";
    show();
  };
  lab.actions["paint-undo"] = () => {
    const last = past.pop();
    if (!last) return;
    for (const [z, flags] of last) mask().set(flags, values.range(z)[0]);
    tell(last.map(([z]) => z));
    show();
  };
  bar.addEventListener("click", ({ target }) => {
    if (!target.dataset.brush) return;
    erase = target.dataset.brush === "erase";
    show();
  });

  const copyOf = (z) => [z, mask().slice(...values.range(z))];

  function remember(before) {
    past.push(before);
    if (past.length > UNDONE) past.shift();
  }

  from.addEventListener("change", () => {
    const what = from.value;
    from.value = "";
    if (!what || !lab.case) return;
    remember(slices().map(copyOf));
    for (const z of slices()) {
      const flags = what === "nothing" ? null : values.lesion(what, z);
      if (flags) mask().set(flags, values.range(z)[0]);
      else mask().fill(0, ...values.range(z));
    }
    tell(slices());
    show();
  });

  /** Set every voxel of a slice within the brush between two places. */
  function dab(z, [x0, y0], [x1, y1], off) {
    const steps = Math.max(Math.ceil(Math.hypot(x1 - x0, y1 - y0) / Math.max(radius / 2, 0.5)), 1);
    for (let k = 0; k <= steps; k++) {
      const [x, y] = [x0 + ((x1 - x0) * k) / steps, y0 + ((y1 - y0) * k) / steps];
      for (let row = Math.max(Math.floor(y - radius), 0); row <= Math.min(y + radius, lab.case.rows - 1); row++) {
        for (let column = Math.max(Math.floor(x - radius), 0); column <= Math.min(x + radius, lab.case.columns - 1); column++) {
          if ((column + 0.5 - x) ** 2 + (row + 0.5 - y) ** 2 > radius ** 2) continue;
          const i = values.indexAt(column, row, z);
          if (i >= 0) mask()[i] = off ? 0 : 1;
        }
      }
    }
    lab.draw();
  }

  // The brush comes before the map's own gestures: the picture hears of the pointer first.
  const place = (event, z = null) => toSlice(lab.case, view, map.canvas, event, z);
  const listen = (name, listener) => picture.addEventListener(name, (event) => {
    if (!on || !lab.case || event.target !== map.canvas) return;
    listener(event);
  }, { capture: true, passive: false });

  listen("pointerdown", (event) => {
    const at = place(event);
    if (!at || event.button === 1) return;
    event.stopPropagation();
    event.preventDefault();
    map.canvas.focus({ preventScroll: true });
    map.canvas.setPointerCapture(event.pointerId);
    const off = erase || event.altKey || event.button === 2;
    stroke = { z: at.z, off, last: [at.x, at.y], before: copyOf(at.z) };
    dab(at.z, stroke.last, stroke.last, off);
  });
  listen("pointermove", (event) => {
    const at = place(event, stroke?.z ?? null);
    follow(event, at);
    if (!stroke || !at) return;
    event.stopPropagation();
    const way = event.getCoalescedEvents?.() ?? [];
    for (const one of way.length ? way : [event]) {
      const next = place(one, stroke.z);
      if (!next) continue;
      dab(stroke.z, stroke.last, [next.x, next.y], stroke.off);
      stroke.last = [next.x, next.y];
    }
  });
  for (const name of ["pointerup", "pointercancel"]) {
    listen(name, (event) => {
      if (!stroke) return;
      event.stopPropagation();
      const { z, before } = stroke;
      stroke = null;
      remember([before]);
      tell([z]);
      show();
    });
  }
  listen("wheel", (event) => {
    if (event.ctrlKey || event.metaKey) return;
    event.stopPropagation();
    event.preventDefault();
    size(event.deltaY < 0 ? 1.2 : 1 / 1.2);
    follow(event, place(event));
  });
  listen("contextmenu", (event) => event.preventDefault());
  picture.addEventListener("pointerleave", () => { ring.hidden = true; });

  function size(factor) {
    radius = Math.min(Math.max(radius * factor, 0.7), 40);
    show();
  }

  function follow(event, at) {
    ring.hidden = !at;
    if (!at) return;
    const box = picture.getBoundingClientRect();
    const wide = 2 * radius * at.w;
    Object.assign(ring.style, { width: `${wide}px`, height: `${wide}px`, left: `${event.clientX - box.left}px`, top: `${event.clientY - box.top}px` });
  }

  const onKey = (event) => {
    if (!on || event.target.matches?.("input, select, textarea")) return;
    if (event.key === "Escape") lab.actions.paint();
    else if (event.key === "[" || event.key === "]") size(event.key === "]" ? 1.2 : 1 / 1.2);
    else return;
    event.preventDefault();
  };
  lab.root.addEventListener("keydown", onKey);
  // Enter on the voxel in view: a dab of the brush there.
  lab.events.on("pick", (voxel) => {
    if (!on || !voxel) return;
    const middle = values.pixelOf(voxel).map((v) => v + 0.5);
    remember([copyOf(voxel[2])]);
    dab(voxel[2], middle, middle, erase);
    tell([voxel[2]]);
    show();
  });

  // The server

  function runsOf(z) {
    const [first, last] = values.range(z);
    const runs = [];
    for (let i = first; i < last; i++) {
      if (!mask()[i]) continue;
      let to = i;
      while (to < last && mask()[to]) to++;
      runs.push(i - first, to - i);
      i = to;
    }
    return runs;
  }

  function tell(changed) {
    for (const z of changed) {
      const runs = runsOf(z);
      for (let i = 0; i === 0 || i < runs.length; i += MOST_RUNS) {
        lab.request({ type: "target", slice: z, fresh: i === 0, runs: runs.slice(i, i + MOST_RUNS) });
      }
    }
    lab.draw();
    lab.events.emit("target", "painted");
  }

  lab.events.on("frame:target", ({ voxels, ml }) => {
    lab.root.dataset.painted_voxels = voxels;
    bar.querySelector("[data-out=painted]").textContent = `${ml.toFixed(1)} ml`;
  });
  lab.events.on("case", (now) => {
    const n = now.arrays.starts.at(-1);
    const before = kept.get(now.name);
    if (values.painted?.length !== n || !before) past.length = 0;
    values.painted = before?.length === n ? before : new Uint8Array(n);
    kept.set(now.name, values.painted);
    if (values.painted.includes(1)) tell(slices());
    outline();
    show();
  });

  /** The outline is drawn where it is the target, and while it is painted. */
  function outline() {
    values.paintedShown = lab.config.page === "tune" && fineTuning.target === "painted";
    if (!values.paintedShown && on) lab.actions.paint();
    lab.draw();
  }
  lab.events.on("target", outline);
  lab.events.on("config", () => { if (lab.case) outline(); });
  return { close() { lab.root.removeEventListener("keydown", onKey); } };
}
