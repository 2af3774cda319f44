// Commands to the page with acknowledgement: Streamlit drops the trigger of a run that a newer run interrupts.
// Each has a number and is sent again until the page acknowledges it; the page carries out each number once.
/** @import { QueuedCommand, SnapshotCommand } from "../types.js" */

const RETRY_MS = 2500;
const RETRY_AFTER_RUN_MS = 150;
/** @type {Map<string, CommandQueue>} */
const queues = new Map(); // by session token: kept across a page change

/** @typedef {(commands: QueuedCommand[]) => void} SendCommands */

export class CommandQueue {
  /** @type {QueuedCommand[]} */
  #waiting = [];
  #lastId = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** The queue of a session. @param {string} token */
  static of(token) {
    const queue = queues.get(token) ?? new CommandQueue();
    queues.set(token, queue);
    return queue;
  }

  /**
   * Re-queue snapshots that an earlier session of this document never acknowledged: its server has ended.
   * @param {string} token the session now
   */
  static takeOrphans(token) {
    const left = [...queues].filter(([other]) => other !== token).flatMap(([, queue]) => queue.#waiting.splice(0));
    return left.filter(({ act }) => act === "keep");
  }

  /**
   * @param {SnapshotCommand} command
   * @param {SendCommands} send passes commands to Streamlit
   */
  push(command, send) {
    this.#lastId = Math.max(this.#lastId + 1, Date.now());
    this.#waiting.push({ ...command, id: this.#lastId });
    this.#flush(send);
  }

  /**
   * The page has carried out every command up to `id`; the rest may have been forgotten and is sent again.
   * @param {number} id
   * @param {SendCommands} send
   */
  acknowledge(id, send) {
    this.#waiting = this.#waiting.filter((command) => command.id > id);
    clearTimeout(this.#timer);
    if (this.#waiting.length) this.#timer = setTimeout(() => this.#flush(send), RETRY_AFTER_RUN_MS);
  }

  /** @param {SendCommands} send */
  #flush(send) {
    clearTimeout(this.#timer);
    if (!this.#waiting.length) return; // another session's queue may have taken them
    send(this.#waiting);
    this.#timer = setTimeout(() => this.#flush(send), RETRY_MS);
  }
}
