// Announcements for screen readers: the lesion metrics once the curve rests, and the slice or voxel that keys choose.
/** @import { Lab } from "../lab.js" */
import { find } from "../common/dom.js";
import { heading, shortUnit } from "./numbers.js";

const DELAY_MS = 600; // a newer announcement within this time replaces the older one

/** @param {Lab} lab */
export function installScreenReader(lab) {
  const out = lab.find("[data-out=heard]");
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** The last metrics; the first are not announced. @type {string | null} */
  let lastMetrics = null;

  /** @param {string} text */
  const announce = (text) => {
    clearTimeout(timer);
    timer = setTimeout(() => { out.textContent = text; }, DELAY_MS);
  };

  lab.events.on("volume", () => {
    const text = lab.config.metrics.map((metric) => {
      const node = lab.find(`[data-number=${metric.id}]`);
      const unit = shortUnit(metric);
      const [value, change] = ["b", "em"].map((part) => find(node, part).textContent);
      return node.hidden ? "" : `${heading(metric)} ${value}${unit && ` ${unit}`}${node.classList.contains("changed") ? `, ${change}` : ""}`;
    }).filter(Boolean).join("; ");
    if (lastMetrics !== null && text !== lastMetrics) announce(text);
    lastMetrics = text;
  });

  lab.root.addEventListener("keydown", ({ target, shiftKey }) => {
    if (target !== lab.map.canvas || !lab.case) return;
    const voxel = shiftKey ? lab.find("[data-out=readout]").textContent : "";
    announce(voxel || `${lab.map.style().label}, slice ${lab.view.slice + 1} of ${lab.case.slices}`);
  });
  return { close() { clearTimeout(timer); } };
}
