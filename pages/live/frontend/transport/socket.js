// The road to the server: a private WebSocket, gated by acknowledgement, latest edit wins.
// Where no socket can be had (a proxy that blocks them), all goes by Streamlit itself (byway.js), once it has answered.
import { Byway } from "./rerun_transport.js";
import { packEdit, unpack } from "../common/wire.js";

const FALLBACK_AFTER = 4;
const SILENCE_MS = 15_000; // without a word while one is due: the network is gone, though nobody has said so
let troubles = 0; // sockets in a row that failed; a component that is made anew need not find out again

export class Link {
  /**
   * @param {{first: Function, onFrame: Function, onStatus: Function, viaStreamlit: Function}} handlers `first` gives
   * the request that a new connection begins with
   */
  constructor(handlers) {
    this.handlers = handlers;
    this.waiting = null; // the edit whose slice has not been answered
    this.next = null; // the latest edit that waits for its turn
    this.byway = new Byway(handlers.viaStreamlit);
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
    this.leave();
    const socket = new WebSocket(this.url);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      socket.send(JSON.stringify({ token: this.token }));
      socket.send(JSON.stringify(this.handlers.first()));
    };
    socket.onmessage = (event) => {
      troubles = 0;
      this.setStatus("live");
      for (const request of this.byway.close()) this.ask(request);
      clearTimeout(this.silence);
      for (const frame of unpack(event.data)) this.receive(frame);
      if (this.waiting) this.expect();
    };
    socket.onclose = () => this.lost();
    this.socket = socket;
    this.expect();
  }

  /** A word of the server is due. */
  expect() {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.lost(), SILENCE_MS);
  }

  lost() {
    this.leave();
    troubles += 1;
    // What was sent may be lost: it is asked again, unless something newer waits.
    this.next ??= this.waiting;
    this.waiting = null;
    if (this.status !== "fallback") {
      this.setStatus("reconnecting");
      if (troubles > FALLBACK_AFTER) this.byway.knock();
    }
    this.timer = setTimeout(() => this.connect(), Math.min(250 * 2 ** troubles, 8000));
  }

  /** Let go of the socket, and of what waits for it. */
  leave() {
    clearTimeout(this.timer);
    clearTimeout(this.silence);
    if (this.socket) this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    this.socket?.close();
  }

  /** Streamlit has brought answers; without a socket, that is the road now. */
  fromStreamlit(frames) {
    if (troubles > FALLBACK_AFTER) this.setStatus("fallback");
    for (const frame of frames) this.receive(frame);
    this.byway.answered();
  }

  /** Send an edit now, or when the one before has been answered. */
  edit(edit) {
    this.next = edit;
    if (!this.waiting) this.flush();
  }

  ask(request) {
    if (this.status === "fallback") this.byway.ask(request);
    else if (this.socket?.readyState === 1) this.socket.send(JSON.stringify(request));
  }

  flush() {
    const edit = this.next;
    if (!edit) return;
    if (this.status === "fallback") {
      this.next = null;
      this.byway.edit(edit);
    } else if (this.socket?.readyState === 1 && this.status === "live") {
      this.next = null;
      this.waiting = edit;
      this.socket.send(packEdit(edit));
      this.expect();
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
    this.byway.close();
    this.leave();
  }
}
