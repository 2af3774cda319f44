// Sensitivity: gradient of a quantity by each sample of the curve as bars, and a map of how far an edit moves rCBF.
/** @import { Lab } from "../lab.js" */
/** @import { ConfigFrame, Provided, SensitivityMapFrame, TuneStep } from "../types.js" */
import { find, isShortcut } from "../common/dom.js";
import { upperEnd } from "../map/map_overlay.js";
import { Stream } from "../transport/streams.js";
import { GradientBars } from "./gradient_bars.js";

const MIN_INTERVAL_MS = 400; // between two requests for a gradient while the curve moves: each is exact, 90 ms of a core
const BUTTON = '<button class="tool" data-action="sensitivity" aria-pressed="false" title="Sensitivity: a gradient under each sample of the curve (M)">What matters</button>';
const HTML = `<div class="sensitivity" hidden><div class="row"><select data-sensitivity="quantity" aria-label="Quantity whose gradient is drawn" title="Its gradient by each sample of the curve"></select>
  <select data-sensitivity="region" aria-label="Region" title="Region found with the start curve"></select><span class="per"></span><span class="grow"></span>
  <select data-sensitivity="direction" aria-label="Sensitivity map of an edit" title="Map: how much rCBF of each voxel changes with an edit of the curve"><option value="">map of an edit …</option></select></div>
  <svg class="bars" data-testid="sensitivity" role="img" aria-label="Gradient by sample"></svg></div>`;

/** @typedef {"quantity" | "region" | "direction"} ChoiceName */

/** The user's choices, kept over a page change. */
const chosen = { isOn: false, quantity: "core_ml", region: "core", direction: "" };

/** Hide and disable an option of a list. @param {HTMLSelectElement} list @param {string} value @param {boolean} isOffered */
function offer(list, value, isOffered) {
  const option = find(list, `[value=${value}]`, HTMLOptionElement);
  option.hidden = option.disabled = !isOffered;
}

/** The map of an edit. */
class SensitivityMap {
  /** @param {Lab} lab @param {Provided["overlay"]} overlay @param {HTMLSelectElement} list of directions */
  constructor(lab, overlay, list) {
    this.lab = lab;
    this.overlay = overlay;
    this.list = list;
    this.stream = new Stream(lab, "sensitivity_map", {
      onFrame: (frame) => { this.stream.acknowledge(); this.#show(frame); },
      onEnd: (message) => { if (message) { lab.notice(message); this.close(); } },
    });
  }

  /** Request the map of the chosen edit at the curve in view. */
  request() {
    const { lab } = this;
    if (!chosen.direction) { this.close(); return; }
    if (chosen.isOn && lab.case && !lab.streaming) this.stream.start({ curve: Array.from(lab.editor.curve), direction: chosen.direction });
  }

  /** @param {SensitivityMapFrame} frame */
  #show({ direction, arrays }) {
    const size = arrays.change.map(Math.abs);
    const info = this.lab.config.directions.find(({ id }) => id === direction);
    if (!info) return;
    const note = direction === "amplitude" ? "zero everywhere: rCBF does not depend on the height" : "change of the map with the edit";
    this.overlay.show({
      of: "sensitivity-map", field: size, label: `|∂ rCBF / ∂ ${info.label}|`, note, unit: info.unit === "s" ? "per s" : info.unit ? "per\nfactor" : "",
      window: [0, upperEnd(size, 0.001)], lut: "inferno", digits: 4,
    });
  }

  close() {
    this.stream.stop();
    this.overlay.close("sensitivity-map");
    chosen.direction = "";
    this.list.value = "";
  }
}

