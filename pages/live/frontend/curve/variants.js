// Buttons that morph the curve into a variant of the start AIF; the definition is perfcore/aif/variants.py.
/** @import { Case, Curve, CurveState, VariantInfo, WholeEdit } from "../types.js" */
/** @import { Lab } from "../lab.js" */
import { closest, element, findAll } from "../common/dom.js";
import { editCurve } from "./curve_edits.js";
import { sameCurve } from "./history.js";

const MORPH_MS = 600;

/**
 * The curve of a variant of a case's start AIF; null for the vein where none is known.
 * @param {VariantInfo} variant
 * @param {Pick<Case, "dt"> & {arrays: {start: Curve, vof?: Curve}}} opened
 * @returns {Curve | null}
 */
export function variantCurve({ edit, cut_after_peak_s: after }, { dt, arrays: { start, vof } }) {
  if (!edit) return vof ? Float32Array.from(vof) : null;
  const top = start.reduce((best, value, i) => (value > start[best] ? i : best), 0);
  return Float32Array.from(editCurve(start, dt, { ...edit, cut_s: after === null ? edit.cut_s : top * dt + after }));
}

/** Fraction of the way at a fraction of the time: slow at both ends. @param {number} t */
const eased = (t) => t * t * (3 - 2 * t);

class VariantButtons {
  #frame = 0;
  /** @type {VariantInfo[]} */
  #variants = [];

  /** @param {Lab} lab */
  constructor(lab) {
    this.lab = lab;
    this.row = element("div", { className: "row variants", role: "group", ariaLabel: "Variants of the curve" });
    lab.find("svg.editor").before(this.row);
    this.row.addEventListener("click", (event) => {
      const id = closest(event, "button")?.dataset.variant;
      if (id) this.choose(id);
    });
  }

  /** @param {VariantInfo[]} variants */
  configure(variants) {
    if (this.#variants.length) return;
    this.#variants = variants;
    this.row.append(...variants.map(({ id, label, help }) => {
      const button = element("button", { className: "chip", textContent: label, title: `${help}; again: back to the start (Z: undo)` });
      button.dataset.variant = id;
      button.setAttribute("aria-pressed", "false");
      return button;
    }));
  }

  /** Morph into a variant, or from it back to the start curve. @param {string} id */
  choose(id) {
    const { lab } = this;
    const variant = this.#variants.find((one) => one.id === id);
    if (!lab.case || !variant) return;
    lab.editor.finish();
    const target = variantCurve(variant, lab.case);
    if (!target) { lab.notice("No vein is known in this case: its VOF was not found."); return; }
    const isShown = lab.aif.committed && sameCurve(lab.aif.committed.curve, target);
    this.morph(isShown ? lab.case.arrays.start : target, isShown ? null : variant.effect);
  }

  /**
   * Move the curve in view to another one and commit that.
   * @param {Curve} target
   * @param {string | null} effect
   * @param {CurveState["whole"]} [whole] the handles that make it
   */
  morph(target, effect, whole = null) {
    const { lab } = this;
    cancelAnimationFrame(this.#frame);
    const from = lab.editor.curve.slice(), began = performance.now();
    const commit = () => { lab.aif.commit(target, { voxels: [], effect, whole }); };
    if (matchMedia("(prefers-reduced-motion: reduce)").matches || lab.streaming) { commit(); return; }
    const step = (/** @type {number} */ now) => {
      if (lab.editor.isDragging) return; // the hand has taken the curve
      const t = Math.min(Math.max((now - began) / MORPH_MS, 0), 1);
      if (t === 1) { commit(); return; }
      lab.aif.preview(from.map((value, i) => value + eased(t) * (target[i] - value)), effect);
      this.#frame = requestAnimationFrame(step);
    };
    this.#frame = requestAnimationFrame(step);
  }

  /** Show which variant the committed curve is. */
  show() {
    const { case: opened, aif: { committed } } = this.lab;
    if (!opened || !committed) return;
    for (const node of findAll(this.row, "[data-variant]")) {
      const curve = variantCurve(/** @type {VariantInfo} */ (this.#variants.find(({ id }) => id === node.dataset.variant)), opened);
      node.setAttribute("aria-pressed", String(Boolean(curve && sameCurve(committed.curve, curve))));
    }
  }

  close() { cancelAnimationFrame(this.#frame); }
}

/** The start curve under handles; null without any. @param {Lab} lab @param {Partial<WholeEdit>} handles @returns {CurveState["whole"]} */
const asWhole = (lab, handles) => (Object.keys(handles).length
  ? { base: Float32Array.from(lab.values.open.arrays.start), handles: /** @type {WholeEdit} */ (handles) } : null);

/** @param {Lab} lab */
export function installVariants(lab) {
  const buttons = new VariantButtons(lab);
  lab.events.on("config", ({ variants }) => buttons.configure(variants));
  lab.events.on("committed", () => buttons.show());
  lab.events.on("morph", ({ curve, handles }) => buttons.morph(curve, null, asWhole(lab, handles)));
  return { close() { buttons.close(); } };
}
