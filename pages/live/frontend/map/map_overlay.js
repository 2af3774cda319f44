// A map that is no perfusion map, shown in its place until it is closed: what an edit moves, how often a voxel is core.
import { lutOf } from "./slice_renderer.js";

const BAR = `<div class="overlay-bar" hidden><b data-out="overlay"></b> <span data-out="overlay-note"></span>
  <button data-action="overlay-close" title="Back to the map (Esc)" aria-label="Back to the map">×</button></div>
<div class="readout compared" data-out="overlaid"></div>`;

/** Values of all voxels, to be drawn like a map. */
class Field {
  constructor(values, field) { Object.assign(this, { values, all: field }); }

  get case() { return this.values.case; }

  get painted() { return this.values.painted; }

  get paintedShown() { return this.values.paintedShown; }

  range(z) { return this.values.range(z); }

  lesion(kind, z) { return this.values.lesion(kind, z); }

  pixelOf(voxel) { return this.values.pixelOf(voxel); }

  field(_map, z) { return this.all.subarray(...this.range(z)); }
}

export function overlay(lab) {
  const { map, values } = lab;
  const picture = lab.find(".picture");
  picture.insertAdjacentHTML("beforeend", BAR);
  const bar = picture.querySelector(".overlay-bar");
  const out = picture.querySelector("[data-out=overlaid]");
  const before = map.layers;
  let shown = null;

  map.layers = (meta) => {
    if (!shown) return before(meta);
    const { field, label, unit = "", window, lut, digits } = shown;
    const own = { ...meta, map: "overlay", source: undefined, label, unit, window, lut: map.luts[lut] ?? lutOf(lut), digits };
    return [{ values: new Field(values, field), meta: own, from: 0, to: 1 }];
  };

  lab.overlay = {
    get of() { return shown?.of ?? null; },
    /** @param {{of, field, label, note, unit, window, lut, digits}} what one value for each voxel, and how it is shown */
    show(what) {
      shown = what;
      bar.hidden = !what;
      lab.root.dataset.overlay = what?.of ?? "";
      bar.querySelector("[data-out=overlay]").textContent = what?.label ?? "";
      bar.querySelector("[data-out=overlay-note]").textContent = what?.note ?? "";
      readout();
      lab.paint();
    },
    close(of = shown?.of) {
      if (!shown || shown.of !== of) return;
      this.show(null);
      lab.bus.emit("overlay-closed", of);
    },
  };

  function readout() {
    const at = shown && lab.hover;
    const i = at ? values.indexAt(at.column, at.row, at.z) : -1;
    out.textContent = i < 0 ? "" : `${shown.label} ${shown.field[i].toFixed(shown.digits)} ${shown.unit ?? ""}`;
  }

  lab.actions["overlay-close"] = () => lab.overlay.close();
  const onKey = (event) => { if (event.key === "Escape" && shown) lab.overlay.close(); };
  lab.root.addEventListener("keydown", onKey);
  lab.bus.on("hover", readout);
  lab.bus.on("painted", readout);
  lab.bus.on("case", (now) => { if (shown && shown.field.length !== now.arrays.starts.at(-1)) lab.overlay.close(); });
  lab.bus.on("map", () => lab.overlay.close());
  lab.bus.on("chosen", ({ a, b }) => { if (a !== null && b !== null) lab.overlay.close(); });
  return () => lab.root.removeEventListener("keydown", onKey);
}

/** A round upper end that holds 98 % of the values, at least `least`. */
export function upperEnd(field, least) {
  const every = Math.max(1, Math.floor(field.length / 20_000));
  const some = Float32Array.from({ length: Math.floor(field.length / every) }, (_, i) => field[i * every]).sort();
  return Number(Math.max(some[Math.floor(0.98 * some.length)] ?? 0, least).toPrecision(2));
}
