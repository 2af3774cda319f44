// Light or dark: as the system says, until the button chooses; rooms with a projector differ. In a frame of the page
// Class the page around it says, and its switch is the only one.
import { readStored, store } from "../../../live/frontend/common/storage.js";

const KEY = "class|theme";

/** @param {HTMLButtonElement} button @param {() => void} onChange */
export function installTheme(button, onChange) {
  const isFramed = parent !== window; // by this server's pages alone: see the policy in pages/classroom/web_pages.py
  const light = parent.matchMedia("(prefers-color-scheme: light)");
  const isLight = () => ((isFramed ? null : readStored(KEY)) ?? (light.matches ? "light" : "dark")) === "light";
  const apply = () => {
    document.documentElement.dataset.theme = isLight() ? "light" : "dark";
    button.textContent = isLight() ? "Dark" : "Light";
    button.setAttribute("aria-label", isLight() ? "Dark background" : "Light background");
    onChange();
  };
  button.hidden = isFramed;
  light.addEventListener("change", apply);
  addEventListener("pagehide", () => light.removeEventListener("change", apply)); // the page around it stays
  button.addEventListener("click", () => { store(KEY, isLight() ? "dark" : "light"); apply(); });
  apply();
}
