// Task "paint the core": the core on one slice, painted by finger, mouse or keys.
/** @import { TaskCase } from "../common/task_case.js" */
/** @import { Position, SliceFlags } from "../../../live/frontend/map/painted_lesion.js" */
/** @import { Place } from "./case_view.js" */
/** @import { AnswerNumbers, OwnAnswer, TaskSession, TaskState } from "./messages.js" */
import { element } from "../../../live/frontend/common/dom.js";
import { fixed } from "../../../live/frontend/common/number_format.js";
import { PaintedLesion } from "../../../live/frontend/map/painted_lesion.js";
import { CaseTask } from "./case_task.js";
import { button, Segments } from "./controls.js";
import { setRuns } from "./painted_runs.js";

const MAPS = [{ id: "cbf", label: "CBF" }, { id: "baseline", label: "CT" }];
const HELP = "Map of the slice. Arrow keys move a cross, Enter paints at it.";
const BRUSHES = [{ id: "3", label: "Small" }, { id: "8", label: "Medium" }, { id: "16", label: "Large" }]; // diameters in mm
const USUAL_BRUSH = "8";

export class PaintTask extends CaseTask {
  /** @type {PaintedLesion | null} */
  #lesion = null;
  /** The stroke while the finger is down, with the slice before it. @type {{last: Position, before: SliceFlags} | null} */
  #stroke = null;

  /** @param {TaskState} state @param {TaskSession} session */
  constructor(state, session) {
    super(state, session, { maps: MAPS, help: HELP, gesture: null, canChangeSlice: false });
    this.view.gesture = {
      enabled: () => this.isOpen && this.#lesion !== null && Boolean(this.taskCase?.opened.loaded.has(this.view.slice)),
      begin: (at) => { this.#stroke = { last: [at.x, at.y], before: this.lesion.copy(at.z) }; this.#paint(at); },
      move: (at) => this.#paint(at),
      end: () => this.#end(),
      cancel: () => this.#cancel(),
      enter: (at) => { this.#stroke = { last: [at.x, at.y], before: this.lesion.copy(at.z) }; this.#paint(at); this.#end(); },
      hover: () => {},
    };
    this.tool = new Segments("Tool", [{ id: "paint", label: "Paint" }, { id: "erase", label: "Erase" }], () => {});
    this.brush = new Segments("Brush", BRUSHES, () => {});
    this.brush.value = USUAL_BRUSH;
    this.undo = button("Undo", () => { this.lesion.undo(); this.#changed(); });
    this.clear = button("Clear", () => this.#clear());
    this.painted = element("p", { className: "hint painted", role: "status" });
    this.painted.dataset.testid = "painted";
    this.frame.panel.append(element("div", { className: "row" }, this.tool.element, this.undo, this.clear), this.brush.element, this.painted);
  }

  get lesion() { return /** @type {PaintedLesion} */ (this.#lesion); }

  get isEditing() { return this.#stroke !== null; }

  onOpen() {
    const { values, opened } = /** @type {TaskCase} */ (this.taskCase);
    values.painted = new Uint8Array(values.nVoxels);
    values.paintedShown = true;
    this.#lesion = new PaintedLesion(values);
    this.maps?.show(opened.arrays.start, { rest: true });
  }

  onMaps() { this.view.fitWindow("cbf"); }

  /** @param {OwnAnswer} answer */
  restore({ runs = [] }) {
    setRuns(this.lesion.flags.subarray(...this.lesion.values.range(this.view.slice)), runs);
    this.setEnabled(this.isOpen);
    this.view.draw();
  }

  /** @param {Place} at */
  #paint(at) {
    if (!this.#stroke) return;
    const [width] = /** @type {TaskCase} */ (this.taskCase).opened.pixelMm;
    /** @type {Position} */
    const to = [at.x, at.y];
    this.lesion.stroke(at.z, this.#stroke.last, to, { radius: Number(this.brush.value) / 2 / width, erase: this.tool.value === "erase" });
    this.#stroke.last = to;
    this.view.draw();
  }

  #end() {
    if (!this.#stroke) return;
    this.lesion.remember([this.#stroke.before]);
    this.#stroke = null;
    this.#changed();
  }

  #cancel() {
    if (!this.#stroke) return;
    const [z, flags] = this.#stroke.before;
    this.lesion.flags.set(flags, this.lesion.values.range(z)[0]);
    this.#stroke = null;
    this.view.draw();
  }

  #clear() {
    this.lesion.remember([this.lesion.copy(this.view.slice)]);
    this.lesion.flags.fill(0);
    this.#changed();
  }

  #changed() {
    this.send({ runs: this.lesion.runs(this.view.slice) });
    this.setEnabled(this.isOpen);
    this.view.draw();
  }

  /** @param {AnswerNumbers} numbers */
  showNumbers(numbers) {
    if ("painted_ml" in numbers) this.painted.textContent = `Painted: ${fixed(numbers.painted_ml, 1)} ml on this slice`;
  }

  /** @param {boolean} enabled */
  setEnabled(enabled) {
    this.undo.disabled = !enabled || !this.#lesion?.canUndo;
    this.clear.disabled = !enabled || !this.#lesion?.flags.includes(1);
    this.tool.disabled = this.brush.disabled = !enabled;
  }
}
