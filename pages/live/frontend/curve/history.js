// Undo and redo of one curve, and what a reload finds again.
// A state is {curve, voxels, spread, whole}: the values, the voxels whose mean they are (if any) with their
// standard deviation, and how the whole-curve handles stand.

const LONGEST = 200;
const TOGETHER_MS = 1000; // steps of one handle that follow this closely are undone at once
/** Whether two curves are one, as the float32 values that travel. */
export const sameCurve = (a, b) => a.length === b.length && a.every((value, i) => Math.fround(value) === Math.fround(b[i]));

const histories = new Map(); // by curve: undo and redo outlive a page change

export class History {
  static of(key) {
    if (!histories.has(key)) histories.set(key, new History(key));
    return histories.get(key);
  }

  constructor(key) { Object.assign(this, { key, past: [], future: [], last: null }); }

  /** Remember the state before an edit; `merge` names a handle whose quick steps count as one. */
  push(state, merge = null) {
    const now = performance.now();
    const same = merge && this.last?.merge === merge && now - this.last.at < TOGETHER_MS && this.past.length;
    this.last = { merge, at: now };
    this.future.length = 0;
    if (same) return;
    this.past.push(state);
    if (this.past.length > LONGEST) this.past.shift();
  }

  /** One step back (or forth) from a state; null where there is none. */
  step(state, { back }) {
    const [from, to] = back ? [this.past, this.future] : [this.future, this.past];
    if (!from.length) return null;
    this.last = null;
    to.push(state);
    return from.pop();
  }

  store({ curve, voxels, spread }) {
    try {
      sessionStorage.setItem(`aif|${this.key}`, JSON.stringify(Array.from(curve)));
      sessionStorage.setItem(`voxels|${this.key}`, JSON.stringify({ voxels, spread: spread && Array.from(spread) }));
    } catch { /* storage may be off */ }
  }

  /** The state that a case opens with: the edit that the server knows, else what a reload finds, else the start. */
  opening({ start, edited }) {
    const stored = this.stored();
    const kept = edited ?? stored?.curve;
    const curve = Float32Array.from(kept?.length === start.length ? kept : start);
    const known = stored && sameCurve(stored.curve, curve);
    return { curve, voxels: [], spread: null, whole: null, ...(known && { voxels: stored.voxels, spread: stored.spread }) };
  }

  stored() {
    try {
      const curve = JSON.parse(sessionStorage.getItem(`aif|${this.key}`));
      const { voxels = [], spread = null } = JSON.parse(sessionStorage.getItem(`voxels|${this.key}`)) ?? {};
      return curve && { curve, voxels, spread };
    } catch { return null; }
  }
}
