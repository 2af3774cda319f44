// The figures of the volume, each with its change against the starting curve.
import { NUMBERS } from "../template.js";

export function numbers(lab) {
  lab.bus.on("case", ({ hasLesion }) => {
    for (const key of ["dice", "auc"]) lab.find(`[data-number=${key}]`).hidden = !hasLesion;
  });
  lab.bus.on("numbers", ({ numbers: now, start }) => {
    lab.root.dataset.coreMl = now.core_ml;
    for (const [key, , , digits] of NUMBERS) {
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
