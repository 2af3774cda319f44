// @ts-nocheck
// Slices come whole, all frames at once, and the last ones stay: playing and stepping back ask nobody.
import { unpack } from "../../live/frontend/common/wire.js";

const KEPT_BYTES = 160e6;

export class Refused extends Error {
  constructor(message, status) { super(message); this.status = status; }
}

export class Server {
  configure({ token, path, case: key }) {
    if (this.key !== key) { this.abort?.abort(); this.abort = new AbortController(); this.kept = new Map(); }
    Object.assign(this, { token, key, url: new URL(path, document.baseURI) });
  }

  /** One frame of the server's, or Refused with its sentence. */
  async ask(request) {
    const { key, abort } = this;
    const body = JSON.stringify({ token: this.token, case: key, ...request });
    const answer = await fetch(this.url, { method: "POST", body, signal: abort.signal });
    const [frame] = unpack(await answer.arrayBuffer());
    if (!answer.ok) throw new Refused(frame.message, answer.status);
    return frame;
  }

  /** A slice's frames; asked for once, however many wait for them. */
  slice(z) {
    const { kept } = this;
    const here = kept.get(z);
    if (here) { kept.delete(z); kept.set(z, here); return here; }
    const coming = this.ask({ kind: "slice", slice: z });
    kept.set(z, coming);
    coming.then((frame) => {
      coming.bytes = frame.arrays.frames.byteLength;
      let total = [...kept.values()].reduce((sum, one) => sum + (one.bytes ?? 0), 0);
      for (const [old, one] of kept) {
        if (total <= KEPT_BYTES || old === z) break;
        total -= one.bytes ?? 0;
        kept.delete(old);
      }
    }, () => kept.delete(z));
    return coming;
  }

  close() { this.abort?.abort(); }
}
