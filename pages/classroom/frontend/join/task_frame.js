// Frame of a task: title, instruction, phase, the class's result at the reveal, and errors.
/** @import { Phase, TaskState } from "./messages.js" */
import { element } from "../../../live/frontend/common/dom.js";
import { revealOf } from "./reveal.js";

/** @type {Record<Phase, string>} */
const PHASES = {
  open: "", paused: "Paused by the lecturer: answers are taken again later.", closed: "Closed: this task takes no more answers.",
};

const REVEALED = "The lecturer shows the answers of the class.";

export class TaskFrame {
  #shown = "";

  /** @param {TaskState} state */
  constructor({ task }) {
    this.title = element("h1", { textContent: task.title, tabIndex: -1 });
    this.phase = element("p", { className: "phase", role: "status" });
    this.reveal = element("div", { className: "reveal-place" });
    this.error = element("p", { className: "error", role: "alert", hidden: true });
    const again = task.repeats === null ? [] : [element("p", { className: "again", textContent: "Second round of this task: answer it again." })];
    this.head = element("header", { className: "head" }, this.title, element("p", { className: "instruction", textContent: task.text }),
      ...again, this.phase, this.error, this.reveal);
    this.panel = element("div", { className: "panel" });
    this.element = element("article", { className: "task" }, this.head);
    this.element.dataset.kind = task.kind;
    this.element.dataset.round = String(task.round);
  }

  /** @param {TaskState} state */
  update(state) {
    const { task, summary } = state;
    this.element.dataset.phase = task.phase;
    this.phase.textContent = [PHASES[task.phase], summary ? REVEALED : ""].join(" ").trim();
    const shown = JSON.stringify([summary, state.answer]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.reveal.replaceChildren(...(summary ? [revealOf(task, summary, state.answer)] : []));
    if (summary && !this.element.classList.contains("revealed")) scrollTo(0, 0); // the result is above the task
    this.element.classList.toggle("revealed", Boolean(summary));
  }

  /** A sentence of the server or of this page; empty hides it. @param {string} message */
  showError(message) {
    this.error.textContent = message;
    this.error.hidden = !message;
  }
}
