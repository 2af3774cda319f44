// Edits and requests by Streamlit's own messages, where no WebSocket can be opened. Each message is a run of the page,
// and an interrupted run never answers: one message at a time, the latest edit first, unanswered ones sent again.
/** @import { Edit, Request, RerunMessage } from "../types.js" */

const RETRY_MS = 3000;
const LATEST_ONLY = ["probe", "case"]; // request types of which only the last counts

export class RerunTransport {
  /** @type {Edit | null} */
  #nextEdit = null;
  /** @type {Request[]} */
  #requests = [];
  /** @type {{edit: Edit, request?: undefined} | {request: Request, edit?: undefined} | null} */
  #unanswered = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #send;

  /** @param {(message: RerunMessage) => void} send passes one message to Streamlit */
  constructor(send) { this.#send = send; }

  /** Check that Streamlit's messages arrive: request the case. */
  probe() { this.#send({}); }

  /** @param {Edit} edit */
  edit(edit) {
    this.#nextEdit = edit;
    this.#flush();
  }

  /** @param {Request} request */
  request(request) {
    if (LATEST_ONLY.includes(request.type)) this.#requests = this.#requests.filter(({ type }) => type !== request.type);
    this.#requests.push(request);
    this.#flush();
  }

  /** The page has run and has answered the message. */
  answered() {
    clearTimeout(this.#timer);
    this.#unanswered = null;
    this.#flush();
  }

  /** Stop, as the socket is back or the page is left; returns the unanswered requests. */
  close() {
    clearTimeout(this.#timer);
    const left = [...(this.#unanswered?.request ? [this.#unanswered.request] : []), ...this.#requests];
    this.#nextEdit = this.#unanswered = null;
    this.#requests = [];
    return left.filter(({ type }) => type !== "case");
  }

  #flush() {
    if (this.#unanswered) return;
    if (this.#nextEdit) {
      const edit = this.#nextEdit;
      this.#nextEdit = null;
      this.#unanswered = { edit };
      this.#send({ ...edit, curve: Array.from(edit.curve) });
    } else {
      const request = this.#requests.shift();
      if (!request) return;
      this.#unanswered = { request };
      this.#send(request.type === "case" ? {} : { request });
    }
    this.#timer = setTimeout(() => this.#retry(), RETRY_MS);
  }

  #retry() {
    const { edit, request } = this.#unanswered ?? {};
    this.#nextEdit ??= edit ?? null;
    if (request) this.#requests.unshift(request);
    this.#unanswered = null;
    this.#flush();
  }
}
