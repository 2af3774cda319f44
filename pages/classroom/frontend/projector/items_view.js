// Revealed answers to questions: options with counts, numbers as a histogram, and the share of right answers.
/** @import { Answer, Item, Right } from "./messages.js" */
/** @import { GroupKey } from "./plot.js" */
/** @import { RoomModel } from "./room_model.js" */
import { element } from "../../../live/frontend/common/dom.js";
import { countRight, spreadOf } from "./class_statistics.js";
import { amount, meanAndSd, percent } from "./format.js";
import { Histogram } from "./histogram.js";
import { PersonPicker } from "./person_picker.js";

/** @typedef {{key: GroupKey, label: string, answers: Answer[]}} AnswerGroup */

export class ItemsView {
  /** @type {RoomModel | null} */
  #model = null;
  #open = 0; // question in view
  /** @type {Histogram | null} */
  #histogram = null;

  /** @param {HTMLElement} host */
  constructor(host) {
    this.picker = new PersonPicker(() => this.#histogram?.highlight(this.picker.shown));
    this.list = element("div", { className: "item-list" });
    this.list.setAttribute("role", "group");
    this.list.setAttribute("aria-label", "Questions");
    this.detail = element("section", { className: "item-detail" });
    this.root = element("div", { className: "items-view" }, this.list, this.detail);
    host.append(this.root);
  }

  /** @param {RoomModel} model */
  update(model) { this.#model = model; this.draw(); }

  mapsCame() {}

  /** The next question, or the one before. @param {number} by */
  stepSlice(by) {
    const n = this.#model?.task?.items.length ?? 0;
    if (n) { this.#open = (this.#open - by + n) % n; this.draw(); }
  }

  draw() {
    const model = this.#model, task = model?.task;
    if (!model || !task) return;
    const { compared } = model;
    /** @type {AnswerGroup[]} */
    const groups = [{ key: "now", label: compared ? "after" : "", answers: model.answers(task.round) }];
    if (compared) groups.push({ key: "before", label: "before", answers: model.answers(compared.round).filter(({ values }) => values?.length === task.items.length) });
    this.#open = Math.min(this.#open, task.items.length - 1);
    this.picker.setOrder(groups[0].answers.map(({ id }) => id));
    const isOne = task.items.length < 2;
    this.root.classList.toggle("single", isOne);
    this.list.hidden = isOne;
    const focused = [...this.list.children].indexOf(/** @type {Element} */ (document.activeElement));
    this.list.replaceChildren(...(isOne ? [] : task.items.map((item, i) => this.#row(item, i, groups))));
    /** @type {HTMLElement | undefined} */ (this.list.children[focused])?.focus();
    this.#drawDetail(task.items[this.#open], this.#open, groups);
  }

  /** @param {number} i @returns {Right | null} */
  #right(i) { return this.#model?.room?.right?.[i] ?? null; }

  /** A question with its share of right answers. @param {Item} item @param {number} i @param {AnswerGroup[]} groups */
  #row(item, i, groups) {
    const right = this.#right(i);
    const shares = groups.map(({ answers }) => (right && answers.length ? countRight(valuesOf(answers, i), right) / answers.length : null));
    const bars = element("span", { className: "share-bars" }, ...groups.map(({ key }, k) => {
      const bar = element("span", { className: `share ${key}` });
      bar.style.setProperty("--part", String(shares[k] ?? 0));
      return bar;
    }));
    const share = (/** @type {number | null} */ v) => (v === null ? "–" : (100 * v).toFixed(0));
    const text = right ? `${[...shares].reverse().map(share).join(" → ")} %` : `${groups[0].answers.length}`;
    const node = element("button", { className: "item", onclick: () => { this.#open = i; this.draw(); } },
      element("span", { className: "item-text", textContent: `${i + 1}  ${item.text}` }), bars, element("strong", { className: "key", textContent: text }), element("small", { textContent: right ? "right" : "answers" }));
    node.dataset.item = String(i);
    node.setAttribute("aria-pressed", String(i === this.#open));
    return node;
  }

  /** @param {Item} item @param {number} i @param {AnswerGroup[]} groups */
  #drawDetail(item, i, groups) {
    const parts = [element("h2", { textContent: item.text })];
    this.detail.replaceChildren(...parts);
    this.#histogram = null;
    this.detail.dataset.question = String(i);
    if (item.options) this.#drawOptions(item.options, i, groups);
    else this.#drawNumbers(item, i, groups);
  }

  /** @param {string[]} options @param {number} i @param {AnswerGroup[]} groups */
  #drawOptions(options, i, groups) {
    const right = this.#right(i);
    const rows = options.map((option, k) => {
      const isRight = right?.value === k;
      const bars = groups.map(({ key, label, answers }) => {
        const n = valuesOf(answers, i).filter((value) => value === k).length;
        const bar = element("span", { className: `option-bar ${key}${isRight ? " right" : ""}` });
        bar.style.setProperty("--part", String(answers.length ? n / answers.length : 0));
        const line = element("span", { className: `option-line ${key}` }, bar, element("strong", { className: "key", textContent: String(n) }), element("small", { textContent: [percent(answers.length ? n / answers.length : null).replace(/\.\d/, ""), label].filter(Boolean).join(" ") }));
        line.dataset.count = String(n);
        return line;
      }).reverse();
      const node = element("li", { className: isRight ? "right" : "" }, element("span", { className: "option-text", textContent: isRight ? `✓ ${option}` : option }), ...bars);
      node.dataset.option = String(k);
      return node;
    });
    this.detail.append(element("ul", { className: "options" }, ...rows));
  }

  /** @param {import("./messages.js").NumberItem} item @param {number} i @param {AnswerGroup[]} groups */
  #drawNumbers(item, i, groups) {
    const right = this.#right(i);
    const host = element("div", { className: "figures" });
    this.detail.append(host);
    const values = groups.map(({ key, label, answers }) => ({ key, label, values: answers.flatMap(({ id, values: all }) => (all ? [{ id, value: all[i] }] : [])) }));
    const medians = values.map((group) => amount(spreadOf(group.values.map(({ value }) => value)).median)).reverse();
    const n = right ? values.map((group) => countRight(group.values.map(({ value }) => value), right)).reverse() : [];
    this.#histogram = new Histogram(host, this.picker, "number");
    this.#histogram.draw({
      title: right ? `${n.join(" → ")} of ${values[0].values.length} within ± ${amount(right.tolerance)} ${item.unit}` : "", unit: item.unit, groups: values, minSpan: (item.high - item.low) / 3,
      marks: right ? [{ label: `right: ${amount(right.value)} ${item.unit}`, colour: "var(--right)", value: right.value, named: true }] : [],
      figures: { text: meanAndSd(spreadOf(values[0].values.map(({ value }) => value)), item.unit), name: "median", key: `${medians.join(" → ")} ${item.unit}`, note: "" },
    });
  }
}

/** @param {Answer[]} answers @param {number} i */
const valuesOf = (answers, i) => answers.flatMap(({ values }) => (values ? [values[i]] : []));
