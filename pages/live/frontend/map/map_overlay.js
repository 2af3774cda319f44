// @ts-nocheck
// A map that is no perfusion map, shown in its place until it is closed: what an edit moves, how often a voxel is core.
import { lutOf } from "./color_scales.js";

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

export function installMapOverlay(lab) {
  const { map, values } = lab;
  const picture = lab.find(".picture");
  picture.insertAdjacentHTML("beforeend", BAR);
  const bar = picture.querySelector(".overlay-bar");
  const out = picture.querySelector("[data-out=overlaid]");
  let shown = null;

  map.addLayerSource(2, (meta) => {
    if (!shown) return null;
    const { field, label, unit = "", window, lut, digits } = shown;
    const own = { ...meta, map: "overlay", source: undefined, label, unit, window, lut: map.luts[lut] ?? lutOf(lut), digits };
    return [{ values: new Field(values, field), meta: own, from: 0, to: 1 }];
  });

  const overlay = {
    get of() { return shown?.of ?? null; },
    /** @param {{of, field, label, note, unit, window, lut, digits}} what one value for each voxel, and how it is shown */
    show(what) {
      shown = what;
      bar.hidden = !what;
      lab.root.dataset.overlay = what?.of ?? "";
      bar.querySelector("[data-out=overlay]").textContent = what?.label ?? "";
      bar.querySelector("[data-out=overlay-note]").textContent = what?.note ?? "";
      readout();
      lab.draw();
    },
    close(of = shown?.of) {
      if (!shown || shown.of !== of) return;
      this.show(null);
      lab.events.emit("overlay-closed", of);
    },
  };

  function readout() {
    const at = shown && lab.hover;
    const i = at ? values.indexAt(at.column, at.row, at.z) : -1;
    out.textContent = i < 0 ? "" : `${shown.label} ${shown.field[i].toFixed(shown.digits)} ${shown.unit ?? ""}`;
  }

  lab.actions["overlay-close"] = () => overlay.close();
  const onKey = (event) => { if (event.key === "Escape" && shown) overlay.close(); };
  lab.root.addEventListener("keydown", onKey);
  lab.events.on("hover", readout);
  lab.events.on("painted", readout);
  lab.events.on("case", (now) => { if (shown && shown.field.length !== now.arrays.starts.at(-1)) overlay.close(); });
  lab.events.on("map", () => overlay.close());
  lab.events.on("sides", ({ a, b }) => { if (a !== null && b !== null) overlay.close(); });
  return { provides: { overlay }, close() { lab.root.removeEventListener("keydown", onKey); } };
}

/** A round upper end that holds 98 % of the values, at least `least`. */
export function upperEnd(field, least) {
  const every = Math.max(1, Math.floor(field.length / 20_000));
  const some = Float32Array.from({ length: Math.floor(field.length / every) }, (_, i) => field[i * every]).sort();
  return Number(Math.max(some[Math.floor(0.98 * some.length)] ?? 0, least).toPrecision(2));
}
