// Performance marks (User Timing API): from an edit, or a change of the viewport, to its pixels; tests measure with them.

const MAX_MARKS = 1024;

export class PerformanceMarks {
  /** @type {string[]} */
  #marks = [];
  #nViewChanges = 0;
  #nViewsPainted = 0;
  #hasPainted = false;

  /** @param {string} name */
  #mark(name) {
    performance.mark(name);
    this.#marks.push(name);
    if (this.#marks.length > MAX_MARKS) performance.clearMarks(this.#marks.shift());
  }

  /** @param {number} seq of an edit */
  edited(seq) { this.#mark(`lab:edit:${seq}`); }

  viewChanged() {
    this.#nViewChanges += 1;
    this.#mark(`lab:view:${this.#nViewChanges}`);
  }

  /** The canvas is drawn. @param {number | undefined} seq of the edit whose maps are new in it */
  painted(seq) {
    if (this.#nViewsPainted !== this.#nViewChanges) {
      this.#nViewsPainted = this.#nViewChanges;
      this.#mark(`lab:view-painted:${this.#nViewsPainted}`);
    }
    if (seq === undefined) return;
    if (!this.#hasPainted) { this.#hasPainted = true; performance.mark("lab:first-paint"); }
    this.#mark(`lab:painted:${seq}`);
  }
}
