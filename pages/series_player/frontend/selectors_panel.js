// The AIF selectors side by side: each runs once per case; the panel shows the quality of its curve with the causes, and toggles its AIF.
import { element, find, findAll } from "../../live/frontend/common/dom.js";
import { LIGHTS } from "../../live/frontend/curve/aif_quality.js";
import { selectorRow } from "./template.js";

/** @import { FoundAif, FoundFrame, NotFoundFrame, PlayerConfig, Voxel } from "./types.js" */
/** @typedef {import("./slice_cache.js").SliceCache} SliceCache */

export class SelectorsPanel {
  /** Names of the selectors that are shown; null before the first case. @type {Set<string> | null} */
  shown = null;
  /** @type {Map<string, FoundAif>} */
  #found = new Map();
  /** @type {PlayerConfig | null} */
  #config = null;

  /** @param {{node: HTMLElement, onShown: () => void, onGoTo: (slice: number) => void}} options */
  constructor({ node, onShown, onGoTo }) {
    this.node = node;
    this.onShown = onShown;
    node.addEventListener("change", ({ target }) => {
      const { checked, dataset: { show } } = /** @type {HTMLInputElement} */ (target);
      if (!show) return;
      if (checked) this.shown?.add(show);
      else this.shown?.delete(show);
      onShown();
    });
    node.addEventListener("click", ({ target }) => {
      const found = this.#found.get(/** @type {HTMLElement} */ (target).dataset.goto ?? "");
      if (found) onGoTo(mainSlice(found.voxels));
    });
  }

  /** @param {PlayerConfig} config */
  configure(config) {
    if (this.#config?.case === config.case) return;
    this.#config = config;
    this.shown ??= new Set([config.shown]);
    this.#found = new Map();
    this.node.innerHTML = Object.entries(config.selectors).map(([name, info]) => selectorRow(name, info)).join("");
    for (const box of findAll(this.node, "[data-show]", HTMLInputElement)) box.checked = this.shown.has(box.dataset.show ?? "");
  }

  /** Run the selectors one after the other, until another case opens. @param {Pick<SliceCache, "request">} server */
  async runAll(server) {
    const config = this.#config;
    for (const name of Object.keys(config?.selectors ?? {})) {
      let frame;
      try { frame = await server.request({ kind: "selector", name }); } catch (error) {
        const { name: type, message } = /** @type {Error} */ (error);
        if (type === "AbortError") return;
        frame = /** @type {const} */ ({ kind: "selector", case: config?.case ?? "", name, found: false, why: message, arrays: {} });
      }
      if (this.#config?.case !== config?.case) return;
      this.#receive(frame);
    }
  }

  /** @param {FoundFrame | NotFoundFrame} frame */
  #receive(frame) {
    const row = find(this.node, `[data-selector="${frame.name}"]`);
    row.dataset.found = String(frame.found);
    find(row, "[data-out=why]").textContent = "reason" in frame ? `${frame.reason} ${frame.why}`.trim() : frame.why;
    if (!("voxels" in frame)) { find(row, "[data-show]", HTMLInputElement).disabled = true; return; }
    const info = /** @type {PlayerConfig} */ (this.#config).selectors[frame.name];
    this.#found.set(frame.name, { ...frame, ...info });
    const { shape, word } = LIGHTS[frame.verdict];
    const light = find(row, "[data-out=quality]");
    light.title = "AIF quality";
    light.replaceChildren(element("i", { textContent: shape, ariaHidden: "true" }), ` ${word}`);
    light.dataset.verdict = frame.verdict;
    const goTo = find(row, "[data-goto]");
    goTo.hidden = !frame.voxels.length;
    goTo.textContent = `slice ${mainSlice(frame.voxels) + 1}`;
    this.onShown();
  }

  /** AIFs that are shown; the fewest voxels last, so that they are drawn on top. */
  get visible() {
    return [...this.#found.values()].filter(({ name }) => this.shown?.has(name)).sort((a, b) => b.voxels.length - a.voxels.length);
  }
}

/** The slice that holds most of the voxels. @param {Voxel[]} voxels */
export function mainSlice(voxels) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (const [, , z] of voxels) counts.set(z, (counts.get(z) ?? 0) + 1);
  return [...counts].reduce((a, b) => (b[1] > a[1] ? b : a), [0, 0])[0];
}
