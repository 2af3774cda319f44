// What an edit cannot change, said where it is made.

const OTHERS = "CBF, CBV, MTT and Tmax do see it.";

function sentence(effect, { deconvolution }) {
  const causal = deconvolution === "causal";
  switch (effect) {
    case "amplitude": return "rCBF, core and Tmax do not see amplitude: it cancels. Absolute CBF and CBV do.";
    case "shift_s": return causal
      ? "In the causal form a shift matters: tissue that leads the AIF loses flow. The delay-invariant form would not see it in rCBF."
      : "In the delay-invariant form rCBF and core hardly see a shift. Tmax moves by as much, and the hypoperfused volume with it.";
    case "baseline": return "An offset over the whole scan changes the area, so CBV, and the shape, so rCBF a little.";
    case "dispersion_s": case "width": return `rCBF divides most of this out, since healthy tissue is measured with the same curve. ${OTHERS}`;
    case "tail": case "cut_s": return `rCBF and core see little of the tail; absolute values do: less tail reads as more CBF and CBV. ${causal ? "" : "Tmax shifts too."}`.trim();
    case "smooth_s": case "fit": return "Noise of the AIF goes; what rCBF sees is only the change of shape.";
    case "point": case "draw": return "Of an edit, rCBF and core see the shape alone: not the height, and in the delay-invariant form not the time.";
    case "voxels": return "The mean of the voxels picked, with their standard deviation as a band.";
    default: return "Shape moves rCBF and core; height moves CBF and CBV alone; time moves Tmax.";
  }
}

export function effects(lab) {
  const out = lab.find("[data-out=effect]");
  const say = (effect) => {
    const words = sentence(effect, lab.config);
    if (out.textContent !== words) out.textContent = words; // said once, not at every move of the hand
    out.dataset.effect = effect ?? "";
  };
  lab.bus.on("effect", say);
  lab.bus.on("case", () => say(null));
}
