// Display of fine-tuning: buttons, slider over the steps, figures, sentence, and lines of loss and Dice.
/** @import { Lab } from "../lab.js" */
/** @import { Curve, Numbers, TuneStep } from "../types.js" */
import { find } from "../common/dom.js";
import { LineChart } from "../common/line_chart.js";
import { fixed } from "../common/number_format.js";
import { TuneFilm } from "./fine_tuning_film.js";
import { DICES, dices, figureLabel, FIGURES, summary, untrainedFalls } from "./fine_tuning_labels.js";

/**
 * @typedef {object} TuneContent
 * @property {TuneStep[]} path
 * @property {number} at index of the step in view; -1 at the start curve
 * @property {Numbers | null} numbers that the Lab shows
 * @property {Curve | null} start
 * @property {boolean} isRunning
 * @property {string} ended
 * @property {{target: string, holdsOut: boolean, with_tmax: boolean, learnsThreshold: boolean}} run the loss of the step in view, or of the next run
 */

export class TuneView {
  /** What was drawn last. @type {TuneContent | null} */
  #content = null;

  /**
   * @param {Lab} lab
   * @param {HTMLElement} pane
   * @param {(step: number) => void} onChoose called for a step that is chosen on the film
   * @param {(curve: Curve) => import("../curve/aif_quality.js").AifQuality} judge
   */
  constructor(lab, pane, onChoose, judge) {
    this.judge = judge;
    this.lab = lab;
    this.pane = pane;
    this.slider = find(pane, "[data-control=tune-path]", HTMLInputElement);
    this.run = this.#button("run");
    this.options = find(pane, ".tune-options");
    this.loss = new LineChart(find(pane, "svg.loss", SVGSVGElement), "loss");
    this.dice = new LineChart(find(pane, "svg.dice", SVGSVGElement), "Dice");
    this.film = new TuneFilm(lab, pane, onChoose);
    this.observer = new ResizeObserver(() => this.#measure());
    this.observer.observe(pane);
    this.observer.observe(this.dice.plot.element);
  }

  /** Take the sizes of the pane's parts, and draw what depends on them again. */
  #measure() {
    for (const part of [this.loss, this.dice, this.film]) part.measure();
    if (this.#content) this.#drawPath(this.#content);
  }

  close() { this.observer.disconnect(); }

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
    this.#content = content;
    this.#drawControls(content);
    this.#drawFigures(content);
    if (this.lab.root.dataset.pane === "tune") this.#drawPath(content);
  }

  /** @param {TuneContent} content */
  #drawPath(content) {
    this.#drawLines(content);
    this.film.draw(content.path, content.at, content.isRunning);
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
    find(this.pane, "[data-out=tune-step]").textContent = path.length ? `${at < 0 ? "start" : at} / ${path.length - 1}` : "–";
    this.lab.root.dataset.tuneSteps = String(path.length);
  }

  /** Figures of the step in view, each with what it is of. @param {TuneContent} content */
  #drawFigures(content) {
    const { path, at, start, ended, run } = content;
    const texts = this.#figures(content);
    for (const [id, digits] of FIGURES) {
      const node = find(this.pane, `[data-figure=${id}]`);
      find(node, "span").textContent = figureLabel(id, run);
      find(node, "b").textContent = (id === "roughness" && texts[id] !== null ? "×" : "") + fixed(texts[id], digits);
    }
    for (const [id] of DICES.slice(1)) {
      this.#toggle(`[data-figure=${id}]`, path.some((step) => dices(step)[id] !== null));
    }
    this.pane.dataset.trained = run.with_tmax ? "core tmax" : "core";
    this.#toggle("[data-figure=threshold]", run.learnsThreshold);
    const [kind, sentence] = summary(path.slice(0, at + 1), start, ended, this.lab.config?.deconvolution === "causal", this.judge);
    const out = find(this.pane, "[data-out=tune]");
    out.textContent = sentence;
    out.dataset.kind = kind;
  }

  /**
   * Values by figure. Dice against the truth in all slices is a number of the Lab, and is taken from there: at rest it is
   * exact, where a step has it of the preview.
   * @param {TuneContent} content
   * @returns {Record<import("./fine_tuning_labels.js").FigureId, number | null>}
   */
  #figures({ path, at, numbers, run }) {
    const truth = numbers?.dice ?? null;
    const isTruth = run.target === "truth" && !run.holdsOut;
    const shown = isTruth ? { dice: truth } : { truth_dice: run.target === "painted" ? truth : null };
    const step = path[at] ?? path[0]; // the start is step 0
    if (step) return { ...step, ...dices(step), ...shown };
    return {
      held_out_dice: null, truth_dice: null, hypoperfused_dice: null, dice: null, distance: null, roughness: null, negative: null,
      threshold: this.lab.values.thresholds.core, ...shown,
    };
  }

  /** @param {TuneContent} content */
  #drawLines({ path, at }) {
    const cursor = Math.max(at, 0);
    this.loss.draw([["loss", path.map(({ loss }) => loss)]], cursor);
    const lines = DICES.map(([id, , line]) => /** @type {[string, (number | null)[]]} */ ([line, path.map((step) => dices(step)[id])]));
    const [first] = untrainedFalls(path.slice(0, at + 1)).sort((a, b) => a.after - b.after);
    this.dice.draw(lines, cursor, first?.after ?? null);
  }
}
