// Lesion volumes of the participant's own answer.
/** @import { MetricInfo } from "../../../live/frontend/types.js" */
/** @import { AnswerNumbers } from "./messages.js" */
import { element } from "../../../live/frontend/common/dom.js";
import { fixed } from "../../../live/frontend/common/number_format.js";

const SHOWN = ["core_ml", "hypoperfused_ml"];

export class LesionNumbers {
  /** @type {Map<string, {value: HTMLElement, digits: number}>} */
  #values = new Map();

  constructor() {
    this.element = element("dl", { className: "numbers" });
    this.element.dataset.testid = "numbers";
  }

  /** @param {readonly Pick<MetricInfo, "id" | "label" | "unit" | "digits">[]} metrics */
  configure(metrics) {
    for (const { id, label, unit, digits } of metrics.filter((metric) => SHOWN.includes(metric.id))) {
      const value = element("b", { textContent: "–" });
      value.dataset.number = id;
      this.#values.set(id, { value, digits });
      this.element.append(element("div", {}, element("dt", { textContent: label }), element("dd", {}, value, ` ${unit}`)));
    }
  }

  /** @param {AnswerNumbers} numbers */
  show(numbers) {
    for (const [id, { value, digits }] of this.#values) value.textContent = fixed(numbers[id], digits);
  }
}
