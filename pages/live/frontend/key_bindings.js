// Buttons and keys of the whole Lab: each names one of lab.actions.

const KEYS = { r: "reset", g: "fit", p: "pick", w: "whole" };

export function commands(lab) {
  function act(name) {
    if (!lab.actions[name]) return;
    lab.editor.finish();
    lab.actions[name]();
  }

  // The last undo puts its button to sleep: whoever pressed it by key goes on from the one beside it.
  lab.bus.on("state", () => {
    if (!lab.shadow.activeElement?.matches("[data-action]:disabled")) return;
    lab.root.querySelector(":is([data-action=undo], [data-action=redo], [data-action=reset]):enabled")?.focus();
  });
  lab.root.addEventListener("click", ({ target }) => {
    const node = target.closest("button");
    if (!node || !lab.state) return;
    if (node.dataset.mode) lab.setMode(node.dataset.mode);
    if (node.dataset.action) act(node.dataset.action);
  });
  lab.root.addEventListener("keydown", (event) => {
    if (!lab.state) return;
    const key = event.key.toLowerCase();
    const typing = event.target.matches?.("input[type=number], input[type=text], textarea, select");
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
