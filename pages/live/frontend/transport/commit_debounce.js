// Tells Streamlit a committed curve where there is no socket to tell the person's session by, once the hand rests: every
// telling runs the page again, which would make the next drag stutter, and call back a page that is being left.

const REST_MS = 700;

export class Committer {
  /** @param {Function} tell sends {key, value}  @param {Function} busy whether the hand is moving */
  constructor(tell, busy) { Object.assign(this, { tell, busy, waiting: null, timer: 0 }); }

  later(commit) {
    this.waiting = commit;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (this.busy() ? this.later(this.waiting) : this.now()), REST_MS);
  }

  now() {
    const { waiting } = this;
    this.drop();
    if (waiting) this.tell(waiting);
  }

  drop() {
    clearTimeout(this.timer);
    this.waiting = null;
  }
}
