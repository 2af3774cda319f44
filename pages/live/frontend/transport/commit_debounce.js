// Debounced commits of the curve to Streamlit, used where there is no socket. Each commit runs the page again, which
// would make the next drag stutter and call back a page that is being left: it is sent once editing rests.
/** @import { CommittedCurve } from "../types.js" */

const REST_MS = 700;

export class CommitDebounce {
  /** @type {CommittedCurve | null} */
  #waiting = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #send;
  #busy;

  /**
   * @param {(commit: CommittedCurve) => void} send
   * @param {() => boolean} busy whether a drag is in progress
   */
  constructor(send, busy) {
    this.#send = send;
    this.#busy = busy;
  }

  /** Send a commit once editing rests; a later one replaces it. @param {CommittedCurve} commit */
  schedule(commit) {
    this.#waiting = commit;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.#busy() ? this.schedule(commit) : this.flush()), REST_MS);
  }

  /** Send the waiting commit now. */
  flush() {
    const commit = this.#waiting;
    this.cancel();
    if (commit) this.#send(commit);
  }

  cancel() {
    clearTimeout(this.#timer);
    this.#waiting = null;
  }
}
