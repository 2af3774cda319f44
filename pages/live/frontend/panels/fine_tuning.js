// @ts-nocheck
// Fine-tuning: the gradient moves the curve toward a lesion, a frame a step. The path stays, to be walked back.
import { Stream } from "../transport/streams.js";
import { LineChart } from "../common/line_chart.js";
import { FIGURES, HTML, figure, say } from "./fine_tuning_labels.js";

const paths = new Map(); // by curve: the path outlives a page change
const chosen = { target: "truth", form: "softplus", loss: "dice", optimizer: "adam", rate: 0.1, curvature: 1, learn_threshold: false, held_out: false, with_tmax: false };

export function installFineTuning(lab, { tabs }) {
  const pane = tabs.add("tune", "Tune", "Let the gradient move the curve toward a lesion", { only: "tune", first: true });
  pane.innerHTML = HTML;
  const find = (selector) => pane.querySelector(selector);
  const slider = find("[data-control=tune-path]");
  const run = find("[data-action=tune-run]");
  const options = find(".tune-options");
  const traces = { loss: new LineChart(find("svg.loss"), "loss"), dice: new LineChart(find("svg.dice"), "Dice") };
  let path = []; // what each step has: its curve, gradient and figures
  let at = -1;
  let start = null; // the curve as it was before the first step
  let phase = "idle"; // or running, paused
  let ended = "";
  let shown = null; // the curve that we have put on the screen: any other is somebody's edit
  let unseen = false;

  const stream = new Stream(lab, "tune", { onFrame: take, onEnd: (message) => end(message) });

  function enter(next) {
    phase = next;
    lab.streaming = next === "running";
    lab.root.dataset.tune = next;
    draw();
  }

  /** A step has come: the curve, the figures and what is visible of the maps belong together. */
  function take(frame) {
    const { curve, gradient, cbf, tmax } = frame.arrays;
    const { arrays: _, ...figures } = frame;
    path.push({ ...figures, curve: curve.slice(), gradient: gradient.slice() });
    at = path.length - 1;
    lab.nextSeq();
    const told = { ...frame, seq: lab.seq, arrays: { cbf, tmax } };
    lab.root.dataset.numbers = lab.seq;
    reach(path[at]);
    lab.values.setMaps(frame.shows, told);
    lab.events.emit("numbers", frame);
    unseen = true;
    lab.draw(lab.seq);
    if (phase === "running") draw();
    else rest();
  }

  /** Put the curve and cut-off of a step on the screen. */
  function reach({ curve, threshold }) {
    const { editor, values } = lab;
    shown = curve;
    values.thresholds = { ...lab.config.thresholds, core: threshold };
    values.setCurve(curve);
    editor.setLive(curve);
    const [low, high] = editor.plot.yRange;
    if (curve.some((v) => v > high || v < low)) editor.rescale();
  }

  /** No further step is on its way: all slices and numbers of the curve in view. */
  function rest() {
    draw();
    lab.recompute();
    lab.events.emit("tuned", path[at] ?? null);
  }

  function end(message) {
    if (message) {
      ended = message;
      lab.notice(message);
    }
    enter("idle");
    if (path.length) rest();
  }

  lab.events.on("painted", () => {
    if (!unseen) return;
    unseen = false;
    lab.root.dataset.tuneStep = at;
    stream.acknowledge();
    lab.events.emit("tuned", path[at] ?? null);
  });

  // Buttons

  /** Go on from the step in view; from another than the last, or after an end, a new run begins there, with that step. */
  function go(steps) {
    if (!lab.case || (phase === "running" && steps)) return;
    ended = "";
    if (stream.open && at === path.length - 1) {
      enter(steps ? "paused" : "running");
      stream.send(steps ? "step" : "run");
      return;
    }
    if (at < 0) {
      start = Float32Array.from(lab.editor.curve);
      ghost(start);
    }
    const on = at > 0 ? path[at] : null;
    const { network, ...asked } = { ...chosen, network: networkOf() };
    const begin = { curve: Array.from(on?.curve ?? start), origin: Array.from(start), ...(on && chosen.learn_threshold && { threshold: on.threshold }) };
    const wanted = steps && { steps: at < 0 ? steps : steps + 1 }; // the step in view comes again
    if (!stream.start({ ...asked, ...(network && { network }), ...begin, ...wanted })) return;
    path = path.slice(0, Math.max(at, 0));
    at = path.length - 1;
    enter(steps ? "paused" : "running");
  }

  function pause() {
    stream.send("pause");
    enter("paused");
    if (path.length) rest();
  }

  function halt() {
    stream.stop();
    enter("idle");
    if (start) {
      at = 0;
      walk(start);
    }
  }

  /** Show a curve of the path; the maps follow as they follow a hand. */
  function walk(curve) {
    const { threshold } = path[at] ?? { threshold: lab.config.thresholds.core };
    reach({ curve, threshold });
    lab.recompute();
    draw();
    lab.events.emit("tuned", path[at] ?? null);
  }

  lab.actions["tune-run"] = () => (phase === "running" ? pause() : go(0));
  lab.actions["tune-step"] = () => go(1);
  lab.actions["tune-stop"] = halt;
  lab.actions["tune-use"] = () => {
    const curve = Float32Array.from(lab.editor.curve);
    if (phase === "running") pause();
    shown = curve;
    lab.commit(curve, { voxels: [], effect: "tune" });
    lab.notice("This is now the edited curve, here and in the Lab; undo takes it back.");
  };
  lab.actions["tune-options"] = () => {
    options.hidden = !options.hidden;
    find("[data-action=tune-options]").setAttribute("aria-expanded", !options.hidden);
    draw();
  };
  slider.addEventListener("input", () => {
    if (phase === "running") pause();
    at = Number(slider.value);
    reach(path[at]);
    lab.requestMaps(path[at].curve);
    draw();
    lab.events.emit("tuned", path[at]);
  });
  slider.addEventListener("change", () => { if (path[at]) walk(path[at].curve); });

  // Another curve, another case: this path is over.

  function forget() {
    const ran = lab.streaming;
    stream.stop();
    [path, at, start, shown, ended] = [[], -1, null, null, ""];
    if (lab.case) {
      lab.values.thresholds = lab.config.thresholds;
      ghost(lab.case.arrays.start);
    }
    enter("idle");
    if (ran) lab.recompute(); // while frames came, nothing asked for the maps of what is there now
  }

  function ghost(curve) {
    lab.editor.ghost = curve;
    lab.editor.rescale();
  }

  const foreign = (curve) => path.length > 0 && shown !== null && curve.some((value, i) => value !== shown[i]);
  lab.events.on("edit", (curve) => { if (foreign(curve)) forget(); });
  lab.events.on("state", ({ curve }) => { if (foreign(curve)) forget(); });
  lab.events.on("case", (now) => {
    pane.querySelector("[data-tune=target] [value=truth]").disabled = !now.hasLesion;
    find("[data-tune=with_tmax]").disabled = !now.hasHypoperfused;
    if (!now.hasLesion) chosen.target = "painted";
    const kept = paths.get(now.curveKey);
    stream.stop();
    [path, at, start, shown] = [[], -1, null, null];
    // Back from another page, or from a lost connection: the path is as it was.
    if (lab.config.page === "tune" && kept?.path.length && kept.epoch === now.epoch) {
      queueMicrotask(() => {
        ({ path, at, start } = kept);
        ghost(start);
        walk(at > 0 ? path[at].curve : start);
      });
    }
    show();
    enter("idle");
  });

  // What is chosen

  const networkOf = () => {
    const learned = lab.config.sources.filter(({ group }) => group === "Learned").map(({ id }) => id);
    return learned.includes(lab.config.start) ? lab.config.start : learned[0] ?? "";
  };

  function show() {
    for (const node of pane.querySelectorAll("[data-tune]")) {
      const value = chosen[node.dataset.tune];
      if (node.type === "checkbox") node.checked = value && !node.disabled;
      else if (node !== lab.shadow.activeElement) node.value = value;
    }
    for (const node of pane.querySelectorAll("[value^=network]")) node.hidden = node.disabled = !networkOf();
    find("[data-action=paint]").hidden = chosen.target !== "painted";
  }

  pane.addEventListener("change", ({ target }) => {
    const name = target.dataset.tune;
    if (!name) return;
    const value = target.type === "checkbox" ? target.checked : target.type === "number" ? target.valueAsNumber : target.value;
    if (target.type === "number" && !(value >= Number(target.min) && value <= Number(target.max))) {
      lab.notice(`${target.ariaLabel} lies between ${target.min} and ${target.max}; the last value stays.`);
      target.value = chosen[name];
      return;
    }
    chosen[name] = value;
    // What is wanted has changed: the next step begins a run of its own from the curve in view.
    if (phase === "running") pause();
    stream.stop();
    enter("idle");
    show();
    lab.events.emit("target", chosen.target);
  });
  lab.events.on("config", () => {
    show();
    if (path[at]) lab.values.thresholds = { ...lab.config.thresholds, core: path[at].threshold };
  });
  const fineTuning = { get target() { return chosen.target; }, get step() { return path[at] ?? null; } };

  // What is drawn

  function draw() {
    if (lab.case && lab.config.page === "tune") paths.set(lab.case.curveKey, { path, at, start, epoch: lab.case.epoch });
    const step = path[at] ?? null;
    const running = phase === "running";
    run.textContent = running ? "❚❚ Pause" : "▶ Run";
    run.setAttribute("aria-label", running ? "Pause" : "Run");
    find("[data-action=tune-step]").disabled = running;
    find("[data-action=tune-stop]").disabled = !running && !path.length;
    find("[data-action=tune-use]").disabled = !path.length;
    slider.disabled = path.length < 2;
    slider.max = Math.max(path.length - 1, 0);
    slider.value = Math.max(at, 0);
    find("[data-out=tune-step]").textContent = path.length ? `${at} / ${path.length - 1}` : "–";
    lab.root.dataset.tuneSteps = path.length;
    for (const [name, , digits] of FIGURES) find(`[data-figure=${name}] b`).textContent = figure(step, name, digits);
    find("[data-figure=held_out_dice]").hidden = !path.some((one) => one.held_out_dice !== null);
    find("[data-figure=hypoperfused_dice]").hidden = !path.some((one) => one.hypoperfused_dice !== null);
    find("[data-figure=threshold]").hidden = !chosen.learn_threshold;
    const [kind, sentence] = say(path, at, start, ended, lab.config?.deconvolution === "causal");
    const out = find("[data-out=tune]");
    out.textContent = sentence;
    out.dataset.kind = kind;
    if (lab.root.dataset.pane !== "tune") return;
    traces.loss.draw([["smooth", path.map((one) => one.loss)]], Math.max(at, 0));
    traces.dice.draw([
      ["smooth", path.map((one) => one.dice)], ["held-out", path.map((one) => one.held_out_dice)],
      ["low", path.map((one) => one.hypoperfused_dice)],
    ], Math.max(at, 0));
  }
  lab.events.on("resize", draw);
  return { provides: { fineTuning }, close() { stream.stop(); } };
}
