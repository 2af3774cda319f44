// The last answer on its way: it is sent again after a lost connection until the server has confirmed it.
/** @import { AnswerValue, TaskMessage } from "./messages.js" */

/** @typedef {"" | "waiting" | "sending" | "sent" | "refused"} SendStatus */

export class AnswerOutbox {
  /** @type {{type: "answer", round: number, seq: number, value: AnswerValue} | null} */
  #last = null;
  #seq = 0;
  #transmit;
  #now;
  /** @type {SendStatus} */
  status = "";

  /**
   * @param {(message: {type: string}) => boolean} transmit false without a connection
   * @param {() => number} now milliseconds; numbers of answers grow over reloads and in every tab
   */
  constructor(transmit, now = Date.now) {
    this.#transmit = transmit;
    this.#now = now;
  }

  /** Send an answer; an earlier one that is not confirmed is given up. @param {number} round @param {AnswerValue} value */
  put(round, value) {
    this.#seq = Math.max(this.#now(), this.#seq + 1);
    this.#last = { type: "answer", round, seq: this.#seq, value };
    this.#send();
    return this.#seq;
  }

  /** The server has an answer of this participant; the next ones have a higher number. @param {number} seq */
  known(seq) { this.#seq = Math.max(this.#seq, seq); }

  /** @param {{seq: number}} message */
  answered({ seq }) {
    if (this.#last && seq >= this.#last.seq) this.status = "sent";
  }

  /** The server refuses an answer; returns whether it is the last one. @param {number} seq */
  failed(seq) {
    if (!this.#last || seq !== this.#last.seq) return false;
    this.status = "refused";
    return true;
  }

  /**
   * The state of the room has come, e.g. after a lost connection: send what is not confirmed, or forget the answer to an
   * earlier task.
   * @param {Pick<TaskMessage, "round" | "phase"> | null} task
   */
  resume(task) {
    if (!this.#last) return;
    if (task?.round !== this.#last.round) {
      this.#last = null;
      this.status = "";
    } else if (this.status !== "sent" && task.phase === "open") this.#send();
  }

  #send() { this.status = this.#transmit(/** @type {{type: string}} */ (this.#last)) ? "sending" : "waiting"; }
}
