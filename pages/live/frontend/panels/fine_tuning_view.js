// Display of fine-tuning: buttons, slider over the steps, figures, sentence, and lines of loss and Dice.
/** @import { Lab } from "../lab.js" */
/** @import { Curve, TuneStep } from "../types.js" */
import { find } from "../common/dom.js";
import { LineChart } from "../common/line_chart.js";
import { figure, FIGURES, summary } from "./fine_tuning_labels.js";

/**
 * @typedef {object} TuneContent
 * @property {TuneStep[]} path
 * @property {number} at index of the step in view; -1 without one
 * @property {Curve | null} start
 * @property {boolean} isRunning
 * @property {string} ended
 * @property {boolean} learnsThreshold
 */

export class TuneView {
  /** @param {Lab} lab @param {HTMLElement} pane */
  constructor(lab, pane) {
    this.lab = lab;
    this.pane = pane;
    this.slider = find(pane, "[data-control=tune-path]", HTMLInputElement);
    this.run = this.#button("run");
    this.options = find(pane, ".tune-options");
    this.loss = new LineChart(find(pane, "svg.loss", SVGSVGElement), "loss");
    this.dice = new LineChart(find(pane, "svg.dice", SVGSVGElement), "Dice");
  }

  /** @param {string} name */
  #button(name) { return find(this.pane, `[data-action=tune-${name}]`, HTMLButtonElement); }

  /** @param {string} selector @param {boolean} isShown */
  #toggle(selector, isShown) { find(this.pane, selector).hidden = !isShown; }

  toggleOptions() {
    this.options.hidden = !this.options.hidden;
    this.#button("options").setAttribute("aria-expanded", String(!this.options.hidden));
  }

  /** @param {TuneContent} content */
  draw(content) {
    this.#drawControls(content);
    this.#drawFigures(content);
    if (this.lab.root.dataset.pane === "tune") this.#drawLines(content);
  }

  /** @param {TuneContent} content */
  #drawControls({ path, at, isRunning }) {
    const { run, slider } = this;
    run.textContent = isRunning ? "❚❚ Pause" : "▶ Run";
    run.setAttribute("aria-label", isRunning ? "Pause" : "Run");
    this.#button("step").disabled = isRunning;
    this.#button("stop").disabled = !isRunning && !path.length;
    this.#button("use").disabled = !path.length;
    slider.disabled = path.length < 2;
    slider.max = String(Math.max(path.length - 1, 0));
    slider.value = String(Math.max(at, 0));
    find(this.pane, "[data-out=tune-step]").textContent = path.length ? `${at} / ${path.length - 1}` : "–";
    this.lab.root.dataset.tuneSteps = String(path.length);
  }

  /** @param {TuneContent} content */
  #drawFigures({ path, at, start, ended, learnsThreshold }) {
    const step = path[at] ?? null;
    for (const [id, , digits] of FIGURES) find(this.pane, `[data-figure=${id}] b`).textContent = figure(step, id, digits);
    this.#toggle("[data-figure=held_out_dice]", path.some(({ held_out_dice: dice }) => dice !== null));
    this.#toggle("[data-figure=hypoperfused_dice]", path.some(({ hypoperfused_dice: dice }) => dice !== null));
    this.#toggle("[data-figure=threshold]", learnsThreshold);
    const [kind, sentence] = summary(path.slice(0, at + 1), start, ended, this.lab.config?.deconvolution === "causal");
    const out = find(this.pane, "[data-out=tune]");
    out.textContent = sentence;
    out.dataset.kind = kind;
  }

  /** @param {TuneContent} content */
  #drawLines({ path, at }) {
    const cursor = Math.max(at, 0);
    this.loss.draw([["smooth", path.map(({ loss }) => loss)]], cursor);
    this.dice.draw([
      ["smooth", path.map(({ dice }) => dice)], ["held-out", path.map(({ held_out_dice: dice }) => dice)],
      ["low", path.map(({ hypoperfused_dice: dice }) => dice)],
    ], cursor);
  }
}
