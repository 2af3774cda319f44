// @ts-nocheck
// What matters in the curve: bars of a gradient under its samples, and a map of what an edit would move.
import { upperEnd } from "../map/map_overlay.js";
import { SvgChart, svg } from "../common/svg_chart.js";
import { Stream } from "../transport/streams.js";

const EVERY_MS = 200; // while the hand moves
const QUANTITIES = [
  ["loss", "loss", ""], ["core_ml", "core volume", "ml"], ["soft_dice", "soft Dice", ""],
  ["rcbf", "mean rCBF of", ""], ["tmax", "mean Tmax of", "s"],
];
const REGIONS = [["core", "the core"], ["hypoperfused", "the hypoperfused"], ["healthy", "healthy tissue"], ["painted", "what is painted"]];
const options = (list) => list.map(([value, label]) => `<option value="${value}">${label}</option>`).join("");
const HTML = `<div class="matters" hidden><div class="row"><select data-matters="quantity" aria-label="Quantity whose gradient is drawn" title="Its gradient by each sample of the curve">${options(QUANTITIES)}</select>
  <select data-matters="region" aria-label="Region" title="As the start curve finds it">${options(REGIONS)}</select><span class="per"></span><span class="grow"></span>
  <select data-matters="direction" aria-label="Map of what an edit moves" title="Map: how much rCBF of each voxel changes with an edit of the curve"><option value="">map of an edit …</option></select></div>
  <svg class="bars" data-testid="matters" role="img" aria-label="Gradient by sample"></svg></div>`;
const chosen = { on: false, quantity: "core_ml", region: "core", direction: "" };

