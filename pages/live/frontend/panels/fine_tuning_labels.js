// Labels of fine-tuning: its controls, its figures, and the sentence under them.
/** @import { Curve, TuneStep } from "../types.js" */

/** @typedef {"dice" | "held_out_dice" | "hypoperfused_dice" | "core_ml" | "distance" | "roughness" | "negative" | "threshold"} FigureId */

/** @type {[id: FigureId, label: string, digits: number][]} */
export const FIGURES = [
  ["dice", "Dice", 3], ["held_out_dice", "Dice, left out", 3], ["hypoperfused_dice", "Dice, Tmax", 3], ["core_ml", "Core, ml", 1],
  ["distance", "from start", 2], ["roughness", "roughness", 2], ["negative", "negative", 0], ["threshold", "threshold", 3],
];
/** @type {Record<FigureId, string>} */
const HELP = {
  dice: "Dice of core and target, over the slices of the loss", held_out_dice: "Dice on the slices left out of the loss",
  hypoperfused_dice: "Dice of Tmax above its threshold and the known hypoperfused tissue", core_ml: "Volume of the core",
  distance: "Root mean square of the change, relative to the start", roughness: "Curvature, in multiples of the start's",
  negative: "Samples below zero, which an AIF does not have", threshold: "The learned threshold of rCBF",
};
// Limits beyond which a curve counts as overfit.
const MAX_ROUGHNESS = 3;
const MAX_SAMPLES = 2; // that are negative, or have contrast where the start has none
const MAX_DICE_FALL = 0.005;
const NO_CONTRAST = 0.02; // of the peak, at most
const CONTRAST = 0.1; // of the peak, at least

/** @type {(name: string, label: string, choices: [value: string, text: string][]) => string} */
const choice = (name, label, choices) =>
  `<label>${label} <select data-tune="${name}" aria-label="${label}">${choices.map(([value, text]) => `<option value="${value}">${text}</option>`).join("")}</select></label>`;
/** @type {(name: string, label: string, min: number, max: number, title: string) => string} */
const number = (name, label, min, max, title) =>
  `<label title="${title}">${label} <input type="number" step="any" min="${min}" max="${max}" data-tune="${name}" aria-label="${label}"></label>`;
/** @type {(name: string, label: string, title: string) => string} */
const check = (name, label, title) => `<label title="${title}"><input type="checkbox" data-tune="${name}"> ${label}</label>`;

export const HTML = `
<div class="row"><button class="solid" data-action="tune-run" title="Run gradient descent on the curve">▶ Run</button>
  <button data-action="tune-step" title="One step">Step</button><button data-action="tune-stop" title="Stop and return to the start curve">Stop</button>
  <input type="range" class="path" data-control="tune-path" min="0" max="0" value="0" aria-label="Step of the path" title="Show another step"><output data-out="tune-step">–</output></div>
<div class="row">${choice("target", "Target", [["truth", "truth"], ["painted", "painted"]])}<button class="tool" data-action="paint" aria-pressed="false" title="Paint the target lesion on the map" hidden>Paint</button>
  ${choice("form", "Form", [["softplus", "positive samples"], ["free", "free samples"], ["gamma", "gamma variate"], ["network-last", "network, last layer"], ["network-all", "network, all layers"]])}
  <span class="grow"></span><button class="tool" data-action="tune-options" aria-expanded="false" title="Loss, optimiser, penalty, threshold, slices left out">Options</button></div>
<div class="tune-options" hidden>${choice("loss", "Loss", [["dice", "soft Dice"], ["cross-entropy", "cross-entropy"]])}${choice("optimizer", "Optimiser", [["adam", "Adam"], ["sgd", "SGD"]])}
  ${number("rate", "Rate", 0.0001, 10, "Size of a step")}${number("curvature", "Curvature", 0, 10000, "Weight of the penalty on a rough curve")}
  ${check("learn_threshold", "learn the threshold", "Optimise the threshold of rCBF too; otherwise it is that of the settings")}${check("held_out", "leave out slices", "Leave every other slice of the lesion out of the loss: the Dice on them shows overfitting")}
  ${check("with_tmax", "hypoperfusion too", "Weight the hypoperfused tissue, by a soft Tmax, as much as the core; where the truth is known")}</div>
<div class="traces"><svg class="trace loss" role="img" aria-label="Loss over the steps"></svg><svg class="trace dice" role="img" aria-label="Dice over the steps"></svg></div>
<div class="figures">${FIGURES.map(([name, label]) => `<div data-figure="${name}" title="${HELP[name]}"><span>${label}</span><b>–</b></div>`).join("")}</div>
<div class="row foot"><div class="say" data-out="tune" role="status"></div><button data-action="keep" title="Save the curve in view as a snapshot (K)">Save snapshot</button>
  <button data-action="tune-use" title="Make the curve in view the edited curve">Use in the Lab</button></div>`;

