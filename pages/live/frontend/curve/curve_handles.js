// Handles of the whole curve: sliders with number fields. They act on the curve as it was before them.
import { editCurve } from "./curve_edits.js";

const rows = (infos) => infos.map(({ id, label, unit, help }) =>
  `<label class="handle" title="${help}"><span>${label}</span><input type="range" data-handle="${id}" aria-label="${label}">
   <input type="number" data-field="${id}" aria-label="${label}, ${unit === "×" ? "factor" : unit}" step="any"><small>${unit}</small></label>`).join("")
  + '<button data-whole="neutral" title="Reset all handles to where they change nothing" disabled>Reset handles</button>';

export function wholeCurve(lab) {
  const panel = lab.find("[data-panel=whole]");
  let infos = []; // of the config message: id, label, unit, help, neutral, limits, span
  const slider = {};
  const field = {};
  let base = null;
  let handles = {};
  const resting = () => Object.fromEntries(infos.map(({ id, neutral }) => [id, neutral]));

  const whole = (name) => (name === "cut_s" && handles.cut_s === null ? Number(slider.cut_s.max) : handles[name]);
  const neutral = () => infos.every((info) => handles[info.id] === info.neutral);

  function show(except = null) {
    for (const { id: name, unit } of infos) {
      slider[name].value = whole(name);
      slider[name].setAttribute("aria-valuetext", `${Number(whole(name).toFixed(3))} ${unit}`);
      if (field[name] !== except) field[name].value = Number(whole(name).toFixed(3));
    }
    panel.querySelector("[data-whole=neutral]").disabled = neutral();
  }

  function turn(name, value, { settled, from }) {
    lab.editor.finish();
    if (!base || !Number.isFinite(value)) { show(); return; }
    const [low, high] = infos.find(({ id }) => id === name).limits;
    const most = high ?? Number(slider[name].max);
    const kept = Math.min(Math.max(value, low), most);
    handles = { ...handles, [name]: name === "cut_s" && kept >= most ? null : kept };
    const curve = Float32Array.from(editCurve(base, lab.case.dt, handles));
    show(settled ? null : from);
    if (!settled) { lab.preview(curve, name); return; }
    lab.commit(curve, { whole: { base, handles: { ...handles } }, effect: name, merge: `whole ${name}` });
  }

  function build() {
    panel.innerHTML = rows(infos);
    for (const { id: name } of infos) {
      slider[name] = panel.querySelector(`[data-handle=${name}]`);
      field[name] = panel.querySelector(`[data-field=${name}]`);
      for (const node of [slider[name], field[name]]) {
        const value = () => (node.value === "" ? NaN : Number(node.value));
        node.addEventListener("input", () => { if (node.value !== "") turn(name, value(), { settled: false, from: node }); });
        node.addEventListener("change", () => turn(name, value(), { settled: true, from: node }));
      }
    }
    panel.querySelector("[data-whole=neutral]").addEventListener("click", () => {
      if (base && !neutral()) lab.commit(base, { effect: "point" });
    });
    handles = resting();
  }

  lab.bus.on("config", (config) => {
    infos = config.handles;
    if (!panel.firstChild) build();
  });
  lab.bus.on("case", () => {
    for (const { id, span: [min, max, step] } of infos) Object.assign(slider[id], { min, max, step });
  });
  // Any other edit makes the curve that it leaves the one that the handles act on.
  lab.bus.on("state", ({ curve, whole: stands }) => {
    base = stands?.base ?? curve;
    handles = { ...resting(), ...stands?.handles };
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
