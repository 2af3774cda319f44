// The person in view: place among all, name where it is shown, numbers.
/** @import { Answer } from "./messages.js" */
/** @import { PersonPicker } from "./person_picker.js" */
import { element } from "../../../live/frontend/common/dom.js";

export class PersonBar {
  /** @param {HTMLElement} host @param {PersonPicker} picker */
  constructor(host, picker) {
    this.picker = picker;
    const [back, on] = /** @type {const} */ ([-1, 1]).map((by) => {
      const button = element("button", { textContent: by < 0 ? "‹" : "›", onclick: () => picker.step(by) });
      button.setAttribute("aria-label", by < 0 ? "Answer before" : "Next answer");
      return button;
    });
    this.text = element("output", { className: "person" });
    this.text.dataset.testid = "person";
    this.close = element("button", { textContent: "×", onclick: () => picker.pick(null) });
    this.close.setAttribute("aria-label", "Show all answers");
    host.append(element("div", { className: "person-bar" }, back, on, this.text, this.close));
  }

  /** @param {Answer | undefined} answer of the person in view @param {string} name @param {string} numbers @param {string} hint while no person is in view */
  draw(answer, name, numbers, hint) {
    this.close.hidden = this.picker.picked === null;
    this.text.classList.toggle("hint", !answer);
    const place = answer ? this.picker.order.indexOf(answer.id) + 1 : 0;
    const shown = answer ? [element("b", { textContent: name || `Answer ${place} of ${this.picker.order.length}` }), element("span", { textContent: numbers })] : [hint];
    this.text.replaceChildren(...shown);
  }
}
