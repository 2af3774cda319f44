// Verdict and film of fine-tuning: nothing is said of a curve that no step has changed; a fall of untrained Dice is.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assessAif } from "../curve/aif_quality.js";
import { lastOnAxis, roundRange } from "../common/line_chart.js";
import { filmSteps } from "../panels/fine_tuning_film.js";
import { dices, figureLabel, summary, untrainedFalls } from "../panels/fine_tuning_labels.js";
/** @import { AifCheck, TuneStep } from "../types.js" */

/** A measured curve: noise below zero before the bolus. */
const MEASURED = Float32Array.from([-1, -2, -1, -3, 0, 20, 90, 60, 30, 20, 10]);

/** @param {Partial<TuneStep>} [fields] @returns {TuneStep} */
const step = (fields = {}) => /** @type {TuneStep} */ ({
  curve: MEASURED, negative: 4, roughness: 1, dice: 0.8, held_out_dice: null, hypoperfused_dice: 0.9, target: "truth", with_tmax: false,
  numbers: { dice: 0.8 }, ...fields,
});
const CHECK = /** @type {AifCheck} */ ({ id: "lowest", measured: "lowest level", unit: "%", normal: [-0.1, null], possible: [-0.25, null], low: "The AIF falls below its baseline" });
/** @param {Float32Array} curve */
const judge = (curve) => assessAif([CHECK], { lowest: Math.min(...curve) / Math.max(...curve) });
/** @param {...Partial<TuneStep>} steps */
const verdict = (...steps) => summary(steps.map(step), MEASURED, "", false, judge);

test("a measured curve with samples below zero is no overfit, at step 0 and beyond", () => {
  assert.equal(verdict({})[0], "note");
  assert.equal(verdict({}, {})[0], "note");
  assert.equal(verdict({ roughness: 9 })[0], "note", "step 0 is the start");
  assert.equal(verdict({}, { negative: 7 })[0], "note", "noise below zero");
  assert.deepEqual(verdict({}, { curve: MEASURED.map((v, i) => (i > 7 ? -15 : v)) }), ["overfit", "Overfit: The AIF falls below its baseline."]);
});

test("Dice that falls where it is not trained is an overfit, of the curve that is in view", () => {
  const [kind, sentence] = verdict({}, { dice: 0.82, hypoperfused_dice: 0.95 }, { dice: 0.85, hypoperfused_dice: 0.84 });
  assert.equal(kind, "overfit");
  assert.equal(sentence, "Overfit: After step 1, Dice of Tmax, not trained, falls as the target's rises.");
  const path = [{}, { dice: 0.82, hypoperfused_dice: 0.95 }, { dice: 0.85, hypoperfused_dice: 0.84 }].map(step);
  assert.deepEqual(untrainedFalls(path).map(({ after }) => after), [1]);
  assert.deepEqual(untrainedFalls(path.slice(0, 2)), []);
  assert.deepEqual(untrainedFalls([]), []);
  assert.equal(verdict({}, { dice: 0.82, hypoperfused_dice: 0.95 })[0], "note");
  const trained = { with_tmax: true };
  assert.equal(verdict(trained, { ...trained, dice: 0.85, hypoperfused_dice: 0.8 })[0], "note", "a trade within the loss");
});

test("with a painted target the truth is a figure of its own", () => {
  const painted = step({ target: "painted", dice: 0.01, numbers: { ...step().numbers, dice: 0.82 } });
  assert.deepEqual([dices(painted).dice, dices(painted).truth_dice], [0.01, 0.82]);
  assert.equal(dices(step()).truth_dice, null);
  const run = { target: "painted", holdsOut: false, with_tmax: false };
  assert.equal(figureLabel("dice", run), "Dice, painted");
  assert.equal(figureLabel("truth_dice", run), "Dice, truth (not trained)");
});

test("while it runs the film leaves out a last step that it will not keep", () => {
  assert.deepEqual(filmSteps(8, 7, true), [0, 2, 4, 6]);
  assert.deepEqual(filmSteps(9, 7, true), [0, 2, 4, 6, 8]);
  assert.deepEqual(filmSteps(1, 7, true), [0]);
});

test("axes stay while a path grows", () => {
  assert.deepEqual([-1, 0, 7, 10, 11, 42, 99, 101, 640].map(lastOnAxis), [10, 10, 10, 10, 15, 45, 100, 150, 650]);
  assert.deepEqual(roundRange([]), [0, 1]);
  for (const values of [[0.766, 0.812], [0.36, 0.97], [0.5], [-3, 8], [0, 0]]) {
    const [low, high] = roundRange(values);
    assert.ok(low <= Math.min(...values) && high >= Math.max(...values) && high > low);
    assert.ok(high - low <= 4 * Math.max(Math.max(...values) - Math.min(...values), 1e-3 * Math.abs(high), 1e-6));
  }
});

test("a film has the first and the last step, and at most as many as fit", () => {
  assert.deepEqual(filmSteps(0, 7), []);
  assert.deepEqual(filmSteps(1, 7), [0]);
  assert.deepEqual(filmSteps(7, 7), [0, 1, 2, 3, 4, 5, 6]);
  assert.deepEqual(filmSteps(8, 7), [0, 2, 4, 6, 7]);
  for (let n = 1; n < 300; n++) {
    const steps = filmSteps(n, 7);
    assert.ok(steps.length <= 7 && steps[0] === 0 && steps.at(-1) === n - 1);
    assert.deepEqual(steps, [...new Set(steps)].sort((a, b) => a - b));
  }
});