export function installSensitivity(lab, { tabs, overlay, fineTuning }) {
  tabs.row.insertAdjacentHTML("beforeend", '<button class="tool" data-action="matters" aria-pressed="false" title="What matters: a gradient under each sample of the curve (M)">What matters</button>');
  lab.find("svg.editor").insertAdjacentHTML("afterend", HTML);
  const strip = lab.find(".matters");
  const button = lab.find("[data-action=matters]");
  const [quantity, region, way] = ["quantity", "region", "direction"].map((name) => strip.querySelector(`[data-matters=${name}]`));
  const plot = new SvgChart(strip.querySelector("svg"), { xLabel: "", yLabel: "", margin: { left: 46, right: 12, top: 5, bottom: 5 } });
  let shown = null; // {gradient, value, quantity}
  let asked = 0; // when a gradient was last asked for
  let later = 0;

  const stream = new Stream(lab, "matters", {
    onFrame: (frame) => { stream.acknowledge(); take({ ...frame, gradient: frame.arrays.gradient }); },
    onEnd: (message) => { if (message) { take(null); lab.notice(message); } },
  });
  const maps = new Stream(lab, "sensitivity", { onFrame: (frame) => { maps.acknowledge(); field(frame); }, onEnd: (message) => { if (message) { lab.notice(message); close(); } } });

  function take(found) {
    shown = found;
    draw();
  }

  function draw() {
    if (!chosen.on || !lab.case) return;
    plot.measure();
    plot.xRange = lab.editor.plot.xRange;
    const values = shown?.gradient ?? [];
    const most = values.reduce((top, v) => Math.max(top, Math.abs(v)), 0) || 1;
    plot.yRange = [-most * 1.1, most * 1.1];
    plot.axes.replaceChildren();
    const line = { x1: plot.x(plot.xRange[0]), x2: plot.x(plot.xRange[1]), y1: plot.y(0), y2: plot.y(0), class: "zero" };
    svg("line", line, plot.axes);
    if (shown) {
      for (const [value, y] of [[most, 12], [-most, plot.height - 4]]) {
        svg("text", { x: plot.margin.left - 6, y, "text-anchor": "end" }, plot.axes).textContent = short(value);
      }
    }
    const wide = 0.7 * (plot.x(lab.case.dt) - plot.x(0));
    plot.layer.replaceChildren(...Array.from(values, (value, i) => svg("rect", {
      x: plot.x(i * lab.case.dt) - wide / 2, width: wide, y: plot.y(Math.max(value, 0)), height: Math.abs(plot.y(value) - plot.y(0)),
      class: value > 0 ? "more" : "less", "data-value": Number(value.toPrecision(6)),
    })));
    const unit = QUANTITIES.find(([name]) => name === chosen.quantity)[2];
    strip.querySelector(".per").textContent = shown ? `${unit ? `${unit} ` : ""}per HU` : "";
    strip.dataset.exact = shown?.exact ?? "";
  }

  /** Ask for the gradient of the curve at hand; quickly while it moves, exactly at rest. */
  function ask(quick) {
    if (!chosen.on || !lab.case || lab.streaming) return;
    if (chosen.quantity === "loss") { take(fineTuning.step && { gradient: fineTuning.step.gradient, exact: true }); return; }
    clearTimeout(later);
    const wait = quick ? asked + EVERY_MS - performance.now() : 0;
    if (wait > 0) { later = setTimeout(() => ask(true), wait); return; }
    if (lab.socket.status !== "live") return;
    asked = performance.now();
    stream.start({ curve: Array.from(lab.editor.curve), quantity: chosen.quantity, region: chosen.region, target: fineTuning.target, quick });
  }

  function show() {
    const tuning = lab.config.page === "tune";
    const known = lab.case?.hasLesion || (tuning && fineTuning.target === "painted");
    quantity.querySelector("[value=loss]").hidden = quantity.querySelector("[value=loss]").disabled = !tuning;
    quantity.querySelector("[value=soft_dice]").hidden = quantity.querySelector("[value=soft_dice]").disabled = !known;
    region.querySelector("[value=painted]").hidden = region.querySelector("[value=painted]").disabled = !tuning;
    if ((chosen.quantity === "loss" && !tuning) || (chosen.quantity === "soft_dice" && !known)) chosen.quantity = "core_ml";
    if (chosen.region === "painted" && !tuning) chosen.region = "core";
    quantity.value = chosen.quantity;
    region.value = chosen.region;
    way.value = chosen.direction;
    region.hidden = !["rcbf", "tmax"].includes(chosen.quantity);
    strip.hidden = !chosen.on;
    button.setAttribute("aria-pressed", chosen.on);
  }

  lab.actions.matters = () => {
    chosen.on = !chosen.on;
    if (!chosen.on) { stream.stop(); close(); }
    show();
    lab.editor.rescale();
    ask(false);
  };
  const onKey = (event) => {
    const typing = event.target.matches?.("input[type=number], input[type=text], textarea, select");
    if (event.key.toLowerCase() === "m" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) lab.actions.matters();
  };
  lab.root.addEventListener("keydown", onKey);
  strip.addEventListener("change", ({ target }) => {
    chosen[target.dataset.matters] = target.value;
    show();
    if (target === way) askMap();
    else { take(null); ask(false); }
  });

  // The map

  function askMap() {
    if (!chosen.direction) { close(); return; }
    if (chosen.on && lab.case && !lab.streaming) maps.start({ curve: Array.from(lab.editor.curve), direction: chosen.direction });
  }

  function field({ direction, arrays }) {
    const size = arrays.change.map(Math.abs);
    const { label, unit } = lab.config.directions.find(({ id }) => id === direction);
    const note = direction === "amplitude" ? "zero everywhere: rCBF does not see the height" : "how much the map moves with it";
    overlay.show({
      of: "sensitivity", field: size, label: `|∂ rCBF / ∂ ${label}|`, note, unit: unit === "s" ? "per s" : unit ? "per\nfactor" : "",
      window: [0, upperEnd(size, 0.001)], lut: "inferno", digits: 4,
    });
  }

  function close() {
    maps.stop();
    overlay.close("sensitivity");
    chosen.direction = "";
    way.value = "";
  }

  lab.events.on("overlay-closed", (of) => { if (of === "sensitivity") close(); });
  lab.events.on("config", ({ directions }) => {
    if (way.options.length < 2) way.append(...directions.map(({ id, label }) => new Option(label, id)));
    show();
  });
  lab.events.on("case", () => { shown = null; show(); draw(); });
  lab.events.on("target", () => { show(); if (["soft_dice"].includes(chosen.quantity) || chosen.region === "painted") ask(false); });
  lab.events.on("edit", () => ask(true));
  lab.events.on("volume", () => {
    ask(false);
    if (chosen.direction) askMap();
  });
  lab.events.on("tuned", (step) => { if (chosen.on && chosen.quantity === "loss") take(step && { gradient: step.gradient, exact: true }); });
  lab.events.on("resize", draw);
  return { close() { clearTimeout(later); stream.stop(); maps.stop(); lab.root.removeEventListener("keydown", onKey); } };
}

/** Two digits, small numbers by their power of ten. */
function short(value) {
  const size = Math.abs(value);
  const power = Math.floor(Math.log10(size));
  const text = power >= -2 && power < 4 ? String(Number(size.toPrecision(2))) : `${(size / 10 ** power).toFixed(0)}e${String(power).replace("-", "−")}`;
  return value < 0 ? `−${text}` : text;
}
