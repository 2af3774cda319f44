// Undo and redo of one curve, and its storage for a reload.
/** @import { Case, CurveState, Voxel } from "../types.js" */
import { readStored, store } from "../common/storage.js";

const MAX_STATES = 200;
const MERGE_WITHIN_MS = 1000; // steps of one handle that follow this closely are undone at once

/**
 * Whether two curves are equal as the float32 values that are sent.
 * @param {ArrayLike<number>} a
 * @param {ArrayLike<number>} b
 */
export function sameCurve(a, b) {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (Math.fround(a[i]) !== Math.fround(b[i])) return false;
  return true;
}

/** @type {Map<string, CurveHistory>} */
const histories = new Map(); // by curve key: undo and redo are kept over a page change

export class CurveHistory {
  /** @type {CurveState[]} */
  past = [];
  /** @type {CurveState[]} */
  future = [];
  /** @type {{merge: string | null, at: number} | null} */
  #last = null;

  /** The history of a curve key. @param {string} key */
  static of(key) {
    const history = histories.get(key) ?? new CurveHistory(key);
    histories.set(key, history);
    return history;
  }

  /** @param {string} key */
  constructor(key) { this.key = key; }

  /**
   * Remember the state before an edit.
   * @param {CurveState} state
   * @param {string | null} merge names a handle whose quick steps count as one
   */
  push(state, merge = null) {
    const now = performance.now();
    const merged = merge && this.#last?.merge === merge && now - this.#last.at < MERGE_WITHIN_MS && this.past.length;
    this.#last = { merge, at: now };
    this.future.length = 0;
    if (merged) return;
    this.past.push(state);
    if (this.past.length > MAX_STATES) this.past.shift();
  }

  /**
   * One step back (or forth) from a state; null where there is none.
   * @param {CurveState} state
   * @param {{back: boolean}} direction
   */
  step(state, { back }) {
    const [from, to] = back ? [this.past, this.future] : [this.future, this.past];
    const next = from.pop();
    if (!next) return null;
    this.#last = null;
    to.push(state);
    return next;
  }

  /** @param {CurveState} state */
  store({ curve, voxels, spread }) {
    store(`aif|${this.key}`, Array.from(curve));
    store(`voxels|${this.key}`, { voxels, spread: spread && Array.from(spread) });
  }

  /**
   * The state that a case opens with: the edit that the server has, else the stored one, else the start.
   * @param {Pick<Case["arrays"], "start" | "edited">} arrays
   * @returns {CurveState}
   */
  opening({ start, edited }) {
    const stored = this.#stored();
    const kept = edited ?? stored?.curve;
    const curve = Float32Array.from(kept?.length === start.length ? kept : start);
    const state = { curve, voxels: [], spread: null, whole: null };
    if (!stored || !sameCurve(stored.curve, curve)) return state;
    return { ...state, voxels: stored.voxels, spread: stored.spread };
  }

  /** @returns {{curve: number[], voxels: Voxel[], spread: number[] | null} | null} */
  #stored() {
    const curve = readStored(`aif|${this.key}`);
    const { voxels = [], spread = null } = readStored(`voxels|${this.key}`) ?? {};
    return Array.isArray(curve) ? { curve, voxels, spread } : null;
  }
}
