// The person in view: the one under the pointer, or the one picked by a click or the arrow keys.

export class PersonPicker {
  /** Participants in the order of the arrow keys. @type {number[]} */
  order = [];
  /** @type {number | null} */
  hovered = null;
  /** @type {number | null} */
  picked = null;
  #onChange;

  /** @param {(what: "hovered" | "picked") => void} onChange a hover comes often: it should highlight, not draw anew */
  constructor(onChange) { this.#onChange = onChange; }

  /** @returns {number | null} */
  get shown() { return this.hovered ?? this.picked; }

  /** A person without an answer is not in view. @param {number[]} order */
  setOrder(order) {
    this.order = order;
    if (this.picked !== null && !order.includes(this.picked)) this.picked = null;
    if (this.hovered !== null && !order.includes(this.hovered)) this.hovered = null;
  }

  /** @param {number | null} id */
  hover(id) {
    if (this.hovered === id) return;
    this.hovered = id;
    this.#onChange("hovered");
  }

  /** @param {number | null} id */
  pick(id) {
    this.hovered = null;
    this.picked = id;
    this.#onChange("picked");
  }

  /** The next person, or the one before; round the ends. @param {1 | -1} by */
  step(by) {
    const n = this.order.length;
    if (!n) return;
    const at = this.picked === null ? (by > 0 ? -1 : n) : this.order.indexOf(this.picked);
    this.pick(this.order[(at + by + n) % n]);
  }
}
