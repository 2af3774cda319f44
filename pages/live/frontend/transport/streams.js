// Answers of many frames that the browser starts, pauses, steps and stops: the server's half is
// pages/live/handlers/streams.py. Each drawn frame is acknowledged; at most two are in flight.
/** @import { ConnectionStatus, LabEvents, Request, StreamAct, StreamEndFrame, StreamFrames } from "../types.js" */
/** @import { Events } from "../events.js" */

const LOST = "The connection was lost; start again to go on.";
const NO_SOCKET = "This needs the live connection, which is not there now.";
let nRuns = 0;

/**
 * The part of the Lab that a stream uses.
 * @typedef {object} StreamHost
 * @property {Pick<Events<LabEvents>, "on">} events
 * @property {{readonly status: ConnectionStatus}} socket
 * @property {{slice: number, montage: boolean}} view
 * @property {(request: Request) => void} request
 * @property {(text: string) => void} notice
 */

/** @template {keyof StreamFrames} K */
export class Stream {
  open = false;
  #run = 0;
  #host;
  #of;

  /**
   * @param {StreamHost} host
   * @param {K} of
   * @param {{onFrame: (frame: StreamFrames[K]) => void, onEnd: (message: string | null) => void}} handlers `onEnd` takes
   * the reason in a sentence, or null at the regular end
   */
  constructor(host, of, { onFrame, onEnd }) {
    this.#host = host;
    this.#of = of;
    const { events } = host;
    const isCurrent = (/** @type {{run: number}} */ { run }) => this.open && run === this.#run;
    const on = /** @type {(name: string, listener: (frame: any) => void) => void} */ (events.on.bind(events));
    on(`frame:${of}`, (/** @type {StreamFrames[K]} */ frame) => { if (isCurrent(frame)) onFrame(frame); });
    on(`frame:${of}-end`, (/** @type {StreamEndFrame} */ frame) => {
      if (!isCurrent(frame)) return;
      this.open = false;
      onEnd(frame.message);
    });
    events.on("status", (status) => {
      if (status === "live" || !this.open) return;
      this.open = false;
      onEnd(LOST);
    });
  }

  /**
   * Begin anew; false without a live socket.
   * @param {object} options of the request
   */
  start(options) {
    if (this.#host.socket.status !== "live") {
      this.#host.notice(NO_SOCKET);
      return false;
    }
    this.#run = ++nRuns;
    this.open = true;
    this.send("start", options);
    return true;
  }

  /**
   * @param {StreamAct} act
   * @param {object} options
   */
  send(act, options = {}) {
    const { view } = this.#host;
    this.#host.request({
      type: "stream", of: this.#of, act, run: this.#run, viewport: { slice: view.slice, all: view.montage }, ...options,
    });
  }

  /** Acknowledge a drawn frame: the server may send another. */
  acknowledge() { if (this.open) this.send("seen"); }

  stop() {
    if (!this.open) return;
    this.open = false;
    this.send("stop");
  }
}
