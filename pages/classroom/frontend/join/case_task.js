// What the tasks on a case have in common: loading, maps of the own curve, numbers, and the answer of an earlier visit.
/** @import { Curve } from "../../../live/frontend/types.js" */
/** @import { AnswerNumbers, AnswerValue, AnsweredMessage, OwnAnswer, TaskSession, TaskState } from "./messages.js" */
/** @import { Gesture } from "./case_view.js" */
import { TaskCase } from "../common/task_case.js";
import { CaseView } from "./case_view.js";
import { LesionNumbers } from "./lesion_numbers.js";
import { OwnMaps } from "./own_maps.js";
import { TaskFrame } from "./task_frame.js";

const NO_ENGINE = "This browser cannot compute maps; the numbers come from the server.";

/**
 * @typedef {object} CaseTaskOptions
 * @property {readonly {id: string, label: string}[]} maps the first one is shown
 * @property {string} help what keys do on the map
 * @property {Gesture | null} gesture
 * @property {boolean} [canChangeSlice]
 */

export class CaseTask {
  /** @type {TaskCase | null} */
  taskCase = null;
  /** @type {OwnMaps | null} */
  maps = null;
  numbers = new LesionNumbers();
  /** Number of the last answer that this page sent or took from the server. */
  #seq = -1;
  #isConfirmed = false;
  #isClosed = false;

  /** @param {TaskState} state @param {TaskSession} session @param {CaseTaskOptions} options */
  constructor(state, session, { maps, help, gesture, canChangeSlice = true }) {
    this.state = state;
    this.session = session;
    this.frame = new TaskFrame(state);
    this.view = new CaseView({ maps, help, gesture, onView: () => { this.maps?.retry(); this.onView(); } });
    this.element = this.frame.element;
    this.element.append(this.view.toggle.element, this.view.stage, this.frame.panel);
    this.load(canChangeSlice);
  }

  /** @param {boolean} canChangeSlice */
  async load(canChangeSlice) {
    const info = /** @type {{key: string, title: string, slice: number}} */ (this.state.task.case);
    try {
      const taskCase = await TaskCase.open(info, this.session.credentials, {
        onMaps: () => { this.onMaps(); this.view.draw(); this.maps?.retry(); },
        onNumbers: (numbers) => {
          this.element.dataset.engineCore = String(numbers.core_ml);
          if (!this.#isConfirmed) this.showNumbers(numbers);
        },
        onStatus: (status) => { if (this.taskCase) { this.frame.element.dataset.engine = status; this.#showEngine(); this.maps?.retry(); } },
      });
      if (this.#isClosed) { taskCase.close(); return; }
      this.taskCase = taskCase;
    } catch (error) {
      if (!this.#isClosed) this.view.loading.textContent = /** @type {Error} */ (error).message;
      return;
    }
    this.maps = new OwnMaps(this.taskCase);
    this.numbers.configure(this.taskCase.config.metrics);
    this.view.open(this.taskCase, this.taskCase.config, { canChangeSlice });
    this.onOpen();
    if (this.state.answer) this.#take(this.state.answer);
    this.update(this.state);
  }

  get isOpen() { return this.state.task.phase === "open"; }

  #showEngine() {
    if (this.taskCase?.engineStatus === "server" && this.taskCase.opened.loaded.size) this.frame.showError(NO_ENGINE);
  }

  /** Send an answer. @param {AnswerValue} value */
  send(value) {
    if (!this.isOpen) return;
    this.frame.showError("");
    this.#isConfirmed = false;
    this.#seq = this.session.send(value);
  }

  /** Show the maps of the own curve. @param {Curve} curve @param {{rest: boolean}} options */
  compute(curve, options) {
    this.#isConfirmed = false;
    this.maps?.show(curve, options);
  }

  /** @param {AnswerNumbers | import("../../../live/frontend/types.js").Numbers} numbers */
  showNumbers(numbers) { this.numbers.show(/** @type {AnswerNumbers} */ (numbers)); }

  /** The server's answer: its numbers are those that the class compares. @param {AnsweredMessage} message */
  answered(message) {
    if (message.seq < this.#seq || this.isEditing) return;
    this.state = { ...this.state, answer: message };
    this.#isConfirmed = true;
    this.showNumbers(message.numbers);
  }

  /** @param {TaskState} state */
  update(state) {
    this.state = state;
    this.frame.update(state);
    this.setEnabled(this.isOpen);
    if (this.taskCase && state.answer && state.answer.seq > this.#seq && !this.isEditing) this.#take(state.answer);
  }

  /** An answer of an earlier visit, or of another tab. @param {OwnAnswer} answer */
  #take(answer) {
    this.#seq = answer.seq;
    this.restore(answer);
    this.#isConfirmed = true;
    this.showNumbers(answer.numbers);
  }

  /** @param {string} message */
  showError(message) { this.frame.showError(message); }

  close() {
    this.#isClosed = true;
    this.view.close();
    this.taskCase?.close();
  }

  // What each task does

  /** Whether an edit is under way. */
  get isEditing() { return false; }

  /** The case is here; its slices follow. */
  onOpen() {}

  /** Maps or slices have come. */
  onMaps() {}

  /** Another map or slice. */
  onView() {}

  /** @param {OwnAnswer} _answer */
  restore(_answer) {}

  /** @param {boolean} _enabled */
  setEnabled(_enabled) {}
}
