// Buttons, segmented choices and the slice control of the participants' page; every target is at least 44 points high.
import { element } from "../../../live/frontend/common/dom.js";

/**
 * @param {string} label
 * @param {() => void} onClick
 * @param {{kind?: string, name?: string}} options `name`: the accessible name where the label is a sign
 */
export function button(label, onClick, { kind = "", name = "" } = {}) {
  const node = element("button", { type: "button", className: kind, textContent: label });
  if (name) node.ariaLabel = name;
  node.addEventListener("click", onClick);
  return node;
}

let nGroups = 0;

/** Radio buttons side by side. */
export class Segments {
  /**
   * @param {string} legend
   * @param {readonly {id: string, label: string}[]} options the first one is chosen
   * @param {(id: string) => void} onChange
   */
  constructor(legend, options, onChange) {
    const name = `segments-${++nGroups}`;
    this.element = element("div", { className: "segments", role: "radiogroup", ariaLabel: legend });
    this.element.append(...options.map(({ id, label }, i) => element("label", {},
      element("input", { type: "radio", name, value: id, checked: i === 0 }), element("span", { textContent: label }))));
    this.element.addEventListener("change", () => onChange(this.value));
  }

  get inputs() { return [...this.element.querySelectorAll("input")]; }

  get value() { return this.inputs.find((input) => input.checked)?.value ?? ""; }

  set value(id) { for (const input of this.inputs) input.checked = input.value === id; }

  /** @param {boolean} disabled */
  set disabled(disabled) { for (const input of this.inputs) input.disabled = disabled; }
}

/** A slider between a minus and a plus button. */
export class Stepper {
  /**
   * @param {string} label
   * @param {{low: number, high: number, step: number}} range
   * @param {(value: number) => void} onChange
   */
  constructor(label, { low, high, step }, onChange) {
    this.slider = element("input", { type: "range", min: String(low), max: String(high), step: String(step), value: String((low + high) / 2), ariaLabel: label });
    this.output = element("output");
    const by = (/** @type {number} */ n) => () => {
      this.slider.value = String(this.value + n * step);
      onChange(this.value);
    };
    this.buttons = [
      button("−", by(-1), { kind: "square", name: `${label}: less` }), button("+", by(1), { kind: "square", name: `${label}: more` }),
    ];
    this.element = element("div", { className: "stepper" }, this.buttons[0], this.slider, this.buttons[1], this.output);
    this.slider.addEventListener("input", () => onChange(this.value));
  }

  get value() { return this.slider.valueAsNumber; }

  set value(value) { this.slider.value = String(value); }

  /** @param {boolean} disabled */
  set disabled(disabled) { for (const node of [this.slider, ...this.buttons]) node.disabled = disabled; }
}
