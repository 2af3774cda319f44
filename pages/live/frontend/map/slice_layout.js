// Where things lie: the head in a slice, the slices on the canvas, the pointer in a slice.

const AIR = -200; // HU; below it nothing is drawn
const PAD = 4;
const boxes = new WeakMap();

/** The part of a slice that holds the head, the same for all slices; {x, y, w, h} in pixels. */
export function headBox(now) {
  const data = now.hasBaseline ? now.arrays.baseline : now.arrays.tmip;
  if (boxes.has(data)) return boxes.get(data);
  const { rows, columns, slices } = now;
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
  [x0, y0] = [Math.max(x0 - PAD, 0), Math.max(y0 - PAD, 0)];
  [x1, y1] = [Math.min(x1 + PAD, columns - 1), Math.min(y1 + PAD, rows - 1)];
  const box = x1 < x0 ? { x: 0, y: 0, w: columns, h: rows } : { x: x0, y: y0, w: x1 - x0 + 1, h: y1 - y0 + 1 };
  boxes.set(data, box);
  return box;
}

/** Where each shown slice lies on a canvas: [{z, x, y, w, h}], as large as they can be side by side. */
export function places(now, view, { width, height }) {
  const box = headBox(now);
  const shown = view.montage ? [...Array(now.slices).keys()] : [view.slice];
  const [w, h] = [box.w * now.pixelMm[0], box.h * now.pixelMm[1]];
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

/** A point of the page → {x, y, z, w} in pixels of the slice under it (w: width of a pixel on the screen), or null. */
export function toSlice(now, view, canvas, event, within = null) {
  const bounds = canvas.getBoundingClientRect();
  const ratio = canvas.width / bounds.width;
  const px = (event.clientX - bounds.left) * ratio;
  const py = (event.clientY - bounds.top) * ratio;
  const rect = view.rect(headBox(now));
  const all = places(now, view, canvas);
  const place = all.find((p) => (within === null ? px >= p.x && px < p.x + p.w && py >= p.y && py < p.y + p.h : p.z === within));
  if (!place) return null;
  return {
    x: rect.x + ((px - place.x) / place.w) * rect.w, y: rect.y + ((py - place.y) / place.h) * rect.h,
    z: place.z, w: place.w / rect.w / ratio,
  };
}
