// Revealed answers of the task to paint the core: how often each voxel was painted, volumes and Dice.
/** @import { TaskCase } from "../common/task_case.js" */
/** @import { Answer } from "./messages.js" */
/** @import { GroupKey } from "./plot.js" */
/** @import { RoomModel } from "./room_model.js" */
import { element } from "../../../live/frontend/common/dom.js";
import { ClassMap } from "./class_map.js";
import { paintedFrequency, spreadOf } from "./class_statistics.js";
import { amount, meanAndSd, percent } from "./format.js";
import { Histogram } from "./histogram.js";
import { PersonBar } from "./person_bar.js";
import { PersonPicker } from "./person_picker.js";

const HINT = "Point at an answer, or step with ← →";

export class PaintView {
  /** @type {RoomModel | null} */
  #model = null;
  /** @type {TaskCase | null} */
  #task = null;

  /** @param {HTMLElement} host */
  constructor(host) {
    this.picker = new PersonPicker(() => this.#highlight());
    const left = element("div", { className: "column" }), right = element("div", { className: "column" });
    host.append(element("div", { className: "aif-view paint" }, left, right));
    this.map = new ClassMap(left, ["painted"], this.picker, () => {});
    this.map.root.classList.add("one-slice");
    this.volume = new Histogram(right, this.picker, "painted_ml");
    this.bar = new PersonBar(right, this.picker);
    this.dice = new Histogram(right, this.picker, "dice");
  }

  /** @param {RoomModel} model @param {TaskCase | null} task */
  update(model, task) {
    this.#model = model;
    this.#task = task;
    if (task) this.map.open(task);
    this.draw();
  }

  mapsCame() { this.map.draw(); }

  stepSlice() {} // one slice is painted

  draw() {
    const model = this.#model, info = model?.task;
    if (!model || !info) return;
    const { compared } = model;
    /** @type {{key: GroupKey, label: string, answers: Answer[]}[]} */
    const groups = [{ key: "now", label: compared ? "after" : "the class", answers: model.answers(info.round) }];
    if (compared) groups.push({ key: "before", label: "before", answers: model.answers(compared.round) });
    const { answers } = groups[0];
    const volume = (/** @type {Answer} */ { numbers }) => numbers.painted_ml ?? Infinity;
    this.picker.setOrder([...answers].sort((a, b) => volume(a) - volume(b) || a.id - b.id).map(({ id }) => id));
    this.#drawHistogram(this.volume, "painted_ml", "Painted", "ml", 5, groups);
    this.#drawHistogram(this.dice, "dice", "Dice with the true core", "", 0.4, groups);
    this.dice.root.hidden = !answers.some(({ numbers }) => typeof numbers.dice === "number");
    this.#highlight();
  }

  /** Show the person in view in every part. */
  #highlight() {
    const model = this.#model;
    if (!model?.task) return;
    const answers = model.answers(model.task.round);
    const answer = answers.find(({ id }) => id === this.picker.shown);
    this.#drawMap(answers, answer);
    for (const one of [this.volume, this.dice]) one.highlight(this.picker.shown);
    const dice = answer?.numbers.dice;
    const numbers = answer ? `${amount(answer.numbers.painted_ml)} ml${typeof dice === "number" ? ` · Dice ${dice.toFixed(2)}` : ""}` : "";
    this.bar.draw(answer, answer ? model.nameOf(answer.id) : "", numbers, answers.length ? HINT : "No answers yet");
  }

  /** @param {Answer[]} answers @param {Answer | undefined} shown */
  #drawMap(answers, shown) {
    const task = this.#task, at = this.#model?.task?.case?.slice ?? 0;
    if (!task) return;
    const { values } = task;
    const [from, to] = values.range(at);
    const one = paintedFrequency(answers.map(({ runs = [] }) => runs), to - from);
    const frequency = new Float32Array(values.nVoxels).fill(NaN);
    one.forEach((part, i) => { if (part > 0) frequency[from + i] = 100 * part; });
    let painted = null;
    if (shown) {
      painted = new Uint8Array(values.nVoxels);
      painted.set(paintedFrequency([shown.runs ?? []], to - from), from);
    }
    this.map.show({
      mode: "painted", title: `Painted by ${answers.length} ${answers.length === 1 ? "person" : "people"}`, clicks: [], references: [],
      frequency, curve: null, voxels: [], painted,
    });
    this.map.showSlice(at);
  }

  /**
   * @param {Histogram} chart @param {string} metric @param {string} title @param {string} unit @param {number} minSpan
   * @param {{key: GroupKey, label: string, answers: Answer[]}[]} groups
   */
  #drawHistogram(chart, metric, title, unit, minSpan, groups) {
    const values = groups.map(({ key, label, answers }) => ({
      key, label, values: answers.flatMap(({ id, numbers }) => (typeof numbers[metric] === "number" ? [{ id, value: numbers[metric] }] : [])),
    }));
    const spreads = values.map((group) => spreadOf(group.values.map(({ value }) => value))).reverse();
    const key = spreads.map(({ cv, mean }) => (unit ? percent(cv) : mean === null ? "–" : mean.toFixed(2))).join(" → ");
    chart.draw({
      title, unit, groups: values, marks: [], minSpan,
      figures: { text: meanAndSd(/** @type {import("./class_statistics.js").Spread} */ (spreads.at(-1)), unit, unit ? undefined : 2), name: unit ? "CV" : "mean", key, note: "" },
    });
  }
}
