// The bar of lecture mode: pages, steps, light or dark, QR code, and the way out; outside lecture mode the buttons in
// the header. Its keys work on the whole page.
/** @import { BarData, Component } from "./types.js" */
import { closest, element, find } from "../../live/frontend/common/dom.js";
import { KeyHelp } from "./key_help.js";
import { actionOf } from "./lecture_keys.js";
import { LinkCode } from "./link_code.js";

const ICONS = {
  lecture: '<path d="M3 4h18v12H3zM12 16v4m-4 1 4-2 4 2"/>',
  light: '<circle cx="12" cy="12" r="4"/><path d="M12 3v2m0 14v2M3 12h2m14 0h2M5.6 5.6 7 7m10 10 1.4 1.4m0-12.8L17 7M7 17l-1.4 1.4"/>',
  dark: '<path d="M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z"/>',
  code: '<path d="M4 4h6v6H4zm10 0h6v6h-6zM4 14h6v6H4zm10 0h2v2h-2zm4 0h2v2h-2zm-4 4h2v2h-2zm4 0h2v2h-2z"/>',
  back: '<path d="m15 5-7 7 7 7"/>',
  next: '<path d="m9 5 7 7-7 7"/>',
  help: '<path d="M8 8.5a4 4 0 1 1 5.5 3.7c-1 .4-1.5 1-1.5 2.3M12 19h.01"/>',
  leave: '<path d="M6 6l12 12M18 6 6 18"/>',
  list: '<path d="M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01"/>',
};
/** @type {(act: string, name: keyof typeof ICONS, label: string, keys?: string) => HTMLButtonElement} */
function button(act, name, label, keys = "") {
  const node = element("button", { type: "button", title: keys ? `${label} (${keys})` : label });
  node.dataset.act = act;
  node.setAttribute("aria-label", label);
  node.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true">${ICONS[name]}</svg>`;
  return node;
}

/** Size of a point of type in lecture mode, as the style sheet of the page has it. @param {number} width @param {number} height of the window */
const scaleOf = (width, height) => Math.max(Math.min(0.001016 * width, 0.001806 * height), 1);

const lightQuery = () => matchMedia("(prefers-color-scheme: light)");

class AppBar {
  /** @type {BarData} */
  data = /** @type {any} */ ({});
  /** @type {Component["setTriggerValue"]} */
  send = () => {};
  #drawn = "";

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.code = new LinkCode(root.getRootNode(), (link) => this.send("link", link));
    this.help = new KeyHelp(root.getRootNode());
    const ended = new AbortController(), { signal } = ended;
    root.addEventListener("click", (event) => this.#act(closest(event, "[data-act]")));
    root.addEventListener("change", (event) => this.#choosePage(/** @type {HTMLSelectElement} */ (event.target)));
    // The keys of a presenter come first: a focused slider would take page up and down. Esc comes last: what is open closes first.
    window.addEventListener("keydown", (event) => this.#key(event, "first"), { capture: true, signal });
    window.addEventListener("keydown", (event) => this.#key(event, "last"), { signal });
    lightQuery().addEventListener("change", () => this.draw(), { signal });
    this.close = () => { ended.abort(); this.code.close(); this.help.close(); };
  }

  /** @param {KeyboardEvent} event @param {"first" | "last"} turn */
  #key(event, turn) {
    const { lecture, steps } = this.data;
    const action = actionOf(event, { lecture, hasSteps: steps !== null });
    if (!action || (action === "next" || action === "back") !== (turn === "first")) return;
    event.preventDefault();
    if (turn === "first") event.stopPropagation();
    if (action === "next" || action === "back") this.send("turn", action === "next" ? 1 : -1);
    else this.do(action);
  }

  /** @param {HTMLElement | null} node */
  #act(node) {
    if (!node) return;
    if (node.dataset.act === "step") this.send("step", node.dataset.step);
    else this.do(node.dataset.act ?? "");
  }

  /** @param {string} act */
  do(act) {
    const { data } = this;
    if (act === "lecture" || act === "leave") this.send("lecture", act === "leave" || data.lecture ? 0 : scaleOf(innerWidth, innerHeight));
    else if (act === "next" || act === "back") this.#turn(act === "next" ? 1 : -1);
    else if (act === "scheme") this.#switchScheme();
    else if (act === "code") this.code.open(data.steps);
    else if (act === "help") this.help.open(data.page);
  }

  /** The next or the previous step, or page where the page has no steps or lists them. @param {1 | -1} by */
  #turn(by) {
    const { steps, pages, page } = this.data;
    if (steps?.title) { this.send("turn", by); return; }
    const next = pages[pages.findIndex(({ path }) => path === page) + by];
    if (next) this.send("page", next.path);
  }

