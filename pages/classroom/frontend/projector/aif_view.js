// Revealed answers of the tasks with an AIF: clicks or maps, all curves, volumes, decisions.
/** @import { TaskCase } from "../common/task_case.js" */
/** @import { MapMode } from "./class_map.js" */
/** @import { Answer, Reference } from "./messages.js" */
/** @import { GroupKey } from "./plot.js" */
/** @import { RoomModel } from "./room_model.js" */
import { element } from "../../../live/frontend/common/dom.js";
import { ClassMap } from "./class_map.js";
import { curveBand, decisionCounts, spreadOf } from "./class_statistics.js";
import { CurvesChart } from "./curves_chart.js";
import { amount, meanAndSd, percent } from "./format.js";
import { Histogram } from "./histogram.js";
import { PersonBar } from "./person_bar.js";
import { PersonPicker } from "./person_picker.js";
import { mainReferences, shortName } from "./plot.js";

/** @typedef {{key: GroupKey, label: string, answers: (Answer & {curve: number[]})[]}} AnswerGroup */

const VOLUMES = /** @type {const} */ ([["core_ml", "Core"], ["hypoperfused_ml", "Hypoperfused"]]);
const MIN_SPAN = 0.25; // of the 90th percentile: a smaller spread does not fill the axis
const MIN_SPAN_ML = 5;
const HINT = "Point at an answer, or step with ← →";

export class AifView {
  /** @type {MapMode} */
  #mode;
  #slicedOf = 0; // round whose first slice has been chosen
  /** @type {RoomModel | null} */
  #model = null;
  #hasClicks;

