// Buttons and keys of the whole Lab: each names one of lab.actions.
/** @import { Lab } from "./lab.js" */
import { closest, inTextField } from "./common/dom.js";

/** @type {Record<string, string>} */
const KEYS = { r: "reset", g: "fit", p: "pick", w: "whole", z: "undo" };

/** @param {Lab} lab */
export function installKeyBindings(lab) {
  function act(/** @type {string} */ name) {
    if (!lab.actions[name]) return;
    lab.editor.finish();
    lab.actions[name]();
  }

  // The last undo disables its button: the focus moves to the button beside it.
  lab.events.on("committed", () => {
    if (!lab.shadow.activeElement?.matches("[data-action]:disabled")) return;
    const next = lab.root.querySelector(":is([data-action=undo], [data-action=redo], [data-action=reset]):enabled");
    /** @type {HTMLElement | null} */ (next)?.focus();
  });
  lab.root.addEventListener("click", (event) => {
    const node = closest(event, "button");
    if (!node || !lab.aif.committed) return;
    if (node.dataset.mode) lab.setMode(node.dataset.mode);
    if (node.dataset.action) act(node.dataset.action);
  });
  lab.root.addEventListener("keydown", (event) => {
    if (!lab.aif.committed) return;
    const key = event.key.toLowerCase();
    const typing = inTextField(event);
    if (event.ctrlKey || event.metaKey) {
      if (typing || (key !== "z" && key !== "y")) return;
      event.preventDefault();
      act(event.shiftKey || key === "y" ? "redo" : "undo");
    } else if (!typing && !event.altKey) {
      if (key === "d") lab.setMode(lab.editor.mode === "draw" ? "points" : "draw");
      else act(KEYS[key]);
    }
  });
}
