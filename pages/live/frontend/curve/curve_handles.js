// Handles of the whole curve: sliders with number fields. They act on the curve as it was before them.
import { NEUTRAL, editCurve } from "./curve_edits.js";
import { step } from "../common/svg_chart.js";

/** Name, label, unit, [low, high, step] of the slider for a case, help. */
const HANDLES = [
  ["amplitude", "Amplitude", "×", () => [0.2, 3, 0.02], "Every value times this factor"],
  ["shift_s", "Shift", "s", ({ dt }) => [-15, 15, Math.min(dt / 4, 0.25)], "Later (or earlier) by this many seconds"],
  ["width", "Width", "×", () => [0.4, 2.5, 0.02], "Stretched in time about its peak"],
  ["dispersion_s", "Dispersion", "s", () => [0, 10, 0.1], "Convolved with an exponential of this time constant"],
  ["tail", "Tail", "×", () => [0, 3, 0.02], "What follows the first pass, times this factor"],
  ["cut_s", "Cut at", "s", ({ dt, arrays }) => [0, dt * (arrays.start.length - 1), dt], "Nothing after this time"],
  ["baseline", "Baseline", "HU", ({ arrays }) => {
    const by = step(0.3 * Math.max(...arrays.start), 60);
    return [-60 * by, 60 * by, by];
  }, "Added to every value"],
  ["smooth_s", "Smooth", "s", () => [0, 6, 0.1], "Gaussian in time, standard deviation"],
];

export function wholeCurve(lab) {
  const panel = lab.find("[data-panel=whole]");
  panel.innerHTML = HANDLES.map(([name, label, unit, , help]) =>
    `<label class="handle" title="${help}"><span>${label}</span><input type="range" data-handle="${name}" aria-label="${label}">
     <input type="number" data-field="${name}" aria-label="${label}, ${unit === "×" ? "factor" : unit}" step="any"><small>${unit}</small></label>`).join("")
    + '<button data-whole="neutral" title="All handles back to where they change nothing" disabled>Handles back</button>';
  const slider = Object.fromEntries(HANDLES.map(([name]) => [name, panel.querySelector(`[data-handle=${name}]`)]));
  const field = Object.fromEntries(HANDLES.map(([name]) => [name, panel.querySelector(`[data-field=${name}]`)]));
  let base = null;
  let handles = { ...NEUTRAL };

  const whole = (name) => (name === "cut_s" && handles.cut_s === null ? Number(slider.cut_s.max) : handles[name]);
  const neutral = () => HANDLES.every(([name]) => handles[name] === NEUTRAL[name]);

  function show(except = null) {
    for (const [name, , unit] of HANDLES) {
      slider[name].value = whole(name);
      slider[name].setAttribute("aria-valuetext", `${Number(whole(name).toFixed(3))} ${unit}`);
      if (field[name] !== except) field[name].value = Number(whole(name).toFixed(3));
    }
    panel.querySelector("[data-whole=neutral]").disabled = neutral();
  }

  function turn(name, value, { settled, from }) {
    lab.editor.finish();
    if (!base || !Number.isFinite(value)) { show(); return; }
    const low = { amplitude: 0.01, width: 0.2, dispersion_s: 0, tail: 0, cut_s: 0, smooth_s: 0, shift_s: -60, baseline: -500 }[name];
    const high = { amplitude: 20, width: 5, dispersion_s: 20, tail: 5, smooth_s: 20, shift_s: 60, baseline: 500 }[name] ?? Infinity;
    const most = name === "cut_s" ? Number(slider.cut_s.max) : high;
    const kept = Math.min(Math.max(value, low), most);
    handles = { ...handles, [name]: name === "cut_s" && kept >= most ? null : kept };
    const curve = Float32Array.from(editCurve(base, lab.case.dt, handles));
    show(settled ? null : from);
    if (!settled) { lab.preview(curve, name); return; }
    lab.commit(curve, { whole: { base, handles: { ...handles } }, effect: name, merge: `whole ${name}` });
  }

  for (const [name] of HANDLES) {
    for (const node of [slider[name], field[name]]) {
      const value = () => (node.value === "" ? NaN : Number(node.value));
      node.addEventListener("input", () => { if (node.value !== "") turn(name, value(), { settled: false, from: node }); });
      node.addEventListener("change", () => turn(name, value(), { settled: true, from: node }));
    }
  }
  panel.querySelector("[data-whole=neutral]").addEventListener("click", () => {
    if (base && !neutral()) lab.commit(base, { effect: "point" });
  });

  lab.bus.on("case", (now) => {
    for (const [name, , , range] of HANDLES) {
      const [min, max, by] = range(now);
      Object.assign(slider[name], { min, max, step: by });
    }
  });
  // Any other edit makes the curve that it leaves the one that the handles act on.
  lab.bus.on("state", ({ curve, whole: stands }) => {
    base = stands?.base ?? curve;
    handles = { ...NEUTRAL, ...stands?.handles };
    show();
  });
  lab.bus.on("frame:fit", ({ fit, arrays }) => {
    lab.commit(arrays.curve, { effect: "fit" });
    lab.notice(`Gamma variate: arrival ${fit.onset_s.toFixed(1)} s, α ${fit.alpha.toFixed(2)}, β ${fit.beta_s.toFixed(2)} s; `
      + `it leaves ${(100 * fit.rms).toFixed(1)} % of the peak over.`);
  });
  lab.actions.fit = () => lab.ask({ type: "fit", curve: Array.from(lab.editor.curve) });
  lab.actions.whole = () => {
    panel.hidden = !panel.hidden;
    lab.find("[data-action=whole]").setAttribute("aria-expanded", !panel.hidden);
    lab.editor.rescale();
  };
}
