// Buttons and keys of the whole Lab: each names one of lab.actions.
/** @import { Lab } from "./lab.js" */
import { closest, inTextField } from "./common/dom.js";

/** @type {Record<string, string>} */
const KEYS = { r: "reset", g: "fit", p: "pick", w: "whole", z: "undo" };

const FIELDS = "input, textarea, select, [contenteditable], [role=slider], [role=combobox], [role=listbox], [role=option], [role=radio], [role=tab], [role=menuitem], dialog *";

/**
 * Keys pressed where no field has the focus go to the map, as if it had the focus; inside the Lab the digits alone, since
 * its controls use the others.
 * @param {Lab} lab
 * @param {KeyboardEvent} event
 */
function forward(lab, event) {
  const path = event.composedPath(), target = /** @type {HTMLElement} */ (path[0]);
  const { canvas } = lab.map, inside = path.includes(lab.root);
  if (event.defaultPrevented || target === canvas || !lab.root.isConnected) return;
  if (inside ? inTextField(event) || !/^[0-9]$/.test(event.key) : target.matches?.(FIELDS)) return;
  if (["Enter", " ", "Tab"].includes(event.key)) return;
  const { key, code, ctrlKey, metaKey, altKey, shiftKey } = event;
  const copy = new KeyboardEvent("keydown", { key, code, ctrlKey, metaKey, altKey, shiftKey, bubbles: true, cancelable: true });
  canvas.dispatchEvent(copy);
  if (copy.defaultPrevented) event.preventDefault();
}

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
  const onKey = (/** @type {KeyboardEvent} */ event) => forward(lab, event);
  document.addEventListener("keydown", onKey);
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
  return { close() { document.removeEventListener("keydown", onKey); } };
}
