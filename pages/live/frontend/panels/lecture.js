// Lecture mode of the Lab: it fills what the page leaves of the window, and what matters stands below the maps. Its styles
// are in styles/lecture.css.
/** @import { Lab } from "../lab.js" */

/** What stands elsewhere in lecture mode: the element, and the element that it then stands in. @type {[string, string][]} */
const MOVED = [["[data-number=dice]", ".lesions"], [".decision", ".slicer"], [".versus", ".slicer"]];

class Lecture {
  #isOn = false;
  /** Puts the moved elements back. */
  #restore = () => {};
  #observer = new ResizeObserver(() => this.#measure());

  /** @param {Lab} lab */
  constructor(lab) {
    this.lab = lab;
  }

  /** @param {boolean} isOn */
  configure(isOn) {
    const { lab } = this;
    this.#observer.disconnect();
    if (isOn) this.#watch();
    if (isOn === this.#isOn) return;
    this.#isOn = isOn;
    lab.root.dataset.lecture = String(isOn);
    if (isOn) this.#move();
    else this.#restore();
    if (lab.case) lab.editor.rescale();
    lab.events.emit("resize");
  }

  #move() {
    const backs = MOVED.map(([selector, place]) => {
      const node = this.lab.find(selector), mark = document.createComment("");
      node.before(mark);
      this.lab.find(place).append(node);
      return () => mark.replaceWith(node);
    });
    this.#restore = () => backs.forEach((back) => back());
  }

  /** Measure again when what stands above the Lab changes its height. */
  #watch() {
    const own = this.#element;
    for (const node of own?.parentElement?.children ?? []) {
      if (node === own) break;
      this.#observer.observe(node);
    }
    this.#measure();
  }

  /** The element of the page that holds the Lab. @returns {Element | null} */
  get #element() {
    const { shadow } = this.lab;
    return shadow instanceof ShadowRoot ? shadow.host.closest('[data-testid="stElementContainer"]') : null;
  }

  /** Tell the styles where the Lab begins. */
  #measure() {
    const { root } = this.lab;
    const scrolled = this.#element?.closest('[data-testid="stMain"]')?.scrollTop ?? 0;
    root.style.setProperty("--top", `${Math.round(root.getBoundingClientRect().top + scrolled)}px`);
  }

  close() { this.#observer.disconnect(); }
}

/** @param {Lab} lab */
export function installLecture(lab) {
  const lecture = new Lecture(lab);
  lab.events.on("config", ({ lecture: isOn = false }) => lecture.configure(isOn));
  return { close() { lecture.close(); } };
}
