// Labels of fine-tuning: its controls, its figures, and the sentence under them.
/** @import { AifQuality } from "../curve/aif_quality.js" */
/** @import { Curve, TuneStep } from "../types.js" */
import { newCauses } from "../curve/aif_quality.js";

/** @typedef {"dice" | "held_out_dice" | "truth_dice" | "hypoperfused_dice"} DiceId */
/** @typedef {DiceId | "distance" | "roughness" | "negative" | "threshold"} FigureId */

/** Dice of each lesion, with the class of its line; the first is that of the target. @type {[id: DiceId, digits: number, line: string][]} */
export const DICES = [["dice", 3, "core"], ["held_out_dice", 3, "held-out"], ["truth_dice", 3, "of-truth"], ["hypoperfused_dice", 3, "low"]];
/** @type {[id: FigureId, digits: number, line: string][]} */
export const FIGURES = [...DICES, ["distance", 2, ""], ["roughness", 2, ""], ["negative", 0, ""], ["threshold", 3, ""]];
/** @type {Record<FigureId, string>} */
const HELP = {
  dice: "Dice of the core and the target of the loss", held_out_dice: "Dice of the core on the slices left out of the loss",
  truth_dice: "Dice of the core and the known lesion, which the loss does not have",
  hypoperfused_dice: "Dice of Tmax above its threshold and the known hypoperfused tissue",
  distance: "Root mean square of the change, relative to the start", roughness: "Curvature, in multiples of the start's",
  negative: "Samples below zero, which an AIF does not have", threshold: "The learned threshold of rCBF",
};

/**
 * What a figure is of, as a run has its loss.
 * @param {FigureId} id
 * @param {{target: string, holdsOut: boolean, with_tmax: boolean}} run
 */
export function figureLabel(id, { target, holdsOut, with_tmax: withTmax }) {
  switch (id) {
    case "dice": return holdsOut ? "Dice, trained slices" : `Dice, ${target}`;
    case "held_out_dice": return "Dice, left out";
    case "truth_dice": return "Dice, truth (not trained)";
    case "hypoperfused_dice": return withTmax ? "Dice, Tmax" : "Dice, Tmax (not trained)";
    case "distance": return "from start";
    default: return id;
  }
}

/**
 * Dice of a step by figure; null where it has none. The known lesion is a figure of its own where it is not the target.
 * @param {TuneStep} step
 * @returns {Record<DiceId, number | null>}
 */
export const dices = (step) => ({
  dice: step.dice, held_out_dice: step.held_out_dice, truth_dice: step.target === "painted" ? step.numbers.dice : null,
  hypoperfused_dice: step.hypoperfused_dice,
});

// Limits beyond which a curve counts as overfit.
const MAX_ROUGHNESS = 3;
const MAX_DICE_FALL = 0.005;

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
  <input type="range" class="path" data-control="tune-path" min="0" max="0" value="0" aria-label="Step of the path" title="Show another step"><output data-out="tune-step">–</output>
  <button class="tool" data-action="tune-options" aria-expanded="false" title="Loss, optimiser, penalty, threshold, slices left out">Options</button></div>
<div class="row choices">${choice("start", "Start", [["vein", "vein"], ["lab", "the Lab's"]])}${choice("target", "Target", [["truth", "truth"], ["painted", "painted"]])}<button class="tool" data-action="paint" aria-pressed="false" title="Paint the target lesion on the map" hidden>Paint</button>
  ${choice("form", "Form", [["softplus", "positive samples"], ["free", "free samples"], ["gamma", "gamma variate"], ["network-last", "network, last layer"], ["network-all", "network, all layers"]])}</div>
