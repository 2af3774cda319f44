// Handles of the whole curve: sliders with number fields. They act on the curve as it was before them.
/** @import { CurveState, FitFrame, HandleInfo, WholeEdit } from "../types.js" */
/** @import { Lab } from "../lab.js" */
import { editCurve } from "./curve_edits.js";
import { find } from "../common/dom.js";

/** @typedef {{info: HandleInfo, slider: HTMLInputElement, field: HTMLInputElement}} Control */

const rows = (/** @type {HandleInfo[]} */ infos) => infos.map(({ id, label, unit, help }) =>
  `<label class="handle" title="${help}"><span>${label}</span><input type="range" data-handle="${id}" aria-label="${label}">
   <input type="number" data-field="${id}" aria-label="${label}, ${unit === "×" ? "factor" : unit}" step="any"><small>${unit}</small></label>`).join("")
  + '<button data-whole="neutral" title="Reset all handles to where they change nothing" disabled>Reset handles</button>';

class CurveHandles {
  /** The curve that the handles act on. @type {Float32Array | null} */
  #base = null;
  /** @type {WholeEdit} */
  #neutral;
  /** @type {WholeEdit} */
  #values;

  /**
   * @param {Lab} lab
   * @param {HandleInfo[]} infos
   */
  constructor(lab, infos) {
    this.lab = lab;
    this.panel = find(lab.root, "[data-panel=whole]");
    this.panel.innerHTML = rows(infos);
    this.#neutral = /** @type {WholeEdit} */ (/** @type {unknown} */ (Object.fromEntries(infos.map(({ id, neutral }) => [id, neutral]))));
    this.#values = { ...this.#neutral };
    this.reset = find(this.panel, "[data-whole=neutral]", HTMLButtonElement);
    this.controls = infos.map((info) => this.#control(info));
    this.reset.addEventListener("click", () => {
      if (this.#base && !this.#isNeutral()) lab.aif.commit(this.#base, { effect: "point" });
    });
  }

  /** @param {HandleInfo} info @returns {Control} */
  #control(info) {
    const slider = find(this.panel, `[data-handle=${info.id}]`, HTMLInputElement);
    const field = find(this.panel, `[data-field=${info.id}]`, HTMLInputElement);
    const control = { info, slider, field };
    for (const node of [slider, field]) {
      node.addEventListener("input", () => { if (node.value !== "") this.#turn(control, Number(node.value), node); });
      node.addEventListener("change", () => this.#turn(control, node.value === "" ? NaN : Number(node.value), null));
    }
    return control;
  }

  /** Set the sliders' ranges, which depend on the case. @param {HandleInfo[]} infos */
  setRanges(infos) {
    infos.forEach((info, i) => {
      const [min, max, step] = info.span.map(String);
      this.controls[i].info = info;
      Object.assign(this.controls[i].slider, { min, max, step });
    });
  }

  /** Any edit but of the handles makes its curve the one that the handles act on. @param {CurveState} state */
  setState({ curve, whole }) {
    this.#base = whole?.base ?? curve;
    this.#values = { ...this.#neutral, ...whole?.handles };
    this.#show();
  }

  toggle() {
    this.panel.hidden = !this.panel.hidden;
    find(this.lab.root, "[data-action=whole]").setAttribute("aria-expanded", String(!this.panel.hidden));
    this.lab.editor.rescale();
  }

  /** @param {FitFrame} frame */
  setFit({ fit, arrays }) {
    this.lab.aif.commit(arrays.curve, { effect: "fit" });
    this.lab.notice(`Gamma variate: arrival ${fit.onset_s.toFixed(1)} s, α ${fit.alpha.toFixed(2)}, β ${fit.beta_s.toFixed(2)} s; `
      + `residual ${(100 * fit.rms).toFixed(1)} % of the peak.`);
  }

  #isNeutral() { return this.controls.every(({ info: { id, neutral } }) => this.#values[id] === neutral); }

  /** @param {HTMLInputElement | null} except the field in which one types */
  #show(except = null) {
    for (const { info: { id, unit }, slider, field } of this.controls) {
      const value = this.#values[id] ?? Number(slider.max);
      const rounded = String(Number(value.toFixed(3)));
      slider.value = String(value);
      slider.setAttribute("aria-valuetext", `${rounded} ${unit}`);
      if (field !== except) field.value = rounded;
    }
    this.reset.disabled = this.#isNeutral();
  }

  /**
   * Set one handle: a preview while a node is turned, a commit at its end.
   * @param {Control} control
   * @param {number} value
   * @param {HTMLInputElement | null} turning
   */
  #turn({ info: { id: name, limits: [low, high] }, slider }, value, turning) {
    const { lab } = this;
    lab.editor.finish();
    if (!this.#base || !Number.isFinite(value)) { this.#show(); return; }
    const max = high ?? Number(slider.max);
    const clamped = Math.min(Math.max(value, low), max);
    this.#values = { ...this.#values, [name]: name === "cut_s" && clamped >= max ? null : clamped };
    const curve = Float32Array.from(editCurve(this.#base, lab.values.open.dt, this.#values));
    this.#show(turning);
    if (turning) lab.aif.preview(curve, name);
    else lab.aif.commit(curve, { whole: { base: this.#base, handles: { ...this.#values } }, effect: name, merge: `whole ${name}` });
  }
}

/** @param {Lab} lab */
export function installCurveHandles(lab) {
  /** @type {CurveHandles | null} */
  let handles = null;
  lab.events.on("config", (config) => { handles ??= new CurveHandles(lab, config.handles); });
  lab.events.on("case", () => handles?.setRanges(lab.config.handles));
  lab.events.on("committed", (state) => handles?.setState(state));
  lab.events.on("frame:fit", (frame) => handles?.setFit(frame));
  lab.actions.fit = () => lab.request({ type: "fit", curve: Array.from(lab.editor.curve) });
  lab.actions.whole = () => handles?.toggle();
}
