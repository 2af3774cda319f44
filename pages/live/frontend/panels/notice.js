// Notice: one sentence that the next edit or a timeout removes; a passing one goes with the next good map, a lasting one with its cause.

const SHOWN_MS = 9000;

export class Notice {
  passing = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {HTMLElement} node */
  constructor(node) {
    this.node = node;
    node.addEventListener("click", () => this.show(""));
  }

  /** @param {string} text empty to hide it @param {{passing?: boolean, lasting?: boolean}} kind `lasting`: it has no timeout */
  show(text, { passing = false, lasting = false } = {}) {
    const { node } = this;
    this.passing = passing;
    if (!text && node.hidden) return;
    node.textContent = text;
    node.hidden = !text;
    clearTimeout(this.#timer);
    if (text && !lasting) this.#timer = setTimeout(() => this.show(""), SHOWN_MS);
  }
}