  #switchScheme() {
    window.dispatchEvent(new CustomEvent("aif-lab:scheme", { detail: lightQuery().matches ? "dark" : "light" }));
    this.send("scheme", lightQuery().matches ? "light" : "dark");
  }

  /** @param {HTMLSelectElement} list */
  #choosePage(list) {
    list.blur();
    this.send("page", list.value);
  }

  /** @param {BarData} data */
  update(data) {
    this.data = data;
    this.code.show(data.code);
    this.draw();
  }

  draw() {
    const { root, data } = this, isLight = lightQuery().matches;
    const wanted = JSON.stringify([data.lecture, data.page, data.pages, data.steps, isLight]);
    if (wanted === this.#drawn) return;
    this.#drawn = wanted;
    const { activeElement } = /** @type {ShadowRoot} */ (root.getRootNode());
    const focused = activeElement instanceof HTMLElement ? activeElement.dataset : {};
    root.dataset.lecture = String(data.lecture);
    const scheme = button("scheme", isLight ? "dark" : "light", isLight ? "Dark background" : "Light background");
    if (data.lecture) this.#drawBar(scheme);
    else root.replaceChildren(button("help", "help", "Keys", "?"), button("lecture", "lecture", "Lecture mode", "F"), scheme);
    if (!focused.act) return;
    const again = focused.step ? `[data-step="${focused.step}"]` : `[data-act="${focused.act}"]`;
    /** @type {HTMLElement | null} */ (root.querySelector(again))?.focus();
  }

  /** @param {HTMLElement} scheme */
  #drawBar(scheme) {
    const { root, data: { page, pages, steps, notice } } = this;
    const list = element("select", { title: "Page" });
    list.setAttribute("aria-label", "Page");
    list.append(...pages.map(({ path, title }) => element("option", { value: path, textContent: title, selected: path === page })));
    const at = pages.findIndex(({ path }) => path === page);
    const inSteps = Boolean(steps?.title), what = inSteps ? "step" : "page";
    const back = button("back", "back", `Previous ${what}`, inSteps ? "Page up" : "");
    const next = button("next", "next", `Next ${what}`, inSteps ? "Page down" : "");
    back.disabled = !inSteps && at <= 0;
    next.disabled = !inSteps && at >= pages.length - 1;
    root.replaceChildren(
      list, ...(steps?.title ? this.#steps(steps) : []), back, next, element("small", { className: "notice", textContent: notice }),
      scheme, button("code", "code", "QR code of the link"), button("leave", "leave", "Leave lecture mode", "Esc"),
    );
  }

  /** @param {NonNullable<BarData["steps"]>} steps */
  #steps({ title, labels, current }) {
    const list = button("step", "list", "All lessons");
    list.dataset.step = "";
    const nav = element("nav", {}, ...labels.map(({ id, label }) => {
      const node = element("button", { type: "button", textContent: label });
      Object.assign(node.dataset, { act: "step", step: id });
      if (id === current) node.setAttribute("aria-current", "step");
      return node;
    }));
    nav.setAttribute("aria-label", "Steps");
    return [list, element("h1", { textContent: title, title }), nav];
  }
}

/** @type {WeakMap<HTMLElement, AppBar>} */
const bars = new WeakMap();

/**
 * Called at every run of the page; returns the clean-up for unmounting.
 * @param {Component} component
 */
export function mount({ parentElement, data, setTriggerValue }) {
  const root = find(parentElement, ".app-bar", HTMLElement);
  const bar = bars.get(root) ?? new AppBar(root);
  bars.set(root, bar);
  bar.send = setTriggerValue;
  bar.update(data);
  return () => { bar.close(); bars.delete(root); };
}
