// @ts-nocheck
// The selectors side by side: each is asked for once a case; what it found can be shown, and says why.
import { selectorRow } from "./template.js";

export class Selectors {
  /** @param {{node: Element, onShown: Function, onGoTo: (slice: number) => void}} parts */
  constructor({ node, onShown, onGoTo }) {
    Object.assign(this, { node, onShown, onGoTo, found: new Map(), shown: null });
    node.addEventListener("change", ({ target }) => {
      if (!target.dataset.show) return;
      target.checked ? this.shown.add(target.dataset.show) : this.shown.delete(target.dataset.show);
      onShown();
    });
    node.addEventListener("click", ({ target }) => {
      const one = target.dataset.goto && this.found.get(target.dataset.goto);
      if (one) onGoTo(mainSlice(one.voxels));
    });
  }

  configure(config) {
    if (this.config?.case === config.case) return false;
    this.config = config;
    this.shown ??= new Set([config.shown]);
    this.found = new Map();
    this.node.innerHTML = Object.entries(config.selectors).map(([name, meta]) => selectorRow(name, meta)).join("");
    for (const box of this.node.querySelectorAll("[data-show]")) box.checked = this.shown.has(box.dataset.show);
    return true;
  }

  /** Ask for them one after the other; a case that has been left is not asked further. */
  async seek(server) {
    const key = this.config.case;
    for (const name of Object.keys(this.config.selectors)) {
      let frame;
      try { frame = await server.ask({ kind: "selector", name }); } catch (error) {
        if (error.name === "AbortError") return;
        frame = { found: false, why: error.message, arrays: {} };
      }
      if (this.config.case !== key) return;
      this.receive(name, frame);
    }
  }

  receive(name, frame) {
    const row = this.node.querySelector(`[data-selector="${name}"]`);
    row.dataset.found = frame.found;
    const why = row.querySelector("[data-out=why]");
    why.textContent = [frame.why, ...(frame.reasons ?? [])].join(" ");
    if (!frame.found) { row.querySelector("[data-show]").disabled = true; return; }
    this.found.set(name, { ...frame, ...this.config.selectors[name] });
    const score = row.querySelector("[data-out=score]");
    score.textContent = frame.score === null ? "" : frame.score.toFixed(2);
    score.title = "Score from 0 (useless) to 1: height, timing, width, noise, return and agreement of the curve";
    const go = row.querySelector("[data-goto]");
    go.hidden = !frame.voxels.length;
    go.textContent = `slice ${mainSlice(frame.voxels) + 1}`;
    this.onShown();
  }

  /** What is on the picture and in the chart; the fewest voxels last, so that they lie on top. */
  get visible() {
    return [...this.found.values()].filter(({ name }) => this.shown.has(name)).sort((a, b) => b.voxels.length - a.voxels.length);
  }
}

/** The slice that holds most of the voxels. */
function mainSlice(voxels) {
  const counts = new Map();
  for (const [, , z] of voxels) counts.set(z, (counts.get(z) ?? 0) + 1);
  return [...counts].reduce((a, b) => (b[1] > a[1] ? b : a), [0, 0])[0];
}
