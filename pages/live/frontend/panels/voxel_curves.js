// The voxel in view: its value, its curve c(t) and its residue function k(t).
/** @import { Lab } from "../lab.js" */
/** @import { ProbeFrame, Voxel } from "../types.js" */
/** @import { VolumeStore } from "../map/volume_store.js" */
import { SvgChart, svg } from "../common/svg_chart.js";

const REQUEST_DELAY_MS = 30;

/** Name of a voxel: its indices from 0, the slice as it is counted beside the map. @param {Voxel} voxel */
const placeOf = ([x, y, z]) => `voxel (${x}, ${y}), slice ${z + 1}`;

/** @typedef {[times: ArrayLike<number>, values: ArrayLike<number>, className: string]} Line */

/** Draw lines over one time axis. @param {SvgChart} plot @param {Line[]} lines */
function drawLines(plot, lines) {
  plot.measure();
  const all = lines.flatMap(([, values]) => Array.from(values));
  const [low, high] = [Math.min(...all, 0), Math.max(...all, 1e-6)];
  const [times] = lines[0];
  plot.xRange = [times[0], times[times.length - 1]];
  plot.yRange = [low - 0.05 * (high - low), high + 0.08 * (high - low)];
  plot.drawAxes();
  plot.layer.replaceChildren();
  for (const [at, values, kind] of lines) svg("path", { class: kind, d: plot.path(at, values) }, plot.layer);
}

/** The values of the maps in view at the pixel under the pointer, as text. @param {Lab} lab */
function readout({ hover, values, map, view }) {
  if (!hover) return "";
  const { column, row, z } = hover;
  const i = values.indexAt(column, row, z);
  const [x, y] = values.voxelAt(column, row, z);
  const { open } = values;
  const texts = view.maps.map((name) => {
    const meta = map.style(name);
    const value = meta.case_array ? open.arrays[meta.case_array][(z * open.rows + row) * open.columns + column]
      : i < 0 ? NaN : values.at(name, i, z);
    return Number.isNaN(value) ? "" : `${meta.label} ${value.toFixed(meta.digits)} ${meta.unit.replace("\n", "")}`;
  });
  return `${texts.filter(Boolean).join(" · ") || "outside the brain"}  at (${x}, ${y}), slice ${z + 1}`;
}

/** @param {Lab} lab */
export function installVoxelCurves(lab) {
  const tissue = new SvgChart(lab.find("svg.probe.tissue", SVGSVGElement), { xLabel: "s", yLabel: "c(t)" });
  const residue = new SvgChart(lab.find("svg.probe.residue", SVGSVGElement), { xLabel: "s after the AIF", yLabel: "k(t), 1/s × 1000" });
  const { map, values } = lab;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {{arrays: ProbeFrame["arrays"], caseName: string} | null} */
  let shown = null;

  const showReadout = () => { lab.find("[data-out=readout]").textContent = readout(lab); };

  function draw() {
    if (!shown) return;
    const { arrays } = shown;
    const times = Float32Array.from(values.open.arrays.start, (_, i) => i * values.open.dt);
    /** @type {Line[]} */
    const lines = [];
    if (arrays.raw) lines.push([times, arrays.raw, "raw"]);
    if (arrays.tissue) lines.push([times, arrays.tissue, "smooth"]);
    if (lines.length) drawLines(tissue, lines);
    else tissue.layer.replaceChildren();
    if (arrays.residue && arrays.residue_time) drawLines(residue, [[arrays.residue_time, arrays.residue.map((v) => 1000 * v), "smooth"]]);
    else residue.layer.replaceChildren();
  }

  lab.events.on("frame:probe", (frame) => {
    shown = { arrays: frame.arrays, caseName: values.open.name };
    map.probed = frame.voxel;
    lab.find("[data-out=probed]").textContent = placeOf(frame.voxel);
    draw();
    lab.editor.setTissue(frame.arrays.tissue ?? frame.arrays.raw ?? null);
    const { magnified } = lab.editor;
    lab.find(".key.tissue-on-aif").textContent = magnified > 1 ? `tissue ×${magnified}` : "tissue";
    lab.draw();
  });
  lab.events.on("case", ({ name, enhancementUnit }) => {
    tissue.yLabel = `c(t), ${enhancementUnit}`;
    if (shown?.caseName === name) return;
    map.probed = null;
    shown = null;
  });
  // The curves follow the AIF; until the user points at a voxel, one of the core is shown.
  const probe = () => {
    map.probed ??= typicalVoxel(values, map.view.slice);
    if (map.probed) lab.request({ type: "probe", voxel: map.probed });
  };
  lab.events.on("volume", probe);
  lab.events.on("static", () => { if (!map.probed && values.shownSeq[map.view.slice] >= 0) probe(); });
  lab.events.on("resize", draw);
  lab.events.on("painted", showReadout);
  lab.events.on("hover", (at) => {
    lab.hover = at;
    showReadout();
    if (!at) return;
    clearTimeout(timer);
    timer = setTimeout(() => lab.request({ type: "probe", voxel: values.voxelAt(at.column, at.row, at.z) }), REQUEST_DELAY_MS);
  });
}

/**
 * The voxel of the slice's lesion (or of its brain) that is nearest to the middle of it; null in an empty slice.
 * @param {VolumeStore} values
 * @param {number} z
 * @returns {Voxel | null}
 */
function typicalVoxel(values, z) {
  const [from, to] = values.range(z);
  const { columns, loaded, arrays: { pixel } } = values.open;
  if (!loaded.has(z)) return null;
  const inside = [values.lesion("truth", z), values.lesion("core", z)].find((flags) => flags?.includes(1));
  const all = Array.from(pixel.subarray(from, to)).filter((_, i) => !inside || inside[i]);
  if (!all.length) return null;
  const column = (/** @type {number} */ p) => p % columns;
  const row = (/** @type {number} */ p) => Math.floor(p / columns);
  const mean = (/** @type {(p: number) => number} */ of) => all.reduce((sum, p) => sum + of(p), 0) / all.length;
  const [cx, cy] = [mean(column), mean(row)];
  const distance = (/** @type {number} */ p) => (column(p) - cx) ** 2 + (row(p) - cy) ** 2;
  const best = all.reduce((a, b) => (distance(b) < distance(a) ? b : a));
  return values.voxelAt(column(best), row(best), z);
}
