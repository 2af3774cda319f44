// The edited AIF: the committed curve with undo and redo, edits under way, and the requests for their maps.
/** @import { Case, Curve, CurveState, ErrorFrame } from "../types.js" */
/** @import { Lab } from "../lab.js" */
import { FLAG_ALL_SLICES, FLAG_KEEP, FLAG_REST } from "../common/wire.js";
import { CommitDebounce } from "../transport/commit_debounce.js";
import { problem } from "./curve_edits.js";
import { CurveHistory, sameCurve } from "./history.js";

/** @typedef {Partial<Omit<CurveState, "curve" | "seq">> & {effect?: string | null, merge?: string | null}} CommitOptions */

export class EditedAif {
  /** The committed curve; null before the first case. @type {CurveState | null} */
  committed = null;
  /** Sequence number of the last edit. */
  seq = 0;
  /** The last committed curve that the server has accepted. @type {CurveState | null} */
  #accepted = null;
  #history = new CurveHistory("");
  #edited = false; // whether the server is to keep the curve
  #moving = false; // whether the curve shown differs from the committed one
  #debounce;

  /** @param {Lab} lab */
  constructor(lab) {
    this.lab = lab;
    this.#debounce = new CommitDebounce(
      (commit) => { if (lab.socket.status !== "live") lab.setStateValue("curve", commit); },
      () => lab.editor.isDragging);
  }

  /** Adapt to a case that is about to open, or to new settings or another start of the open one. @param {Case} opening */
  beforeCase(opening) {
    const { case: open, editor } = this.lab;
    this.#accepted = null;
    if (open?.curveKey !== opening.curveKey) { editor.finish(); return; }
    const { committed } = this;
    if (!committed || committed.voxels.length || !sameCurve(committed.curve, open.arrays.start)) return;
    this.committed = { ...committed, curve: Float32Array.from(opening.arrays.start) };
  }

  /**
   * Take the curve of a case that has opened; returns a function that shows it.
   * @param {Case | null} before the case that was open
   * @param {Case} opened
   */
  openCase(before, { curveKey, arrays }) {
    const same = before?.curveKey === curveKey;
    const moving = same && this.#moving;
    if (!same || !this.committed) {
      this.#history = CurveHistory.of(curveKey);
      this.committed = this.#history.opening(arrays);
    }
    // Resend the curve to a server without it (restarted, or the edit was lost).
    this.#edited = !sameCurve(this.committed.curve, arrays.edited ?? arrays.start);
    return () => {
      if (moving) this.requestMaps(this.lab.editor.curve);
      else if (this.committed) this.#apply(this.committed);
    };
  }

  /** Whether maps of edit `seq` are of the committed curve. @param {number} seq */
  isCommitted(seq) { return seq >= (this.committed?.seq ?? 0); }

  /** The server has computed edit `seq`; the engine's maps alone do not tell that it accepts the curve. @param {number} seq */
  accept(seq) { if (this.isCommitted(seq)) this.#accepted = this.committed; }

  /** The server cannot use a curve: the last one that gave maps is shown again. @param {ErrorFrame} frame */
  refuse({ message, seq }) {
    if (seq !== undefined && !this.isCommitted(seq)) return; // a newer curve has replaced it
    this.lab.notice(message, { passing: true });
    const accepted = this.#accepted;
    if (seq === undefined || !accepted || accepted === this.committed || this.lab.editor.isDragging) return;
    if (this.#history.past.at(-1) === accepted) this.#history.past.pop();
    this.#settle(accepted);
  }

  /**
   * Show an intermediate curve of a slider: the maps are updated, no curve is committed.
   * @param {Curve} curve
   * @param {string | null} effect
   */
  preview(curve, effect = null) {
    this.lab.editor.setLive(curve);
    this.lab.events.emit("effect", effect);
    this.edit(curve);
  }

  /**
   * A curve that is being edited; until it is committed, no frame of the server replaces it. A cancelled drag is back
   * at the committed curve: its numbers are requested with it.
   * @param {Curve} curve
   */
  edit(curve) {
    this.#moving = !this.committed || !sameCurve(curve, this.committed.curve);
    if (this.#moving || this.lab.editor.isDragging) this.requestMaps(curve);
    else this.recompute();
  }

  /** Request the visible maps of a curve; the performance marks measure the time to the pixels. @param {Curve} curve */
  requestMaps(curve, flags = 0) {
    this.lab.values.setCurve(curve);
    const seq = this.nextSeq();
    const all = this.lab.view.montage ? FLAG_ALL_SLICES : 0;
    const { config, values, view } = this.lab;
    const { core } = values.thresholds; // fine-tuning may have learned another than the settings'
    const learned = core !== config.thresholds.core && { threshold: core };
    this.lab.computeMaps({ epoch: values.open.epoch, seq, flags: flags | all, slice: view.slice, curve: Float32Array.from(curve), ...learned });
    this.lab.events.emit("edit", curve);
  }

  /** Number an edit and mark its time. */
  nextSeq() {
    this.seq += 1;
    this.lab.performanceMarks.edited(this.seq);
    this.lab.root.dataset.sent = String(this.seq);
    this.lab.root.dataset.moving = String(this.#moving);
    return this.seq;
  }

  /** Request all maps of the shown curve, exact; a running stream sends its own. */
  recompute() {
    if (this.lab.streaming) return;
    const committed = this.lab.editor.curve.every((value, i) => value === this.committed?.curve[i]);
    this.requestMaps(this.lab.editor.curve, this.#edited && committed ? FLAG_REST | FLAG_KEEP : FLAG_REST);
  }

  /**
   * Commit a curve; undo reverts it. Returns false for an invalid AIF: the last one stays.
   * @param {Curve} curve
   * @param {CommitOptions} options voxels, spread and handles of the state; effect (see edit_hints.js); merge: quick
   * steps of one name are undone at once
   */
  commit(curve, { effect = null, merge = null, ...extra } = {}) {
    this.lab.editor.finish();
    const state = this.committed;
    if (!state) return false;
    const wrong = problem(curve);
    if (wrong) {
      this.#settle(state);
      this.lab.notice(wrong);
      return false;
    }
    this.lab.notice("");
    this.#history.push(state, merge);
    this.#settle({ voxels: state.voxels, spread: null, whole: null, ...extra, curve: Float32Array.from(curve) });
    this.lab.events.emit("effect", effect);
    return true;
  }

  /** Make a state the one that undo, other pages and a reload start from. @param {CurveState} state */
  #settle(state) {
    this.#edited = true;
    const settled = { ...state };
    this.#apply(settled);
    this.#history.store(settled);
    this.#debounce.schedule({ key: this.lab.values.open.curveKey, value: Array.from(settled.curve) });
  }

  /** @param {CurveState} state */
  #apply(state) {
    this.committed = state;
    this.#moving = false;
    this.lab.editor.setCurve(state.curve, state.spread);
    this.recompute();
    state.seq = this.seq;
    this.lab.find("[data-action=undo]", HTMLButtonElement).disabled = !this.#history.past.length;
    this.lab.find("[data-action=redo]", HTMLButtonElement).disabled = !this.#history.future.length;
    this.lab.find("[data-action=reset]", HTMLButtonElement).disabled = !this.changed();
    this.lab.events.emit("committed", state);
  }

  /** @param {{back: boolean}} direction */
  undo(direction) {
    const next = this.committed && this.#history.step(this.committed, direction);
    if (!next) return;
    this.lab.notice("");
    this.#settle(next);
    this.lab.events.emit("effect", null);
  }

  reset() { if (this.changed()) this.commit(this.lab.values.open.arrays.start, { voxels: [], effect: null }); }

  /** Whether the committed curve differs from the start. */
  changed() {
    const { committed, lab: { case: open } } = this;
    return Boolean(committed && open && (committed.voxels.length || committed.curve.some((value, i) => value !== open.arrays.start[i])));
  }

  /** Another page opens: send no commit, as it would run this page again. */
  close() { this.#debounce.cancel(); }
}
