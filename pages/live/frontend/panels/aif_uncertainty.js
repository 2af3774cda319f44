// @ts-nocheck
// AIF uncertainty: distribution of the core volume over 200 plausible input functions, updated as they are computed.
import { SvgChart, svg } from "../common/svg_chart.js";
import { Stream } from "../transport/streams.js";

const BINS = 24;
const HTML = `<div class="row"><select data-control="choice-way" aria-label="How others are drawn" title="What might as well have been chosen"><option value="voxels">draw its voxels again</option><option value="selectors">mix the selectors</option></select>
  <button class="solid" data-action="choice">200 draws</button><label class="soft"><input type="checkbox" data-control="choice-map"> map: how often core</label></div>
  <svg class="histogram" data-testid="choice" role="img" aria-label="Histogram of the core volume"></svg>
  <div class="say" data-out="choice" role="status">How much of the core is the choice of the voxels? Each draw is another mean of them (the bootstrap), or a mixture of all selectors' curves.</div>`;

export function installAifUncertainty(lab, { tabs, overlay }) {
  const pane = tabs.add("choice", "Uncertainty", "AIF uncertainty: distribution of the core volume over plausible input functions");
  pane.innerHTML = HTML;
  const way = pane.querySelector("[data-control=choice-way]");
  const onMap = pane.querySelector("[data-control=choice-map]");
  const out = pane.querySelector("[data-out=choice]");
  const usual = out.textContent;
  const plot = new SvgChart(pane.querySelector("svg"), { xLabel: "core, ml", yLabel: "draws", margin: { left: 34, right: 10, top: 14, bottom: 32 } });
  const band = svg("path", { class: "choice-band" });
  lab.editor.line.before(band);
  let found = null;
  let finding = "";
  const labelOf = (id) => lab.config.sources.find((source) => source.id === id)?.label ?? id;
  const stream = new Stream(lab, "choice", {
    onFrame: (frame) => {
      stream.acknowledge();
      finding = frame.finding ?? "";
      if (!frame.finding) found = frame;
      lab.root.dataset.draws = found?.n_done ?? 0;
      draw();
    },
    onEnd: (message) => {
      finding = "";
      if (message) { out.textContent = message; lab.root.dataset.draws = "refused"; } else draw();
    },
  });

  lab.actions.choice = () => {
    if (!lab.case || lab.streaming) return;
    if (!stream.start({ way: way.value, ...(lab.state.voxels.length && { voxels: lab.state.voxels }) })) return;
    found = null;
    finding = way.value === "selectors" ? "selectors" : "";
    lab.root.dataset.draws = 0;
    draw();
  };
  onMap.addEventListener("change", () => { if (onMap.checked) map(); else overlay.close("choice"); });
  lab.events.on("overlay-closed", (of) => { if (of === "choice") onMap.checked = false; });

  function map() {
    if (!found || !onMap.checked) return;
    const { fraction } = found.arrays;
    overlay.show({
      of: "choice", field: Float32Array.from(fraction, (v) => v / 255), label: "core in … of the draws",
      note: `${found.n_done} draws`, unit: "", window: [0, 1], lut: "cividis", digits: 2,
    });
  }

  function drawBand() {
    if (!found) { band.setAttribute("d", ""); return; }
    const { editor } = lab;
    const { low, high } = found.arrays;
    const above = editor.plot.path(editor.times, high);
    const below = editor.plot.path(editor.times.toReversed(), low.toReversed());
    band.setAttribute("d", `${above}${below.replace("M", "L")}Z`);
  }

  function draw() {
    drawBand();
    map();
    plot.layer.replaceChildren();
    if (!found) {
      plot.axes.replaceChildren();
      out.textContent = finding ? (finding === "selectors" ? "finding the other curves …" : `finding ${labelOf(finding)} …`) : stream.open ? "…" : usual;
      return;
    }
    const { core_ml: cores } = found.arrays;
    const [p5, median, p95] = found.quantiles;
    let [low, high] = [Math.min(...cores), Math.max(...cores)];
    if (high - low < 0.5) [low, high] = [low - 0.25, high + 0.25];
    const counts = new Array(BINS).fill(0);
    for (const core of cores) counts[Math.min(Math.floor((BINS * (core - low)) / (high - low)), BINS - 1)] += 1;
    plot.measure();
    plot.xRange = [low, high];
    plot.yRange = [0, Math.max(...counts) * 1.1];
    plot.drawAxes();
    const wide = plot.x(low + (high - low) / BINS) - plot.x(low);
    counts.forEach((count, i) => svg("rect", {
      class: "more", x: plot.x(low) + i * wide + 0.5, width: Math.max(wide - 1, 0.5), y: plot.y(count), height: plot.y(0) - plot.y(count),
    }, plot.layer));
    for (const [value, kind] of [[p5, "end"], [median, "middle"], [p95, "end"]]) {
      svg("line", { x1: plot.x(value), x2: plot.x(value), y1: plot.y(plot.yRange[1]), y2: plot.y(0), class: kind }, plot.layer);
    }
    const error = found.basis_error === null ? "" : ` Computed on a temporal basis, mean error ${(100 * found.basis_error).toFixed(3)} %.`;
    out.textContent = `Core ${median.toFixed(1)} ml, 5–95 %: ${p5.toFixed(1)} to ${p95.toFixed(1)} ml; ${found.n_done} of ${found.n_total} draws of ${found.of.map(labelOf).join(", ")}.${error}`;
  }

  const clear = () => {
    stream.stop();
    found = null;
    overlay.close("choice");
    draw();
  };
  let of = "";
  let picked = "[]";
  lab.events.on("case", (now) => {
    // The same voxels and curve under other settings: still of another case to whoever reads the figures.
    const name = `${now.curveKey} ${now.epoch}`;
    if (of !== name) clear();
    of = name;
  });
  lab.events.on("state", ({ voxels }) => {
    const now = JSON.stringify(voxels);
    if (found && picked !== now) clear();
    picked = now;
  });
  lab.events.on("painted", drawBand);
  lab.events.on("resize", draw);
  return { close() { stream.stop(); } };
}
