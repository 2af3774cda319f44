// Options of fine-tuning: the form's values, which outlive a page change, and the options that the case and page allow.
/** @import { Lab } from "../lab.js" */
/** @import { Case } from "../types.js" */
import { find, findAll } from "../common/dom.js";
import { VEIN } from "../curve/aif_sources.js";
import { PaintedLesion } from "../map/painted_lesion.js";

/** Values of the form, by data-tune. */
const chosen = {
  start: "auto", target: "truth", form: "softplus", loss: "dice", optimizer: "adam", rate: 0.1, curvature: 1, learn_threshold: false,
  held_out: false, with_tmax: true,
};

/** The case that the target was last chosen for, by name, and whether its truth was known. */
let targetOf = "";

/** @typedef {HTMLInputElement | HTMLSelectElement} Field */

const isCheckbox = (/** @type {Field} */ field) => field.type === "checkbox";

export class TuneOptions {
  values = chosen;

  /**
   * @param {Lab} lab
   * @param {HTMLElement} pane
   * @param {(name: string) => void} onChange called for a new valid value
   */
  constructor(lab, pane, onChange) {
    this.lab = lab;
    this.pane = pane;
    this.onChange = onChange;
    pane.addEventListener("change", ({ target }) => {
      const field = /** @type {Field} */ (target);
      if (field.dataset.tune) this.#take(field, field.dataset.tune);
    });
  }

  /** The network whose weights can be tuned: that of the start curve, else the first; empty without one. */
  get network() {
    const { config } = this.lab;
    const learned = config.sources.filter(({ group }) => group === "Learned").map(({ id }) => id);
    return learned.includes(config.start) ? config.start : learned[0] ?? "";
  }

  /** Options of a run as the server reads them. */
  request() {
    const { network } = this;
    const { start: _, ...options } = chosen;
    return { ...options, with_tmax: this.withTmax, ...(network && { network }) };
  }

  /** Whether the weights of a network are tuned. */
  get isNetwork() { return chosen.form.startsWith("network"); }

  /** Whether the hypoperfused tissue is part of the loss: where it is known. */
  get withTmax() { return chosen.with_tmax && Boolean(this.lab.case?.hasHypoperfused); }

  /**
   * The curve that a run starts from: unless the user has chosen, the vein in place of an automatic AIF that is as good as
   * selectors get, for which the loss hardly moves.
   */
  get start() {
    const { aif, case: open, config } = this.lab;
    if (!open?.arrays.vof || config.start === VEIN) return "lab";
    if (chosen.start !== "auto") return chosen.start;
    return config.start === config.sources[0].id && !aif.changed() ? VEIN : "lab";
  }

  /** The user has edited the curve in view, or chosen a source of it: a run starts from it. */
  startFromLab() { chosen.start = "lab"; }

  /** Allow the targets that a case has; the truth, where it is known, is the target of a case without a painted one. @param {Case} opened */
  setCase({ name, hasLesion, hasHypoperfused }) {
    find(this.pane, "[data-tune=target] [value=truth]", HTMLOptionElement).disabled = !hasLesion;
    find(this.pane, "[data-tune=with_tmax]", HTMLInputElement).disabled = !hasHypoperfused;
    const isAnother = targetOf !== `${name} ${hasLesion}`;
    targetOf = `${name} ${hasLesion}`;
    if (!hasLesion) chosen.target = "painted";
    else if (isAnother && !PaintedLesion.isPainted(name)) chosen.target = "truth";
  }

  show() {
    const values = /** @type {Record<string, any>} */ (chosen);
    const focused = this.lab.shadow.activeElement;
    for (const field of /** @type {Field[]} */ (findAll(this.pane, "[data-tune]"))) {
      const value = values[field.dataset.tune ?? ""];
      if (isCheckbox(field)) /** @type {HTMLInputElement} */ (field).checked = value && !field.disabled;
      else if (field !== focused) field.value = value;
    }
    const start = find(this.pane, "[data-tune=start]", HTMLSelectElement);
    start.value = this.start;
    find(start, "[value=vein]", HTMLOptionElement).disabled = !this.lab.case?.arrays.vof;
    for (const option of findAll(this.pane, "[value^=network]", HTMLOptionElement)) option.hidden = option.disabled = !this.network;
    find(this.pane, "[data-action=paint]").hidden = chosen.target !== "painted";
  }

  /** @param {Field} field @param {string} name */
  #take(field, name) {
    const values = /** @type {Record<string, any>} */ (chosen);
    const input = /** @type {HTMLInputElement} */ (field);
    if (field.type === "number") {
      const { min, max, valueAsNumber: value } = input;
      if (!(value >= Number(min) && value <= Number(max))) {
        this.lab.notice(`${field.ariaLabel} lies between ${min} and ${max}; the last value stays.`);
        field.value = values[name];
        return;
      }
      values[name] = value;
    } else values[name] = isCheckbox(field) ? input.checked : field.value;
    this.onChange(name);
  }
}
