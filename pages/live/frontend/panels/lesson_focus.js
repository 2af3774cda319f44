// What the task of a lesson looks at: its maps, the metric to watch, the open handles; and the Lab's height below the task.
/** @import { Lab } from "../lab.js" */
/** @import { ConfigFrame } from "../types.js" */
import { findAll } from "../common/dom.js";

const TOP_BAR_PX = 60; // of the page, which the height rule of the Lab has already left out

class LessonFocus {
  /** Id of the lesson whose view is open. */
  #opened = "";
  /** The maps, their windows and the layout that were in view before. @type {Pick<Lab["view"], "map" | "second" | "two" | "montage" | "windows"> | null} */
  #before = null;
  /** The slice to go to once the case is open. @type {number | null} */
  #slice = null;
  #observer = new ResizeObserver(() => this.#fit());
  #onResize = () => this.#fit();

  /** @param {Lab} lab */
  constructor(lab) { this.lab = lab; }

  /** @param {ConfigFrame} config */
  configure({ focus }) {
    const { lab } = this;
    for (const node of findAll(lab.root, "[data-number]", HTMLElement)) {
      node.classList.toggle("watched", node.dataset.number === focus?.watch);
    }
    if (!focus || focus.id === this.#opened) return;
    this.#opened = focus.id;
    lab.root.dataset.lesson = focus.opens || "maps";
    if (focus.opens === "handles" && lab.find("[data-panel=whole]").hidden) lab.actions.whole();
    const { map, second, two, montage, windows } = lab.view;
    this.#before ??= { map, second, two, montage, windows };
    lab.view.windows = { ...windows, ...focus.windows };
    this.#show(focus.maps);
    this.#slice = focus.slice;
    this.goToSlice();
    const page = document.querySelector("[data-testid=stMainBlockContainer]");
    if (page) this.#observer.observe(page);
    addEventListener("resize", this.#onResize);
    this.#fit();
  }

  goToSlice() {
    if (this.#slice === null || !this.lab.case) return;
    this.lab.goTo(this.#slice);
    this.#slice = null;
  }

  /** @param {[string, string]} maps */
  #show([first, second]) {
    const { lab } = this;
    lab.view.second = second;
    lab.events.emit("map", first);
  }

  /** Leave out of the Lab's height what stands above it, so that all of it is on the screen. */
  #fit() {
    const { root } = this.lab;
    const scrolled = document.querySelector("[data-testid=stMain]")?.scrollTop ?? 0;
    const above = Math.round(root.getBoundingClientRect().top + scrolled - TOP_BAR_PX);
    root.style.setProperty("--above", `${above}px`);
  }

  /** The Lab outside lessons shows the maps that it showed before, in their layout. */
  close() {
    this.#observer.disconnect();
    removeEventListener("resize", this.#onResize);
    if (!this.#before) return;
    Object.assign(this.lab.view, this.#before);
    this.lab.view.store();
  }
}

/** @param {Lab} lab */
export function installLessonFocus(lab) {
  const focus = new LessonFocus(lab);
  lab.events.on("config", (config) => focus.configure(config));
  lab.events.on("case", () => focus.goToSlice());
  return { close() { focus.close(); } };
}
