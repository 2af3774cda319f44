// AIF quality: a light with the cause above the curve, live during a drag, and a list of everything that is measured.
/** @import { Lab } from "../lab.js" */
/** @import { Curve } from "../types.js" */
/** @import { AifQuality } from "../curve/aif_quality.js" */
import { element, find } from "../common/dom.js";
import { assessAif, expected, LIGHTS, measureAif, measured } from "../curve/aif_quality.js";

const HTML = `
<div class="row quality"><button data-action="quality" data-testid="aif-quality" aria-expanded="false" aria-controls="aif-measures">
  <i aria-hidden="true"></i><b></b><span data-out="quality"></span></button>
  <div class="measures" id="aif-measures" hidden></div></div>`;

/** Share of the voxels of the newest maps with Tmax < 0; null without maps. @param {Lab["values"]} values */
export function negativeTmax({ case: open, shownSeq, tmax }) {
  const newest = Math.max(...shownSeq);
  if (!open || newest < 0) return null;
  let n = 0, nBelow = 0;
  for (let z = 0; z < shownSeq.length; z++) {
    if (shownSeq[z] !== newest) continue;
    for (let i = open.arrays.starts[z]; i < open.arrays.starts[z + 1]; i++) {
      if (!Number.isFinite(tmax[i])) continue;
      n += 1;
      if (tmax[i] < 0) nBelow += 1;
    }
  }
  return n ? nBelow / n : null;
}

export class QualityLight {
  /** @type {AifQuality | null} */
  quality = null;
  /** @type {number | null} */
  #share = null;
  #shareOf = ""; // the maps that the share was counted on

  /** @param {Lab} lab */
  constructor(lab) {
    this.lab = lab;
    lab.find("svg.editor").insertAdjacentHTML("beforebegin", HTML);
    this.button = lab.find("[data-action=quality]", HTMLButtonElement);
    this.list = lab.find(".measures");
  }

  /** Measure the curve that is shown. */
  update() {
    const { case: open, editor, config } = this.lab;
    if (!open || !config || editor.curve.length < 3) return;
    const share = config.deconvolution === "causal" ? null : this.#share;
    const measures = measureAif(open.curveReference, open.dt, editor.curve, open.arrays.vof ?? null, share);
    this.quality = assessAif(config.aifChecks, measures, open.curveReference.doubts);
    this.#show(this.quality);
  }

  /** The quality of a curve by itself, without Tmax. @param {Curve} curve */
  judge(curve) {
    const { values: { open }, config } = this.lab;
    const { curveReference } = open;
    return assessAif(config.aifChecks, measureAif(curveReference, open.dt, curve, open.arrays.vof ?? null, null), curveReference.doubts);
  }

  /** Count again if other maps are here. */
  countTmax() {
    const { values, view } = this.lab;
    const of = `${values.case?.key} ${values.shownSeq.join()} ${view.montage} ${values.ref}`;
    if (of === this.#shareOf) return;
    this.#shareOf = of;
    this.#share = negativeTmax(values);
    this.update();
  }

  toggle(isOpen = this.list.hidden) {
    this.list.hidden = !isOpen;
    this.button.setAttribute("aria-expanded", String(isOpen));
    if (isOpen && this.quality) this.#list(this.quality);
  }

  /** @param {AifQuality} quality */
  #show(quality) {
    const { word, shape } = LIGHTS[quality.verdict];
    const { button, lab } = this;
    lab.root.dataset.aifQuality = quality.verdict;
    button.dataset.verdict = quality.verdict;
    find(button, "i").textContent = shape;
    find(button, "b").textContent = word;
    find(button, "[data-out=quality]").textContent = quality.cause;
    button.title = `AIF quality. ${quality.sentence}`;
    if (!this.list.hidden) this.#list(quality);
  }

  /** @param {AifQuality} quality */
  #list({ findings, doubts }) {
    const ofSeries = doubts.map(({ sentence }) => {
      const { word, shape } = LIGHTS.doubtful;
      const row = element("div", { className: "measure" }, element("i", { textContent: shape, ariaLabel: word, role: "img" }), element("span", { textContent: "the series" }), element("p", { textContent: sentence }));
      row.dataset.verdict = "doubtful";
      return row;
    });
    this.list.replaceChildren(...ofSeries, ...findings.map((finding) => {
      const { word, shape } = LIGHTS[finding.verdict];
      const row = element("div", { className: "measure", title: finding.sentence },
        element("i", { textContent: shape, ariaLabel: word, role: "img" }), element("span", { textContent: finding.check.measured }),
        element("b", { textContent: measured(finding) }), element("small", { textContent: expected(finding.check) }));
      row.dataset.verdict = finding.verdict;
      if (finding.cause) row.append(element("p", { textContent: finding.cause }));
      return row;
    }));
  }
}

/** Name the factor that the VOF is drawn smaller by. @param {Lab} lab */
function showVofFactor(lab) {
  const { vofDivisor, vof } = lab.editor;
  const key = lab.find(".legend .key.vof");
  key.hidden = !vof;
  key.textContent = vofDivisor > 1 ? `VOF ÷${vofDivisor}` : "VOF";
  key.title = vofDivisor > 1 ? `Venous output function: the contrast in a large vein, ${vofDivisor} times as high as it is drawn` : "Venous output function: the contrast in a large vein, on the same axis";
}

/** @param {Lab} lab */
export function installAifQuality(lab) {
  const light = new QualityLight(lab);
  lab.actions.quality = () => light.toggle();
  lab.root.addEventListener("keydown", (event) => { if (event.key === "Escape" && !light.list.hidden) { event.preventDefault(); light.toggle(false); } });
  for (const name of /** @type {const} */ (["config", "case", "edit", "committed", "tuned"])) lab.events.on(name, () => light.update());
  lab.events.on("painted", () => light.countTmax());
  lab.editor.onRescale = () => showVofFactor(lab);
  return { provides: { aifQuality: light } };
}