/**
 * A figure of a step as text.
 * @param {TuneStep | null} step
 * @param {FigureId} id
 * @param {number} digits
 */
export function figure(step, id, digits) {
  const value = id === "core_ml" ? step?.numbers.core_ml : step?.[id];
  if (value === null || value === undefined) return "–";
  return (id === "roughness" ? "×" : "") + value.toFixed(digits);
}

/** Number of samples that have contrast and had none at the start. @param {Curve} start @param {Curve} curve */
function nWithNewContrast(start, curve) {
  const [startPeak, peak] = [Math.max(...start), Math.max(...curve)];
  return curve.filter((value, i) => start[i] < NO_CONTRAST * startPeak && value > CONTRAST * peak).length;
}

/** Whether Dice on the slices left out has fallen from its best while Dice on the others rose. @param {TuneStep[]} steps up to the one in view */
function heldOutFalls(steps) {
  const step = steps[steps.length - 1];
  if (step.held_out_dice === null) return false;
  const best = steps.reduce((a, b) => ((b.held_out_dice ?? 0) > (a.held_out_dice ?? 0) ? b : a));
  return step.held_out_dice < (best.held_out_dice ?? 0) - MAX_DICE_FALL && step.dice > best.dice;
}

/** Signs of overfitting. @param {TuneStep[]} steps up to the one in view @param {Curve} start */
function overfitSigns(steps, start) {
  const { roughness, negative, curve } = steps[steps.length - 1];
  const risen = nWithNewContrast(start, curve);
  const signs = [];
  if (roughness > MAX_ROUGHNESS) signs.push(`the curve is ${roughness.toFixed(0)} times as rough as its start`);
  if (negative > MAX_SAMPLES) signs.push(`${negative} samples are negative`);
  if (risen > MAX_SAMPLES) signs.push(`${risen} samples have contrast where the start has none`);
  if (heldOutFalls(steps)) signs.push("Dice falls on the slices left out while it rises on the others");
  return signs;
}

/**
 * The sentence under the figures, and its kind.
 * @param {TuneStep[]} steps up to the one in view
 * @param {Curve | null} start
 * @param {string} ended why the run ended, if it did with a message
 * @param {boolean} isCausal whether the deconvolution is the causal one, which depends on a shift of the curve
 * @returns {["ended" | "overfit" | "note", string]}
 */
export function summary(steps, start, ended, isCausal) {
  if (ended) return ["ended", ended];
  const signs = steps.length && start ? overfitSigns(steps, start) : [];
  if (signs.length) return ["overfit", `Overfit: ${signs.join("; ")}. The curve is no longer a plausible AIF.`];
  return ["note", isCausal
    ? "The area is kept: rCBF does not depend on the scale, so the gradient is zero along it."
    : "The area is kept: rCBF depends neither on the scale nor, in the delay-invariant form, on a shift, so the gradient is zero along them."];
}
