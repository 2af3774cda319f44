// Wishes to the page that must not be lost: a run of the page that another one interrupts forgets its trigger.
// Each has a number and is sent again until the page has told that it is done; the page does each once.

const AGAIN_MS = 2500;
const SOON_MS = 150;
const outboxes = new Map(); // by session: a page change loses nothing

export class Outbox {
  static of(token) {
    if (!outboxes.has(token)) outboxes.set(token, new Outbox());
    return outboxes.get(token);
  }

  constructor() { Object.assign(this, { waiting: [], last: 0, timer: 0 }); }

  /** What an earlier session of this document was asked to keep and never answered: it was lost with its server. */
  static orphans(token) {
    const left = [...outboxes].filter(([of]) => of !== token).flatMap(([, box]) => box.waiting.splice(0));
    return left.filter(({ act }) => act === "keep");
  }

  /** @param {Function} tell hands a list of wishes to Streamlit */
  send(wish, tell) {
    this.last = Math.max(this.last + 1, Date.now());
    this.waiting.push({ ...wish, id: this.last });
    this.flush(tell);
  }

  flush(tell) {
    clearTimeout(this.timer);
    if (!this.waiting.length) return; // also where another session's box has taken them
    tell(this.waiting);
    this.timer = setTimeout(() => this.flush(tell), AGAIN_MS);
  }

  /** The page has run and has done all up to a number; what is left may have been forgotten. */
  done(id, tell) {
    this.waiting = this.waiting.filter((wish) => wish.id > id);
    clearTimeout(this.timer);
    if (this.waiting.length) this.timer = setTimeout(() => this.flush(tell), SOON_MS);
  }
}
