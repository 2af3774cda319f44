// What is looked at and how: map, slice, colours, window, zoom. It needs no server and outlives a page change.

const KEY = "lab|view";
const KEPT = ["map", "montage", "outlines", "windows", "scales"];

export class View {
  constructor() {
    this.map = "rcbf";
    this.slice = 0;
    this.montage = false;
    this.outlines = { core: true, hypoperfused: true, truth: true, aif: true, vof: true };
    this.windows = {}; // by map: [low, high] where a person has set one
    this.scales = {}; // by map: the colour scale a person has chosen
    this.zoom = 1;
    this.centre = null; // in screen pixels of a slice; null is the middle of the head
    try {
      const kept = JSON.parse(sessionStorage.getItem(KEY)) ?? {};
      for (const name of KEPT) if (typeof kept[name] === typeof this[name]) this[name] = kept[name];
    } catch { /* the defaults serve */ }
  }

  keep() {
    try { sessionStorage.setItem(KEY, JSON.stringify(Object.fromEntries(KEPT.map((name) => [name, this[name]])))); } catch { /* storage may be off */ }
  }

  /** Set a map's window; nonsense (empty, reversed, not finite) is refused. */
  setWindow(map, low, high) {
    if (!(Number.isFinite(low) && Number.isFinite(high) && high > low)) return false;
    this.windows[map] = [low, high];
    return true;
  }

  /** Zoom by a factor with a point of the slice staying where it is. */
  zoomBy(factor, about, box) {
    const zoom = Math.min(Math.max(this.zoom * factor, 1), 16);
    const { x, y } = this.centre ?? middle(box);
    const keep = this.zoom / zoom;
    this.zoom = zoom;
    this.centre = zoom === 1 ? null : { x: about.x + (x - about.x) * keep, y: about.y + (y - about.y) * keep };
    this.clamp(box);
  }

  pan(dx, dy, box) {
    if (this.zoom === 1) return;
    this.centre = { x: this.centre.x + dx, y: this.centre.y + dy };
    this.clamp(box);
  }

  resetZoom() { this.zoom = 1; this.centre = null; }

  clamp(box) {
    if (!this.centre) return;
    const [w, h] = [box.w / this.zoom / 2, box.h / this.zoom / 2];
    this.centre.x = Math.min(Math.max(this.centre.x, box.x + w), box.x + box.w - w);
    this.centre.y = Math.min(Math.max(this.centre.y, box.y + h), box.y + box.h - h);
  }

  /** The part of every slice that is shown, in screen pixels of a slice. */
  rect(box) {
    if (this.zoom === 1) return box;
    const [w, h] = [box.w / this.zoom, box.h / this.zoom];
    return { x: this.centre.x - w / 2, y: this.centre.y - h / 2, w, h };
  }
}

const middle = (box) => ({ x: box.x + box.w / 2, y: box.y + box.h / 2 });