  /** @param {HTMLElement} host @param {boolean} hasClicks */
  constructor(host, hasClicks) {
    this.#hasClicks = hasClicks;
    this.#mode = hasClicks ? "clicks" : "rcbf";
    this.picker = new PersonPicker((what) => { if (what === "hovered") this.#highlight(); else this.#pick(); });
    const left = element("div", { className: "column" }), right = element("div", { className: "column" });
    host.append(element("div", { className: "aif-view" }, left, right));
    this.map = new ClassMap(left, hasClicks ? ["clicks", "rcbf", "tmax"] : ["rcbf", "tmax"], this.picker, (mode) => { this.#mode = mode; this.draw(); });
    this.decisions = element("div", { className: "decisions" });
    left.append(this.decisions);
    this.curves = new CurvesChart(right, this.picker);
    this.bar = new PersonBar(right, this.picker);
    const row = element("div", { className: "figures" });
    right.append(row);
    this.histograms = VOLUMES.map(([name]) => new Histogram(row, this.picker, name));
    this.source = element("p", { className: "source" });
    right.append(this.source);
  }

  /** A picked person's maps are shown; without one the clicks return. */
  #pick() {
    const { picked } = this.picker;
    if (picked !== null && this.#mode === "clicks") this.#mode = "rcbf";
    else if (picked === null && this.#hasClicks && this.#pickedBefore) this.#mode = "clicks";
    this.#pickedBefore = picked !== null;
    this.#drawMap(this.#groups, this.#model?.references(this.#model.task?.round) ?? []);
    this.#highlight();
  }

  #pickedBefore = false;

  /** @param {RoomModel} model @param {TaskCase | null} task */
  update(model, task) {
    this.#model = model;
    if (task) this.map.open(task);
    this.task = task;
    this.draw();
  }

  /** Maps or slices have come. */
  mapsCame() { this.map.compute(); this.map.draw(); }

  /** @param {number} by */
  stepSlice(by) { this.map.stepSlice(by); }

  /** @returns {AnswerGroup[]} the current round, and the one that it is compared with */
  get #groups() {
    const model = /** @type {RoomModel} */ (this.#model);
    const { task, compared } = model;
    const nTime = this.task?.opened.arrays.start.length;
    const of = (/** @type {number | undefined} */ round) => /** @type {AnswerGroup["answers"]} */ (
      model.answers(round).filter(({ curve }) => curve && (!nTime || curve.length === nTime)));
    /** @type {AnswerGroup[]} */
    const found = [{ key: "now", label: compared ? "after" : "the class", answers: of(task?.round) }];
    if (compared) found.push({ key: "before", label: "before", answers: of(compared.round) });
    return found;
  }

  draw() {
    const model = this.#model;
    if (!model?.task) return;
    const groups = this.#groups;
    const [now] = groups;
    const core = (/** @type {Answer} */ { numbers }) => numbers.core_ml ?? Infinity;
    this.picker.setOrder([...now.answers].sort((a, b) => core(a) - core(b) || a.id - b.id).map(({ id }) => id));
    const references = model.references(model.task.round);
    this.#drawDecisions(groups); // before the map, which takes the room that is left
    this.#drawMap(groups, references);
    if (this.task) this.#drawCurves(groups, references);
    this.#drawHistograms(groups, references);
    this.#highlight();
  }

  /** Show the person in view in every part. */
  #highlight() {
    const { shown, order } = this.picker;
    const answer = this.#model?.answers(this.#model.task?.round).find(({ id }) => id === shown);
    this.curves.highlight(shown, answer ? this.#nameOf(answer.id) : "");
    for (const one of [this.map, ...this.histograms]) one.highlight(shown);
    this.bar.draw(answer, answer ? this.#model?.nameOf(answer.id) ?? "" : "", answer ? numbersText(answer) : "", order.length ? HINT : "No answers yet");
  }

  /** Name of a person, or the place in the order where it is hidden. @param {number} id */
  #nameOf(id) { return this.#model?.nameOf(id) || `Answer ${this.picker.order.indexOf(id) + 1}`; }

  /** @param {AnswerGroup[]} groups @param {Reference[]} references */
  #drawMap(groups, references) {
    const [now] = groups;
    const task = this.#model?.task;
    if (!task) return;
    const picked = now.answers.find(({ id }) => id === this.picker.picked);
    const median = now.answers.length ? [...curveBand(now.answers.map(({ curve }) => curve))[1]] : null;
    if (this.#hasClicks && now.answers.length && this.map.isOpen && this.#slicedOf !== task.round) {
      this.#slicedOf = task.round;
      this.map.view.slice = busiestSlice(now.answers, this.map.view.slice);
      this.map.showSlice(this.map.view.slice);
    }
    this.map.show({
      mode: this.#mode, frequency: null, painted: null, references: mainReferences(references),
      title: this.#mode === "clicks" ? "" : `${this.#mode === "rcbf" ? "rCBF" : "Tmax"}, ${picked ? this.#nameOf(picked.id) : "median curve"}`,
      clicks: groups.flatMap(({ key, answers }) => answers.map(({ id, voxels = [] }) => ({ id, key, voxels }))),
      curve: picked?.curve ?? median, voxels: picked?.voxels ?? [],
    });
  }

  /** @param {AnswerGroup[]} groups @param {Reference[]} references */
  #drawCurves(groups, references) {
    const { opened } = /** @type {TaskCase} */ (this.task);
    this.curves.draw({
      times: Array.from(opened.arrays.start, (_, i) => i * opened.dt), unit: opened.enhancementUnit,
      groups: groups.map(({ key, label, answers }) => ({ key, label, curves: answers })), references: references.filter(({ curve }) => curve.length === opened.arrays.start.length),
    });
  }

  /** @param {AnswerGroup[]} groups @param {Reference[]} references */
  #drawHistograms(groups, references) {
    const named = new Set(mainReferences(references).map(({ id }) => id));
    const published = this.#model?.setup?.published ?? [];
    VOLUMES.forEach(([metric, title], i) => {
      const values = groups.map(({ key, label, answers }) => ({
        key, label, values: answers.flatMap(({ id, numbers }) => (typeof numbers[metric] === "number" ? [{ id, value: numbers[metric] }] : [])),
      }));
      const spreads = values.map((group) => spreadOf(group.values.map(({ value }) => value)));
      const cv = spreads.length > 1 ? `${percent(spreads[1].cv).replace(" %", "")} → ${percent(spreads[0].cv)}` : percent(spreads[0].cv);
      this.histograms[i].root.dataset.cv = String(spreads[0].cv);
      this.histograms[i].draw({
        title, unit: "ml", groups: values, minSpan: Math.max(MIN_SPAN * (spreads[0].high ?? 0), MIN_SPAN_ML),
        marks: references.flatMap(({ id, label, colour, numbers }) => (typeof numbers[metric] === "number" ? [{ label: shortName(label), colour, value: numbers[metric], named: named.has(id) }] : [])),
        figures: { text: meanAndSd(spreads[0], "ml"), name: "CV", key: cv, note: spreads.length > 1 ? "" : publishedText(published, metric) },
      });
    });
    const source = published[0]?.source.replace(/:.*/, "") ?? "";
    this.source.textContent = published.length ? `Published CV (${source}): between two observers, over 30 patients. A class is many observers of one patient: compare the size only.` : "";
  }

  /** @param {AnswerGroup[]} groups */
  #drawDecisions(groups) {
    const { setup } = /** @type {RoomModel} */ (this.#model);
    if (!setup) return;
    const counts = groups.map(({ answers }) => decisionCounts(answers.map(({ numbers }) => numbers), setup)).reverse();
    const cells = /** @type {const} */ ([["smallCore", `Core < ${setup.largeCoreMl} ml`], ["ratio", `Ratio ≥ ${setup.targetRatio}`]]);
    this.decisions.replaceChildren(...cells.map(([name, label]) => {
      const parts = counts.flatMap((one, k) => [...(k ? [element("span", { textContent: "→" })] : []), element("strong", { className: "key", textContent: String(one[name]) }), element("span", { textContent: `of ${one.of}` })]);
      const node = element("div", {}, element("b", { textContent: label }), ...parts);
      node.dataset.decision = name;
      return node;
    }));
  }
}

/** Published coefficients of variation of a metric, a line each. @param {import("./messages.js").PublishedSpread[]} all @param {string} metric */
function publishedText(all, metric) {
  const lines = all.filter((one) => one.metric === metric).map(({ label, cv }) => `${label} ${percent(cv)}`);
  return lines.length ? ["published", ...lines].join("\n") : "";
}

/** The slice with most clicked voxels; of equals the one nearer to the slice in view. @param {Answer[]} answers @param {number} now */
export function busiestSlice(answers, now) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (const { voxels = [] } of answers) for (const [, , z] of voxels) counts.set(z, (counts.get(z) ?? 0) + 1);
  return [...counts].sort(([a, n], [b, m]) => m - n || Math.abs(a - now) - Math.abs(b - now) || a - b)[0]?.[0] ?? now;
}

/** @param {Answer} answer */
function numbersText({ numbers: { core_ml: core, hypoperfused_ml: hypoperfused, mismatch_ratio: ratio } }) {
  return `core ${amount(core)}, hypoperfused ${amount(hypoperfused)} ml, ratio ${typeof ratio === "number" ? ratio.toFixed(1) : "–"}`;
}
