// @ts-nocheck
// The words of fine-tuning: its controls, its figures, and the sentence under them.

/** Name, label, digits. */
export const FIGURES = [
  ["dice", "Dice", 3], ["held_out_dice", "Dice, left out", 3], ["hypoperfused_dice", "Dice, Tmax", 3], ["core_ml", "Core, ml", 1],
  ["distance", "from start", 2], ["roughness", "roughness", 2], ["negative", "negative", 0], ["threshold", "cut-off", 3],
];
const HELP = {
  dice: "Of the core with the target, over the slices that count", held_out_dice: "On the slices left out of the loss",
  hypoperfused_dice: "Of Tmax above its threshold with the known hypoperfused tissue", core_ml: "Volume of the core",
  distance: "Root mean square of the change, relative to the start", roughness: "Curvature, in multiples of the start's",
  negative: "Samples below zero: no artery has them", threshold: "The learned cut-off of rCBF",
};
const ROUGH = 3;
const NEGATIVE = 2;
const NOTHING = 0.02; // of the peak: no contrast
const SOMETHING = 0.1;
const FALL = 0.005;
const choice = (name, label, choices) =>
  `<label>${label} <select data-tune="${name}" aria-label="${label}">${choices.map(([value, text]) => `<option value="${value}">${text}</option>`).join("")}</select></label>`;
const number = (name, label, least, most, title) =>
  `<label title="${title}">${label} <input type="number" step="any" min="${least}" max="${most}" data-tune="${name}" aria-label="${label}"></label>`;
const check = (name, label, title) => `<label title="${title}"><input type="checkbox" data-tune="${name}"> ${label}</label>`;

export const HTML = `
<div class="row"><button class="solid" data-action="tune-run" title="Let the gradient move the curve">▶ Run</button>
  <button data-action="tune-step" title="One step">Step</button><button data-action="tune-stop" title="Stop, and back to the start">Stop</button>
  <input type="range" class="path" data-control="tune-path" min="0" max="0" value="0" aria-label="Step of the path" title="Walk along the path"><output data-out="tune-step">–</output></div>
<div class="row">${choice("target", "Target", [["truth", "truth"], ["painted", "painted"]])}<button class="tool" data-action="paint" aria-pressed="false" title="Paint the lesion that is wanted on the map" hidden>Paint</button>
  ${choice("form", "Form", [["softplus", "positive samples"], ["free", "free samples"], ["gamma", "gamma variate"], ["network-last", "network, last layer"], ["network-all", "network, all layers"]])}
  <span class="grow"></span><button class="tool" data-action="tune-options" aria-expanded="false" title="Loss, optimiser, penalty, cut-off, slices left out">Options</button></div>
<div class="tune-options" hidden>${choice("loss", "Loss", [["dice", "soft Dice"], ["cross-entropy", "cross-entropy"]])}${choice("optimizer", "Optimiser", [["adam", "Adam"], ["sgd", "SGD"]])}
  ${number("rate", "Rate", 0.0001, 10, "Size of a step")}${number("curvature", "Curvature", 0, 10000, "Weight of the penalty on a rough curve")}
  ${check("learn_threshold", "learn the cut-off", "rCBF's cut-off moves along; else it stays where the settings have it")}${check("held_out", "leave out slices", "The loss does not see every other slice of the lesion: the Dice there shows an overfit")}
  ${check("with_tmax", "hypoperfusion too", "The hypoperfused tissue counts as much as the core, through a soft Tmax; where the truth is known")}</div>
<div class="traces"><svg class="trace loss" role="img" aria-label="Loss over the steps"></svg><svg class="trace dice" role="img" aria-label="Dice over the steps"></svg></div>
<div class="figures">${FIGURES.map(([name, label]) => `<div data-figure="${name}" title="${HELP[name]}"><span>${label}</span><b>–</b></div>`).join("")}</div>
<div class="row foot"><div class="say" data-out="tune" role="status"></div><button data-action="keep" title="Save the curve in view as a snapshot (K)">Save snapshot</button>
  <button data-action="tune-use" title="Make the curve in view the edited one">Use in the Lab</button></div>`;

export function figure(step, name, digits) {
  const value = name === "core_ml" ? step?.numbers.core_ml : step?.[name];
  if (value === null || value === undefined) return "–";
  return (name === "roughness" ? "×" : "") + value.toFixed(digits);
}

/** Samples that were without contrast and are not. */
function appeared(start, curve) {
  const [top, now] = [Math.max(...start), Math.max(...curve)];
  return curve.filter((value, i) => start[i] < NOTHING * top && value > SOMETHING * now).length;
}

/** The sentence under the figures, and its kind: ended, overfit or note. */
export function say(path, at, start, ended, causal) {
  if (ended) return ["ended", ended];
  const step = path[at];
  if (step) {
    const signs = [];
    if (step.roughness > ROUGH) signs.push(`the curve is ${step.roughness.toFixed(0)} times as rough as its start`);
    if (step.negative > NEGATIVE) signs.push(`${step.negative} samples are negative`);
    const risen = appeared(start, step.curve);
    if (risen > NEGATIVE) signs.push(`${risen} samples have contrast where the start has none`);
    if (step.held_out_dice !== null) {
      const best = path.slice(0, at + 1).reduce((a, b) => (b.held_out_dice > a.held_out_dice ? b : a));
      if (step.held_out_dice < best.held_out_dice - FALL && step.dice > best.dice) signs.push("Dice falls on the slices left out while it rises on the others");
    }
    if (signs.length) return ["overfit", `Overfit: ${signs.join("; ")}. The curve is no longer a plausible AIF.`];
  }
  return ["note", causal
    ? "The area is kept: rCBF does not see the scale, so the gradient is zero along it."
    : "The area is kept: rCBF sees neither scale nor, in the delay-invariant form, a shift, so the gradient is zero along them."];
}
