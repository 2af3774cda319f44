// Task "draw the AIF": the editor of the curve, and the maps of the curve above it.
/** @import { Case, Curve, CurveState } from "../../../live/frontend/types.js" */
/** @import { TaskCase } from "../common/task_case.js" */
/** @import { OwnAnswer, TaskSession, TaskState } from "./messages.js" */
import { element } from "../../../live/frontend/common/dom.js";
import { svg } from "../../../live/frontend/common/svg_chart.js";
import { CurveHistory, sameCurve } from "../../../live/frontend/curve/history.js";
import { CaseTask } from "./case_task.js";
import { button, Segments } from "./controls.js";
import { TouchAifEditor } from "./touch_aif_editor.js";

const MAPS = [{ id: "rcbf", label: "rCBF" }, { id: "tmax", label: "Tmax" }, { id: "baseline", label: "CT" }];
const HELP = "Maps of your curve. Page Up and Page Down change the slice.";
const WIDTHS = [{ id: "0.6", label: "Narrow" }, { id: "2", label: "Medium" }, { id: "5", label: "Wide" }]; // as AifEditor.brush
const USUAL_WIDTH = "2";
const DIGITS = 3; // of the values that are sent

/** @param {Curve} curve @returns {CurveState} */
const stateOf = (curve) => ({ curve: curve.slice(), voxels: [], spread: null, whole: null });

export class CurveTask extends CaseTask {
  /** Undo of this round alone. */
  history = new CurveHistory("");
  /** The curve before the edit under way. */
  #before = new Float32Array(0);

  /** @param {TaskState} state @param {TaskSession} session */
  constructor(state, session) {
    super(state, session, { maps: MAPS, help: HELP, gesture: null });
    this.chart = svg("svg", { class: "editor", role: "group", "aria-label": "Arterial input function" });
    this.chart.dataset.testid = "aif-editor";
    this.chartBox = element("div", { className: "editor-box" }, this.chart); // an SVG itself cannot be inert
    this.mode = new Segments("Edit", [{ id: "points", label: "Drag points" }, { id: "draw", label: "Draw" }], (mode) => this.#setMode(mode));
    this.width = new Segments("Width of the drag", WIDTHS, (width) => this.editor.setBrush(Number(width)));
    this.undo = button("Undo", () => this.#step());
    this.reset = button("Reset", () => this.#reset());
    this.frame.panel.append(this.numbers.element, this.chartBox,
      element("div", { className: "row" }, this.mode.element, this.undo, this.reset),
      element("div", { className: "row width" }, element("span", { className: "hint", textContent: "Width" }), this.width.element));
    this.editor = new TouchAifEditor(this.chart, {
      onEdit: (curve) => this.compute(curve, { rest: false }),
      onCommit: (curve) => this.#commit(curve),
      onBrush: () => {},
    });
    this.width.value = USUAL_WIDTH;
    this.editor.setBrush(Number(USUAL_WIDTH));
    this.#setMode("points");
    this.observer = new ResizeObserver(() => { if (!this.editor.isDragging) this.editor.rescale(); });
    this.observer.observe(this.chart);
  }

  get isEditing() { return this.editor.isDragging || this.editor.keyTimer !== undefined; }

  get #start() { return /** @type {TaskCase} */ (this.taskCase).opened.arrays.start; }

  onOpen() {
    const { opened } = /** @type {TaskCase} */ (this.taskCase);
    this.editor.setCase(/** @type {Case} */ (opened));
    this.numbers.show(/** @type {any} */ (this.taskCase?.startNumbers));
    this.#show(this.#start);
  }

  /** @param {OwnAnswer} answer */
  restore({ curve }) { if (curve?.length === this.#start.length) this.#show(Float32Array.from(curve)); }

  /** @param {Curve} curve */
  #show(curve) {
    this.#before = Float32Array.from(curve);
    this.editor.setCurve(curve);
    this.maps?.show(this.editor.curve, { rest: true });
    this.setEnabled(this.isOpen);
  }

  /** @param {string} mode */
  #setMode(mode) {
    this.editor.setMode(mode);
    this.element.dataset.mode = mode;
    this.width.disabled = mode === "draw";
  }

  /** @param {Curve} curve */
  #commit(curve) {
    this.history.push(stateOf(this.#before));
    this.#accept(curve);
  }

  /** Show a curve at rest and send it. @param {Curve} curve */
  #accept(curve) {
    this.#before = Float32Array.from(curve);
    this.compute(this.#before, { rest: true });
    this.send({ curve: Array.from(this.#before, (v) => Number(v.toFixed(DIGITS))) });
    this.setEnabled(this.isOpen);
  }

  #step() {
    this.editor.finish();
    const before = this.history.step(stateOf(this.#before), { back: true });
    if (!before) return;
    this.editor.setCurve(before.curve);
    this.#accept(before.curve);
  }

  #reset() {
    this.editor.finish();
    if (sameCurve(this.#before, this.#start)) return;
    this.history.push(stateOf(this.#before));
    this.editor.setCurve(this.#start);
    this.#accept(this.#start);
  }

  /** @param {boolean} enabled */
  setEnabled(enabled) {
    if (!enabled && this.editor.isDragging) this.editor.abandon();
    this.chartBox.inert = !enabled;
    this.undo.disabled = !enabled || !this.history.past.length;
    this.reset.disabled = !enabled || !this.taskCase || sameCurve(this.#before, this.#start);
    this.mode.disabled = !enabled;
  }

  close() {
    clearTimeout(this.editor.keyTimer);
    this.observer.disconnect();
    super.close();
  }
}
