// @ts-nocheck
// The voxel in view: its value, its curve c(t) and its residue function k(t).
import { SvgChart, svg } from "../common/svg_chart.js";

const WAIT_MS = 30;

export function installVoxelCurves(lab) {
  const tissue = new SvgChart(lab.find("svg.probe.tissue"), { xLabel: "s", yLabel: "c(t), HU" });
  const residue = new SvgChart(lab.find("svg.probe.residue"), { xLabel: "s", yLabel: "k(t), 1/s × 1000" });
  const { map, values } = lab;
  let timer = 0;

  /** Its curves follow the AIF; before anybody points, a voxel of the core stands in. */
  function again() {
    map.probed ??= typicalVoxel(values, map.view.slice);
    if (map.probed) lab.request({ type: "probe", voxel: map.probed });
  }

  function readout() {
    const out = lab.find("[data-out=readout]");
    if (!lab.hover) { out.textContent = ""; return; }
    const { column, row, z } = lab.hover;
    const i = values.indexAt(column, row, z);
    const [x, y] = values.voxelAt(column, row, z);
    const meta = map.style();
    const { case: now } = values;
    const value = meta.source ? now.arrays[meta.source][(z * now.rows + row) * now.columns + column]
      : i < 0 ? NaN : values.at(map.view.map, i, z);
    const text = Number.isNaN(value) ? "outside the brain" : `${meta.label} ${value.toFixed(meta.digits)} ${meta.unit.replace("\n", "")}`;
    out.textContent = `${text}  at (${x}, ${y}, ${z})`;
  }

  function line(plot, series) {
    plot.measure();
    const all = series.flatMap(([, curve]) => Array.from(curve));
    const [low, high] = [Math.min(...all, 0), Math.max(...all, 1e-6)];
    plot.xRange = [series[0][0][0], series[0][0].at(-1)];
    plot.yRange = [low - 0.05 * (high - low), high + 0.08 * (high - low)];
    plot.drawAxes();
    plot.layer.replaceChildren();
    for (const [times, curve, kind] of series) svg("path", { class: kind, d: plot.path(times, curve) }, plot.layer);
  }

  let shown = null;
  function draw() {
    if (!shown) return;
    const { arrays } = shown;
    const times = Float32Array.from(arrays.raw, (_, i) => i * lab.case.dt);
    line(tissue, [[times, arrays.raw, "raw"], ...(arrays.tissue ? [[times, arrays.tissue, "smooth"]] : [])]);
    if (arrays.residue) line(residue, [[arrays.residue_time, arrays.residue.map((v) => 1000 * v), "smooth"]]);
    else residue.layer.replaceChildren();
  }

  lab.events.on("frame:probe", (frame) => {
    shown = { ...frame, of: lab.case.name };
    map.probed = frame.voxel;
    lab.find("[data-out=probed]").textContent = `voxel (${frame.voxel.join(", ")})`;
    draw();
    lab.editor.setTissue(frame.arrays.tissue ?? frame.arrays.raw);
    const { magnified } = lab.editor;
    lab.find(".key.tissue-on-aif").textContent = magnified > 1 ? `tissue ×${magnified}` : "tissue";
    lab.draw();
  });
  lab.events.on("case", (now) => { if (shown?.of !== now.name) { map.probed = null; shown = null; } });
  lab.events.on("volume", again);
  lab.events.on("resize", draw);
  lab.events.on("painted", readout);
  lab.events.on("hover", (at) => {
    lab.hover = at;
    readout();
    if (!at) return;
    clearTimeout(timer);
    timer = setTimeout(() => lab.request({ type: "probe", voxel: values.voxelAt(at.column, at.row, at.z) }), WAIT_MS);
  });
}

/** The voxel of the slice's lesion (or of its brain) that is nearest to the middle of it. */
function typicalVoxel(values, z) {
  const [from, to] = values.range(z);
  const { pixel } = values.case.arrays;
  const { columns } = values.case;
  const inside = ["truth", "core"].map((kind) => values.lesion(kind, z)).find((flags) => flags?.includes(1));
  const all = Array.from(pixel.subarray(from, to)).filter((_, i) => !inside || inside[i]);
  if (!all.length) return null;
  const mean = (of) => all.reduce((sum, p) => sum + of(p), 0) / all.length;
  const [cx, cy] = [mean((p) => p % columns), mean((p) => Math.floor(p / columns))];
  const far = (p) => ((p % columns) - cx) ** 2 + (Math.floor(p / columns) - cy) ** 2;
  const best = all.reduce((a, b) => (far(b) < far(a) ? b : a));
  return values.voxelAt(best % columns, Math.floor(best / columns), z);
}
