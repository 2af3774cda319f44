// The road to the server: a private WebSocket, gated by acknowledgement, latest edit wins.
// Where no socket can be had (a proxy that blocks them), the edit goes by Streamlit itself.
import { packEdit, unpack } from "./wire.js";

const FALLBACK_AFTER = 4;

export class Link {
  /** @param {{onFrame: Function, onStatus: Function, viaStreamlit: Function}} handlers */
  constructor(handlers) {
    this.handlers = handlers;
    this.failures = 0;
    this.waiting = null; // the edit whose slice has not been answered
    this.next = null; // the latest edit that waits for its turn
    this.closed = false;
    this.status = "connecting";
  }

  configure({ token, path }) {
    if (this.token === token && this.socket && this.socket.readyState <= 1) return;
    this.token = token;
    this.url = new URL(path, document.baseURI);
    this.url.protocol = this.url.protocol === "https:" ? "wss:" : "ws:";
    this.connect();
  }

  setStatus(status) {
    if (this.status === status) return;
    this.status = status;
    this.handlers.onStatus(status);
  }

  connect() {
    if (this.closed) return;
    clearTimeout(this.timer);
    if (this.socket) this.socket.onclose = null;
    this.socket?.close();
    const socket = new WebSocket(this.url);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      socket.send(JSON.stringify({ token: this.token }));
      this.handlers.onOpen();
    };
    socket.onmessage = (event) => {
      this.failures = 0;
      this.setStatus("live");
      for (const frame of unpack(event.data)) this.receive(frame);
    };
    socket.onclose = () => {
      this.failures += 1;
      this.setStatus(this.failures > FALLBACK_AFTER ? "fallback" : "reconnecting");
      // What was sent may be lost: it is asked again, unless something newer waits.
      this.next ??= this.waiting;
      this.waiting = null;
      if (this.status === "fallback") this.flush();
      this.timer = setTimeout(() => this.connect(), Math.min(250 * 2 ** this.failures, 8000));
    };
    this.socket = socket;
  }

  /** Send an edit now, or when the one before has been answered. */
  edit(edit) {
    this.next = edit;
    if (!this.waiting) this.flush();
  }

  ask(request) {
    if (this.socket?.readyState === 1) this.socket.send(JSON.stringify(request));
  }

  flush() {
    const edit = this.next;
    if (!edit) return;
    if (this.status === "fallback") {
      this.next = null;
      this.handlers.viaStreamlit({ ...edit, curve: Array.from(edit.curve) });
    } else if (this.socket?.readyState === 1 && this.status === "live") {
      this.next = null;
      this.waiting = edit;
      this.socket.send(packEdit(edit));
    }
  }

  receive(frame) {
    this.handlers.onFrame(frame);
    const answered = frame.seq !== undefined && this.waiting && frame.seq >= this.waiting.seq;
    if (answered || frame.kind === "error" || frame.kind === "case") {
      this.waiting = null;
      this.flush();
    }
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    if (this.socket) this.socket.onclose = null;
    this.socket?.close();
  }
}
