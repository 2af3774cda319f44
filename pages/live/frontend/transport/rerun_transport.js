// Edits and requests by Streamlit's own messages. Each is a run of the page, and a run that the next one interrupts
// answers nobody: one message at a time, the latest edit first, and what has not been answered is asked again.

const AGAIN_MS = 3000;
const LATEST = ["probe", "case"]; // of these only the last wish counts

export class Byway {
  /** @param {Function} tell hands one message to Streamlit */
  constructor(tell) { Object.assign(this, { tell, next: null, asks: [], out: null, timer: 0 }); }

  /** Ask whether there is anybody: the answer is the case. */
  knock() { this.tell({}); }

  edit(edit) {
    this.next = edit;
    this.flush();
  }

  ask(request) {
    if (LATEST.includes(request.type)) this.asks = this.asks.filter(({ type }) => type !== request.type);
    this.asks.push(request);
    this.flush();
  }

  flush() {
    if (this.out || !(this.next || this.asks.length)) return;
    if (this.next) {
      this.out = { edit: this.next };
      this.next = null;
      this.tell({ ...this.out.edit, curve: Array.from(this.out.edit.curve) });
    } else {
      this.out = { request: this.asks.shift() };
      this.tell(this.out.request.type === "case" ? {} : this.out);
    }
    this.timer = setTimeout(() => {
      const { edit, request } = this.out;
      this.next ??= edit ?? null;
      if (request) this.asks.unshift(request);
      this.out = null;
      this.flush();
    }, AGAIN_MS);
  }

  answered() {
    clearTimeout(this.timer);
    this.out = null;
    this.flush();
  }

  /** The socket is back, or the page is left; returns the requests that nobody has answered. */
  close() {
    clearTimeout(this.timer);
    const left = [...(this.out?.request ? [this.out.request] : []), ...this.asks];
    Object.assign(this, { next: null, asks: [], out: null });
    return left.filter(({ type }) => type !== "case");
  }
}
