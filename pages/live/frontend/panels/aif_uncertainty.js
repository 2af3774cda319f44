// AIF uncertainty: distribution of the core and of decisions over 200 plausible input functions, updated as they are computed.
/** @import { Lab } from "../lab.js" */
/** @import { UncertaintyFrame, UncertaintyProgressFrame, Provided } from "../types.js" */
import { find } from "../common/dom.js";
import { SvgChart, svg } from "../common/svg_chart.js";
import { Stream } from "../transport/streams.js";

const N_BINS = 24;
const MIN_RANGE_ML = 0.5; // of the histogram's axis
const POSTERIOR = "posterior"; // the method whose draws depend on the case alone
const CLASS = "class"; // the curves that a class has given for this case
const INTRO = "How far does the core depend on the input function? Each draw is a plausible true AIF given the vessels of this case (posterior; the drawn curve does not matter), the mean of resampled voxels (bootstrap), or a mixture of the selectors' curves. After a class on this case, the curves that it gave can be taken instead.";
const HTML = `<div class="row"><select data-control="uncertainty-way" aria-label="Method of the draws" title="How plausible input functions are drawn"><option value="posterior">AIF posterior</option><option value="voxels">bootstrap of its voxels</option><option value="selectors">mixtures of the selectors</option><option value="class" hidden disabled>curves of the class</option></select>
  <button class="solid" data-action="uncertainty">200 draws</button><label class="soft"><input type="checkbox" data-control="uncertainty-map"> map: fraction of draws in core</label></div>
  <svg class="histogram" data-testid="uncertainty" role="img" aria-label="Histogram of the core volume"></svg>
  <div class="row legend" data-out="uncertainty-legend" hidden><span class="key middle">median</span><span class="key end">80 % interval</span><span class="key uncertainty-band">AIFs, 80 % at each time</span></div>
  <div class="say" data-out="uncertainty" role="status">${INTRO}</div>`;

/** Number of values in each of equal bins over a range. @param {Float32Array} values @param {number} low @param {number} high */
function binCounts(values, low, high) {
  const counts = new Array(N_BINS).fill(0);
  for (const value of values) counts[Math.min(Math.floor((N_BINS * (value - low)) / (high - low)), N_BINS - 1)] += 1;
  return counts;
}

/** Draw the histogram of the core volume with its median and its 80 % interval. @param {SvgChart} plot @param {UncertaintyFrame} frame */
function drawHistogram(plot, { arrays, quantiles: [low80, median, high80] }) {
  const cores = arrays.core_ml;
  let [low, high] = [Math.min(...cores), Math.max(...cores)];
  if (high - low < MIN_RANGE_ML) [low, high] = [low - MIN_RANGE_ML / 2, high + MIN_RANGE_ML / 2];
  const counts = binCounts(cores, low, high);
  plot.measure();
  plot.xRange = [low, high];
  plot.yRange = [0, Math.max(...counts) * 1.1];
  plot.drawAxes();
  const width = plot.x(low + (high - low) / N_BINS) - plot.x(low);
  counts.forEach((count, i) => svg("rect", {
    class: "more", x: plot.x(low) + i * width + 0.5, width: Math.max(width - 1, 0.5), y: plot.y(count), height: plot.y(0) - plot.y(count),
  }, plot.layer));
  /** @type {[number, string][]} */
  const lines = [[low80, "end"], [median, "middle"], [high80, "end"]];
  for (const [value, kind] of lines) {
    svg("line", { x1: plot.x(value), x2: plot.x(value), y1: plot.y(plot.yRange[1]), y2: plot.y(0), class: kind }, plot.layer);
  }
}

class AifUncertainty {
  /** The last frame with draws. @type {UncertaintyFrame | null} */
  #frame = null;
  #finding = ""; // the source whose curve is being computed; "selectors" before the first is named
  #caseName = "";
  #voxels = "[]";

  /** @param {Lab} lab @param {Pick<Provided, "tabs" | "overlay">} needed */
  constructor(lab, { tabs, overlay }) {
    this.lab = lab;
    this.overlay = overlay;
    const pane = tabs.add("uncertainty", "Uncertainty", "AIF uncertainty: distribution of the core volume over plausible input functions");
    pane.innerHTML = HTML;
    this.method = find(pane, "[data-control=uncertainty-way]", HTMLSelectElement);
    this.mapToggle = find(pane, "[data-control=uncertainty-map]", HTMLInputElement);
    this.out = find(pane, "[data-out=uncertainty]");
    this.legend = find(pane, "[data-out=uncertainty-legend]");
    this.plot = new SvgChart(find(pane, "svg", SVGSVGElement), { xLabel: "core, ml", yLabel: "draws", margin: { left: 34, right: 10, top: 14, bottom: 32 } });
    this.band = svg("path", { class: "uncertainty-band" });
    lab.editor.line.before(this.band);
    this.stream = new Stream(lab, "uncertainty", { onFrame: (frame) => this.#receive(frame), onEnd: (message) => this.#end(message) });
    this.startButton = find(pane, "[data-action=uncertainty]");
    this.classOption = find(pane, "option[value=class]", HTMLOptionElement);
    this.method.addEventListener("change", () => this.#nameButton());
    this.mapToggle.addEventListener("change", () => {
      if (this.mapToggle.checked) this.#showMap();
      else overlay.close("uncertainty");
    });
  }

  /** Offer the curves of the class where there are enough for this case. */
  configure() {
    const none = this.lab.config.classCurves === 0;
    this.classOption.hidden = this.classOption.disabled = none;
    if (none && this.method.value === CLASS) this.method.value = POSTERIOR;
    this.#nameButton();
  }

  #nameButton() {
    this.startButton.textContent = this.method.value === CLASS ? `${this.lab.config.classCurves} curves` : "200 draws";
  }

  start() {
    const { lab, method } = this;
    if (!lab.case || lab.streaming) return;
    const voxels = lab.aif.committed?.voxels ?? [];
    const ofVoxels = method.value === "voxels" && voxels.length;
    if (!this.stream.start({ way: method.value, ...(ofVoxels && { voxels }) })) return;
    this.#frame = null;
    this.#finding = method.value === "selectors" ? "selectors" : "";
    lab.root.dataset.draws = "0";
    this.draw();
  }

  /** @param {UncertaintyFrame | UncertaintyProgressFrame} frame */
  #receive(frame) {
    this.stream.acknowledge();
    this.#finding = frame.finding ?? "";
    if (frame.finding === null) this.#frame = frame;
    this.lab.root.dataset.draws = String(this.#frame?.n_done ?? 0);
    this.draw();
  }

  /** @param {string | null} message */
  #end(message) {
    this.#finding = "";
    if (message) {
      this.out.textContent = message;
      this.lab.root.dataset.draws = "refused";
    } else this.draw();
  }

  /** Drop the draws: they are of another case or other voxels. */
  #clear() {
    this.stream.stop();
    this.#frame = null;
    this.overlay.close("uncertainty");
    this.draw();
  }

