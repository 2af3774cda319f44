// Lesion metrics of the volume, each with its change against the start curve.
/** @import { Lab } from "../lab.js" */
/** @import { MetricInfo } from "../types.js" */
import { find } from "../common/dom.js";
import { fixed, formatChange, isSmall } from "../common/number_format.js";

const MAX_UNIT_LETTERS = 2; // a longer unit stands in the heading, not behind the value

/** Label of a metric as a heading, with its unit where that is long. @param {Pick<MetricInfo, "label" | "unit">} metric */
export const heading = ({ label, unit }) => (unit.length > MAX_UNIT_LETTERS ? `${label}, ${unit}` : label);

/** The unit behind a value: empty where the heading has it. @param {Pick<MetricInfo, "unit">} metric */
export const shortUnit = ({ unit }) => (unit.length > MAX_UNIT_LETTERS ? "" : unit);

/** @param {Lab} lab */
export function installNumbers(lab) {
  lab.events.on("config", ({ metrics }) => {
    if (lab.root.querySelector("[data-number]")) return;
    lab.find(".numbers").insertAdjacentHTML("afterbegin", metrics.map((metric) =>
      `<div class="number" data-number="${metric.id}"><span>${heading(metric)}</span><b>–</b><small>${shortUnit(metric)}</small><em></em></div>`).join(""));
  });
  lab.events.on("case", ({ hasLesion }) => {
    for (const id of ["dice", "auc"]) lab.find(`[data-number=${id}]`).hidden = !hasLesion;
  });
  lab.events.on("numbers", ({ numbers, start }) => {
    lab.root.dataset.coreMl = String(numbers.core_ml);
    for (const { id, digits } of lab.config.metrics) {
      const node = lab.find(`[data-number=${id}]`);
      const [value, before] = [numbers[id], start[id]];
      const change = value === null || before === null ? 0 : value - before;
      find(node, "b").textContent = fixed(value, digits);
      find(node, "em").textContent = formatChange(change, digits);
      node.classList.toggle("changed", !isSmall(change, digits));
    }
  });
}
