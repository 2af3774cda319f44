// Lesion metrics of the volume, each with its change from the pinned reference: lesions and decision below the maps, the
// others below the Lab.
/** @import { Lab } from "../lab.js" */
/** @import { ConfigFrame, MetricInfo, Numbers, Provided } from "../types.js" */
import { find } from "../common/dom.js";
import { fixed, formatChange, isSmall, shownChange } from "../common/number_format.js";

const MAX_UNIT_LETTERS = 2; // a longer unit stands in the heading, not behind the value
const LESIONS = ["core_ml", "hypoperfused_ml", "mismatch_ml", "mismatch_ratio"];

/** Label of a metric as a heading, with its unit where that is long. @param {Pick<MetricInfo, "label" | "unit">} metric */
export const heading = ({ label, unit }) => (unit.length > MAX_UNIT_LETTERS ? `${label}, ${unit}` : label);

/** The unit behind a value: empty where the heading has it. @param {Pick<MetricInfo, "unit">} metric */
export const shortUnit = ({ unit }) => (unit.length > MAX_UNIT_LETTERS ? "" : unit);

/** Whether the volumes are a target mismatch. @param {Pick<Numbers, "core_ml" | "hypoperfused_ml">} numbers @param {ConfigFrame["target"]} target @returns {boolean | null} null: not defined */
export function isTargetMismatch({ core_ml: core, hypoperfused_ml: hypoperfused }, { core_ml: largest, ratio, mismatch_ml: least }) {
  if (hypoperfused === null) return null;
  return core < largest && hypoperfused >= ratio * core && hypoperfused > 0 && hypoperfused - core >= least;
}

class NumberRow {
  /** @type {Numbers | null} */
  #numbers = null;

  /** @param {Lab} lab @param {Provided["reference"]} reference */
  constructor(lab, reference) {
    this.lab = lab;
    this.reference = reference;
    reference.onChange(() => this.show());
  }

  /** @param {ConfigFrame} config */
  configure({ metrics, target }) {
    const { lab } = this;
    if (lab.root.querySelector("[data-number]")) return;
    const html = (/** @type {MetricInfo[]} */ some) => some.map((metric) =>
      `<div class="number" data-number="${metric.id}" title="${metric.help}"><span>${heading(metric)}</span><b>–</b><small>${shortUnit(metric)}</small><em></em></div>`).join("");
    lab.find(".lesions").innerHTML = `${html(metrics.filter(({ id }) => LESIONS.includes(id)))}<div class="decision" data-out="decision"></div>`;
    lab.find(".numbers").insertAdjacentHTML("afterbegin", html(metrics.filter(({ id }) => !LESIONS.includes(id))));
    lab.find(".decision").title = `Target mismatch: core < ${target.core_ml} ml, ratio ≥ ${target.ratio}, mismatch ≥ ${target.mismatch_ml} ml`;
  }

  /** Thresholds belong to the names of the lesions, which stand as on a scanner's console. @param {ConfigFrame["thresholds"]} thresholds */
  showThresholds({ core, tmax }) {
    const { metrics, maps } = this.lab.config;
    const coreLabel = metrics.find(({ id }) => id === "core_ml")?.label;
    const names = {
      core_ml: `${coreLabel}, ${maps.rcbf.label} < ${Number((100 * core).toFixed(0))} %`,
      hypoperfused_ml: `${maps.tmax.label} > ${Number(tmax.toFixed(1))} s`,
    };
    for (const [id, name] of Object.entries(names)) find(this.lab.root, `[data-number=${id}] span`).textContent = name;
  }

  /** @param {Numbers} numbers */
  receive(numbers) {
    this.#numbers = numbers;
    this.lab.root.dataset.coreMl = String(numbers.core_ml);
    this.show();
  }

  show() {
    const { lab, reference } = this;
    const numbers = this.#numbers, before = reference.numbers;
    if (!numbers) return;
    for (const { id, digits } of lab.config.metrics) {
      const node = lab.find(`[data-number=${id}]`);
      const change = shownChange(numbers[id], before?.[id], digits);
      find(node, "b").textContent = fixed(numbers[id], digits);
      find(node, "em").textContent = change === null ? "" : formatChange(change, digits);
      node.classList.toggle("changed", change !== null && !isSmall(change, digits));
    }
    const isTarget = isTargetMismatch(numbers, lab.config.target);
    const decision = lab.find(".decision");
    decision.textContent = isTarget === null ? "" : isTarget ? "target mismatch" : "no target mismatch";
    decision.dataset.target = String(isTarget);
  }
}

/** @param {Lab} lab @param {Provided} needed */
export function installNumbers(lab, { reference }) {
  const row = new NumberRow(lab, reference);
  lab.events.on("config", (config) => { row.configure(config); row.showThresholds(config.thresholds); });
  lab.events.on("case", ({ hasLesion }) => {
    for (const id of ["dice", "auc"]) lab.find(`[data-number=${id}]`).hidden = !hasLesion;
  });
  lab.events.on("numbers", ({ numbers }) => row.receive(numbers));
}
