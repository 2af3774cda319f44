// @ts-nocheck
// Pointer, wheel, touch and keys on the map.
//   move: value and curves of the voxel · wheel or arrows: slice · ctrl+wheel, pinch, + and −: zoom · 0 or double click: whole
//   drag: pan when zoomed · right drag or alt+drag: window · shift+arrows: the voxel in view · click or Enter: pick a voxel
import { headBox, toSlice } from "./slice_layout.js";

const MOVED = 4; // points; less is a click
const NOTCH = 40; // points of wheel for another slice

export function installMouseBindings(lab) {
  const { map, view } = lab;
  const { canvas } = map;
  const down = new Map(); // pointers by id
  let press = null;
  let pinch = null;
  let turned = 0; // of the wheel, since the last slice
  let last = null; // where the pointer was seen: another slice or zoom puts another voxel under it

  const box = () => headBox(lab.case);
  const show = () => { view.store(); lab.viewChanged(); };

  function zoom(factor, event) {
    const about = event ? toSlice(lab.case, view, canvas, event) : null;
    const middle = view.centre ?? { x: box().x + box().w / 2, y: box().y + box().h / 2 };
    view.zoomBy(factor, about ?? middle, box());
    show();
  }

  function windowBy(dx, dy) {
    const meta = map.style();
    const span = meta.usual[1] - meta.usual[0];
    // As on a workstation: across is the width, down the level.
    const [low, high] = press.window;
    const width = Math.max(high - low + (2 * span * dx) / canvas.clientWidth, span / 200);
    const level = (low + high) / 2 + (span * dy) / canvas.clientHeight;
    view.setWindow(view.map, level - width / 2, level + width / 2);
    show();
  }

  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("pointerdown", (event) => {
    if (!lab.case) return;
    canvas.focus({ preventScroll: true });
    down.set(event.pointerId, event);
    if (down.size === 2) { pinch = measure(); press = null; return; }
    const windowing = event.button === 2 || (event.button === 0 && event.altKey);
    if (event.button !== 0 && !windowing) return;
    canvas.setPointerCapture(event.pointerId);
    press = { x: event.clientX, y: event.clientY, at: event, window: [...map.style().window], kind: windowing ? "window" : "pan", moved: false };
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!lab.case) return;
    if (down.has(event.pointerId)) down.set(event.pointerId, event);
    if (pinch) { follow(); return; }
    if (press && !press.moved) press.moved = Math.hypot(event.clientX - press.x, event.clientY - press.y) >= MOVED;
    if (press?.moved && press.kind === "window") { windowBy(event.clientX - press.x, event.clientY - press.y); return; }
    if (press?.moved && view.zoom > 1) {
      const scale = toSlice(lab.case, view, canvas, press.at)?.w;
      if (scale) view.pan((press.at.clientX - event.clientX) / scale, (press.at.clientY - event.clientY) / scale, box());
      press.at = event;
      show();
      return;
    }
    last = event;
    lab.events.emit("hover", map.pick(event));
  });
  lab.events.on("view", () => { if (last && lab.hover) lab.events.emit("hover", map.pick(last)); });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, (event) => {
      down.delete(event.pointerId);
      if (down.size < 2) pinch = null;
      if (name === "pointerup" && press && !press.moved && press.kind === "pan") pick(map.pick(event));
      press = null;
    });
  }
  canvas.addEventListener("pointerleave", () => { last = null; lab.events.emit("hover", null); });
  canvas.addEventListener("dblclick", () => { view.resetZoom(); show(); });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    if (!lab.case) return;
    if (event.ctrlKey || event.metaKey) zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0025)), event);
    else {
      // A touch pad sends many small turns; a mouse one of a hundred.
      turned = Math.sign(turned) === -Math.sign(event.deltaY) ? event.deltaY : turned + event.deltaY;
      if (event.deltaMode || Math.abs(turned) >= NOTCH) { lab.goTo(view.slice + Math.sign(event.deltaY)); turned = 0; }
    }
  }, { passive: false });

  function measure() {
    const [a, b] = [...down.values()];
    return { x: (a.clientX + b.clientX) / 2, y: (a.clientY + b.clientY) / 2, apart: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) };
  }

  /** Two fingers: what lies between them stays between them. */
  function follow() {
    const now = measure();
    const at = toSlice(lab.case, view, canvas, { clientX: pinch.x, clientY: pinch.y });
    if (at) {
      view.zoomBy(now.apart / Math.max(pinch.apart, 1), at, box());
      const moved = toSlice(lab.case, view, canvas, { clientX: pinch.x, clientY: pinch.y });
      if (view.zoom > 1) view.pan((pinch.x - now.x) / moved.w, (pinch.y - now.y) / moved.w, box());
    }
    pinch = now;
    show();
  }

  function pick(at) {
    lab.events.emit("pick", at && lab.values.voxelAt(at.column, at.row, at.z));
  }

  /** The voxel in view goes with the keys; the picture follows it. */
  function moveVoxel(dx, dy) {
    if (!map.probed) return;
    const { rows, columns } = lab.case;
    const [c, r] = lab.values.pixelOf(map.probed);
    const [column, row] = [Math.min(Math.max(c + dx, 0), columns - 1), Math.min(Math.max(r + dy, 0), rows - 1)];
    const at = { column, row, z: view.slice };
    map.probed = lab.values.voxelAt(column, row, view.slice);
    last = null;
    if (view.zoom > 1) {
      const rect = view.rect(box());
      const out = (place, from, size) => (place < from ? place - from : place + 1 > from + size ? place + 1 - from - size : 0);
      view.pan(out(column, rect.x, rect.w), out(row, rect.y, rect.h), box());
    }
    lab.events.emit("hover", at);
    lab.viewChanged();
  }

  canvas.addEventListener("keydown", (event) => {
    if (!lab.case || event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const slice = { ArrowUp: 1, ArrowRight: 1, PageUp: 1, ArrowDown: -1, ArrowLeft: -1, PageDown: -1 }[event.key];
    const maps = Object.keys(map.maps);
    if (arrow && event.shiftKey) moveVoxel(...arrow);
    else if (slice) lab.goTo(view.slice + slice);
    else if (event.key === "+" || event.key === "=") zoom(1.25);
    else if (event.key === "-") zoom(0.8);
    else if (event.key === "0") { view.resetZoom(); show(); }
    else if (/^[1-9]$/.test(event.key) && maps[event.key - 1]) lab.events.emit("map", maps[event.key - 1]);
    else if (event.key === "Enter" || event.key === " ") { if (map.probed) lab.events.emit("pick", map.probed); }
    else return;
    event.preventDefault();
  });
}
