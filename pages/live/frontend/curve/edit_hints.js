// Hint below the curve: which maps and metrics the last edit can change.
/** @import { Lab } from "../lab.js" */
import { find } from "../common/dom.js";

const ALL_SEE_IT = "CBF, CBV, MTT and Tmax do see it.";

/**
 * @param {string | null} effect name of the edit
 * @param {boolean} causal whether the deconvolution is the causal form, not the delay-invariant one
 */
export function hint(effect, causal) {
  switch (effect) {
    case "amplitude": return "rCBF, core and Tmax do not see amplitude: it cancels. Absolute CBF and CBV do.";
    case "shift_s": return causal
      ? "In the causal form a shift matters: tissue that leads the AIF loses flow. The delay-invariant form would not see it in rCBF."
      : "In the delay-invariant form rCBF and core hardly see a shift. Tmax moves by as much, and the hypoperfused volume with it.";
    case "vein": return "A vein peaks later and wider than an artery: Tmax falls everywhere and the hypoperfused volume with it; rCBF and core change little.";
    case "baseline": return "An offset over the whole scan changes the area, so CBV, and the shape, so rCBF a little.";
    case "dispersion_s": case "width": return `rCBF divides most of this out, since healthy tissue is measured with the same curve. ${ALL_SEE_IT}`;
    case "tail": case "cut_s": return `rCBF and core see little of the tail; absolute values do: less tail reads as more CBF and CBV. ${causal ? "" : "Tmax shifts too."}`.trim();
    case "smooth_s": case "fit": return "Noise of the AIF is removed; rCBF changes only through the shape.";
    case "point": case "draw": return "Of an edit, rCBF and core see the shape alone: not the height, and in the delay-invariant form not the time.";
    case "voxels": return "The mean of the voxels picked, with their standard deviation as a band.";
    default: return "Shape moves rCBF and core; height moves CBF and CBV alone; time moves Tmax.";
  }
}

/** @param {Lab} lab */
export function installEditHints(lab) {
  const out = find(lab.root, "[data-out=effect]");
  const show = (/** @type {string | null} */ effect) => {
    const text = hint(effect, lab.config.deconvolution === "causal");
    if (out.textContent !== text) out.textContent = text; // announced once, not at every step of a drag
    out.dataset.effect = effect ?? "";
  };
  lab.events.on("effect", show);
  lab.events.on("case", () => show(null));
}
