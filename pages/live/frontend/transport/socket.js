// WebSocket to the server. Edits are gated by acknowledgement: one is under way at a time, and of those that wait the
// latest is sent. Where no socket can be opened (a proxy that blocks them), rerun_transport.js takes over.
/** @import { ConnectionStatus, Edit, Frame, Request, RerunMessage } from "../types.js" */
import { RerunTransport } from "./rerun_transport.js";
import { packEdit, unpack } from "../common/wire.js";

const MAX_FAILURES = 4; // more of them in a row, and Streamlit's messages are tried
const TIMEOUT_MS = 15_000; // no frame although one is pending: connection lost without a close event
const STALE_MS = 1000;
const MIN_RETRY_MS = 250;
const MAX_RETRY_MS = 8000;
const OPEN = 1;
export const HAS_SERVER = true; // offline/socket.js answers in the page
let failures = 0; // sockets in a row that failed; kept over a page change

/**
 * @typedef {object} SocketHandlers
 * @property {() => Request} firstRequest first message of a new connection
 * @property {(frame: Frame) => void} onFrame
 * @property {(status: ConnectionStatus) => void} onStatus
 * @property {(stale: boolean) => void} [onStale] an edit has had no answer for a second, or has one again
 * @property {(message: RerunMessage) => void} sendByRerun
 */

export class LiveSocket {
  /** @type {ConnectionStatus} */
  status = "connecting";
  /** @type {WebSocket | null} */
  #socket = null;
  /** The edit whose answer is due. @type {Edit | null} */
  #sentEdit = null;
  #isStale = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #staleTimer;
  /** The latest edit that waits. @type {Edit | null} */
  #nextEdit = null;
  #closed = false;
  #token = "";
  #url = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #reconnectTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timeout;
  #handlers;
  #rerun;

  /** @param {SocketHandlers} handlers */
  constructor(handlers) {
    this.#handlers = handlers;
    this.#rerun = new RerunTransport(handlers.sendByRerun);
  }

  /**
   * Connect to a session; no effect while its socket is open or opening.
   * @param {{token: string, path: string}} session
   */
  configure({ token, path }) {
    if (this.#token === token && this.#socket && this.#socket.readyState <= OPEN) return;
    this.#token = token;
    const url = new URL(path, document.baseURI);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    this.#url = url.href;
    this.#connect();
  }

  /** Send an edit now, or when the one before has been answered. @param {Edit} edit */
  edit(edit) {
    this.#nextEdit = edit;
    if (!this.#sentEdit) this.#flush();
  }

  /** @param {Request} request */
  request(request) {
    if (this.status === "fallback") this.#rerun.request(request);
    else if (this.#socket?.readyState === OPEN) this.#socket.send(JSON.stringify(request));
  }

  /** Take frames that came with a run of the page. @param {Frame[]} frames */
  receiveByRerun(frames) {
    if (failures > MAX_FAILURES) this.#setStatus("fallback");
    for (const frame of frames) this.#receive(frame);
    this.#rerun.answered();
  }

  close() {
    this.#closed = true;
    this.#rerun.close();
    this.#disconnect();
  }

  /** @param {ConnectionStatus} status */
  #setStatus(status) {
    if (this.status === status) return;
    this.status = status;
    this.#handlers.onStatus(status);
  }

  /** Whether an edit has had no answer for a second, though the connection seems open. @param {boolean} stale */
  #setStale(stale) {
    clearTimeout(this.#staleTimer);
    if (this.#isStale === stale) return;
    this.#isStale = stale;
    this.#handlers.onStale?.(stale);
  }

  #connect() {
    if (this.#closed) return;
    this.#disconnect();
    const socket = new WebSocket(this.#url);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      socket.send(JSON.stringify({ token: this.#token }));
      socket.send(JSON.stringify(this.#handlers.firstRequest()));
    };
    socket.onmessage = (event) => {
      failures = 0;
      this.#setStatus("live");
      this.#setStale(false);
      for (const request of this.#rerun.close()) this.request(request);
      clearTimeout(this.#timeout);
      for (const frame of unpack(event.data)) this.#receive(frame);
      if (this.#sentEdit) this.#startTimeout();
    };
    socket.onclose = () => this.#lost();
    this.#socket = socket;
    this.#startTimeout();
  }

  /** A frame of the server is due. */
  #startTimeout() {
    clearTimeout(this.#timeout);
    this.#timeout = setTimeout(() => this.#lost(), TIMEOUT_MS);
  }

  #lost() {
    this.#disconnect();
    failures += 1;
    // The edit in flight may be lost: resend it, unless a newer one is queued.
    this.#nextEdit ??= this.#sentEdit;
    this.#sentEdit = null;
    if (this.status !== "fallback") {
      this.#setStatus("reconnecting");
      if (failures > MAX_FAILURES) this.#rerun.probe();
    }
    this.#reconnectTimer = setTimeout(() => this.#connect(), Math.min(MIN_RETRY_MS * 2 ** failures, MAX_RETRY_MS));
  }

  /** Close the socket and stop the timers that wait for it. */
  #disconnect() {
    this.#setStale(false);
    clearTimeout(this.#reconnectTimer);
    clearTimeout(this.#timeout);
    if (this.#socket) this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket?.close();
  }

  #flush() {
    const edit = this.#nextEdit;
    if (!edit) return;
    if (this.status === "fallback") {
      this.#nextEdit = null;
      this.#rerun.edit(edit);
    } else if (this.#socket?.readyState === OPEN && this.status === "live") {
      this.#nextEdit = null;
      this.#sentEdit = edit;
      this.#socket.send(packEdit(edit));
      this.#startTimeout();
      clearTimeout(this.#staleTimer);
      this.#staleTimer = setTimeout(() => this.#setStale(true), STALE_MS);
    }
  }

  /** @param {Frame} frame */
  #receive(frame) {
    this.#handlers.onFrame(frame);
    const seq = "seq" in frame ? frame.seq : undefined;
    const answered = seq !== undefined && this.#sentEdit && seq >= this.#sentEdit.seq;
    if (answered || frame.kind === "error" || frame.kind === "case") {
      this.#sentEdit = null;
      this.#flush();
    }
  }
}
