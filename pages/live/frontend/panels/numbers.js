// @ts-nocheck
// The figures of the volume, each with its change against the starting curve.

/** Label of a metric as a heading; a unit too long to stand behind a value stands here. */
export const heading = ({ label, unit }) => (unit.length > 2 ? `${label}, ${unit}` : label);
export const shortUnit = ({ unit }) => (unit.length > 2 ? "" : unit);

export function installNumbers(lab) {
  lab.events.on("config", ({ metrics }) => {
    if (lab.root.querySelector("[data-number]")) return;
    lab.find(".numbers").insertAdjacentHTML("afterbegin", metrics.map((metric) =>
      `<div class="number" data-number="${metric.id}"><span>${heading(metric)}</span><b>–</b><small>${shortUnit(metric)}</small><em></em></div>`).join(""));
  });
  lab.events.on("case", ({ hasLesion }) => {
    for (const key of ["dice", "auc"]) lab.find(`[data-number=${key}]`).hidden = !hasLesion;
  });
  lab.events.on("numbers", ({ numbers: now, start }) => {
    lab.root.dataset.coreMl = now.core_ml;
    for (const { id: key, digits } of lab.config.metrics) {
      const node = lab.find(`[data-number=${key}]`);
      const value = now[key];
      node.querySelector("b").textContent = value === null ? "–" : value.toFixed(digits);
      const change = value === null || start[key] === null ? 0 : value - start[key];
      const small = Math.abs(change) < 0.5 * 10 ** -digits;
      node.querySelector("em").textContent = small ? "±0" : `${change > 0 ? "+" : "−"}${Math.abs(change).toFixed(digits)}`;
      node.classList.toggle("changed", !small);
    }
  });
}
