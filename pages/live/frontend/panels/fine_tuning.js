// Fine-tuning: gradient descent moves the curve toward a target lesion, one frame a step; every step can be shown again.
/** @import { Lab } from "../lab.js" */
/** @import { Case, Curve, Numbers, Provided, TuneFrame, TuneStep } from "../types.js" */
/** @import { Installed } from "../plugins.js" */
import { Stream } from "../transport/streams.js";
import { VEIN } from "../curve/aif_sources.js";
import { HTML } from "./fine_tuning_labels.js";
import { TuneOptions } from "./fine_tuning_options.js";
import { TuneView } from "./fine_tuning_view.js";

/** @typedef {{path: TuneStep[], at: number, start: Curve | null, epoch: number}} StoredPath */

/** Steps by curve key: they outlive a page change and a lost connection. @type {Map<string, StoredPath>} */
const paths = new Map();

class FineTuning {
  /** @type {TuneStep[]} */
  #path = [];
  #at = -1; // index of the step in view; -1 at the start curve
  /** The curve that a new run is given; the first step of the path is that curve in the form of the run. @type {Curve | null} */
  #start = null;
  /** @type {"idle" | "running" | "paused"} */
  #phase = "idle";
  #ended = "";
  /** The curve that the path has shown last: any other is an edit by the user. @type {Curve | null} */
  #shown = null;
  #isUnseen = false; // whether the last frame is not drawn yet
  /** What the numbers of the Lab show. @type {Numbers | null} */
  #numbers = null;