  /** Drop the draws of another case, curve or settings. @param {{curveKey: string, epoch: number}} opened */
  setCase({ curveKey, epoch }) {
    const name = `${curveKey} ${epoch}`;
    if (this.#caseName !== name) this.#clear();
    this.#caseName = name;
  }

  /** @param {unknown[]} voxels behind the committed curve */
  setVoxels(voxels) {
    const text = JSON.stringify(voxels);
    if (this.#frame && ![POSTERIOR, CLASS].includes(this.#frame.of[0] ?? "") && this.#voxels !== text) this.#clear();
    this.#voxels = text;
  }

  #showMap() {
    if (!this.#frame || !this.mapToggle.checked) return;
    const { arrays: { fraction }, n_done: nDone, of } = this.#frame;
    this.overlay.show({
      of: "uncertainty", field: Float32Array.from(fraction, (v) => v / 255), label: `core, fraction of ${of[0] === CLASS ? "curves" : "draws"}`,
      note: `${nDone} ${of[0] === CLASS ? "curves" : "draws"}`, unit: "", window: [0, 1], lut: "cividis", digits: 2,
    });
  }

  /** Draw the 80 % band of the curves behind the edited AIF. */
  drawBand() {
    if (!this.#frame) { this.band.setAttribute("d", ""); return; }
    const { plot, times } = this.lab.editor;
    const { low, high } = this.#frame.arrays;
    const upper = plot.path(times, high);
    const lower = plot.path(times.toReversed(), low.toReversed());
    this.band.setAttribute("d", `${upper}${lower.replace("M", "L")}Z`);
  }

  draw() {
    const { plot, out } = this;
    this.drawBand();
    this.#showMap();
    plot.layer.replaceChildren();
    this.legend.hidden = !this.#frame;
    if (!this.#frame) {
      plot.axes.replaceChildren();
      out.textContent = this.#waitingText();
      return;
    }
    drawHistogram(plot, this.#frame);
    out.textContent = this.#summary(this.#frame);
  }

  /** @param {string} id */
  #labelOf(id) { return this.lab.config.sources.find((source) => source.id === id)?.label ?? id; }

  #waitingText() {
    if (this.#finding === "selectors") return "computing the selectors' curves …";
    if (this.#finding) return `computing ${this.#labelOf(this.#finding)} …`;
    return this.stream.open ? "…" : INTRO;
  }

  /** @param {UncertaintyFrame} frame */
  #summary({ quantiles: [low, median, high], decisions, n_done: nDone, n_total: nTotal, of, basis_error: error }) {
    const drawn = of[0] === CLASS ? "curves" : "draws";
    const count = nDone === nTotal ? `${nTotal}` : `${nDone} of ${nTotal}`;
    const first = `Of ${count} ${this.#drawnFrom(of)}: `;
    const decided = decisions.map(({ label, fraction }) => `${label} in ${(100 * fraction).toFixed(0)} % of the ${drawn}.`).join(" ");
    const text = `${first}core ${median.toFixed(1)} ml, 80 % interval: ${low.toFixed(1)} to ${high.toFixed(1)} ml. ${decided}`;
    const basis = error === null ? "" : ` Computed on a temporal basis, mean error ${(100 * error).toFixed(3)} %.`;
    return `${text}${basis}`;
  }

  /** What was drawn, in words. @param {string[]} of */
  #drawnFrom(of) {
    if (of[0] === CLASS) return "curves of the class, not your curve";
    if (of[0] === POSTERIOR) return "draws of the true AIF given the vessels of this case, not your curve";
    return `draws of ${of.map((id) => this.#labelOf(id)).join(", ")}`;
  }
}

/** @param {Lab} lab @param {Pick<Provided, "tabs" | "overlay">} needed */
export function installAifUncertainty(lab, needed) {
  const panel = new AifUncertainty(lab, needed);
  lab.actions.uncertainty = () => panel.start();
  lab.events.on("overlay-closed", (of) => { if (of === "uncertainty") panel.mapToggle.checked = false; });
  lab.events.on("config", () => panel.configure());
  lab.events.on("case", (opened) => panel.setCase(opened));
  lab.events.on("committed", ({ voxels }) => panel.setVoxels(voxels));
  lab.events.on("painted", () => panel.drawBand());
  lab.events.on("resize", () => panel.draw());
  return { close() { panel.stream.stop(); } };
}