<div class="tune-options" hidden>${choice("loss", "Loss", [["dice", "soft Dice"], ["cross-entropy", "cross-entropy"]])}${choice("optimizer", "Optimiser", [["adam", "Adam"], ["sgd", "SGD"]])}
  ${number("rate", "Rate", 0.0001, 10, "Size of a step")}${number("curvature", "Curvature", 0, 10000, "Weight of the penalty on a rough curve")}
  ${check("learn_threshold", "learn the threshold", "Optimise the threshold of rCBF too; otherwise it is that of the settings")}${check("held_out", "leave out slices", "Leave every other slice of the lesion out of the loss: the Dice on them shows overfitting")}
  ${check("with_tmax", "hypoperfusion too", "Weight the hypoperfused tissue, by a soft Tmax, as much as the core; where the truth is known")}</div>
<div class="traces"><svg class="trace loss" role="img" aria-label="Loss over the steps"></svg><svg class="trace dice" role="img" aria-label="Dice over the steps"></svg></div>
<div class="film" role="group" aria-label="Steps of the path" hidden></div>
<div class="figures">${FIGURES.map(([name, , line]) => `<div data-figure="${name}" class="${line && `line ${line}`}" title="${HELP[name]}"><span></span><b>–</b></div>`).join("")}</div>
<div class="row foot"><div class="say" data-out="tune" role="status"></div><button data-action="tune-use" title="Make the curve in view the edited curve">Use in the Lab</button></div>`;

/** @type {[id: DiceId, where: string][]} */
const UNTRAINED = [
  ["held_out_dice", "on the slices left out"], ["truth_dice", "with the truth"], ["hypoperfused_dice", "of Tmax, not trained,"],
];

/**
 * What Dice of the untrained has fallen from its best while that of the target rose, and after which step.
 * @param {TuneStep[]} steps up to the one in view
 * @returns {{where: string, after: number}[]}
 */
export function untrainedFalls(steps) {
  const last = steps[steps.length - 1];
  return UNTRAINED.flatMap(([id, where]) => {
    if (!last || (id === "hypoperfused_dice" && last.with_tmax)) return [];
    const values = steps.map((step) => dices(step)[id]);
    const value = values[values.length - 1], best = Math.max(...values.map((v) => v ?? 0));
    const after = values.indexOf(best);
    return value !== null && value < best - MAX_DICE_FALL && last.dice > steps[after].dice ? [{ where, after }] : [];
  });
}

/** The sentence of an overfit; empty without one. @param {TuneStep[]} steps up to the one in view @param {Curve} start @param {(curve: Curve) => AifQuality} judge */
function overfit(steps, start, judge) {
  const { roughness, curve } = steps[steps.length - 1];
  const signs = untrainedFalls(steps).map(({ where, after }) => `After step ${after}, Dice ${where} falls as the target's rises.`);
  if (roughness > MAX_ROUGHNESS) signs.push(`The curve is ${roughness.toFixed(0)} times as rough as its start.`);
  signs.push(...newCauses(judge(start), judge(curve)).slice(0, 1)); // the light lists the others
  return signs.length ? `Overfit: ${signs.join(" ")}` : "";
}

/**
 * The sentence under the figures, and its kind.
 * @param {TuneStep[]} steps up to the one in view; the first is the start, which no step has changed
 * @param {Curve | null} start
 * @param {string} ended why the run ended, if it did with a message
 * @param {boolean} isCausal whether the deconvolution is the causal one, which depends on a shift of the curve
 * @param {(curve: Curve) => AifQuality} judge the rule of the AIF quality, without Tmax
 * @returns {["ended" | "overfit" | "note", string]}
 */
export function summary(steps, start, ended, isCausal, judge) {
  if (ended) return ["ended", ended];
  const found = steps.length > 1 && start ? overfit(steps, start, judge) : "";
  if (found) return ["overfit", found];
  return ["note", isCausal
    ? "The area is kept: rCBF does not depend on the scale, so the gradient is zero along it."
    : "The area is kept: rCBF depends neither on the scale nor, in the delay-invariant form, on a shift, so the gradient is zero along them."];
}
