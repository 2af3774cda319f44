// Tasks "predict" and "quiz": questions with options or a number. Nothing is chosen before it is touched.
/** @import { AnsweredMessage, ChoiceItem, NumberItem, OwnAnswer, TaskSession, TaskState } from "./messages.js" */
import { element } from "../../../live/frontend/common/dom.js";
import { button, Stepper } from "./controls.js";
import { digitsOf } from "./question_values.js";
import { TaskFrame } from "./task_frame.js";

/** @typedef {{element: HTMLFieldSetElement, value: number | null, disabled: boolean}} Question */

class ChoiceQuestion {
  /** @param {ChoiceItem} item @param {number} number @param {() => void} onChange */
  constructor({ text, options }, number, onChange) {
    this.inputs = options.map((_, i) => element("input", { type: "radio", name: `question-${number}`, value: String(i) }));
    this.element = element("fieldset", { className: "question" }, element("legend", { textContent: text }),
      ...options.map((option, i) => element("label", { className: "option" }, this.inputs[i], element("span", { textContent: option }))));
    this.element.addEventListener("change", onChange);
  }

  get value() {
    const at = this.inputs.findIndex((input) => input.checked);
    return at < 0 ? null : at;
  }

  set value(value) { this.inputs.forEach((input, i) => { input.checked = i === value; }); }

  /** @param {boolean} disabled */
  set disabled(disabled) { this.element.disabled = disabled; }
}

class NumberQuestion {
  #isTouched = false;

  /** @param {NumberItem} item @param {number} _number @param {() => void} onChange */
  constructor(item, _number, onChange) {
    this.item = item;
    this.stepper = new Stepper(item.text, item, () => this.#touch(onChange));
    // A tap on the knob, or Enter on it, takes the value that it stands at.
    this.stepper.slider.addEventListener("click", () => this.#touch(onChange));
    this.stepper.slider.addEventListener("keydown", ({ key }) => { if (key === "Enter") this.#touch(onChange); });
    this.element = element("fieldset", { className: "question number" }, element("legend", { textContent: item.text }), this.stepper.element,
      element("p", { className: "ends", ariaHidden: "true" }, element("span", { textContent: `${item.low} ${item.unit}` }), element("span", { textContent: `${item.high} ${item.unit}` })));
    this.#show();
  }

  get value() { return this.#isTouched ? this.stepper.value : null; }

  set value(value) {
    this.#isTouched = value !== null;
    if (value !== null) this.stepper.value = value;
    this.#show();
  }

  /** @param {() => void} onChange */
  #touch(onChange) {
    this.#isTouched = true;
    this.#show();
    onChange();
  }

  #show() {
    const { step, unit } = this.item;
    const text = this.#isTouched ? `${this.stepper.value.toFixed(digitsOf(step))} ${unit}`.trim() : "–";
    this.stepper.output.textContent = text;
    this.stepper.slider.setAttribute("aria-valuetext", this.#isTouched ? text : "not answered");
    this.element.classList.toggle("untouched", !this.#isTouched);
  }

  /** @param {boolean} disabled */
  set disabled(disabled) { this.element.disabled = disabled; }
}

export class QuestionsTask {
  #seq = -1;
  /** The values that the server has, or that are on the way to it. @type {string} */
  #sent = "";

  /** @param {TaskState} state @param {TaskSession} session */
  constructor(state, session) {
    this.state = state;
    this.session = session;
    this.frame = new TaskFrame(state);
    this.element = this.frame.element;
    const changed = () => this.#showButton();
    /** @type {Question[]} */
    this.questions = state.task.items.map((item, i) => ("options" in item ? new ChoiceQuestion(item, i, changed) : new NumberQuestion(item, i, changed)));
    this.sendButton = button("Send", () => this.#send(), { kind: "primary" });
    this.element.append(this.frame.panel);
    this.frame.panel.append(...this.questions.map((question) => question.element), element("div", { className: "send" }, this.sendButton));
    if (state.answer) this.#take(state.answer);
  }

  get #values() { return this.questions.map(({ value }) => value); }

  #send() {
    const values = this.#values.filter((value) => value !== null);
    if (values.length < this.questions.length) return;
    this.frame.showError("");
    this.#sent = JSON.stringify(values);
    this.#seq = this.session.send({ values });
    this.#showButton();
  }

  #showButton() {
    const missing = this.#values.filter((value) => value === null).length, isOpen = this.state.task.phase === "open";
    const isSent = JSON.stringify(this.#values) === this.#sent;
    this.sendButton.disabled = !isOpen || missing > 0 || isSent;
    this.sendButton.textContent = missing ? `Send (${missing} to answer)` : isSent ? "Sent" : this.#sent ? "Send the change" : "Send";
    for (const question of this.questions) question.disabled = !isOpen;
  }

  /** @param {OwnAnswer} answer */
  #take({ seq, values = [] }) {
    this.#seq = seq;
    this.#sent = JSON.stringify(values);
    this.questions.forEach((question, i) => { question.value = values[i] ?? null; });
  }

  /** @param {AnsweredMessage} message */
  answered(message) { if (message.seq >= this.#seq) this.#showButton(); }

  /** @param {TaskState} state */
  update(state) {
    this.state = state;
    if (state.answer && state.answer.seq > this.#seq) this.#take(state.answer);
    this.frame.update(state);
    this.#showButton();
  }

  /** @param {string} message */
  showError(message) {
    this.frame.showError(message);
    this.#sent = "";
    this.#showButton();
  }

  close() {}
}