class Sensitivity {
  /** Gradient by sample. @type {Float32Array | null} */
  #shown = null;
  #requestedAt = 0; // in milliseconds, as performance.now()
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {Lab} lab @param {Pick<Provided, "tabs" | "overlay" | "fineTuning">} needed */
  constructor(lab, { tabs, overlay, fineTuning }) {
    this.lab = lab;
    this.fineTuning = fineTuning;
    tabs.row.insertAdjacentHTML("beforeend", BUTTON);
    lab.find("svg.editor").insertAdjacentHTML("afterend", HTML);
    this.strip = lab.find(".sensitivity");
    this.button = lab.find("[data-action=sensitivity]");
    this.quantity = this.#list("quantity");
    this.region = this.#list("region");
    this.direction = this.#list("direction");
    this.bars = new GradientBars(find(this.strip, "svg", SVGSVGElement));
    this.stream = new Stream(lab, "sensitivity", {
      onFrame: ({ arrays }) => { this.stream.acknowledge(); this.#setGradient(arrays.gradient); },
      onEnd: (message) => { if (message) { this.#setGradient(null); lab.notice(message); } },
    });
    this.map = new SensitivityMap(lab, overlay, this.direction);
    this.strip.addEventListener("change", ({ target }) => this.#choose(/** @type {HTMLSelectElement} */ (target)));
  }

  /** Fill the lists at the first configuration. @param {ConfigFrame} config */
  configure({ quantities, regions, directions }) {
    if (this.quantity.options.length) return;
    for (const [list, infos] of /** @type {const} */ ([[this.quantity, quantities], [this.region, regions], [this.direction, directions]])) {
      list.append(...infos.map(({ id, label }) => new Option(label, id)));
    }
  }

  /** The chosen quantity. */
  get #info() { return this.lab.config.quantities.find(({ id }) => id === chosen.quantity); }

  /** @param {ChoiceName} name */
  #list(name) { return find(this.strip, `[data-sensitivity=${name}]`, HTMLSelectElement); }

  /** @param {Float32Array | null} gradient */
  #setGradient(gradient) {
    this.#shown = gradient;
    this.draw();
  }

  /** Show the gradient of the loss at a step of fine-tuning, where it is the chosen quantity. @param {TuneStep | null} step */
  setStep(step) {
    if (chosen.isOn && chosen.quantity === "loss") this.#setGradient(step && step.gradient);
  }

  setCase() {
    this.#shown = null;
    this.show();
    this.draw();
  }

  draw() {
    const { lab, strip } = this;
    if (!chosen.isOn || !lab.case) return;
    const shown = this.#shown;
    this.bars.draw(shown, lab.case.dt, lab.editor.plot.xRange);
    const unit = this.#info?.unit;
    find(strip, ".per").textContent = shown ? `${unit ? `${unit} ` : ""}per ${lab.case.enhancementUnit}` : "";
  }

  /** Request the gradient at the curve in view. @param {{moving: boolean}} options moving: during a drag, at intervals */
  request({ moving }) {
    const { lab, fineTuning } = this;
    if (!chosen.isOn || !lab.case || lab.streaming) return;
    if (chosen.quantity === "loss") { this.setStep(fineTuning.step); return; }
    clearTimeout(this.#timer);
    const wait = moving ? this.#requestedAt + MIN_INTERVAL_MS - performance.now() : 0;
    if (wait > 0) { this.#timer = setTimeout(() => this.request({ moving }), wait); return; }
    if (lab.socket.status !== "live") return;
    this.#requestedAt = performance.now();
    const { quantity, region } = chosen;
    this.stream.start({ curve: Array.from(lab.editor.curve), quantity, region, target: fineTuning.target });
  }

  /** Show the choices that the page and the case allow. */
  show() {
    const { lab, quantity, region } = this;
    const isTuning = lab.config.page === "tune";
    const hasTarget = Boolean(lab.case?.hasLesion || (isTuning && this.fineTuning.target === "painted"));
    offer(quantity, "loss", isTuning);
    offer(quantity, "soft_dice", hasTarget);
    offer(region, "painted", isTuning);
    if ((chosen.quantity === "loss" && !isTuning) || (chosen.quantity === "soft_dice" && !hasTarget)) chosen.quantity = "core_ml";
    if (chosen.region === "painted" && !isTuning) chosen.region = "core";
    quantity.value = chosen.quantity;
    region.value = chosen.region;
    this.direction.value = chosen.direction;
    region.hidden = !this.#info?.per_region;
    this.strip.hidden = !chosen.isOn;
    this.button.setAttribute("aria-pressed", String(chosen.isOn));
  }

  toggle() {
    chosen.isOn = !chosen.isOn;
    if (!chosen.isOn) { this.stream.stop(); this.map.close(); }
    this.show();
    this.lab.editor.rescale();
    this.request({ moving: false });
  }

  /** @param {HTMLSelectElement} list */
  #choose(list) {
    chosen[/** @type {ChoiceName} */ (list.dataset.sensitivity)] = list.value;
    this.show();
    if (list === this.direction) this.map.request();
    else { this.#setGradient(null); this.request({ moving: false }); }
  }

  /** Take another target lesion of fine-tuning. */
  targetChanged() {
    this.show();
    if (chosen.quantity === "soft_dice" || chosen.region === "painted") this.request({ moving: false });
  }

  /** The curve rests: request its gradient and the map. */
  curveRests() {
    this.request({ moving: false });
    if (chosen.direction) this.map.request();
  }

  close() {
    clearTimeout(this.#timer);
    this.stream.stop();
    this.map.stream.stop();
  }
}

/** @param {Lab} lab @param {Pick<Provided, "tabs" | "overlay" | "fineTuning">} needed */
export function installSensitivity(lab, needed) {
  const sensitivity = new Sensitivity(lab, needed);
  lab.actions.sensitivity = () => sensitivity.toggle();
  const onKey = (/** @type {KeyboardEvent} */ event) => { if (isShortcut(event, "m")) lab.actions.sensitivity(); };
  lab.root.addEventListener("keydown", onKey);
  lab.events.on("overlay-closed", (of) => { if (of === "sensitivity-map") sensitivity.map.close(); });
  lab.events.on("config", (config) => { sensitivity.configure(config); sensitivity.show(); });
  lab.events.on("case", () => sensitivity.setCase());
  lab.events.on("target", () => sensitivity.targetChanged());
  lab.events.on("edit", () => sensitivity.request({ moving: true }));
  lab.events.on("volume", () => sensitivity.curveRests());
  lab.events.on("tuned", (step) => sensitivity.setStep(step));
  lab.events.on("resize", () => sensitivity.draw());
  return { close() { sensitivity.close(); lab.root.removeEventListener("keydown", onKey); } };
}
