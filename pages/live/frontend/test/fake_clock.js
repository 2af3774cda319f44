// Fake timers that a test advances, in place of the global ones.

export class FakeClock {
  #now = 0;
  #next = 1;
  /** @type {Map<number, {at: number, run: () => void}>} */
  #timers = new Map();
  #real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout, now: Date.now };

  /** Replace the global timers. */
  install() {
    const set = (/** @type {() => void} */ run, ms = 0) => {
      this.#timers.set(this.#next, { at: this.#now + ms, run });
      return this.#next++;
    };
    const clear = (/** @type {number} */ id) => { this.#timers.delete(id); };
    Object.assign(globalThis, { setTimeout: set, clearTimeout: clear });
    Date.now = () => this.#now;
    return this;
  }

  restore() {
    const { setTimeout: set, clearTimeout: clear, now } = this.#real;
    Object.assign(globalThis, { setTimeout: set, clearTimeout: clear });
    Date.now = now;
  }

  /** Let time pass; timers that become due run in order. @param {number} ms */
  advance(ms) {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (!due) break;
      this.#timers.delete(due[0]);
      this.#now = due[1].at;
      due[1].run();
    }
    this.#now = end;
  }
}
