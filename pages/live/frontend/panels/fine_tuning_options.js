// Options of fine-tuning: the form's values, which outlive a page change, and the options that the case and page allow.
/** @import { Lab } from "../lab.js" */
/** @import { Case } from "../types.js" */
import { find, findAll } from "../common/dom.js";

/** Values of the form, by data-tune. */
const chosen = {
  target: "truth", form: "softplus", loss: "dice", optimizer: "adam", rate: 0.1, curvature: 1, learn_threshold: false,
  held_out: false, with_tmax: false,
};

/** @typedef {HTMLInputElement | HTMLSelectElement} Field */

const isCheckbox = (/** @type {Field} */ field) => field.type === "checkbox";

export class TuneOptions {
  values = chosen;

  /**
   * @param {Lab} lab
   * @param {HTMLElement} pane
   * @param {() => void} onChange called for a new valid value
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
    return { ...chosen, ...(network && { network }) };
  }

  /** Allow the targets that a case has. @param {Case} opened */
  setCase({ hasLesion, hasHypoperfused }) {
    find(this.pane, "[data-tune=target] [value=truth]", HTMLOptionElement).disabled = !hasLesion;
    find(this.pane, "[data-tune=with_tmax]", HTMLInputElement).disabled = !hasHypoperfused;
    if (!hasLesion) chosen.target = "painted";
  }

  show() {
    const values = /** @type {Record<string, any>} */ (chosen);
    const focused = this.lab.shadow.activeElement;
    for (const field of /** @type {Field[]} */ (findAll(this.pane, "[data-tune]"))) {
      const value = values[field.dataset.tune ?? ""];
      if (isCheckbox(field)) /** @type {HTMLInputElement} */ (field).checked = value && !field.disabled;
      else if (field !== focused) field.value = value;
    }
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
    this.onChange();
  }
}
