// Movable divider over the first slice: left of it one volume is drawn, right of it another.
/** @import { Lab } from "../lab.js" */
import { find } from "../common/dom.js";
import { places } from "./slice_layout.js";

/** Step of each key, as a fraction of a slice's width. @type {Record<string, number>} */
const STEPS = { ArrowLeft: -0.02, ArrowDown: -0.02, ArrowRight: 0.02, ArrowUp: 0.02, PageDown: -0.1, PageUp: 0.1, Home: -1, End: 1 };

export class Divider {
  /** Position as a fraction of a slice's width. */
  position = 0.5;

  /**
   * @param {Lab} lab
   * @param {HTMLElement} node the slider that the template holds
   */
  constructor(lab, node) {
    this.lab = lab;
    this.node = node;
    node.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      node.focus({ preventScroll: true });
      node.setPointerCapture(event.pointerId);
    });
    node.addEventListener("pointermove", (event) => {
      if (node.hasPointerCapture(event.pointerId)) this.#drag(event);
    });
    node.addEventListener("keydown", (event) => this.#onKey(event));
  }

  /** Place the divider over the first slice. */
  layOut() {
    const { map } = this.lab;
    if (this.node.hidden || !this.lab.case) return;
    const first = this.#firstPlace();
    const ratio = map.ratio || 1;
    Object.assign(this.node.style, {
      left: `${(first.x + this.position * first.w) / ratio}px`, top: `${first.y / ratio}px`, height: `${first.h / ratio}px`,
    });
    const percent = Math.round(100 * this.position);
    this.node.setAttribute("aria-valuenow", String(percent));
    this.node.setAttribute("aria-valuetext", `A on ${percent} % of the slice`);
  }

  #firstPlace() { return places(this.lab.values.open, this.lab.view, this.lab.map.canvas)[0]; }

  /** @param {number} position */
  #move(position) {
    this.position = Math.min(Math.max(position, 0), 1);
    this.layOut();
    this.lab.draw();
  }

  /** @param {PointerEvent} event */
  #drag(event) {
    const { canvas } = this.lab.map;
    const bounds = canvas.getBoundingClientRect();
    const first = this.#firstPlace();
    this.#move(((event.clientX - bounds.left) * (canvas.width / bounds.width) - first.x) / first.w);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    this.#move(this.position + step * (event.shiftKey ? 5 : 1));
  }
}

/** Template of the divider. */
export const DIVIDER_HTML = '<div class="divider" role="slider" tabindex="0" aria-label="Divider between A and B" aria-valuemin="0" aria-valuemax="100" hidden><i></i></div>';

/** @param {Lab} lab @param {ParentNode} root */
export const installDivider = (lab, root) => new Divider(lab, find(root, ".divider"));
