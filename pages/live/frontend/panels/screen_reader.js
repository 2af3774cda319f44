// @ts-nocheck
// What those hear who do not see the screen: the figures at rest, and the slice and voxel that keys have chosen.
import { heading, shortUnit } from "./numbers.js";

const QUIET_MS = 600; // a hand that is still moving is not talked over

export function installScreenReader(lab) {
  const out = lab.find("[data-out=heard]");
  let timer = 0;
  let figures = null; // the last that were told; the first are there for whoever looks for them

  const say = (words) => {
    clearTimeout(timer);
    timer = setTimeout(() => { out.textContent = words; }, QUIET_MS);
  };

  lab.events.on("volume", () => {
    const words = lab.config.metrics.map((metric) => {
      const node = lab.find(`[data-number=${metric.id}]`);
      const unit = shortUnit(metric);
      const [value, change] = ["b", "em"].map((part) => node.querySelector(part).textContent);
      return node.hidden ? "" : `${heading(metric)} ${value}${unit && ` ${unit}`}${node.classList.contains("changed") ? `, ${change}` : ""}`;
    }).filter(Boolean).join("; ");
    if (figures !== null && words !== figures) say(words);
    figures = words;
  });

  lab.root.addEventListener("keydown", ({ target, shiftKey }) => {
    if (target !== lab.map.canvas || !lab.case) return;
    const voxel = shiftKey ? lab.find("[data-out=readout]").textContent : "";
    say(voxel || `${lab.map.style().label}, slice ${lab.view.slice + 1} of ${lab.case.slices}`);
  });
  return { close() { clearTimeout(timer); } };
}