  /** @param {Lab} lab @param {HTMLElement} pane @param {Provided["aifQuality"]} aifQuality */
  constructor(lab, pane, aifQuality) {
    this.lab = lab;
    pane.innerHTML = HTML;
    this.view = new TuneView(lab, pane, (step) => this.#goTo(step), (curve) => aifQuality.judge(curve));
    this.options = new TuneOptions(lab, pane, (name) => this.#optionsChanged(name));
    this.stream = new Stream(lab, "tune", { onFrame: (frame) => this.#receive(frame), onEnd: (message) => this.#end(message) });
    const { slider } = this.view;
    slider.addEventListener("input", () => this.#preview());
    slider.addEventListener("change", () => { if (this.step) this.#showStep(this.step.curve); });
  }

  get target() { return this.options.values.target; }

  /** The step in view. @returns {TuneStep | null} */
  get step() { return this.#path[this.#at] ?? null; }

  /** The start of the path, which its steps are measured from: no form but free samples has the samples below zero. */
  get #startInForm() { return this.#path[0]?.curve ?? this.#start; }

  /** @param {"idle" | "running" | "paused"} phase */
  #enter(phase) {
    const { lab } = this;
    const stops = this.#phase === "running" && phase !== "running";
    this.#phase = phase;
    if (stops) this.#capture(); // the last step is part of the film now
    lab.streaming = phase === "running";
    lab.root.dataset.tune = phase;
    this.draw();
  }

  /** Show a step of the server: curve, figures and visible maps belong together. @param {TuneFrame} frame */
  #receive(frame) {
    const { lab } = this;
    const { arrays, ...figures } = frame;
    const { cbf, tmax } = arrays;
    const step = { ...figures, curve: arrays.curve.slice(), gradient: arrays.gradient.slice() };
    if (!this.#path.length) this.#setGhost(step.curve);
    const follows = this.#at === this.#path.length - 1;
    this.#path.push(step);
    if (!follows) { // one that was on the way when the user went back
      this.stream.acknowledge();
      this.draw();
      return;
    }
    this.#at = this.#path.length - 1;
    const seq = lab.aif.nextSeq();
    lab.root.dataset.numbers = String(seq);
    this.#showCurve(step);
    lab.values.setMaps(frame.shows, { ...frame, seq, arrays: { cbf, tmax } });
    lab.events.emit("numbers", frame);
    this.#isUnseen = true;
    lab.draw(seq);
    if (this.#phase === "running") this.draw();
    else this.#rest();
  }

  /** Show the curve and the threshold of a step. @param {Pick<TuneStep, "curve" | "threshold">} step */
  #showCurve({ curve, threshold }) {
    const { editor, values, config } = this.lab;
    this.#shown = curve;
    values.thresholds = { ...config.thresholds, core: threshold };
    values.setCurve(curve);
    editor.setLive(curve);
    const [low, high] = editor.plot.yRange;
    if (curve.some((v) => v > high || v < low)) editor.rescale();
  }

  #emitStep() { this.lab.events.emit("tuned", this.step); }

  /** After the last step: request all slices and metrics of the curve in view. */
  #rest() {
    this.draw();
    this.lab.aif.recompute();
    this.#emitStep();
  }

  /** @param {string | null} message */
  #end(message) {
    if (message) {
      this.#ended = message;
      this.lab.notice(message);
    }
    this.#enter("idle");
    if (this.#path.length) this.#rest();
  }

  /** The last step is drawn: acknowledge it. */
  painted() {
    if (!this.#isUnseen) return;
    this.#isUnseen = false;
    this.lab.root.dataset.tuneStep = String(this.#at);
    this.stream.acknowledge();
    this.#capture();
    this.#emitStep();
  }

  /** Take the map of the step in view into the film, if the canvas shows it. */
  #capture() {
    if (!this.#isUnseen && this.step) this.view.film.capture(this.#at, this.#path.length, this.#phase === "running");
  }

  // Buttons

  toggleRun() {
    if (this.#phase === "running") this.#pause();
    else this.go(0);
  }

  /**
   * Go on from the step in view. From any but the last, or after an end, a new run begins with that step.
   * @param {number} nSteps 0: until paused
   */
  go(nSteps) {
    const { lab, stream } = this;
    if (!lab.case || (this.#phase === "running" && nSteps)) return;
    this.#ended = "";
    const phase = nSteps ? "paused" : "running";
    if (stream.open && this.#at === this.#path.length - 1) {
      this.#enter(phase);
      stream.send(nSteps ? "step" : "run");
      return;
    }
    if (!this.#begin(nSteps)) return;
    this.#path = this.#path.slice(0, Math.max(this.#at, 0));
    this.#at = this.#path.length - 1;
    this.#enter(phase);
  }

  /** Start a run at the step in view; false without a live connection. @param {number} nSteps */
  #begin(nSteps) {
    this.#start ??= Float32Array.from(this.lab.editor.curve);
    const from = this.#at > 0 ? this.step : null;
    return this.stream.start({
      ...this.options.request(),
      curve: Array.from(from?.curve ?? this.#start),
      ...(from && { origin: Array.from(this.#path[0].curve) }),
      ...(from && this.options.values.learn_threshold && { threshold: from.threshold }),
      ...(nSteps && { steps: nSteps + 1 }), // the first frame is the curve in view, which no step has changed
    });
  }

  #pause() {
    this.stream.send("pause");
    this.#enter("paused");
    if (this.#path.length) this.#rest();
  }

  /** Stop and return to the start curve. */
  stop() {
    this.stream.stop();
    this.#enter("idle");
    const start = this.#startInForm;
    if (!start) return;
    this.#at = -1;
    this.#showStep(start);
  }

  /** Make the curve in view the edited one. */
  use() {
    const { lab } = this;
    const curve = Float32Array.from(lab.editor.curve);
    if (this.#phase === "running") this.#pause();
    this.#shown = curve;
    lab.aif.commit(curve, { voxels: [], effect: "tune" });
    const { core } = lab.config.thresholds;
    const learned = lab.values.thresholds.core !== core;
    if (learned) { lab.values.thresholds = lab.config.thresholds; lab.aif.recompute(); }
    const threshold = learned ? ` The core is below ${core} again, as the settings have it.` : "";
    lab.notice(`This is now the edited curve, here and in the Lab; undo takes it back.${threshold}`);
  }

  toggleOptions() {
    this.view.toggleOptions();
    this.draw();
  }

  // Steps

  /** Show a curve of the path and request its maps. @param {Curve} curve */
  #showStep(curve) {
    const { threshold } = this.step ?? { threshold: this.lab.config.thresholds.core };
    this.#showCurve({ curve, threshold });
    this.lab.aif.recompute();
    this.draw();
    this.#emitStep();
  }

  /** Show a step that was chosen on the film. @param {number} at */
  #goTo(at) {
    if (this.#phase === "running") this.#pause();
    this.#at = at;
    this.#showStep(this.#path[at].curve);
  }

  /** Show a step while the slider moves: the visible maps follow. */
  #preview() {
    if (this.#phase === "running") this.#pause();
    this.#at = Number(this.view.slider.value);
    const step = this.#path[this.#at];
    this.#showCurve(step);
    this.lab.aif.requestMaps(step.curve);
    this.draw();
    this.#emitStep();
  }

  /** @param {Curve} start */
  #setStart(start) {
    this.#start = start;
    this.#setGhost(start);
  }

  /** Show the curve that the next run starts from, where it is not the edited one. */
  #showStart() {
    const { aif, case: open, config } = this.lab;
    if (!open || config.page !== "tune" || this.#path.length) return;
    const { vof } = open.arrays;
    if (this.options.start === VEIN && vof) {
      this.#setStart(Float32Array.from(vof));
      this.#showStep(vof);
    } else if (this.#shown && aif.committed) {
      this.#start = this.#shown = null;
      this.#setGhost(open.arrays.start);
      this.lab.editor.setCurve(aif.committed.curve, aif.committed.spread);
      aif.recompute();
    }
    this.#showOptions();
  }

  /** Show the options; the row of the source names the curve that they start from. */
  #showOptions() {
    const { config, events } = this.lab;
    this.options.show();
    events.emit("start-source", config.page === "tune" && this.options.start === VEIN ? VEIN : null);
  }

  /** The user has chosen a source: the next run starts from its curve. @param {string} id */
  chooseSource(id) {
    const { config } = this.lab;
    if (config.page !== "tune") return;
    this.options.startFromLab();
    if (id === config.start) this.#optionsChanged("start"); // no other curve comes with a run of the page
  }

  /** @param {Curve} curve */
  #setGhost(curve) {
    this.lab.editor.ghost = curve;
    this.lab.editor.rescale();
  }

  #forget() {
    this.stream.stop();
    this.#path = [];
    this.#at = -1;
    this.#start = this.#shown = null;
  }

  /** Drop the path where a curve is not one of it: the user has edited. @param {Curve} curve */
  checkEdit(curve) {
    const { lab } = this;
    const shown = this.#shown;
    if (!shown || curve.every((value, i) => value === shown[i])) return;
    this.options.startFromLab();
    this.#showOptions();
    const ran = lab.streaming;
    this.#forget();
    this.#ended = "";
    if (lab.case) {
      lab.values.thresholds = lab.config.thresholds;
      this.#setGhost(lab.case.arrays.start);
    }
    this.#enter("idle");
    if (ran) lab.aif.recompute(); // the run sent the maps; none of the edited curve were requested
  }

  /** Take a case; back from another page or after a lost connection, its path is restored. @param {Case} opened */
  setCase(opened) {
    this.options.setCase(opened);
    const stored = paths.get(opened.curveKey);
    this.#forget();
    if (this.lab.config.page === "tune" && stored?.path.length && stored.epoch === opened.epoch) queueMicrotask(() => this.#restore(stored));
    else queueMicrotask(() => this.#showStart());
    this.#showOptions();
    this.#enter("idle");
  }

  /** @param {StoredPath} stored */
  #restore({ path, at, start }) {
    if (!start) return;
    this.#path = path;
    this.#at = at;
    this.#start = start;
    const first = this.#startInForm ?? start;
    this.#setGhost(first);
    this.#showStep(path[at]?.curve ?? first);
  }

  /** Take the data of a run of the page; the threshold of the step in view stays. */
  configure() {
    const { config, values } = this.lab;
    this.#showOptions();
    if (this.step) values.thresholds = { ...config.thresholds, core: this.step.threshold };
  }

  /** Options apply to a new run: the next step begins one at the step in view; another start is shown. @param {string} name */
  #optionsChanged(name) {
    if (this.#phase === "running") this.#pause();
    this.stream.stop();
    if (name === "start") {
      this.#path = [];
      this.#at = -1;
      this.lab.values.thresholds = this.lab.config.thresholds;
      this.#showStart();
    }
    this.#enter("idle");
    this.#showOptions();
    this.lab.events.emit("target", this.target);
  }

  /** @param {Numbers} numbers */
  setNumbers(numbers) {
    this.#numbers = numbers;
    if (this.#phase !== "running" && this.lab.config.page === "tune") this.draw();
  }

  draw() {
    const { lab, options: { values, withTmax } } = this;
    const [path, at, numbers] = [this.#path, this.#at, this.#numbers];
    const { target, with_tmax, held_out_dice = null } = path[at] ?? path.at(-1) ?? { target: values.target, with_tmax: withTmax };
    if (lab.case && lab.config.page === "tune") paths.set(lab.case.curveKey, { path, at, start: this.#start, epoch: lab.case.epoch });
    this.view.draw({
      path, at, start: this.#startInForm, numbers, ended: this.#ended, isRunning: this.#phase === "running",
      run: { target, with_tmax, holdsOut: held_out_dice !== null, learnsThreshold: values.learn_threshold },
    });
  }
}

/** @param {Lab} lab @param {Pick<Provided, "tabs" | "aifQuality">} needed @returns {Installed} */
export function installFineTuning(lab, { tabs, aifQuality }) {
  const pane = tabs.add("tune", "Tune", "Move the curve toward a target lesion by gradient descent", { only: "tune", first: true });
  const fineTuning = new FineTuning(lab, pane, aifQuality);
  lab.actions["tune-run"] = () => fineTuning.toggleRun();
  lab.actions["tune-step"] = () => fineTuning.go(1);
  lab.actions["tune-stop"] = () => fineTuning.stop();
  lab.actions["tune-use"] = () => fineTuning.use();
  lab.actions["tune-options"] = () => fineTuning.toggleOptions();
  lab.events.on("numbers", ({ numbers }) => fineTuning.setNumbers(numbers));
  lab.events.on("painted", () => fineTuning.painted());
  lab.events.on("edit", (curve) => fineTuning.checkEdit(curve));
  lab.events.on("committed", ({ curve }) => fineTuning.checkEdit(curve));
  lab.events.on("case", (opened) => fineTuning.setCase(opened));
  lab.events.on("source", (id) => fineTuning.chooseSource(id));
  lab.events.on("config", () => fineTuning.configure());
  lab.events.on("resize", () => fineTuning.draw());
  return { provides: { fineTuning }, close() { fineTuning.stream.stop(); fineTuning.view.close(); } };
}
