// Light or dark: as the system says, until the button chooses; rooms with a projector differ.
import { readStored, store } from "../../../live/frontend/common/storage.js";

const KEY = "class|theme";

/** @param {HTMLButtonElement} button @param {() => void} onChange */
export function installTheme(button, onChange) {
  const light = matchMedia("(prefers-color-scheme: light)");
  const isLight = () => (readStored(KEY) ?? (light.matches ? "light" : "dark")) === "light";
  const apply = () => {
    document.documentElement.dataset.theme = isLight() ? "light" : "dark";
    button.textContent = isLight() ? "Dark" : "Light";
    button.setAttribute("aria-label", isLight() ? "Dark background" : "Light background");
    onChange();
  };
  light.addEventListener("change", apply);
  button.addEventListener("click", () => { store(KEY, isLight() ? "dark" : "light"); apply(); });
  apply();
}
