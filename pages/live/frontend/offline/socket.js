// In the file that works without a server, in place of transport/socket.js: the page itself answers, as a server would.
/** @import { ConnectionStatus, Edit, Frame, Request } from "../types.js" */
/** @import { SocketHandlers } from "../transport/socket.js" */
import { answer, answerEdit, answerSlice } from "./answers.js";
import { pageSession } from "./session.js";

export const HAS_SERVER = false;

export class LiveSocket {
  /** @type {ConnectionStatus} */
  status = "connecting";
  #handlers;
  #closed = false;
  /** The latest edit that waits. @type {Edit | null} */
  #nextEdit = null;
  #busy = false;
  #nProbes = 0;

  /** @param {SocketHandlers} handlers */
  constructor(handlers) { this.#handlers = handlers; }

  configure() {
    if (this.status === "offline") return;
    this.status = "offline";
    this.#handlers.onStatus(this.status);
    this.request(this.#handlers.firstRequest());
  }

  /** Compute all maps of a curve at rest; of several that wait the latest counts. @param {Edit} edit */
  edit(edit) {
    this.#nextEdit = edit;
    pageSession().curve = edit.curve;
    this.#flush();
  }

  async #flush() {
    const edit = this.#nextEdit;
    if (this.#busy || !edit) return;
    this.#nextEdit = null;
    this.#busy = true;
    await this.#send(() => answerSlice(pageSession(), edit), edit);
    await this.#send(() => answerEdit(pageSession(), edit), edit);
    this.#busy = false;
    this.#flush();
  }

  /** @param {Request} request */
  async request(request) {
    const probe = request.type === "probe" ? ++this.#nProbes : 0;
    await this.#send(async () => {
      const frame = await answer(pageSession(), request);
      return probe && probe !== this.#nProbes ? null : frame; // a later voxel is in view
    });
  }

  /** Send an answer, or why there is none. @param {() => Promise<Frame | null>} work @param {Edit} [edit] that is answered */
  async #send(work, edit) {
    /** @type {Frame | null} */
    let frame;
    try {
      frame = await work();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      frame = { kind: "error", message: error.message, ...(edit && { epoch: edit.epoch, seq: edit.seq }) };
    }
    if (frame && !this.#closed) this.#handlers.onFrame(frame);
  }

  /** Take frames that came with the configuration. @param {Frame[]} frames */
  receiveByRerun(frames) { for (const frame of frames) this.#handlers.onFrame(frame); }

  close() { this.#closed = true; }
}
